/**
 * box with a fault at one chosen call: the entry of build/box-faults, which is never released.
 *
 * `$TMPDIR/fault.json` says which call of which process fails, and how. What every process has called is written to
 * `$TMPDIR/calls`, a file that all of them share as memory: descriptors are closed on the way to the program, and paths
 * lead elsewhere in a container. run.ts holds the other end.
 */
import { address, decodeUtf8, encodeUtf8, environ, syscall } from "host";
import * as NR from "#nr";
import { type Interposer, interpose } from "../../src/linux/raw.ts";
import { main as box } from "../../src/main.ts";
import { callsSize, type Fault, hitMark, regionOf, regionSize } from "./format.ts";

const [AT_FDCWD, O_RDWR, O_CLOEXEC, PROT_READ_WRITE, MAP_SHARED, SIGKILL] = [-100, 2, 0o2000000, 3, 1, 9];

/** Closes that fail have closed all the same: close(2). */
const doneAllTheSame = ["close"];

/** Memory of a file, written by the kernel: the engine has no view of it. */
class SharedFile {
  readonly #start: number;

  constructor(path: string) {
    const fd = syscall("openat", NR.openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
    if (fd < 0) throw new Error(`open ${path}: ${fd}`);
    this.#start = syscall("mmap", NR.mmap, 0, callsSize, PROT_READ_WRITE, MAP_SHARED, fd, 0);
    syscall("close", NR.close, fd);
  }

  write(at: number, text: string): number {
    const bytes = encodeUtf8(text);
    const pair = (start: number): BigUint64Array => new BigUint64Array([BigInt(start), BigInt(bytes.length)]);
    const [local, remote] = [pair(address(bytes)), pair(this.#start + at)];
    return syscall("process_vm_writev", NR.process_vm_writev, syscall("getpid", NR.getpid), local, 1, remote, 1, 0);
  }
}

class Faults {
  readonly fd = undefined;
  readonly #calls: SharedFile;
  readonly #fault: Fault;
  #process = 0;
  #children = 0;
  #next = 0;
  readonly #counts = new Map<string, number>();

  constructor(calls: SharedFile, fault: Fault) {
    this.#calls = calls;
    this.#fault = fault;
    this.#next = regionOf(0);
  }

  end = (): void => {};

  perform: Interposer["perform"] = (name, number, a, b, c, d, e, f) => {
    const count = (this.#counts.get(name) ?? 0) + 1;
    this.#counts.set(name, count);
    this.#record(`${name}\n`);
    const { process, call, nth, errno } = this.#fault;
    if (process === this.#process && call === name && nth === count) {
      this.#calls.write(0, hitMark);
      if (errno === "kill") this.#die();
      else {
        if (doneAllTheSame.includes(name)) syscall(name, number, a, b, c, d, e, f);
        return -errno;
      }
    }
    if (name === "clone3") this.#children++;
    const result = syscall(name, number, a, b, c, d, e, f);
    if (name === "clone3" && result === 0) this.#becomeChild();
    return result;
  };

  #record(line: string): void {
    if (this.#next + line.length > regionOf(this.#process) + regionSize) return;
    this.#calls.write(this.#next, line);
    this.#next += line.length;
  }

  #becomeChild(): void {
    this.#process = this.#process * 8 + this.#children;
    this.#children = 0;
    this.#counts.clear();
    this.#next = regionOf(this.#process);
  }

  /** The first process of a pid namespace is safe from its own signals: it ends by itself. */
  #die(): void {
    syscall("kill", NR.kill, syscall("getpid", NR.getpid), SIGKILL);
    syscall("exit_group", NR.exit_group, 128 + SIGKILL);
  }
}

function readFault(path: string): Fault | undefined {
  const fd = syscall("openat", NR.openat, AT_FDCWD, path, O_CLOEXEC, 0);
  if (fd < 0) return undefined;
  const buffer = new Uint8Array(4096);
  const text = decodeUtf8(buffer.subarray(0, syscall("read", NR.read, fd, buffer, buffer.length)));
  syscall("close", NR.close, fd);
  return JSON.parse(text) as Fault;
}

export function main(): number {
  const place = environ["TMPDIR"];
  const fault = place === undefined ? undefined : readFault(`${place}/fault.json`);
  if (fault !== undefined) interpose(new Faults(new SharedFile(`${place}/calls`), fault));
  return box();
}
