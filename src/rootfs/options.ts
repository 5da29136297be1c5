/**
 * The vocabulary of mount options: mount(8) and the table of the OCI specification (config.md, "Linux mount options").
 *
 * A word that is not here is data of the file system (`size=64k`, `hidepid=2`).
 */
import type { AccessTime, FlagChange, MountFlag, Propagation } from "./ops.ts";

/** What one word means. */
type Meaning =
  | { readonly flag: MountFlag; readonly on: boolean }
  | { readonly atime: AccessTime }
  | { readonly superblock: string }
  | { readonly propagation: Propagation }
  | { readonly bind: "bind" | "rbind" }
  | { readonly copyUp: true }
  | { readonly ids: "idmap" | "ridmap" }
  | { readonly sourceLink: "bind" | "copy" }
  | { readonly onLink: true }
  /** The kernel's default, or a word without effect for a new mount. */
  | { readonly nothing: true };

/** Words that exist alone and, with an `r` before them, for a whole tree. */
const treeOptions: Readonly<Record<string, Meaning>> = {
  ro: { flag: "ro", on: true },
  rw: { flag: "ro", on: false },
  nosuid: { flag: "nosuid", on: true },
  suid: { flag: "nosuid", on: false },
  nodev: { flag: "nodev", on: true },
  dev: { flag: "nodev", on: false },
  noexec: { flag: "noexec", on: true },
  exec: { flag: "noexec", on: false },
  nosymfollow: { flag: "nosymfollow", on: true },
  symfollow: { flag: "nosymfollow", on: false },
  nodiratime: { flag: "nodiratime", on: true },
  diratime: { flag: "nodiratime", on: false },
  noatime: { atime: "noatime" },
  atime: { atime: "relatime" },
  relatime: { atime: "relatime" },
  norelatime: { atime: "strictatime" },
  strictatime: { atime: "strictatime" },
  nostrictatime: { atime: "relatime" },
};

const otherOptions: Readonly<Record<string, Meaning>> = {
  defaults: { nothing: true },
  remount: { nothing: true },
  async: { nothing: true },
  sync: { superblock: "sync" },
  dirsync: { superblock: "dirsync" },
  lazytime: { superblock: "lazytime" },
  nolazytime: { nothing: true },
  mand: { superblock: "mand" },
  nomand: { nothing: true },
  iversion: { nothing: true },
  noiversion: { nothing: true },
  silent: { nothing: true },
  loud: { nothing: true },
  bind: { bind: "bind" },
  rbind: { bind: "rbind" },
  tmpcopyup: { copyUp: true },
  idmap: { ids: "idmap" },
  ridmap: { ids: "ridmap" },
  "src-nofollow": { sourceLink: "bind" },
  "copy-symlink": { sourceLink: "copy" },
  "dest-nofollow": { onLink: true },
  private: { propagation: { kind: "private", recursive: false } },
  rprivate: { propagation: { kind: "private", recursive: true } },
  shared: { propagation: { kind: "shared", recursive: false } },
  rshared: { propagation: { kind: "shared", recursive: true } },
  slave: { propagation: { kind: "slave", recursive: false } },
  rslave: { propagation: { kind: "slave", recursive: true } },
  unbindable: { propagation: { kind: "unbindable", recursive: false } },
  runbindable: { propagation: { kind: "unbindable", recursive: true } },
};

/** The options of one mount, sorted by what they act on. */
export interface MountOptions {
  readonly flags: FlagChange;
  readonly recursiveFlags: FlagChange;
  readonly propagation: readonly Propagation[];
  readonly bind: "bind" | "rbind" | undefined;
  readonly copyUp: boolean;
  readonly ids: "idmap" | "ridmap" | undefined;
  /** What follows `idmap=`: ranges of crun's writing. */
  readonly ranges: string | undefined;
  readonly sourceLink: "follow" | "bind" | "copy";
  readonly onLink: boolean;
  readonly superblock: readonly string[];
  /** Everything else, in order. */
  readonly data: readonly string[];
}

/** Flags as they are collected: the last word on each counts. */
interface Collected {
  readonly on: Map<MountFlag, boolean>;
  atime?: AccessTime;
}

const noChange: FlagChange = { set: [], clear: [] };

function changeOf({ on, atime }: Collected): FlagChange {
  if (on.size === 0 && atime === undefined) return noChange;
  const set: MountFlag[] = [];
  const clear: MountFlag[] = [];
  for (const [flag, value] of on) (value ? set : clear).push(flag);
  return atime === undefined ? { set, clear } : { set, clear, atime };
}

/** Sorts the words of one mount; of contradicting ones the last counts, as in mount(8). */
export function parseOptions(words: readonly string[]): MountOptions {
  const flags: Collected = { on: new Map() };
  const recursive: Collected = { on: new Map() };
  const result = {
    propagation: [] as Propagation[],
    bind: undefined as "bind" | "rbind" | undefined,
    copyUp: false,
    ids: undefined as MountOptions["ids"],
    ranges: undefined as string | undefined,
    sourceLink: "follow" as MountOptions["sourceLink"],
    onLink: false,
    superblock: [] as string[],
    data: [] as string[],
  };
  for (const word of words) {
    const own = lookup(treeOptions, word) ?? lookup(otherOptions, word);
    const meaning = own ?? (word.startsWith("r") ? lookup(treeOptions, word.slice(1)) : undefined);
    if (meaning === undefined) {
      const inline = word.includes("idmap=") ? /^(r?idmap)=(.*)$/s.exec(word) : null;
      if (inline === null) result.data.push(word);
      else Object.assign(result, { ids: inline[1], ranges: inline[2] });
    } else if ("flag" in meaning) (own === undefined ? recursive : flags).on.set(meaning.flag, meaning.on);
    else if ("atime" in meaning) (own === undefined ? recursive : flags).atime = meaning.atime;
    else if ("propagation" in meaning) result.propagation.push(meaning.propagation);
    else if ("bind" in meaning) result.bind = result.bind === "rbind" ? "rbind" : meaning.bind;
    else if ("superblock" in meaning) result.superblock.push(meaning.superblock);
    else if (!("nothing" in meaning)) Object.assign(result, meaning);
  }
  return { ...result, flags: changeOf(flags), recursiveFlags: changeOf(recursive) };
}

function lookup(table: Readonly<Record<string, Meaning>>, word: string): Meaning | undefined {
  return Object.hasOwn(table, word) ? table[word] : undefined;
}

/** Every word that `features` may list: those that box performs. */
export function knownOptions(): readonly string[] {
  const tree = Object.keys(treeOptions);
  return [...tree, ...tree.map((word) => `r${word}`), ...Object.keys(otherOptions)].sort();
}
