/** What every command gets: where the containers are, where messages go. */
import type { Log } from "../base/log.ts";
import type { Store } from "../container/store.ts";
import type { CgroupManager } from "../plan/create.ts";
import type { Arguments, CommandTable } from "./args.ts";

export interface Context {
  readonly log: Log;
  readonly store: Store;
  /** Whether the state root was given by the caller. */
  readonly rootGiven: boolean;
  /** Who makes the cgroups of containers. */
  readonly cgroupManager: CgroupManager;
  /** How many descriptors from 3 on the caller has handed down, without a gap: counted before any of ours was opened. */
  readonly inheritedFds: number;
  /** Writes to stdout. */
  readonly print: (text: string | Uint8Array) => void;
}

/** What the module of a command exports. */
export interface Command {
  readonly table: CommandTable;
  /** @returns the exit status */
  readonly run: (args: Arguments, context: Context) => number;
}
