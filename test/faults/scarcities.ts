/** What a host may be short of, in steps from too little to enough. */

export interface Scarcity {
  readonly name: string;
  /** The command under the limit. */
  readonly limit: readonly string[];
  /** Options of the tmpfs that the state directory is then. */
  readonly disk?: string;
  /** How many processes the command and what it makes may be. */
  readonly processes?: number;
}

function range(first: number, last: number, step: number): number[] {
  return Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, index) => first + index * step);
}

const KiB = 1024;
const MiB = 1024 * KiB;

export const scarcities: readonly Scarcity[] = [
  ...range(3, 40, 1).map((count) => ({
    name: `${count} descriptors`,
    // The hard limit stays: the configuration sets one of its own.
    limit: ["prlimit", `--nofile=${count}:4096`],
  })),
  // Below this the kernel itself kills the process, in execve.
  ...range(5.5, 10, 0.125).map((size) => ({
    name: `${size} MiB of addresses`,
    limit: ["prlimit", `--as=${size * MiB}`],
  })),
  ...range(24, 192, 8).map((size) => ({ name: `${size} KiB of stack`, limit: ["prlimit", `--stack=${size * KiB}`] })),
  ...range(4, 40, 4).map((size) => ({ name: `${size} KiB for the state`, limit: [], disk: `size=${size}k` })),
  ...range(2, 10, 1).map((count) => ({ name: `${count} inodes for the state`, limit: [], disk: `nr_inodes=${count}` })),
  ...range(1, 4, 1).map((count) => ({ name: `${count} processes`, limit: [], processes: count })),
];
