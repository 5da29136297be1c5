/** Times on the command line as Go programs write them: `5s`, `1m30s`, `1.5h`, `250ms`. */
import { UsageError } from "./args.ts";

const milliseconds: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** @returns milliseconds. @throws UsageError for what is no duration above 0 */
export function parseDuration(option: string, text: string): number {
  const wrong = new UsageError(`--${option}: must be a time above 0 such as 5s or 1m30s, not ${JSON.stringify(text)}`);
  const parts = text.match(/[0-9.]+[a-zµμ]+/g) ?? [];
  if (parts.join("") !== text) throw wrong;
  const total = parts.reduce((sum, part) => {
    const [, number = "", unit = ""] = /^([0-9]+(?:\.[0-9]*)?|\.[0-9]+)([a-zµμ]+)$/.exec(part) ?? [];
    return sum + Number(number || "NaN") * (milliseconds[unit] ?? Number.NaN);
  }, 0);
  if (!(total > 0 && total <= 2 ** 53)) throw wrong;
  return total;
}
