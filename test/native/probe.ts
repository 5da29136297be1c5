/**
 * A main of its own, to test the native part from outside: `box-probe TASK [ARGUMENT]…` does one task and prints its
 * result as JSON. (A further argument `create` makes the process seal itself.)
 */
import * as host from "host";
import { compileSeccomp, installFilter, type SeccompProfile, type SeccompRule } from "../../src/linux/seccomp.ts";

const isX86 = host.build.arch === "x86_64";
const NR = {
  read: isX86 ? 0 : 63,
  write: isX86 ? 1 : 64,
  close: isX86 ? 3 : 57,
  lseek: isX86 ? 8 : 62,
  getpid: isX86 ? 39 : 172,
  fcntl: isX86 ? 72 : 25,
  openat: isX86 ? 257 : 56,
  readlinkat: isX86 ? 267 : 78,
  ioctl: isX86 ? 16 : 29,
  socket: isX86 ? 41 : 198,
  setns: isX86 ? 308 : 268,
  memfdCreate: isX86 ? 319 : 279,
  statx: isX86 ? 332 : 291,
  epollCtl: isX86 ? 233 : 21,
  epollPwait: isX86 ? 281 : 22,
  epollCreate1: isX86 ? 291 : 20,
};

function print(value: unknown): void {
  const text = JSON.stringify(value, (_key, field) => (typeof field === "bigint" ? `${field}n` : field));
  const bytes = host.encodeUtf8(`${text}\n`);
  host.syscall("write", NR.write, 1, bytes, bytes.length);
}

/** What a call returned or threw. */
function outcome(action: () => unknown): unknown {
  try {
    return action();
  } catch (thrown) {
    return String(thrown);
  }
}

function linkOf(path: string): string {
  const target = new Uint8Array(256);
  return host.decodeUtf8(
    target.subarray(0, host.syscall("readlinkat", NR.readlinkat, -100, path, target, target.length)),
  );
}

/** How many directories a directory holds: its links but for its own name and its dot. */
function linkCount(path: string): number {
  const stat = new Uint8Array(256);
  host.syscall("statx", NR.statx, -100, path, 0, 0x4, stat);
  return new DataView(stat.buffer).getUint32(16, true) - 2;
}

/** SIOCGIFFLAGS: netdevice(7). */
function loopbackIsUp(): boolean {
  const request = new Uint8Array(40);
  request.set(host.encodeUtf8("lo"));
  host.syscall("ioctl", NR.ioctl, host.syscall("socket", NR.socket, 2, 2, 0), 0x8913, request);
  return new DataView(request.buffer).getInt16(16, true) % 2 === 1;
}

/** A filter that forbids exit_group is installed: prctl(2) with PR_SET_NO_NEW_PRIVS, seccomp(2). */
function forbidExit(): void {
  const { program } = compileSeccomp({
    defaultAction: ALLOW,
    architectures: [],
    attributes: [],
    rules: [
      { name: "exit_group", action: ERRNO_EPERM, args: [] },
      { name: "exit", action: ERRNO_EPERM, args: [] },
    ],
  }) as { program: Uint8Array };
  host.syscall("prctl", isX86 ? 157 : 167, 38, 1, 0, 0, 0);
  installFilter(program, 0);
}

function recurse(depth: number): number {
  return recurse(depth + 1) + 1;
}

const number = host.syscall as (...args: unknown[]) => number;

/** Every argument here must be refused, before anything is called: a write would show in the output. */
const refused: readonly unknown[][] = [
  [],
  ["1"],
  [undefined],
  [0.5],
  [NR.getpid, 0.5],
  [NR.getpid, Number.NaN],
  [NR.getpid, Number.POSITIVE_INFINITY],
  [NR.getpid, 2 ** 53],
  [NR.getpid, -(2 ** 53)],
  [NR.getpid, 2n ** 64n],
  [NR.getpid, -(2n ** 63n) - 1n],
  [NR.getpid, undefined, 0],
  [NR.getpid, true],
  [NR.getpid, {}],
  [NR.getpid, []],
  [NR.getpid, Symbol.iterator],
  [NR.getpid, { buffer: 1, byteOffset: 2, byteLength: 3 }],
  [NR.getpid, new ArrayBuffer(8)],
  [NR.getpid, new DataView(new ArrayBuffer(8))],
  [NR.write, 1, "a\0b", 3],
  [NR.write, 1, "\ud800", 3],
  [NR.write, 1, "a\udc00b", 3],
  [NR.write, 1, "good", 4, "\0"],
  [NR.getpid, 1, 2, 3, 4, 5, 6, 7],
];

const accepted: readonly unknown[][] = [
  [NR.getpid, 2 ** 53 - 1],
  [NR.getpid, -(2 ** 53) + 1],
  [NR.getpid, -0],
  [NR.getpid, 2n ** 64n - 1n],
  [NR.getpid, -(2n ** 63n)],
  [NR.getpid, null, "", "ä€😀", new Uint8Array(0), new Uint8Array(8).subarray(8)],
  [NR.getpid, 0, undefined, undefined],
];

function views(): unknown {
  const bytes = host.encodeUtf8("0123456789abcdef");
  const { buffer } = bytes;
  const same = new Uint8Array(buffer, 4, 4);
  const all: host.Bytes[] = [
    bytes,
    same,
    bytes.subarray(10),
    new Uint8ClampedArray(buffer, 1),
    new Int8Array(buffer, 1),
    new Uint16Array(buffer, 2),
    new Int32Array(buffer, 4, 1),
    new BigUint64Array(buffer, 8),
    new Float64Array(buffer, 8),
  ];
  return all.map((view) => [host.address(view) - host.address(bytes), host.decodeUtf8(view)]);
}

/** A 64-bit value that the kernel gives back: the offset of a file. */
function offsets(): unknown {
  const fd = host.syscall("memfdCreate", NR.memfdCreate, "probe", 0);
  return [5, 2 ** 40 + 1, 2n ** 40n + 1n, 2n ** 52n + 1n, -1, 2n ** 64n - 1n].map((offset) =>
    host.syscall("lseek", NR.lseek, fd, offset, 0),
  );
}

const notUtf8 = [
  [0x80],
  [0xbf],
  [0xc0, 0x80],
  [0xc1, 0xbf],
  [0xc3],
  [0xc3, 0x28],
  [0xe0, 0x9f, 0xbf],
  [0xe2, 0x82],
  [0xe2, 0x28, 0xa1],
  [0xed, 0xa0, 0x80],
  [0xed, 0xbf, 0xbf],
  [0xf0, 0x8f, 0xbf, 0xbf],
  [0xf0, 0x9f, 0x98],
  [0xf4, 0x90, 0x80, 0x80],
  [0xf5, 0x80, 0x80, 0x80],
  [0xff],
  [0x61, 0xfe],
];
const texts = ["", "a", "\0", "a\0b", "é", "\u07ff\u0800\ud7ff\ue000\uffff", "\u{10000}\u{10ffff}", "😀".repeat(1000)];

function utf8(): unknown {
  return {
    roundTrip: texts.filter((text) => host.decodeUtf8(host.encodeUtf8(text)) !== text),
    lengths: texts.map((text) => host.encodeUtf8(text).length),
    surrogates: ["\ud800", "a\udfff", "\udc00\ud800"].map((text) => outcome(() => host.encodeUtf8(text))),
    notUtf8: notUtf8.filter(
      (bytes) => !String(outcome(() => host.decodeUtf8(new Uint8Array(bytes)))).includes("Error"),
    ),
  };
}

const ALLOW = 0x7fff0000;
const ERRNO_EPERM = 0x00050001;

/** Instructions of the program, or what failed. */
function compile(profile: Partial<SeccompProfile>): unknown {
  const empty: SeccompProfile = { defaultAction: ALLOW, architectures: [], attributes: [], rules: [] };
  return outcome(() => {
    const result = compileSeccomp({ ...empty, ...profile });
    return "program" in result
      ? [result.program.byteLength % 8, result.program.byteLength > 0, result.unknown]
      : result;
  });
}

function seccomp(): unknown {
  const rule = (name: string, args: SeccompRule["args"] = []) => ({ name, action: ERRNO_EPERM, args });
  return {
    empty: compile({}),
    rules: compile({
      architectures: ["x86_64", "x86", "x32", "aarch64", "x86"],
      attributes: [[3, 1]],
      rules: [
        rule("mkdir"),
        rule("no_such_call"),
        rule("socket", [[0, 4, 16n, 0n]]),
        rule("personality", [[0, 7, 2n ** 64n - 1n, 8n]]),
      ],
    }),
    architecture: compile({ architectures: ["pdp11"] }),
    attribute: compile({ attributes: [[99, 1]] }),
    defaultAction: compile({ defaultAction: 1 }),
    action: compile({ rules: [{ ...rule("mkdir"), action: ALLOW }] }),
    argument: compile({ rules: [rule("mkdir", [[6, 4, 0n, 0n]])] }),
    surrogate: compile({ rules: [rule("\ud800")] }),
    fraction: compile({ rules: [{ ...rule("mkdir"), action: 1.5 }] }),
    negative: compile({ defaultAction: -1 }),
    wide: compile({ defaultAction: 2 ** 32 }),
    tooMany: compile({ rules: [rule("mkdir", Array(7).fill([0, 4, 0n, 0n]))] }),
    missing: outcome(() => compileSeccomp({} as SeccompProfile)),
  };
}

/** For each of the first descriptors: closed, or its close-on-exec flag. */
function descriptors(): unknown {
  return Array.from({ length: 8 }, (_, fd) => host.syscall("fcntl", NR.fcntl, fd, 1));
}

/** What a module gets that asks before main() is called, perhaps while the build writes an image. */
const early = [() => host.syscall("getpid", NR.getpid), () => host.argv].map(outcome);

const tasks: Record<string, () => unknown> = {
  early: () => early,
  maps: () => {
    const fd = host.syscall("openat", NR.openat, -100, "/proc/self/maps", 0);
    const text = new Uint8Array(1 << 15);
    return host.decodeUtf8(text.subarray(0, host.syscall("read", NR.read, fd, text, text.length)));
  },
  state: () => ({
    argv: host.argv,
    environ: host.environ,
    sealed: host.sealed,
    coreLimit: host.coreLimit,
    callerUmask: host.callerUmask,
    build: host.build,
  }),
  where: () => {
    const path = new Uint8Array(4096);
    const length = host.syscall("readlinkat", NR.readlinkat, -100, "/proc/self/exe", path, path.length);
    const [running, named] = ["/proc/self/exe", host.argv[0] ?? ""].map((file) => {
      const answer = new Uint8Array(256);
      host.syscall("statx", NR.statx, -100, file, 0, 0, answer);
      return new DataView(answer.buffer).getBigUint64(136, true);
    });
    return [host.sealed && running !== named, host.decodeUtf8(path.subarray(0, length))];
  },
  /** Whether less of the process is in memory in a call before which it was to rest. */
  resting: () => {
    const fd = host.syscall("openat", NR.openat, -100, "/proc/self/smaps_rollup", 0);
    const resident = (prepare: () => void): number => {
      const text = new Uint8Array(4096);
      host.syscall("lseek", NR.lseek, fd, 0, 0);
      prepare();
      const length = host.syscall("read", NR.read, fd, text, text.length);
      return Number(/^Rss: +(\d+) kB$/m.exec(host.decodeUtf8(text.subarray(0, length)))?.[1]);
    };
    const before = resident(() => undefined);
    const resting = resident(() => host.restInNextCall());
    return [resting < before, resting < resident(() => undefined)];
  },
  pause: () => {
    print("ready");
    return host.syscall("read", NR.read, 0, new Uint8Array(1), 1);
  },
  /** What a wait for standard input gives, which the kernel breaks off when the process is stopped: signal(7). */
  interrupted: () => {
    const epoll = host.syscall("epoll_create1", NR.epollCreate1, 0);
    const event = new Uint8Array(16);
    event[0] = 1;
    host.syscall("epoll_ctl", NR.epollCtl, epoll, 1, 0, event);
    print(NR.epollPwait);
    return [host.syscall("epoll_pwait", NR.epollPwait, epoll, event, 1, -1, null, 8)];
  },
  refused: () => refused.map((args) => outcome(() => number("call", ...args))),
  accepted: () => {
    const pid = host.syscall("getpid", NR.getpid);
    return accepted.map((args) => outcome(() => number("call", ...args)) === pid);
  },
  views,
  offsets,
  errno: () => [
    host.syscall("close", NR.close, -1),
    host.syscall("openat", NR.openat, -100, "/nonexistent/ä", 0),
    host.syscall("none", 100_000),
  ],
  utf8,
  sha256: () =>
    [0, 1, 55, 56, 63, 64, 65, 119, 120, 1000].map((length) =>
      Array.from(host.sha256(Uint8Array.from({ length }, (_, index) => index)), (byte) =>
        byte.toString(16).padStart(2, "0"),
      ).join(""),
    ),
  /** Lengths at which a text is not what it was after it was copied to bytes, in bytes, and back. */
  copies: () => {
    const text = Array.from({ length: 600 }, (_, index) => String.fromCharCode(33 + (index % 90))).join("");
    return Array.from(text, (_, length) => length).filter((length) => {
      const bytes = host.encodeUtf8(text.slice(0, length));
      const wrong = bytes.findIndex((byte, index) => byte !== text.charCodeAt(index));
      return wrong >= 0 || bytes.length !== length || host.decodeUtf8(bytes) !== text.slice(0, length);
    });
  },
  /** The network namespace of this process before and after one was made beside it, that one, and the flags of its loopback. */
  network: () => {
    const before = linkOf("/proc/self/ns/net");
    host.beginNetwork();
    const fd = host.takeNetwork();
    if (fd < 0) return [fd];
    const [made, own, tasks] = [
      linkOf(`/proc/self/fd/${fd}`),
      linkOf("/proc/self/ns/net"),
      linkCount("/proc/self/task"),
    ];
    host.syscall("setns", NR.setns, fd, 0x40000000);
    return { isNew: made !== before, isElsewhere: own === before, threads: tasks, isUp: loopbackIsUp() };
  },
  /** What there is to take where nothing was begun. */
  nothing: () => [host.takeNetwork()],
  unending: () => {
    forbidExit();
    return host.syscall("exit_group", isX86 ? 231 : 94, 5);
  },
  "unending-error": () => {
    forbidExit();
    throw new Error("the last words");
  },
  "unending-main": () => {
    forbidExit();
    return 0;
  },
  seccomp,
  descriptors,
  lazy: () => {
    const first = host.load("lazy") as { answer: number };
    return [first.answer, host.load("lazy") === first];
  },
  missing: () => ["nothing", "x".repeat(1000), "\ud800"].map((name) => outcome(() => host.load(name))),
  bad: () => [outcome(() => host.load("bad")), outcome(() => host.load("bad"))],
  throw: () => {
    throw new Error("first line\nsecond \u001b[31mline");
  },
  "throw-null": () => {
    // biome-ignore lint/style/useThrowOnlyError: what the host makes of it is the test
    throw null;
  },
  "stack-overflow": () => recurse(0),
  "deep-json": () => JSON.parse("[".repeat(100_000)),
  "deep-stringify": () => {
    let nested: unknown[] = [];
    for (let i = 0; i < 1_000_000; i++) nested = [nested];
    return outcome(() => JSON.stringify(nested).length);
  },
  backtrack: () => outcome(() => /^(a|b|ab)*c/.test("ab".repeat(1_000_000))),
  memory: () => {
    const kept: Uint8Array[] = [];
    for (;;) kept.push(new Uint8Array(1 << 24));
  },
  churn: () => {
    let blocks: Uint8Array[] = [];
    let sum = 0;
    for (let i = 1; i <= 20_000; i++) {
      const block = new Uint8Array((i * 7919) % (i % 100 === 0 ? 300_000 : 3000));
      block.fill(i & 255);
      blocks.push(block);
      if (blocks.length > 500) blocks = blocks.filter((_, k) => (k + i) % 3 !== 0);
      sum = (sum + (block.at(-1) ?? 0)) >>> 0;
    }
    return blocks.every((block) => block.every((byte) => byte === block[0])) && sum > 0;
  },
  /** Each of the further arguments. */
  several: () => host.argv.slice(2).map((name) => tasks[name]?.()),
  "no-number": () => 0,
  "status-7": () => 7,
};

export function main(): number {
  const name = host.argv[1] ?? "state";
  const task = tasks[name];
  if (task === undefined) return 2;
  if (name === "no-number") return "7" as unknown as number;
  const result = task();
  if (typeof result === "number") return result & 127;
  print(result);
  return 0;
}
