/** The native part, from outside: each test runs the probe (test/native) in the release's build and in the sanitizers'. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  chownSync,
  closeSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";

const builds = {
  release: realpathSync("build/box-probe"),
  bare: realpathSync("build/box-probe-bare"),
  sanitizers: realpathSync("build/box-probe-asan"),
};
const root = process.getuid?.() === 0;
const needsRoot = { skip: root ? false : "needs root" };

interface Result {
  readonly status: number | null;
  readonly output: string;
  readonly error: string;
}

const environment = {
  // The sanitizers' runtime would change the core limit before us.
  ASAN_OPTIONS: "disable_coredump=0",
  HOME: "/home/h",
  PATH: process.env["PATH"],
  SECRET: "s3cret",
  XDG_RUNTIME_DIR: "",
  USER: "ü",
};

function run(command: string, ...args: string[]): Result {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8", env: environment });
  return { status, output: stdout, error: stderr };
}

/** Runs a shell script with the arguments as $1, $2 … */
function shell(script: string, ...args: string[]): Result {
  return run("/bin/bash", "-c", `set -eu; ${script}`, "bash", ...args);
}

function result(binary: string, ...args: string[]): unknown {
  const { status, output, error } = run(binary, ...args);
  assert.equal(error, "");
  assert.equal(status, 0);
  return JSON.parse(output);
}

function field(answer: unknown, name: string): unknown {
  return (answer as Record<string, unknown>)[name];
}

suite("heap image", () => {
  const folder = mkdtempSync(join(tmpdir(), "box-image-"));
  after(() => rmSync(folder, { recursive: true }));
  const taken = join(folder, "taken");
  assert.equal(run("gcc", "-Wall", "-Wextra", "-Werror", "-o", taken, "test/native/taken.c").error, "");
  const address = "0x800000000";

  test("a process has its heap where the image belongs", () => {
    const maps = result(builds.release, "maps") as string;
    assert.match(maps, /^800000000-[0-9a-f]+ rw-p .*\/box-probe$/m);
  });

  test("with that address taken it says so and ends", () => {
    assert.deepEqual(run(taken, address, builds.release, "utf8"), {
      status: 1,
      output: "",
      error: "box: cannot map the engine at 0x800000000: File exists\n",
    });
    assert.equal(run(taken, address, "build/box", "--version").status, 1);
  });

  test("what is not in the image is there as bytecode, and nothing is there twice", () => {
    assert.equal(run("build/box", "features").status, 0);
    const release = readFileSync("build/box", "latin1");
    const holds = (name: string): boolean => release.includes(readFileSync(`build/release/bytecode/${name}`, "latin1"));
    assert.deepEqual(["main.js", "cli/commands/features.js"].map(holds), [false, true]);
  });

  test("only a binary without an image writes one", () => {
    assert.equal(run("build/box", "--write-image").status, 1);
  });

  test("a module that asks the process for something before main() does not get into an image", () => {
    const { status, error } = run(builds.bare, "--write-image");
    assert.deepEqual([status, error], [0, ""]);
    assert.deepEqual(result(builds.release, "early"), [
      "TypeError: no system call before main: its answer would be kept in the image",
      "ReferenceError: argv is not initialized",
    ]);
  });
});

for (const [name, probe] of Object.entries(builds)) {
  suite(`native part (${name})`, { concurrency: true }, () => {
    test("syscall() refuses what does not fit a register, and calls nothing", () => {
      const answers = result(probe, "refused") as string[];
      assert.equal(answers.length, 24);
      for (const answer of answers) assert.match(answer, /^TypeError: /);
    });

    test("syscall() takes all of 53 and 64 bits", () => {
      assert.deepEqual(result(probe, "accepted"), Array(7).fill(true));
      assert.deepEqual(result(probe, "offsets"), [5, 2 ** 40 + 1, 2 ** 40 + 1, 2 ** 52 + 1, -22, -22]);
    });

    test("syscall() gives the kernel's error back as it is", () => {
      assert.deepEqual(result(probe, "errno"), [-9, -2, -38]);
    });

    test("syscall() goes on with what was broken off", async () => {
      const child = spawn(probe, ["interrupted"], { env: environment, stdio: ["pipe", "pipe", "inherit"] });
      const lines: string[] = [];
      child.stdout.setEncoding("utf8").on("data", (text: string) => lines.push(...text.split("\n").filter(Boolean)));
      const told = new Promise((resolve) => child.stdout.once("data", resolve));
      const isIn = async (state: string) => {
        while (!new RegExp(`^${child.pid} \\(.*\\) ${state} `).test(readFileSync(`/proc/${child.pid}/stat`, "utf8")))
          await new Promise((resolve) => setImmediate(resolve));
      };
      await told;
      await isIn("S");
      for (const [signal, state] of [
        ["SIGSTOP", "T"],
        ["SIGCONT", "S"],
      ] as const) {
        child.kill(signal);
        await isIn(state);
      }
      child.stdin.end("x");
      assert.equal(await new Promise((resolve) => child.once("close", resolve)), 0);
      assert.equal(lines[1], "[1]");
    });

    test("address() and decodeUtf8() see the bytes of every kind of view", () => {
      assert.deepEqual(result(probe, "views"), [
        [0, "0123456789abcdef"],
        [4, "4567"],
        [10, "abcdef"],
        [1, "123456789abcdef"],
        [1, "123456789abcdef"],
        [2, "23456789abcdef"],
        [4, "4567"],
        [8, "89abcdef"],
        [8, "89abcdef"],
      ]);
    });

    test("UTF-8 survives both ways, and what is none is refused", () => {
      assert.deepEqual(result(probe, "utf8"), {
        roundTrip: [],
        lengths: [0, 1, 1, 3, 2, 14, 8, 4000],
        surrogates: Array(3).fill("TypeError: string with a lone surrogate"),
        notUtf8: [],
      });
    });

    test("bytes of every length arrive as they were", () => {
      assert.deepEqual(result(probe, "copies"), []);
    });

    test("a network namespace is made beside the engine, and its thread is gone", needsRoot, () => {
      assert.deepEqual(result(probe, "network"), { isNew: true, isElsewhere: true, threads: 1, isUp: true });
    });

    test("a network namespace that may not be made is the kernel's error", needsRoot, () => {
      const [setpriv = "", ...options] = withoutPrivilege;
      assert.deepEqual(result(setpriv, ...options, probe, "network"), [-1]);
      assert.deepEqual(result(probe, "nothing"), [-11]);
    });

    test("a process that is to rest gives its code back for one call", () => {
      assert.deepEqual(result(probe, "resting"), [true, true]);
    });

    test("sha256 gives what it does elsewhere, whatever the length", () => {
      const bytes = Uint8Array.from({ length: 1000 }, (_, index) => index);
      const expected = [0, 1, 55, 56, 63, 64, 65, 119, 120, 1000].map((length) =>
        createHash("sha256").update(bytes.subarray(0, length)).digest("hex"),
      );
      assert.deepEqual(result(probe, "sha256"), expected);
    });

    test("a process that may not end ends all the same", () => {
      for (const how of ["unending", "unending-error", "unending-main"]) {
        const { signal } = spawnSync(probe, [how], { timeout: 20_000 });
        assert.ok(["SIGILL", "SIGTRAP"].includes(signal ?? ""), `${how}: ${signal}`);
      }
    });

    test("libseccomp gives a program, or it is said which step failed", () => {
      assert.deepEqual(result(probe, "seccomp"), {
        empty: [0, true, []],
        rules: [0, true, ["no_such_call"]],
        architecture: { error: -22, step: "architecture pdp11" },
        attribute: { error: -22, step: "attribute" },
        defaultAction: { error: -22, step: "default action" },
        action: { error: -13, step: "rule mkdir" },
        argument: { error: -22, step: "rule mkdir" },
        surrogate: "TypeError: string with a lone surrogate",
        fraction: "TypeError: not an integer of at most 53 bits",
        negative: { error: -22, step: "default action" },
        wide: { error: -22, step: "default action" },
        tooMany: { error: -22, step: "rule mkdir" },
        missing: "TypeError: not a TypedArray",
      });
    });

    test("load() evaluates a module once, and says what is wrong with it", () => {
      assert.deepEqual(result(probe, "lazy"), [42, true]);
      assert.deepEqual(result(probe, "bad"), Array(2).fill("Error: bad module"));
      const [nothing, long, surrogate] = result(probe, "missing") as string[];
      assert.equal(nothing, "ReferenceError: no module 'nothing.js'");
      assert.match(String(long), /^ReferenceError: no module 'xxx/);
      assert.match(String(surrogate), /^TypeError/);
    });

    test("only documented variables reach TypeScript, and /proc/PID/environ tells none", async () => {
      const state = result(probe, "state");
      assert.deepEqual(field(state, "environ"), {
        HOME: environment.HOME,
        PATH: environment.PATH,
        XDG_RUNTIME_DIR: "",
        USER: "ü",
      });
      for (const extra of [[], ["create"]]) {
        const child = spawn(probe, ["pause", ...extra], { env: environment });
        await new Promise((resolve) => child.stdout.once("data", resolve));
        assert.match(readFileSync(`/proc/${child.pid}/environ`, "latin1"), /^\0*$/);
        assert.equal(readFileSync(`/proc/${child.pid}/comm`, "latin1"), "box\n");
        child.stdin.end();
        await new Promise((resolve) => child.once("exit", resolve));
      }
    });

    test("the caller's core limit and umask are kept beside ours", () => {
      const { output } = shell('ulimit -Ss 8192; ulimit -c 5; umask 077; "$1" state', probe);
      assert.equal(field(JSON.parse(output), "coreLimit"), `${5 * 1024}n`);
      assert.equal(field(JSON.parse(output), "callerUmask"), 0o077);
      assert.match(shell('ulimit -c unlimited || exit 0; "$1" state', probe).output, /"18446744073709551615n"|^$/);
    });

    test("text from outside that is not UTF-8 is refused in one line", () => {
      const argument = shell(`"$1" state $'a\\xff'`, probe);
      assert.deepEqual(argument, { status: 1, output: "", error: "box: argument 2 is not valid UTF-8\n" });
      const variable = shell(`HOME=$'\\xff' "$1" state`, probe);
      const error = "box: environment variable HOME is not valid UTF-8\n";
      assert.deepEqual(variable, { status: 1, output: "", error });
    });

    test("closed standard streams are /dev/null, and inherited descriptors close on exec", () => {
      assert.equal(run(probe, "descriptors").output, "[0,0,0,-9,-9,-9,-9,-9]\n");
      for (const extra of ["", "create"]) {
        const { output } = shell(`"$1" descriptors ${extra} 0<&- 2>&- 4</dev/null 6</dev/null`, probe);
        assert.equal(output, "[0,0,0,-9,1,-9,1,-9]\n", extra);
      }
      assert.deepEqual(shell('"$1" state create 1>&-', probe), { status: 0, output: "", error: "" });
    });

    test("what escapes from main() is one line, with a stack only under --debug", () => {
      const error = "box: internal error: Error: first line second  [31mline\n";
      assert.deepEqual(run(probe, "throw"), { status: 1, output: "", error });
      assert.match(run(probe, "throw", "--debug").error, /^ +at throw .*\n(.*\n)*box: internal error: .*\n$/);
      assert.match(run(probe, "throw-null").error, /^box: out of memory \(.*\)\n$/);
      assert.match(run(probe, "no-number").error, /^box: internal error: TypeError: not an integer.*\n$/);
      assert.equal(run(probe, "status-7").status, 7);
      assert.equal(run(probe, "status-7", "run").status, 7);
    });

    test("endless recursion and lack of memory are errors, not signals", () => {
      // The engine tells of a text that is nested too deeply as of a wrong text.
      const shortage = "InternalError: stack overflow (a resource limit is too low, or box is at fault)";
      for (const [task, said] of [
        ["stack-overflow", shortage],
        ["deep-json", "internal error: SyntaxError: stack overflow"],
      ] as const) {
        for (const limit of [8192, 512, "unlimited"]) {
          // The sanitizers' runtime itself wants more than a small stack.
          if (limit === 512 && name === "sanitizers") continue;
          const { status, error } = shell(`ulimit -Ss ${limit}; "$1" ${task}`, probe);
          assert.equal(error, `box: ${said}\n`, `${task} with a stack of ${limit}`);
          assert.equal(status, 1);
        }
      }
      assert.equal(result(probe, "deep-stringify"), "InternalError: stack overflow");
      const { status, error } = run(probe, "memory");
      assert.deepEqual(
        [status, error],
        [1, "box: InternalError: out of memory (a resource limit is too low, or box is at fault)\n"],
      );
    });

    test("memory keeps its contents while blocks of all sizes come and go", () => {
      assert.equal(result(probe, "churn"), true);
    });
  });

  suite(`sealed start (${name})`, { concurrency: true }, () => {
    const folder = mkdtempSync(join(realpathSync("build"), "seal-"));
    after(() => rmSync(folder, { recursive: true }));
    const copy = join(folder, "box");
    const mountPoint = join(folder, "mount");
    mkdirSync(mountPoint);
    copyFileSync(probe, copy);

    test("only commands that enter a container are sealed", () => {
      for (const word of ["create", "run", "exec", "mounts"])
        assert.equal(field(result(probe, "state", word), "sealed"), true, word);
      for (const word of ["start", "state", "running", "create=1"])
        assert.equal(field(result(probe, "state", word), "sealed"), false, word);
    });

    test("arguments survive", () => {
      const args = ["state", "create", "", "a b", "ü", "-x"];
      assert.deepEqual(field(result(probe, ...args), "argv"), [probe, ...args]);
    });

    test("with privilege it runs from an overlay that is mounted nowhere", needsRoot, async () => {
      assert.deepEqual(await sealedFile([copy]), ["/box", "EROFS"]);
    });

    test("without, it runs from a sealed copy in memory", needsRoot, async () => {
      assert.deepEqual(await sealedFile([...withoutPrivilege, copy]), memory);
    });

    test(
      "an ordinary user's box runs as it is where root alone may write to it, else from memory",
      needsRoot,
      async () => {
        const own = join(folder, "own");
        copyFileSync(probe, own);
        const where = (...before: string[]): string => run("setpriv", ...before, own, "where", "create").output.trim();
        assert.equal(where(...user), `[true,"${own}"]`);
        const inMemory = '[true,"/memfd:box:sealed (deleted)"]';
        assert.equal(where(...user, "--inh-caps=+chown"), inMemory, "with a capability");
        assert.equal(where("--euid=65534", "--clear-groups"), inMemory, "with an id of root's");
        chmodSync(own, 0o775);
        assert.equal(where(...user), inMemory, "where a group may write to it");
        chmodSync(own, 0o755);
        chownSync(own, 65_534, 0);
        assert.deepEqual(await sealedFile(["setpriv", ...user, "--", own]), memory, "where it is the user's");
      },
    );

    test("with the binary on an overlay, in a chroot of one too, it is sealed all the same", needsRoot, () => {
      for (const options of ["rw", "ro,nodev"]) {
        const script = `
          mount -t tmpfs tmpfs "$2"
          cd "$2"
          mkdir -p upper work root lower/in/proc lower/proc lower/sys
          cp "$1" lower/box
          cp "$1" lower/in/box
          mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work overlay root
          mount -o remount,bind,${options} root
          mount -t proc proc root/proc
          mount -t sysfs sysfs root/sys
          root/box where create
          ${withoutPrivilege.join(" ")} root/box where create
          [ ${name} != sanitizers ] || exit 0
          chroot root /box where create
          mount --bind root/proc root/in/proc
          chroot root/in /box where create`;
        const { output, error } = run("unshare", "-m", "/bin/sh", "-euc", script, "sh", copy, mountPoint);
        const overlay = '[true,"/box"]';
        const memory = '[true,"/memfd:box:sealed (deleted)"]';
        // The last has no sysfs, and so no second layer.
        const expected = name !== "sanitizers" ? [overlay, memory, overlay, memory] : [overlay, memory];
        assert.deepEqual([error, output.trim().split("\n")], ["", expected], options);
      }
    });

    test("a file that only looks like a sealed one is not taken for one", needsRoot, () => {
      const { output, error } = run(
        "python3",
        "-c",
        `import os, sys
copy = os.memfd_create("box:sealed", os.MFD_CLOEXEC)
os.write(copy, open(sys.argv[1], "rb").read())
os.execve(copy, [sys.argv[1], "state", "create"], {})`,
        copy,
      );
      assert.deepEqual([output, error], ["", "box: the sealed copy of the executable is not sealed\n"]);
    });

    test("started by descriptor it seals itself too", needsRoot, () => {
      const script = `import os, sys
os.execve(os.open(sys.argv[1], os.O_RDONLY), [sys.argv[1], "where", "create"], {})`;
      assert.equal(run("python3", "-c", script, copy).output, '[true,"/memfd:box:sealed (deleted)"]\n');
    });

    test("without /proc it says so", name !== "sanitizers" ? needsRoot : { skip: "the sanitizers need /proc" }, () => {
      const { status, error } = run(
        "unshare",
        "-m",
        "/bin/sh",
        "-euc",
        'umount -l /proc; "$1" state create',
        "bash",
        copy,
      );
      assert.deepEqual([status, error.startsWith("box: cannot open /proc/self/exe: No such file")], [1, true]);
      assert.match(error, /is \/proc mounted\?\n$/);
    });
  });
}

const user = ["--reuid=65534", "--regid=65534", "--clear-groups"];
/** Where a sealed copy is, and what a write to it answers. */
const memory: [string, string] = ["/memfd:box:sealed (deleted)", "EPERM"];
const withoutPrivilege = ["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin", "--"];

/** Starts a sealed process; tells where it runs from, and what a write to that file answers once nothing runs it. */
async function sealedFile(command: readonly string[]): Promise<[string, string]> {
  const child = spawn(command[0] ?? "", [...command.slice(1), "pause", "create"], { env: environment });
  await new Promise((resolve) => child.stdout.once("data", resolve));
  const link = readlinkSync(`/proc/${child.pid}/exe`);
  const kept = openSync(`/proc/${child.pid}/exe`, "r");
  child.stdin.end();
  await new Promise((resolve) => child.once("exit", resolve));
  try {
    const file = openSync(`/proc/self/fd/${kept}`, "r+");
    writeSync(file, "x");
    return [link, "written"];
  } catch (thrown) {
    return [link, String((thrown as NodeJS.ErrnoException).code)];
  } finally {
    closeSync(kept);
  }
}
