/**
 * state.json: what box keeps of a container between two commands. Facts and what is needed to undo, no third copy of
 * the configuration.
 *
 * What is read is checked again: the file may be damaged, or written by another version.
 */
import { BoxError, within } from "../base/errors.ts";
import { configLimits, parseKept } from "../base/json.ts";
import { clean } from "../base/path.ts";
import type { CgroupDirectory, UnitRecord } from "../cgroups/ops.ts";
import type { CgroupRecord } from "../cgroups/record.ts";
import type { HookOp } from "../hooks/ops.ts";
import type { ResctrlRecord } from "../resctrl/apply.ts";
import type { ListenerOps } from "../seccomp/ops.ts";

/** Raised when a field changes its meaning. Every version that was released stays readable. */
export const recordVersion = 1;

/** One process for ever: a pid is used again, but never with the same start in the same boot. */
export interface ProcessId {
  readonly pid: number;
  /** Clock ticks after boot, proc_pid_stat(5). */
  readonly startTime: string;
  /** The inode of its pidfds, which no other process of that boot has; undefined before Linux 6.9. */
  readonly inode?: string;
}

/**
 * How far the last operation that changes state has come. `starting` is an intent of `start`, `launching` one of `run`, whose
 * init may not even have left the host's files yet: the process itself tells the rest.
 */
export type Phase = "creating" | "created" | "starting" | "launching" | "running";

export interface ContainerRecord {
  readonly version: number;
  readonly id: string;
  readonly ociVersion: string;
  readonly bundle: string;
  readonly rootfs: string;
  readonly annotations: Readonly<Record<string, string>>;
  /** RFC 3339. */
  readonly created: string;
  readonly phase: Phase;
  /** The kernel's boot id: pids of another boot mean nothing. */
  readonly bootId: string;
  /** The command that is changing this container, while it does. */
  readonly owner: ProcessId | null;
  readonly init: ProcessId | null;
  /** Device and inode of the file that init executes until the program replaces it: `8:1:1234`. */
  readonly initFile: string | null;
  readonly cgroup: CgroupRecord | null;
  readonly resctrl: ResctrlRecord | null;
  /** Whether there is a program to start. */
  readonly startable: boolean;
  /** Who is told of calls that the filter wants to be decided elsewhere. */
  readonly listener: ListenerOps | null;
  /** Whether init is the first process of a pid namespace of its own: all others there end with it. */
  readonly ownPidNamespace: boolean;
  /** Whether its processes left the session keyring of whoever made them. */
  readonly newKeyring: boolean;
  /** User id of whoever created it. */
  readonly uid: number;
  /** How its program ended, as an exit status; kept where box was told: by `run --keep`. */
  readonly exitStatus: number | null;
  readonly hooks: { readonly poststart: readonly HookOp[]; readonly poststop: readonly HookOp[] };
}

/** Whether both are of one container, and not of another that has got its id. */
export function isSameContainer(one: ContainerRecord, other: ContainerRecord): boolean {
  const [init, otherInit] = [one.init, other.init];
  return (
    one.bootId === other.bootId &&
    one.created === other.created &&
    init?.pid === otherInit?.pid &&
    init?.startTime === otherInit?.startTime
  );
}

/** A record of what no process is left of. */
export function withoutProcesses(record: ContainerRecord | NewerRecord): ContainerRecord | NewerRecord {
  return "newer" in record ? { ...record, init: null } : { ...record, owner: null, init: null };
}

/** What is understood of a record that a newer box wrote: enough for `kill` and `delete --force`. */
export interface NewerRecord {
  readonly newer: true;
  readonly version: number;
  readonly init: ProcessId | null;
  readonly bootId: string;
  readonly cgroup: CgroupRecord | null;
  readonly resctrl: ResctrlRecord | null;
}

/** Every field is checked: state.json decides what is killed and removed. @throws BoxError for one that is damaged */
export function parseRecord(text: string): ContainerRecord | NewerRecord {
  const fields = new Fields(
    // A number that has been rounded is none that a field takes.
    within("state.json is damaged", () => parseKept(text, configLimits)),
    "state.json",
  );
  const version = fields.number("version");
  const init = fields.nullable("init", processId);
  const cgroup = fields.nullable("cgroup", cgroupRecord);
  const bootId = fields.text("bootId");
  if (version > recordVersion) return { newer: true, version, init, bootId, cgroup, resctrl: resctrlOf(fields) };
  const hooks = fields.object("hooks");
  return {
    version,
    id: fields.text("id"),
    ociVersion: fields.text("ociVersion"),
    bundle: fields.text("bundle"),
    rootfs: fields.text("rootfs"),
    annotations: fields.textMap("annotations"),
    created: fields.text("created"),
    phase: fields.oneOf("phase", ["creating", "created", "starting", "launching", "running"]),
    bootId,
    owner: fields.nullable("owner", processId),
    init,
    initFile: fields.nullable("initFile", (parent, name) => parent.text(name)),
    cgroup,
    resctrl: resctrlOf(fields),
    startable: fields.flag("startable"),
    // Records of older boxes have none: those refused filters.
    listener: fields.has("listener") ? fields.nullable("listener", listenerOps) : null,
    ownPidNamespace: fields.flag("ownPidNamespace"),
    // Records of box 0.1 lack it.
    newKeyring: fields.has("newKeyring") ? fields.flag("newKeyring") : true,
    uid: fields.number("uid"),
    exitStatus: fields.has("exitStatus") ? fields.nullable("exitStatus", (parent, name) => parent.number(name)) : null,
    hooks: { poststart: hooks.list("poststart", hookOp), poststop: hooks.list("poststop", hookOp) },
  };
}

function listenerOps(parent: Fields, name: string): ListenerOps {
  const fields = parent.object(name);
  return { path: fields.text("path"), metadata: fields.text("metadata") };
}

function processId(parent: Fields, name: string): ProcessId {
  const fields = parent.object(name);
  const pid = fields.number("pid");
  if (pid < 1) throw fields.damaged("pid");
  const startTime = fields.text("startTime");
  return fields.has("inode") ? { pid, startTime, inode: fields.text("inode") } : { pid, startTime };
}

function cgroupRecord(parent: Fields, name: string): CgroupRecord {
  const fields = parent.object(name);
  const path = fields.text("path");
  // What is removed later is named here: it must be a path below a hierarchy and nothing else.
  if (path === "/" || path !== clean(path)) throw fields.damaged("path");
  const record = {
    path,
    ownParent: fields.flag("ownParent"),
    directories: fields.list("directories", cgroupDirectory),
  };
  return fields.has("unit") ? { ...record, unit: unitRecord(fields.object("unit")) } : record;
}

function unitRecord(fields: Fields): UnitRecord {
  return { name: fields.text("name"), bus: fields.text("bus") };
}

function cgroupDirectory(fields: Fields): CgroupDirectory {
  const mount = fields.text("mount");
  if (!/^\/sys\/fs\/cgroup(\/[^/]+)?$/.test(mount) || mount.endsWith("/..")) throw fields.damaged("mount");
  const version = fields.number("version");
  if (version !== 1 && version !== 2) throw fields.damaged("version");
  return { mount, version, controllers: fields.texts("controllers") };
}

/** Records from before there were groups of resctrl have none. */
function resctrlOf(fields: Fields): ResctrlRecord | null {
  return fields.has("resctrl") ? fields.nullable("resctrl", resctrlRecord) : null;
}

function resctrlRecord(parent: Fields, name: string): ResctrlRecord {
  const fields = parent.object(name);
  const [mount, group] = [fields.text("mount"), fields.text("group")];
  const monitoring = fields.nullable("monitoring", (each, key) => each.text(key));
  if (mount !== clean(mount)) throw fields.damaged("mount");
  // What is removed later is named here: it must be one directory.
  for (const directory of [group, monitoring ?? ""]) {
    if (directory.includes("/") || directory === "." || directory === "..") throw fields.damaged("group");
  }
  const ownsGroup = fields.flag("ownsGroup");
  if (ownsGroup && group === "") throw fields.damaged("group");
  return { mount, group, ownsGroup, monitoring };
}

function hookOp(fields: Fields): HookOp {
  return {
    where: fields.text("where"),
    path: fields.text("path"),
    args: fields.texts("args"),
    env: fields.texts("env"),
    timeout: fields.has("timeout") ? fields.number("timeout") : undefined,
  };
}

/** Own properties of one object of the file, each read with the type it must have. */
class Fields {
  readonly #value: Readonly<Record<string, unknown>>;
  readonly #where: string;

  constructor(value: unknown, where: string) {
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw new BoxError(`${where} is damaged: not an object`);
    this.#value = value as Record<string, unknown>;
    this.#where = where;
  }

  damaged(name: string): BoxError {
    return new BoxError(`${this.#where} is damaged: ${name} is missing or wrong`);
  }

  // JSON knows no undefined, and no field has the name of something that every object inherits.
  has(name: string): boolean {
    return this.#value[name] !== undefined;
  }

  text(name: string): string {
    const value = this.#value[name];
    if (typeof value !== "string") throw this.damaged(name);
    return value;
  }

  number(name: string): number {
    const value = this.#value[name];
    if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) throw this.damaged(name);
    return value;
  }

  flag(name: string): boolean {
    const value = this.#value[name];
    if (typeof value !== "boolean") throw this.damaged(name);
    return value;
  }

  oneOf<const W extends string>(name: string, words: readonly W[]): W {
    const value = this.#value[name];
    if (!(words as readonly unknown[]).includes(value)) throw this.damaged(name);
    return value as W;
  }

  texts(name: string): readonly string[] {
    const value = this.#value[name];
    if (!Array.isArray(value) || !value.every((item) => typeof item === "string")) throw this.damaged(name);
    return value;
  }

  textMap(name: string): Readonly<Record<string, string>> {
    const value = this.#value[name];
    const isMap =
      typeof value === "object" && value !== null && Object.values(value).every((item) => typeof item === "string");
    if (!isMap) throw this.damaged(name);
    return value as Record<string, string>;
  }

  object(name: string): Fields {
    return new Fields(this.#value[name], `${this.#where}: ${name}`);
  }

  list<T>(name: string, read: (fields: Fields) => T): readonly T[] {
    const value = this.#value[name];
    if (!Array.isArray(value)) throw this.damaged(name);
    return value.map((item, index) => read(new Fields(item, `${this.#where}: ${name}[${index}]`)));
  }

  nullable<T>(name: string, read: (parent: Fields, name: string) => T): T | null {
    return this.#value[name] === null ? null : read(this, name);
  }
}
