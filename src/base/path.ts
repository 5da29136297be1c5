/** Paths as text: cleaning and joining, no kernel. */

/** The components of a path without empty ones and dots, `..` undone as far as it goes: what `/` plus path means. */
export function components(path: string): string[] {
  const result: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === "..") result.pop();
    else result.push(part);
  }
  return result;
}

/** An absolute path without `.`, `..`, double or final slashes. A relative one is taken from `/`. */
export function clean(path: string): string {
  // Most paths are clean already.
  if (path.startsWith("/") && !path.includes("//") && !path.includes("/.") && (path === "/" || !path.endsWith("/")))
    return path;
  return `/${components(path).join("/")}`;
}

/** `path` as seen from directory `from`, cleaned. */
export function resolve(from: string, path: string): string {
  return clean(path.startsWith("/") ? path : `${from}/${path}`);
}

/** Directory and last component of a path, as for an *at call: `a/b` is ["a", "b"], `b` is [".", "b"]. */
export function split(path: string): readonly [directory: string, name: string] {
  const slash = path.lastIndexOf("/");
  if (slash < 0) return [".", path];
  return [slash === 0 ? "/" : path.slice(0, slash), path.slice(slash + 1)];
}
