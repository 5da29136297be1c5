/**
 * Text of others in one printable line: error messages and logs quote what users wrote, and a line break or a terminal
 * escape in it must not forge a second message.
 */

// C0 and C1 controls, line separators, marks that reorder what is shown, halves of surrogate pairs.
const unprintable =
  /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
const short: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** `text` with everything escaped that is not plainly shown: one line, as it is where nothing is wrong with it. */
export function printable(text: string): string {
  return text.replace(unprintable, (unit) => short[unit] ?? `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** `text` in double quotes, on one line; what is longer than `limit` UTF-16 units is cut and ends in "…". */
export function quote(text: string, limit = 256): string {
  const shown = text.length > limit ? text.slice(0, limit) : text;
  return `"${printable(shown.replace(/["\\]/g, "\\$&"))}${shown === text ? "" : "…"}"`;
}

/** A JSON value in a few words: `"text"`, `5`, `an array`. */
export function describe(value: unknown): string {
  if (typeof value === "string") return quote(value);
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object" && value !== null) return "an object";
  return Object.is(value, -0) ? "-0" : String(value);
}
