/** Text that somebody else has made: a program's name, a file of an image, what a process has printed. */
import { decodeUtf8 } from "host";

const newline = 0x0a;

/**
 * Text of bytes that may be anything. In a line that is not UTF-8 there is a `?` for each byte outside ASCII: whoever wrote
 * it must not keep others from the rest.
 */
export function decodeLossy(bytes: Uint8Array): string {
  return (
    decodeStrictly(bytes) ??
    linesOf(bytes)
      .map((line) => decodeStrictly(line) ?? decodeUtf8(line.map((byte) => (byte < 0x80 ? byte : 0x3f))))
      .join("\n")
  );
}

function decodeStrictly(bytes: Uint8Array): string | undefined {
  try {
    return decodeUtf8(bytes);
  } catch (thrown) {
    if (thrown instanceof TypeError) return undefined;
    throw thrown;
  }
}

function linesOf(bytes: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  for (let start = 0; ; ) {
    const end = bytes.indexOf(newline, start);
    lines.push(bytes.subarray(start, end < 0 ? bytes.length : end));
    if (end < 0) return lines;
    start = end + 1;
  }
}
