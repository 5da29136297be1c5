/** Running programs for the benchmark's own needs. */
import { execFileSync } from "node:child_process";

/** @returns what it wrote to stdout; its errors are shown. @throws when it fails */
export function run(argv: readonly string[], input = ""): string {
  const [program = "", ...args] = argv;
  return execFileSync(program, args, {
    input,
    encoding: "utf8",
    stdio: ["pipe", "pipe", "inherit"],
    maxBuffer: 2 ** 28,
  });
}
