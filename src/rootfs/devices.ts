/** The devices and links that every container has (config.md, "Default Devices"). */
import type { DeviceOp } from "./ops.ts";

function character(name: string, major: number, minor: number): DeviceOp {
  return { path: `/dev/${name}`, type: "char", major, minor, mode: 0o666, uid: 0, gid: 0 };
}

export const defaultDevices: readonly DeviceOp[] = [
  character("null", 1, 3),
  character("zero", 1, 5),
  character("full", 1, 7),
  character("random", 1, 8),
  character("urandom", 1, 9),
  character("tty", 5, 0),
];

/** Links in /dev: [name, target]; made when nothing of that name is there. */
export const defaultLinks: readonly (readonly [name: string, target: string])[] = [
  ["fd", "/proc/self/fd"],
  ["stdin", "/proc/self/fd/0"],
  ["stdout", "/proc/self/fd/1"],
  ["stderr", "/proc/self/fd/2"],
  ["core", "/proc/kcore"],
  ["ptmx", "pts/ptmx"],
];
