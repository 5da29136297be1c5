/** Names of kernel parameters, as config.json and sysctl(8) write them. */

/**
 * The components of a sysctl's path below /proc/sys.
 *
 * The first separator decides: in `net.ipv4.conf.eth0/100.forwarding` it is the dot, and a slash stands for a dot of the
 * name; in `net/ipv4/conf/eth0.100/forwarding` it is the slash, and a dot is a dot.
 *
 * @returns undefined when a component is empty, `.` or `..`.
 */
export function sysctlComponents(key: string): readonly string[] | undefined {
  const slashed = key.search(/[./]/) === key.indexOf("/") && key.includes("/");
  const parts = slashed ? key.split("/") : key.split(".").map((part) => part.replaceAll("/", "."));
  return parts.some((part) => part === "" || part === "." || part === "..") ? undefined : parts;
}
