/** The columns of proc_pid_mountinfo(5), for those who look for a mount. */

/** A path as it stands in a column. What would break the columns is written in octal: a space is \040. */
export function unescapePath(column: string): string {
  return column.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
