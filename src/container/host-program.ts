/** Programs of the host that box calls, found on the caller's PATH. */
import { BoxError, within } from "../base/errors.ts";
import { O_RDONLY, SIGKILL, X_OK } from "../linux/constants.ts";
import { environ } from "../linux/engine.ts";
import { closeAll, stdio } from "../linux/fd.ts";
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
import { resetDispositions } from "../linux/signal.ts";

const outputLimit = 64 * 1024 * 1024;

/**
 * Runs a program to its end and returns what it has printed; its stderr is ours.
 * @throws BoxError when it is not there or ends with another status than 0
 */
export function outputOf(name: string, args: readonly string[]): Uint8Array {
  const path = find(name);
  const execution = prepareExecution(
    [name, ...args],
    Object.entries(environ).map(([key, value]) => `${key}=${value}`),
  );
  return within(
    () => name,
    () => {
      const [output, input] = pipe();
      const child = clone3(0);
      if (child === "child") become(path, execution, input);
      input.close();
      try {
        const bytes = readAll(output, outputLimit);
        if (bytes === "too long") throw new BoxError(`printed more than ${outputLimit} bytes`);
        const end = waitPidfd(child.pidfd, true);
        const status = end === undefined ? 0 : statusOf(end);
        if (status !== 0) throw new BoxError(`ended with status ${status}`);
        return bytes;
      } finally {
        closeAll([output, child.pidfd]);
      }
    },
  );
}

function find(name: string): string {
  const path = environ["PATH"] ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  const files = path.split(":").map((directory) => `${directory || "."}/${name}`);
  const file = files.find((each) => access("cwd", each, X_OK, 0) === 0);
  if (file === undefined) throw new BoxError(`${name}: no such program on the PATH of this command`);
  return file;
}

function become(path: string, execution: Execution, output: Parameters<typeof dupTo>[0]): never {
  try {
    dupTo(open("cwd", "/dev/null", O_RDONLY), 0);
    dupTo(output, 1);
    closeFrom(3);
    setParentDeathSignal(SIGKILL);
    resetDispositions();
    const errno = execPath(path, execution);
    writeAll(stdio.error, `${new SyscallError("execve", errno, path).message}\n`);
  } catch (thrown) {
    writeAll(stdio.error, `${String(thrown)}\n`);
  }
  exit(127);
}
