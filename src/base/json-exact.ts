/**
 * A JSON parser that keeps every integer and says where a text is wrong.
 *
 * Slower than JSON.parse, so it runs only when that one would round a number or has refused the text. The caller has
 * bounded the depth: the functions here call each other once a level.
 */
import { BoxError } from "./errors.ts";
import { quote } from "./quote.ts";

/** No 64-bit value needs more characters, and no arithmetic on a longer one can hold up its reader. */
const longestNumber = 400;

// Regular expressions see one number at most: on megabytes of attacker text their backtracking takes memory.
const number = /^-?(?:0|[1-9][0-9]*)(\.[0-9]+)?(?:[eE]([+-]?[0-9]+))?$/;
const numberCharacters = "0123456789+-.eE";
const spaceCharacters = " \t\n\r";

const literals = [
  ["true", true],
  ["false", false],
  ["null", null],
] as const;

/**
 * The value of `text`. Integers that a double cannot hold exactly are bigints; keys are own properties, "__proto__" too.
 *
 * @throws BoxError with line and column.
 */
export function parseExactly(text: string): unknown {
  let at = 0;

  function fail(what: string, where = at): never {
    const before = text.slice(0, where);
    const line = before.split("\n").length;
    throw new BoxError(`invalid JSON at line ${line}, column ${where - before.lastIndexOf("\n")}: ${what}`);
  }

  function unexpected(wanted: string): never {
    const found = text.codePointAt(at);
    if (found === undefined) return fail(`the text ends where ${wanted} should be`);
    return fail(`expected ${wanted}, not ${quote(String.fromCodePoint(found))}`);
  }

  function skipSpace(): void {
    while (at < text.length && spaceCharacters.includes(text.charAt(at))) at++;
  }

  function take(char: string): boolean {
    skipSpace();
    if (text[at] !== char) return false;
    at++;
    return true;
  }

  function value(): unknown {
    skipSpace();
    const char = text[at];
    if (char === "{") return object();
    if (char === "[") return array();
    if (char === '"') return string();
    for (const [word, meaning] of literals) {
      if (text.startsWith(word, at)) {
        at += word.length;
        return meaning;
      }
    }
    return numeral();
  }

  function numeral(): number | bigint {
    const start = at;
    while (at < text.length && numberCharacters.includes(text.charAt(at))) at++;
    if (at === start) return unexpected("a value");
    if (at - start > longestNumber) return fail(`a number of more than ${longestNumber} characters`, start);
    const match = number.exec(text.slice(start, at));
    if (match === null) return fail("a malformed number", start);
    return exactNumber(match[0], match[1], match[2]) ?? fail("a number whose fraction would be rounded away", start);
  }

  function string(): string {
    const end = endOfString(text, at);
    if (end === text.length) return fail("a string without an end");
    const decoded = decodeString(text.slice(at, end + 1));
    if (decoded === undefined) return fail("a string with a control character or an unknown escape");
    at = end + 1;
    return decoded;
  }

  function array(): unknown[] {
    const items: unknown[] = [];
    at++;
    if (take("]")) return items;
    do items.push(value());
    while (take(","));
    return take("]") ? items : unexpected('"," or "]"');
  }

  function object(): object {
    const members = {};
    at++;
    if (take("}")) return members;
    do {
      skipSpace();
      if (text[at] !== '"') unexpected("a property name");
      const key = string();
      if (!take(":")) unexpected('":"');
      // Assignment would call the setter of "__proto__".
      Object.defineProperty(members, key, { value: value(), writable: true, enumerable: true, configurable: true });
    } while (take(","));
    return take("}") ? members : unexpected('"," or "}"');
  }

  const result = value();
  skipSpace();
  return at === text.length ? result : unexpected("the end of the text");
}

function decodeString(token: string): string | undefined {
  if (hasOddEscape(token)) return undefined;
  try {
    return String(JSON.parse(token));
  } catch {
    return undefined;
  }
}

/**
 * Whether a text has an escape that JSON does not have. QuickJS reads those of JavaScript as well, `\x00` and `\u{0}`
 * among them, and any other character for itself.
 */
export function hasOddEscape(text: string): boolean {
  for (let at = text.indexOf("\\"); at >= 0; at = text.indexOf("\\", at + 2)) {
    const char = text.charAt(at + 1);
    if (char === "u" ? !/^[0-9a-fA-F]{4}$/.test(text.slice(at + 2, at + 6)) : !'"\\/bfnrt'.includes(char)) return true;
  }
  return false;
}

/** The number behind a literal; undefined if it has a fraction that a double would round away. */
function exactNumber(literal: string, fraction = "", exponent = "0"): number | bigint | undefined {
  const rounded = Number(literal);
  if (!Number.isInteger(rounded)) return rounded;
  const whole = literal.slice(0, literal.search(/[.eE]|$/));
  const digits = (whole + fraction.slice(1)).replace(/^-?0*/, "");
  if (digits === "") return rounded;
  const significant = digits.replace(/0+$/, "");
  const zeros = Number(exponent) - Math.max(fraction.length - 1, 0) + digits.length - significant.length;
  if (zeros < 0) return undefined;
  if (Number.isSafeInteger(rounded)) return rounded;
  const exact = BigInt(significant + "0".repeat(zeros));
  return literal.startsWith("-") ? -exact : exact;
}

/** The offset of the quote that closes the string at `start`, or the end of the text. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let first = end;
    while (text.charCodeAt(first - 1) === backslash) first--;
    if ((end - first) % 2 === 0) return end;
  }
  return text.length;
}

const backslash = 0x5c;
