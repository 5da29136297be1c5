/**
 * A main of its own, to test the native part from outside: `box-probe TASK [ARGUMENT]… [create]` does one task and prints
 * its result as JSON. (The word `create` makes the process seal itself.)
 */
import * as host from "host";

const WRITE = host.build.arch === "x86_64" ? 1 : 64;
const GETPID = host.build.arch === "x86_64" ? 39 : 172;

function print(value: unknown): void {
  const text = JSON.stringify(value, (_key, field) => (typeof field === "bigint" ? `${field}n` : field));
  const bytes = host.encodeUtf8(`${text}\n`);
  host.syscall(WRITE, 1, bytes, bytes.length);
}

/** What a call returned or threw. */
function outcome(action: () => unknown): unknown {
  try {
    return action();
  } catch (thrown) {
    return String(thrown);
  }
}

function recurse(depth: number): number {
  return recurse(depth + 1) + 1;
}

const tasks: Record<string, () => unknown> = {
  state: () => ({
    argv: host.argv,
    environ: host.environ,
    sealed: host.sealed,
    coreLimit: host.coreLimit,
    callerUmask: host.callerUmask,
    build: host.build,
  }),
  pause: () => {
    print("ready");
    const byte = new Uint8Array(1);
    return host.syscall(host.build.arch === "x86_64" ? 0 : 63, 0, byte, 1);
  },
  lazy: () => {
    const first = host.load("lazy") as { answer: number };
    return [first.answer, host.load("lazy") === first];
  },
  missing: () => outcome(() => host.load("nothing")),
  bad: () => [outcome(() => host.load("bad")), outcome(() => host.load("bad"))],
  pid: () => host.syscall(GETPID),
  throw: () => {
    throw new Error("first line\nsecond line");
  },
  "stack-overflow": () => recurse(0),
  "deep-json": () => JSON.parse("[".repeat(100_000)),
  "deep-stringify": () => {
    let nested: unknown[] = [];
    for (let i = 0; i < 1_000_000; i++) nested = [nested];
    return outcome(() => JSON.stringify(nested).length);
  },
  memory: () => {
    const kept: Uint8Array[] = [];
    for (;;) kept.push(new Uint8Array(1 << 24));
  },
  "status-7": () => 7,
};

export function main(): number {
  const task = tasks[host.argv[1] ?? "state"];
  if (task === undefined) return 2;
  const result = task();
  if (typeof result === "number") return result & 127;
  print(result);
  return 0;
}
