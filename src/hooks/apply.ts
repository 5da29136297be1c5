/** Runs hooks: state on stdin, the configured environment and nothing else of ours, killed at their own time-out. */
import { BoxError, messageOf, within } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import { nameProcess, step } from "../base/steps.ts";
import { monotonicMilliseconds } from "../linux/clock.ts";
import { O_RDWR, POLLIN, POLLOUT, SIGKILL } from "../linux/constants.ts";
import { encodeUtf8 } from "../linux/engine.ts";
import { closeAll, type Fd, stdio } from "../linux/fd.ts";
import { closeFrom, dupTo, open, pipe, readSome, setNonblocking, writeSome } from "../linux/file.ts";
import {
  type Child,
  clone3,
  type End,
  type Execution,
  execPath,
  exit,
  killAndReap,
  prepareExecution,
  setParentDeathSignal,
  waitPidfd,
} from "../linux/process.ts";
import { SyscallError } from "../linux/raw.ts";
import { ignoreFailedWrites, resetDispositions, setSignalMask } from "../linux/signal.ts";
import { poll } from "../linux/socket.ts";
import { decodeLossy } from "../linux/text.ts";
import { Descendants } from "./descendants.ts";
import type { HookOp } from "./ops.ts";

/** How much of a failed hook's stderr goes into the error, in bytes. */
const stderrTail = 4096;

/** Where a hook runs. */
export interface HookPlace {
  /** What the hook's process does last before it executes the hook. */
  readonly restrict?: () => void;
  /** On the host side what a hook that takes too long has started ends with it; in the container, with the container. */
  readonly onHost?: boolean;
}

/** Runs hooks in order until one fails. `state` is the container's state as JSON. */
export function runHooks(hooks: readonly HookOp[], state: string, place: HookPlace): void {
  for (const hook of hooks) runHook(hook, state, place);
}

/** Runs one hook. @throws BoxError when it cannot be executed, fails, is killed, or takes longer than it may */
export function runHook(hook: HookOp, state: string, { restrict = () => undefined, onHost }: HookPlace): void {
  within(
    () => `${hook.where} ${quote(hook.path)}`,
    () => {
      step(hook.where);
      using descendants = onHost === true && hook.timeout !== undefined ? new Descendants() : undefined;
      const [hookInput, input] = pipe();
      const [errors, hookErrors] = pipe();
      const execution = prepareExecution(hook.args, hook.env);
      const child = clone3(0);
      if (child === "child") becomeHook(hook, execution, hookInput, hookErrors, restrict);
      closeAll([hookInput, hookErrors]);
      try {
        const stderr = orKill(child, () => converse(hook, child, input, errors, state));
        if (stderr === "timeout") {
          killAndReap(child.pidfd);
          descendants?.end();
          throw new BoxError(`killed: it took longer than its timeout of ${hook.timeout} s`, { errno: "ETIMEDOUT" });
        }
        const end = waitPidfd(child.pidfd, true);
        if (end !== undefined) judge(end, stderr.text);
      } finally {
        closeAll([input, errors, child.pidfd]);
      }
    },
  );
}

/** A hook that cannot be heard does not go on. */
function orKill<T>(child: Child, action: () => T): T {
  try {
    return action();
  } catch (thrown) {
    killAndReap(child.pidfd);
    throw thrown;
  }
}

/** The child's side: stdin is the state, stdout goes nowhere, stderr to the parent. An exec that fails says so there. */
function becomeHook(hook: HookOp, execution: Execution, input: Fd, errors: Fd, restrict: () => void): never {
  nameProcess(hook.where);
  let told = errors;
  try {
    dupTo(errors, stdio.error);
    told = stdio.error;
    const sink = open("cwd", "/dev/null", O_RDWR);
    dupTo(input, stdio.in);
    dupTo(sink, stdio.out);
    closeFrom(3);
    // A hook does not outlive the command that runs it.
    setParentDeathSignal(SIGKILL);
    resetDispositions();
    setSignalMask(0n);
    restrict();
    const errno = execPath(hook.path, execution);
    writeSome(told, encodeUtf8(new SyscallError("execve", errno, hook.path).message));
  } catch (thrown) {
    writeSome(told, encodeUtf8(messageOf(thrown)));
  }
  // The status of shells for what cannot be executed.
  exit(127);
}

/** Feeds the state and collects stderr until the hook ends. Returns stderr's tail; "timeout" when its time is over. */
function converse(
  hook: HookOp,
  child: Child,
  input: Fd,
  errors: Fd,
  state: string,
): { readonly text: string } | "timeout" {
  setNonblocking(input);
  setNonblocking(errors);
  const deadline = hook.timeout === undefined ? undefined : monotonicMilliseconds() + hook.timeout * 1000;
  let rest: Uint8Array | undefined = encodeUtf8(state);
  let stderr = "";
  let hasErrors = true;
  for (;;) {
    const events = poll(
      [
        { fd: child.pidfd, events: POLLIN },
        ...(hasErrors ? [{ fd: errors, events: POLLIN }] : []),
        ...(rest === undefined ? [] : [{ fd: input, events: POLLOUT }]),
      ],
      deadline === undefined ? undefined : Math.max(0, deadline - monotonicMilliseconds()),
    );
    if (events === undefined) return "timeout";
    if (rest !== undefined && events.at(-1) !== 0) {
      rest = writeSome(input, rest);
      if (rest === undefined) {
        // The hook reads to the end of its stdin.
        input.close();
        // SIGPIPE of one that does not read would wait, where signals are blocked, for the program that is to come.
        ignoreFailedWrites();
      }
    }
    if (hasErrors) {
      const bytes = readSome(errors, stderrTail);
      if (bytes !== "again") {
        hasErrors = bytes.length > 0;
        stderr = (stderr + decodeLossy(bytes)).slice(-stderrTail);
      }
    }
    if (events[0] !== 0) return { text: stderr };
  }
}

function judge(end: End, stderr: string): void {
  const said = stderr.trim() === "" ? "" : `: ${stderr.trim().split("\n").join(" / ")}`;
  if ("signal" in end) throw new BoxError(`killed by signal ${end.signal}${said}`);
  if (end.code !== 0) throw new BoxError(`exit status ${end.code}${said}`);
}
