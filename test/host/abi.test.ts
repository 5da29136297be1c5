import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { register } from "node:module";
import { test } from "node:test";
import * as constants from "../../src/linux/constants.ts";
import { errnoName } from "../../src/linux/errno.ts";
import * as openFlagsOfArm64 from "../../src/linux/open-flags/aarch64.ts";
import * as openFlagsOfX86 from "../../src/linux/open-flags/x86_64.ts";
import { capabilityNames } from "../../src/spec/vocabulary.ts";
import { type Architecture, architectures, numberTable, tablePath } from "../../tools/gen-nr.ts";
import { evaluate, macros, type Unit } from "./abi.ts";

// layout.ts imports the engine's module, which Node lacks. Layouts are data: it is never called here.
const standIn = "data:text/javascript,export const address = undefined";
const hook = `export const resolve = (name, context, next) =>
  name === "host" ? { url: ${JSON.stringify(standIn)}, shortCircuit: true } : next(name, context)`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);
const layouts = await import("../../src/linux/layouts.ts");

/** Trixie's kernel headers, unpacked by tools/setup: the host's own may be older than what box uses. */
const headers = "build/debs/root";
const triplet = execFileSync("gcc", ["-print-multiarch"], { encoding: "utf8" }).trim();
const options = ["-isystem", `${headers}/usr/include`, "-isystem", `${headers}/usr/include/${triplet}`];

const libc: Unit = {
  options,
  include: [
    "stddef.h",
    "errno.h",
    "fcntl.h",
    "poll.h",
    "sched.h",
    "signal.h",
    "stdio.h",
    "time.h",
    "unistd.h",
    "net/if.h",
    "netinet/in.h",
    "sys/eventfd.h",
    "sys/file.h",
    "sys/inotify.h",
    "sys/ioctl.h",
    "sys/personality.h",
    "sys/prctl.h",
    "sys/resource.h",
    "sys/signalfd.h",
    "sys/socket.h",
    "sys/stat.h",
    "sys/statfs.h",
    "sys/sysmacros.h",
    "sys/uio.h",
    "sys/un.h",
    "sys/utsname.h",
    "sys/wait.h",
    "linux/bpf.h",
    "linux/capability.h",
    "linux/close_range.h",
    "linux/filter.h",
    "linux/fs.h",
    "linux/ioprio.h",
    "linux/keyctl.h",
    "linux/magic.h",
    "linux/mount.h",
    "linux/netlink.h",
    "linux/nsfs.h",
    "linux/openat2.h",
    "linux/rtnetlink.h",
    "linux/mempolicy.h",
    "linux/sched.h",
    "linux/sched/types.h",
    "linux/seccomp.h",
    "linux/securebits.h",
    "seccomp.h",
  ],
};

const terminal: Unit = { options, include: ["termios.h"] };

/** Headers that clash with one of the above, and the constants that only they have. The first match counts. */
const units: readonly (readonly [RegExp, Unit])[] = [
  [/^(MNT|UMOUNT)_/, { options, include: ["sys/mount.h"] }],
  [
    /^(BRKINT|CS8|CSIZE|ECHO|ECHONL|I(CANON|CRNL|EXTEN|GNBRK|GNCR|NLCR|SIG|STRIP|XON)|ONLCR|OPOST|PARENB|PARMRK)$/,
    terminal,
  ],
  [/^ST_/, { options, include: ["sys/statvfs.h"] }],
  [/^PIDFD_/, { options, include: ["linux/pidfd.h"] }],
  [/^/, libc],
];

/** Structs of the kernel that libc hides behind its own of the same name. */
const kernelLayouts: Readonly<Record<string, { readonly type: string; readonly unit: Unit }>> = {
  "struct kernel_sigaction": { type: "struct sigaction", unit: { options, include: ["stddef.h", "linux/signal.h"] } },
  "struct kernel_termios": { type: "struct termios", unit: { options, include: ["stddef.h", "asm/termbits.h"] } },
};

/** Constants that no header has, and why box may use them. */
const unknown: Readonly<Record<string, string>> = {
  ST_NOSYMFOLLOW: "include/linux/statfs.h, Linux 5.10",
  PID_FS_MAGIC: "linux/magic.h, Linux 6.9",
  PIDFD_GET_INFO: "Linux 6.13: _IOWR(0xff, 11, 64 bytes)",
  PIDFD_INFO_EXIT: "Linux 6.15: bit 3",
};

/** Structs that no header has, and why box may use them. */
const unknownStructs: Readonly<Record<string, string>> = {
  "struct pidfd_info": "Linux 6.13: two of 64 bits, eleven of 32, and the exit code",
};

/** Fields that stand for bytes box does not name; C has no member of that name. */
const isFiller = (field: string): boolean => field === "pad" || field === "tail";

const unitOf = (name: string): Unit => units.find(([names]) => names.test(name))?.[1] ?? libc;
const asked = Object.entries(constants).filter(([name]) => !(name in unknown));

test("every constant has the value that the C headers give it", () => {
  const found = new Map<string, bigint>();
  for (const [, unit] of units) {
    const names = asked.map(([name]) => name).filter((name) => unitOf(name) === unit);
    for (const [index, value] of evaluate(unit, names).entries()) found.set(names[index] as string, value);
  }
  const wrong = asked.filter(([name, value]) => found.get(name) !== BigInt.asIntN(64, BigInt(value)));
  assert.deepEqual(
    wrong.map(([name, value]) => `${name} is ${value}, in C ${found.get(name)}`),
    [],
  );
});

test("no constant is excused from the check without being exported", () => {
  assert.deepEqual(
    Object.keys(unknown).filter((name) => !(name in constants)),
    [],
  );
});

for (const [name, layout] of Object.entries(layouts)) {
  if (layout.name in unknownStructs) continue;
  test(`${name} is laid out as ${layout.name}`, () => {
    const { type, unit } = kernelLayouts[layout.name] ?? { type: layout.name, unit: libc };
    const fields = Object.entries(layout.fields).filter(([field]) => !isFiller(field));
    const questions = fields.flatMap(([field]) => [`offsetof(${type}, ${field})`, `sizeof(((${type} *)0)->${field})`]);
    const [size, ...places] = evaluate(unit, [`sizeof(${type})`, ...questions]).map(Number);
    assert.deepEqual(
      fields.map(([field, { offset, size }]) => ({ field, offset, size })),
      fields.map(([field], index) => ({ field, offset: places[2 * index], size: places[2 * index + 1] })),
    );
    // A command's part of a union ends before the union does, and the kernel is told the part's size.
    if (type.startsWith("union ")) assert.ok(layout.size <= (size ?? 0), `${layout.size} bytes, C: ${size}`);
    else assert.equal(layout.size, size);
  });
}

test("errnoName() knows every errno of the C headers, and no others", () => {
  const names = [...macros({ options, include: ["errno.h"] })].filter((name) => /^E[A-Z0-9]+$/.test(name));
  const byName = new Map(evaluate(libc, names).map((value, index) => [names[index], Number(value)]));
  const last = Math.max(...byName.values());
  for (const value of new Set(byName.values())) assert.equal(byName.get(errnoName(value)), value, errnoName(value));
  for (let value = 0; value <= last + 100; value++) {
    if (errnoName(value) !== `errno ${value}`) assert.equal(byName.get(errnoName(value)), value);
  }
});

test("the index of every capability's name is its number, up to the last one of the headers", () => {
  const [last, ...numbers] = evaluate(libc, ["CAP_LAST_CAP", ...capabilityNames]).map(Number);
  assert.deepEqual(
    numbers,
    capabilityNames.map((_, index) => index),
  );
  assert.equal(last, capabilityNames.length - 1);
});

test("arm64 has the same constants, but for the flags of open that have tables of their own", () => {
  const arm64: Unit = {
    options: [
      "-nostdinc",
      "-isystem",
      `${headers}/usr/include/aarch64-linux-gnu`,
      "-isystem",
      `${headers}/usr/include`,
    ],
    include: ["errno", "fcntl", "ioctls", "mman", "poll", "resource", "signal", "siginfo", "socket", "stat"].map(
      (name) => `asm/${name}.h`,
    ),
  };
  const defined = macros(arm64);
  const both = asked.filter(([name]) => defined.has(name));
  const values = evaluate(
    arm64,
    both.map(([name]) => name),
  );
  const onArm64 = { ...constants, ...openFlagsOfArm64 } as Readonly<Record<string, number>>;
  const different = both.filter(
    ([name], index) => values[index] !== BigInt.asIntN(64, BigInt(onArm64[name] as number)),
  );
  assert.deepEqual(different, []);
  assert.deepEqual(Object.keys(openFlagsOfArm64).sort(), Object.keys(openFlagsOfX86).sort());
});

for (const arch of Object.keys(architectures) as Architecture[]) {
  test(`the system-call numbers of ${arch} are those of the headers`, () => {
    assert.equal(readFileSync(tablePath(arch), "utf8"), numberTable(arch, headers), "run tools/gen-nr.ts");
  });
}
