/**
 * The host's /proc, checked to be procfs: what is read for a decision or written must not come from a decoy.
 *
 * For the host side only; init has a procfs of its own (`Proc.private()`), for its /proc belongs to the container.
 */
import { BoxError } from "../base/errors.ts";
import { split } from "../base/path.ts";
import {
  O_DIRECTORY,
  O_PATH,
  O_RDONLY,
  O_WRONLY,
  PROC_SUPER_MAGIC,
  RESOLVE_BENEATH,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
} from "../linux/constants.ts";
import type { Fd } from "../linux/fd.ts";
import { fchdir, fileSystemType, open, openat2, readAll, reopen, tryOpenat2, writeOnce } from "../linux/file.ts";
import { detachBehind, FileSystemContext } from "../linux/mount.ts";
import { perProcess } from "../linux/process.ts";
import { SyscallError } from "../linux/raw.ts";
import { decodeLossy } from "../linux/text.ts";

const beneath = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS;

/** The largest procfs file that is read whole. */
const limit = 16 * 1024 * 1024;

/** A procfs, held open. Paths are relative to it. @throws BoxError where something else is mounted */
export class Proc implements Disposable {
  readonly #fd: Fd;

  constructor(fd: Fd) {
    this.#fd = fd;
    if (fileSystemType(fd, "/proc") !== PROC_SUPER_MAGIC) throw new BoxError("/proc is not procfs", { path: "/proc" });
  }

  /** The mounted /proc of the host. It stays open, and is not to be closed: most commands want it several times. */
  static readonly host = perProcess(() => Proc.#mounted());

  static #mounted(): Proc {
    return new Proc(open("cwd", "/proc", O_PATH | O_DIRECTORY));
  }

  /** A procfs of its own, over which nobody can have mounted anything; the mounted one where the kernel refuses. */
  static private(): Proc {
    try {
      using context = FileSystemContext.open("proc");
      context.create();
      return new Proc(context.mount(0));
    } catch (thrown) {
      if (thrown instanceof SyscallError) return Proc.#mounted();
      throw thrown;
    }
  }

  /** Makes it the working directory. */
  enter(): void {
    fchdir(this.#fd, "/proc");
  }

  /**
   * Text of a file, as in `self/mountinfo`; no link but `self` is followed and no mount is crossed. The kernel hands on what
   * programs call themselves, which may be no UTF-8.
   */
  read(path: string): string {
    using fd = openat2(this.#fd, path, O_RDONLY, beneath);
    return this.#textOf(fd, path);
  }

  /** As `read`, a file that is one line. */
  readLine(path: string): string {
    using fd = openat2(this.#fd, path, O_RDONLY, beneath);
    return this.#textOf(fd, path, true);
  }

  /** As `readLine`, below /proc/sys: in a container that is a mount of its own, read-only, of procfs again. */
  readParameter(name: string): string {
    const path = `sys/${name}`;
    const opened = tryOpenat2(this.#fd, path, O_RDONLY, beneath);
    using fd = typeof opened === "number" ? this.#openAcross(path) : opened;
    return this.#textOf(fd, path, true);
  }

  #openAcross(path: string): Fd {
    const fd = openat2(this.#fd, path, O_RDONLY, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
    if (fileSystemType(fd, path) === PROC_SUPER_MAGIC) return fd;
    fd.close();
    throw new BoxError(`/proc/${path} is not procfs`, { path });
  }

  #textOf(fd: Fd, path: string, shortIsEnd = false): string {
    const bytes = readAll(fd, limit, `/proc/${path}`, shortIsEnd);
    if (bytes === "too long") throw new BoxError(`/proc/${path} is longer than ${limit} bytes`, { path });
    return decodeLossy(bytes);
  }

  /** Opens a namespace, as in `self/ns/time_for_children`: the last component is a link that only procfs can follow. */
  openNamespace(path: string): Fd {
    const [directory, name] = split(path);
    using parent = openat2(this.#fd, directory, O_PATH | O_DIRECTORY, beneath);
    return open(parent, name, O_RDONLY);
  }

  /** Opens a file, for what is to be written later. */
  openToWrite(path: string): Fd {
    return openat2(this.#fd, path, O_WRONLY, beneath);
  }

  /** Opens anew, for other rights, what an O_PATH descriptor stands for. */
  reopen(fd: Fd, flags: number, about: string): Fd {
    return reopen(this.#fd, fd, flags, about);
  }

  /** Writes a file in one call. */
  write(path: string, text: string): void {
    using fd = this.openToWrite(path);
    writeOnce(fd, text, `/proc/${path}`);
  }

  /** Detaches the mount whose root a descriptor stands for, with all that is below it. Changes the working directory. */
  detachMount(mount: Fd): void {
    this.enter();
    detachBehind(mount);
  }

  [Symbol.dispose](): void {
    this.#fd.close();
  }
}

/** What /proc/PID/stat tells of a process; proc_pid_stat(5). */
export interface ProcessStat {
  /** One letter; Z and X stand for a process that has ended. */
  readonly state: string;
  /** Whether it is on its way out: of a pid namespace's first process, while the others are being killed. */
  readonly exiting: boolean;
  /** Clock ticks after boot at which it started: together with the pid this names one process. */
  readonly startTime: string;
  /** Whether it has executed a program since it was made by clone. */
  readonly executed: boolean;
  /** How it has ended, as wait(2) tells it; 0 while it runs, and where we may not know. */
  readonly waitStatus: number;
}

/** The kernel's flags of a process, include/linux/sched.h: "getting shut down", "forked but didn't exec". */
const PF_EXITING = 0x4;
const PF_FORKNOEXEC = 0x40;

/** Parses /proc/PID/stat: the name in brackets may hold anything, so the fields are counted from the last bracket. */
export function parseStat(text: string): ProcessStat | undefined {
  const rest = text.slice(text.lastIndexOf(")") + 2);
  // The 50 fields are cut up to the start time, for few ask how a process has ended.
  const fields = rest.split(" ", 20);
  const [state, flags, startTime] = [fields[0], fields[6], fields[19]];
  if (state === undefined || startTime === undefined) return undefined;
  return {
    state,
    startTime,
    exiting: (Number(flags) & PF_EXITING) !== 0,
    executed: (Number(flags) & PF_FORKNOEXEC) === 0,
    get waitStatus() {
      return Number(rest.split(" ")[49] ?? 0);
    },
  };
}
