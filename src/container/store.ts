/**
 * The state root: a directory a container, mode 0700, with state.json (replaced in one step), config.json as it was read,
 * resources.json once there was an update, init.sock and the lock; `notify` where a service manager is to be told.
 *
 * Readers never lock: they see the old record or the new one. An operation that changes state holds the lock while it
 * looks and writes, never while a hook runs.
 */
import { BoxError, within } from "../base/errors.ts";
import { stringifyJson } from "../base/json.ts";
import { quote } from "../base/quote.ts";
import { writeAtomically } from "../fs/atomic.ts";
import {
  AT_SYMLINK_NOFOLLOW,
  EEXIST,
  EISDIR,
  ELOOP,
  ENOENT,
  ENOTDIR,
  ENOTEMPTY,
  F_OK,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_RDONLY,
  O_RDWR,
  TMPFS_MAGIC,
} from "../linux/constants.ts";
import { geteuid } from "../linux/cred.ts";
import { decodeUtf8, encodeUtf8, load } from "../linux/engine.ts";
import type { Fd } from "../linux/fd.ts";
import {
  access,
  fileSystemType,
  fstat,
  list,
  lock,
  mkdir,
  open,
  openIfThere,
  readAll,
  rmdir,
  unlink,
  writeAll,
} from "../linux/file.ts";
import { isErrno, SyscallError } from "../linux/raw.ts";
import type { Resources } from "../spec/types.ts";
import { idPattern } from "./id.ts";
import { bootId } from "./processes.ts";
import { type ContainerRecord, type NewerRecord, type ProcessId, parseRecord, withoutProcesses } from "./record.ts";

const directoryFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
const maxFile = 16 * 1024 * 1024;

const recordName = "state.json";

/** What a directory can hold before there is a record, besides the lock. */
const ofHalfMade = /^(config\.json|\.state\.json\.\d+~)$/;

/** One container's directory, held open. */
export class Entry implements Disposable {
  readonly id: string;
  readonly directory: Fd;
  readonly #root: Fd;

  constructor(id: string, directory: Fd, root: Fd) {
    this.id = id;
    this.directory = directory;
    this.#root = root;
  }

  /**
   * The record, without processes where it is of another boot: there those pids mean nothing. Undefined when a killed
   * create has not come to write one.
   * @param known what it may be: where it says just that, it need not be checked
   */
  tryRead(known?: ContainerRecord): ContainerRecord | NewerRecord | undefined {
    const text = this.#readFile(recordName);
    if (text === undefined) return undefined;
    if (known !== undefined && text === stringifyJson(known)) return known;
    return within(
      () => `container ${quote(this.id)}`,
      () => this.#ofThisBoot(parseRecord(text)),
    );
  }

  // What is kept in memory is of this boot, and needs no look into /proc.
  #ofThisBoot(record: ContainerRecord | NewerRecord): ContainerRecord | NewerRecord {
    const isOfThisBoot = fileSystemType(this.directory, this.id) === TMPFS_MAGIC || record.bootId === bootId();
    return isOfThisBoot ? record : withoutProcesses(record);
  }

  /** The record of this version of box. @throws BoxError when there is none, or a newer one */
  read(): ContainerRecord {
    const record = this.tryRead();
    if (record === undefined) throw doesNotExist(this.id);
    return requireReadable(record, this.id);
  }

  write(record: ContainerRecord): void {
    const bytes = encodeUtf8(stringifyJson(record));
    // What could not be read back could not be deleted either.
    if (bytes.length > maxFile) throw new BoxError(`state.json would be longer than ${maxFile} bytes`);
    writeAtomically(this.directory, recordName, bytes, 0o600);
  }

  /** Keeps the configuration as it was: later changes in the bundle have no effect. */
  saveConfig(config: Uint8Array): void {
    using file = open(this.directory, "config.json", O_CREAT | O_RDWR | O_NOFOLLOW, 0o600);
    writeAll(file, config, "config.json");
  }

  makeLock(): void {
    open(this.directory, "lock", O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600).close();
  }

  /** The configuration that the container was made from; undefined when it was not kept yet. */
  readConfig(): string | undefined {
    return this.#readFile("config.json");
  }

  /** Takes the lock, waiting for it. @throws BoxError when the container is deleted meanwhile */
  lock(): Fd {
    const file = this.tryLock(true);
    if (file === undefined || file === "held") throw doesNotExist(this.id);
    return file;
  }

  /**
   * As `lock`; undefined when the container is deleted meanwhile, or a killed create has not come to make the lock.
   * Without `wait`, "held" says that another command has it.
   */
  tryLock(wait: boolean): Fd | undefined | "held" {
    const file = this.#openLock();
    if (file === undefined) return undefined;
    if (!lock(file, wait, "lock")) {
      file.close();
      return "held";
    }
    if (fstat(file, "lock").nlink > 0) return file;
    file.close();
    return undefined;
  }

  /** The process that has the lock and stands still. */
  haltedLocker(): ProcessId | undefined {
    using file = this.#openLock();
    if (file === undefined) return undefined;
    const { haltedHolder } = load("container/lock-holder") as typeof import("./lock-holder.ts");
    return haltedHolder(fstat(file, "lock"));
  }

  /** The resources that the last `update` has left; undefined before the first one. */
  readResources(): string | undefined {
    return this.#readFile("resources.json");
  }

  /** Keeps the resources in force in a file of their own: whoever writes the record meanwhile knows nothing of them. */
  writeResources(resources: Resources): void {
    writeAtomically(this.directory, "resources.json", encodeUtf8(stringifyJson(resources)), 0o600);
  }

  #openLock(): Fd | undefined {
    return openIfThere(this.directory, "lock", O_RDWR | O_NOFOLLOW);
  }

  /** Removes the directory with all that is in it, the lock last; what somebody else has removed already is no error. */
  remove(): void {
    this.#remove(() => undefined);
  }

  /**
   * Removes what a killed create has left before it wrote a record.
   * @throws BoxError when there is more: then it is no container's directory, and nothing is removed
   */
  removeHalfMade(): void {
    this.#remove((names) => {
      const other = names.find((name) => !ofHalfMade.test(name));
      if (other !== undefined) throw new BoxError(`not a container's directory: it holds ${quote(other)}`);
    });
  }

  /** Whether it is what a killed create has left before it wrote a record. */
  isHalfMade(): boolean {
    using directory = open(this.directory, ".", directoryFlags);
    return list(directory).every((name) => name === "lock" || ofHalfMade.test(name));
  }

  #remove(check: (names: readonly string[]) => void): void {
    // A creator that has not written its record yet cannot be ended: what it still adds goes as well.
    for (let tries = 0; ; tries++) {
      let hadLock = false;
      ignoreMissing(() => {
        using directory = open(this.directory, ".", directoryFlags);
        const names = list(directory).filter((name) => name !== "lock");
        check(names);
        // The record goes last: a delete that is killed before can be repeated.
        const others = names.filter((name) => name !== recordName);
        for (const name of [...others, recordName]) ignoreMissing(() => remove(directory, name));
        hadLock = ignoreMissing(() => remove(directory, "lock"));
      });
      // Who else has removed all that may have made room for another of the same name.
      if (!hadLock && fstat(this.directory, this.id).nlink === 0) return;
      try {
        ignoreMissing(() => rmdir(this.#root, this.id));
        return;
      } catch (thrown) {
        if (!isErrno(thrown, ENOTEMPTY) || tries === 100) throw thrown;
      }
    }
  }

  #readFile(name: string): string | undefined {
    try {
      using file = open(this.directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
      const bytes = readAll(file, maxFile, name, true);
      if (bytes === "too long") throw new BoxError(`${name} is damaged: longer than ${maxFile} bytes`);
      return decodeUtf8(bytes);
    } catch (thrown) {
      if (isErrno(thrown, ENOENT)) return undefined;
      if (thrown instanceof TypeError) throw new BoxError(`${name} is damaged: not UTF-8`);
      throw thrown;
    }
  }

  [Symbol.dispose](): void {
    this.directory.close();
  }
}

/** Files are all but `notify`, a directory that is bound into the container: what stands there goes as well. */
function remove(parent: Fd, name: string): void {
  try {
    unlink(parent, name);
  } catch (thrown) {
    if (!isErrno(thrown, EISDIR)) throw thrown;
    using directory = open(parent, name, directoryFlags);
    for (const inside of list(directory)) remove(directory, inside);
    rmdir(parent, name);
  }
}

/** @returns whether it was there */
function ignoreMissing(action: () => void): boolean {
  try {
    action();
    return true;
  } catch (thrown) {
    if (!isErrno(thrown, ENOENT)) throw thrown;
    return false;
  }
}

/** @throws BoxError for a record of a newer version: little of it is understood */
export function requireReadable(record: ContainerRecord | NewerRecord, id: string): ContainerRecord {
  if (!("newer" in record)) return record;
  throw new BoxError(
    `container ${quote(id)} was made by a newer box (state version ${record.version}): only kill and delete --force work on it`,
  );
}

/** The error for an id that no container has, in runc's words. */
export function doesNotExist(id: string): BoxError {
  return new BoxError(`container ${quote(id)}: container does not exist`);
}

/** The directory of all containers. */
export class Store implements Disposable {
  readonly path: string;
  #fd: Fd | undefined;

  constructor(path: string) {
    this.path = path;
  }

  /** Opens the state root, made (0700, with its parents) for a container that is to be created. */
  #open(make: boolean): Fd | undefined {
    if (this.#fd !== undefined) return this.#fd;
    const root = within(
      () => `state root ${quote(this.path)}`,
      () => {
        try {
          return open("cwd", this.path, directoryFlags);
        } catch (thrown) {
          if (!isErrno(thrown, ENOENT)) throw thrown;
          if (!make) return undefined;
          makeDirectories(this.path);
          return open("cwd", this.path, directoryFlags);
        }
      },
    );
    if (root === undefined) return undefined;
    this.#fd = root;
    const { uid, mode } = fstat(root, this.path);
    if ((uid !== geteuid() && uid !== 0) || ((mode & 0o022) !== 0 && (mode & 0o1000) === 0)) {
      throw new BoxError(`state root ${quote(this.path)}: others may write to it, or it is another user's`, {
        path: this.path,
      });
    }
    return root;
  }

  /**
   * Opens a directory of box's own beside the containers (no id begins with `~`), made where it is missing; undefined
   * where there is none that only this user can write to.
   */
  cache(name: string): Fd | undefined {
    const root = this.#open(true) as Fd;
    try {
      const directory = openOrMake(root, `~${name}`);
      const { uid, mode } = fstat(directory, name);
      if (uid === geteuid() && (mode & 0o022) === 0) return directory;
      directory.close();
    } catch (thrown) {
      if (!(thrown instanceof SyscallError)) throw thrown;
    }
    return undefined;
  }

  /** Makes a container's directory: of several at once with the same id, one wins. */
  create(id: string): Entry {
    const root = this.#open(true) as Fd;
    try {
      mkdir(root, id, 0o700);
    } catch (thrown) {
      if (!isErrno(thrown, EEXIST)) throw thrown;
      using entry = this.find(id);
      const halfMade = entry?.isHalfMade() === true ? `, half-made: box delete --force ${id} removes it` : "";
      throw new BoxError(`container ${quote(id)}: container with given ID already exists${halfMade}`);
    }
    try {
      const entry = new Entry(id, open(root, id, directoryFlags), root);
      entry.makeLock();
      return entry;
    } catch (thrown) {
      if (isErrno(thrown, ENOENT)) throw doesNotExist(id);
      // Without descriptors or inodes to spare: an empty directory would keep its name taken.
      ignoreMissing(() => rmdir(root, id));
      throw thrown;
    }
  }

  find(id: string): Entry | undefined {
    const root = this.#open(false);
    if (root === undefined) return undefined;
    return within(
      () => `container ${quote(id)}`,
      () => {
        try {
          return this.#openEntry(root, id);
        } catch (thrown) {
          if (isErrno(thrown, ENOENT, ENOTDIR, ELOOP)) return undefined;
          throw thrown;
        }
      },
    );
  }

  #openEntry(root: Fd, id: string): Entry {
    const directory = open(root, id, directoryFlags);
    // In a root like /tmp anybody can make directories; a record names processes to kill and hooks to run.
    const { uid } = fstat(directory, id);
    if (uid === geteuid() || uid === 0) return new Entry(id, directory, root);
    directory.close();
    throw new BoxError("its directory is another user's", { path: `${this.path}/${id}` });
  }

  /** @throws BoxError when there is no such container */
  get(id: string): Entry {
    const entry = this.find(id);
    if (entry === undefined) throw doesNotExist(id);
    return entry;
  }

  /** Ids of all containers, sorted; undefined when the state root is not there. A directory without a lock is none. */
  ids(): string[] | undefined {
    const root = this.#open(false);
    return root === undefined
      ? undefined
      : list(root, this.path)
          .filter((name) => idPattern.test(name) && hasLock(root, name))
          .sort();
  }

  [Symbol.dispose](): void {
    this.#fd?.close();
  }
}

function hasLock(root: Fd, id: string): boolean {
  return access(root, `${id}/lock`, F_OK, AT_SYMLINK_NOFOLLOW) === 0;
}

function openOrMake(parent: Fd, name: string): Fd {
  try {
    return open(parent, name, directoryFlags);
  } catch (thrown) {
    if (!isErrno(thrown, ENOENT)) throw thrown;
  }
  try {
    mkdir(parent, name, 0o700);
  } catch (thrown) {
    if (!isErrno(thrown, EEXIST)) throw thrown;
  }
  return open(parent, name, directoryFlags);
}

/** Others may be making the same directories. */
function makeDirectories(path: string): void {
  const slash = path.lastIndexOf("/");
  try {
    makeDirectory(path);
  } catch (thrown) {
    if (!isErrno(thrown, ENOENT) || slash <= 0) throw thrown;
    makeDirectories(path.slice(0, slash));
    makeDirectory(path);
  }
}

function makeDirectory(path: string): void {
  try {
    mkdir("cwd", path, 0o700);
  } catch (thrown) {
    if (!isErrno(thrown, EEXIST)) throw thrown;
  }
}
