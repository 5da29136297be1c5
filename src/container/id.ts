/** Container ids: a directory name, a cgroup name, and text that is printed. */
import { BoxError } from "../base/errors.ts";
import { quote } from "../base/quote.ts";

const maxLength = 255;

/** What an id is made of. */
export const idPattern = /^[A-Za-z0-9_+.-]+$/;

/** Refuses what is no id: letters, digits, `_+-.`, not `.` or `..`, 1 to 255 bytes. */
export function checkId(id: string): string {
  if (id === "") throw new BoxError("container id cannot be empty");
  if (!idPattern.test(id) || id === "." || id === "..") {
    throw new BoxError(
      `invalid container ID format: ${quote(id.slice(0, maxLength))} (letters, digits and _ + - . are allowed, "." and ".." are not)`,
    );
  }
  if (id.length > maxLength)
    throw new BoxError(`invalid container ID format: ${id.length} bytes, at most ${maxLength} are allowed`);
  return id;
}
