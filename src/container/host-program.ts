/** Programs of the host that box calls: found on the caller's PATH (`outputOf`) or in the system's directories (`runHelper`). */
import { BoxError, within } from "../base/errors.ts";
import { systemProgram } from "../fs/system-programs.ts";
import { O_RDONLY, SIGKILL, X_OK } from "../linux/constants.ts";
import { environ } from "../linux/engine.ts";
import { closeAll, type Fd, stdio } from "../linux/fd.ts";
import { access, closeFrom, dupTo, open, pipe, readAll, writeAll } from "../linux/file.ts";
import {
  clone3,
  type Execution,
  execPath,
  exit,
  prepareExecution,
  setParentDeathSignal,
  statusOf,
  waitPidfd,
} from "../linux/process.ts";
import { SyscallError } from "../linux/raw.ts";
import { resetDispositions, setSignalMask } from "../linux/signal.ts";
import { decodeLossy } from "../linux/text.ts";

const outputLimit = 64 * 1024 * 1024;

/**
 * Runs a program of the caller's PATH to its end and returns what it has printed; its stderr is ours.
 * @throws BoxError when it is not there or ends with another status than 0
 */
export function outputOf(name: string, args: readonly string[]): Uint8Array {
  return within(
    () => name,
    () => {
      const { output, status } = run(find(name), [name, ...args], "ours");
      if (status !== 0) throw new BoxError(`ended with status ${status}`);
      return output;
    },
  );
}

/**
 * Runs a program of the system that has a privilege of its own.
 * @throws BoxError with what it has said when it is not there or ends with another status than 0
 */
export function runHelper(name: string, args: readonly string[]): void {
  within(
    () => name,
    () => {
      const path = systemProgram(name);
      if (path === undefined)
        throw new BoxError("no such program (ENOENT)", { errno: "ENOENT", hint: "box doctor tells what to install" });
      const { output, status } = run(path, [name, ...args], "printed");
      if (status === 0) return;
      const said = decodeLossy(output).trim().split("\n").join(" / ");
      throw new BoxError(said === "" ? `ended with status ${status}` : said.replace(`${name}: `, ""));
    },
  );
}

interface Ended {
  readonly output: Uint8Array;
  readonly status: number;
}

/** @param errors where its stderr goes: to ours, or among what it prints */
function run(path: string, args: readonly string[], errors: "ours" | "printed"): Ended {
  const execution = prepareExecution(
    args,
    Object.entries(environ).map(([key, value]) => `${key}=${value}`),
  );
  const [output, input] = pipe();
  const child = clone3(0);
  if (child === "child") become(path, execution, input, errors);
  input.close();
  try {
    const bytes = readAll(output, outputLimit);
    if (bytes === "too long") throw new BoxError(`printed more than ${outputLimit} bytes`);
    const end = waitPidfd(child.pidfd, true);
    return { output: bytes, status: end === undefined ? 0 : statusOf(end) };
  } finally {
    closeAll([output, child.pidfd]);
  }
}

function isExecutable(path: string): boolean {
  return access("cwd", path, X_OK, 0) === 0;
}

function find(name: string): string {
  const path = environ["PATH"] ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  const files = path.split(":").map((directory) => `${directory || "."}/${name}`);
  const file = files.find(isExecutable);
  if (file === undefined) throw new BoxError(`${name}: no such program on the PATH of this command`);
  return file;
}

function become(path: string, execution: Execution, output: Fd, errors: "ours" | "printed"): never {
  try {
    if (errors === "printed") dupTo(output, stdio.error);
    dupTo(open("cwd", "/dev/null", O_RDONLY), stdio.in);
    dupTo(output, stdio.out);
    closeFrom(3);
    setParentDeathSignal(SIGKILL);
    resetDispositions();
    // Below `run` in the foreground all are blocked.
    setSignalMask(0n);
    const errno = execPath(path, execution);
    writeAll(stdio.error, `${new SyscallError("execve", errno, path).message}\n`);
  } catch (thrown) {
    writeAll(stdio.error, `${String(thrown)}\n`);
  }
  exit(127);
}
