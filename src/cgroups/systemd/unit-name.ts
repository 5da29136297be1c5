/** Names of systemd's units: systemd.unit(5), systemd.slice(5). Pure. */
import { BoxError } from "../../base/errors.ts";
import { quote } from "../../base/quote.ts";

/** NAME_MAX of a unit, its suffix included. */
const maxLength = 255;

/** What a unit's name may consist of; "@" would make it an instance of a template. */
const plain = /^[A-Za-z0-9:_.\\-]*$/;

/** Dashes separate the slices that are in one another; the root one is called by a dash alone. */
const sliceName = /^(-|[A-Za-z0-9:_.\\]+(-[A-Za-z0-9:_.\\]+)*)\.slice$/;

/** Where a container lives and what its scope is called. */
export interface ScopeName {
  /** `machine.slice` */
  readonly slice: string;
  /** `libpod-web.scope` */
  readonly scope: string;
}

/**
 * Reads a `cgroupsPath` of the form `slice:prefix:name`; an empty slice is the manager's default, with an empty prefix
 * the name stands alone.
 * @throws BoxError saying which part is wrong
 */
export function parseScopePath(path: string, defaultSlice: string): ScopeName {
  const [slice = "", prefix = "", name = "", ...more] = path.split(":");
  if (path.split(":").length < 3 || more.length > 0)
    throw new BoxError(`must be slice:prefix:name for the systemd driver, not ${quote(path)}`);
  if (name === "") throw new BoxError(`${quote(path)} has no name`);
  return { slice: checkSlice(slice === "" ? defaultSlice : slice), scope: scopeName(prefix, name) };
}

/** The name of a scope: `PREFIX-NAME.scope`. What a unit's name may not have is escaped as systemd does (`\x2b`). */
export function scopeName(prefix: string, name: string): string {
  const scope = `${escaped(prefix === "" ? name : `${prefix}-${name}`)}.scope`;
  if (scope.length > maxLength)
    throw new BoxError(`the unit name ${quote(scope, 80)} is longer than ${maxLength} bytes`);
  return scope;
}

function escaped(text: string): string {
  if (plain.test(text)) return text;
  if (!/^[ -.0-~]*$/.test(text)) throw new BoxError(`${quote(text)} cannot be part of a unit's name`);
  return text.replace(/[^A-Za-z0-9:_.\\-]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

function checkSlice(slice: string): string {
  if (!sliceName.test(slice) || slice.length > maxLength)
    throw new BoxError(`${quote(slice)} is not the name of a slice`);
  return slice;
}

/** The cgroup of a slice below its manager's: `/a.slice/a-b.slice` for `a-b.slice`, nothing for the root one. */
export function slicePath(slice: string): string {
  if (slice === "-.slice") return "";
  const parts = slice.slice(0, -".slice".length).split("-");
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join("-")}.slice`).join("");
}
