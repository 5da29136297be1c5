/** Terminals: of `run` and `exec` in a person's own, and those that an engine takes. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { command } from "./harness/command.ts";
import type { Container } from "./harness/container.ts";
import { ok, refused, until } from "./harness/expect.ts";
import type { Lab } from "./harness/lab.ts";
import { type Conditions, feature } from "./harness/suite.ts";
import type { Terminal } from "./harness/terminal.ts";

const scenario = feature("terminal", { clause: "config.md, Process: terminal, consoleSize" });

interface OnTerminal {
  readonly terminal: Terminal;
  readonly container: Container;
}

/** Both ways to have a program on the caller's terminal: `start` gives it one that runs a shell script. */
const ways: readonly {
  readonly name: string;
  readonly conditions: Conditions;
  /** What box's own errors end with. */
  readonly failure: number;
  readonly start: (lab: Lab, script: string, flags?: string[]) => Promise<OnTerminal>;
}[] = [
  {
    name: "run",
    conditions: { needs: ["command: run"] },
    failure: 1,
    start: async (lab, script, flags = []) => {
      const container = withTerminal(lab, script);
      const { runtime, id, bundle } = container;
      return { container, terminal: lab.attach(runtime.argv(["run", "--bundle", bundle, ...flags, id])) };
    },
  },
  {
    name: "exec",
    conditions: { needs: ["command: exec"] },
    failure: 255,
    start: async (lab, script, flags = []) => {
      const container = await lab.running();
      const argv = container.runtime.argv(["exec", "--tty", ...flags, container.id, "/bin/sh", "-c", script]);
      return { container, terminal: lab.attach(argv) };
    },
  },
];

function withTerminal(lab: Lab, script: string): Container {
  return lab.container(["/bin/sh", "-c", script], ({ process }) => {
    process.terminal = true;
  });
}

for (const { name, conditions, failure, start } of ways) {
  scenario(`the program of ${name} is on a terminal of the container`, conditions, async (lab) => {
    const script = "tty; test -t 0 && test -t 1 && test -t 2 && echo all; echo through >/dev/tty; echo $(stty size)";
    const { terminal } = await start(lab, script);
    assert.equal((await terminal.ended()).how, "exit 0");
    assert.equal(await terminal.screen.end(), "/dev/pts/0\r\nall\r\nthrough\r\n24 80\r\n");
  });

  scenario(`the caller's terminal is raw during ${name} and as it was after it`, conditions, async (lab) => {
    const { terminal } = await start(lab, "echo ready; read line; echo got $line; exit 3");
    await terminal.screen.line(/^ready\r+$/);
    assert.equal(await terminal.mode(), "raw");
    terminal.type("word\n");
    // What is typed is echoed by the container's terminal, once.
    assert.match(await terminal.screen.line(/word/), /^word\r$/);
    assert.match(await terminal.screen.line(/got/), /^got word\r$/);
    assert.deepEqual(await terminal.ended(), { how: "exit 3", mode: "cooked" });
  });

  scenario(`the terminal is as it was when ${name} is told to end`, conditions, async (lab) => {
    const { terminal } = await start(lab, "trap 'exit 9' TERM; echo ready; while :; do read line; done");
    await terminal.screen.line(/ready/);
    process.kill(await terminal.started(), "SIGTERM");
    // The script reads on until there is something to read.
    terminal.type("\n");
    assert.deepEqual(await terminal.ended(), { how: "exit 9", mode: "cooked" });
  });

  scenario(`the terminal is as it was when the program of ${name} is killed`, conditions, async (lab) => {
    const { terminal, container } = await start(lab, "echo ready; read line; kill -KILL $$; read line");
    await terminal.screen.line(/ready/);
    // Nobody within can kill the init of a pid namespace.
    if (name === "run") await container.kill("KILL");
    else terminal.type("\n");
    assert.deepEqual(await terminal.ended(), { how: "exit 137", mode: "cooked" });
  });

  scenario(`what the program of ${name} prints arrives whole`, { ...conditions, limit: 120_000 }, async (lab) => {
    const { terminal } = await start(lab, "seq 300000");
    assert.equal((await terminal.ended()).how, "exit 0");
    const lines = (await terminal.screen.end()).split("\r\n");
    assert.equal(lines.length, 300_001);
    assert.ok(lines.every((line, index) => line === (index === 300_000 ? "" : `${index + 1}`)));
  });

  scenario(`what is typed reaches the program of ${name} whole`, { ...conditions, limit: 120_000 }, async (lab) => {
    const { terminal } = await start(lab, "stty raw -echo; echo ready; head -c 1000000 | wc -c");
    await terminal.screen.line(/ready/);
    terminal.type("0123456789".repeat(100_000));
    assert.match(await terminal.screen.line(/\d/), /^1000000/);
    assert.equal((await terminal.ended()).how, "exit 0");
  });

  scenario(`the window of ${name} follows the caller's`, conditions, async (lab) => {
    const { terminal } = await start(
      lab,
      "trap 'stty size' WINCH; echo ready; while :; do read line; echo $line; done",
    );
    await terminal.screen.line(/ready/);
    for (const [rows, columns] of [
      [40, 100],
      [7, 11],
    ] as const) {
      await terminal.resize(rows, columns);
      await terminal.screen.line(new RegExp(`^${rows} ${columns}\r$`));
    }
  });

  scenario(`Ctrl-C goes to the program of ${name}`, conditions, async (lab) => {
    const { terminal } = await start(
      lab,
      "trap 'echo interrupted; exit 4' INT; echo ready; while :; do read line; done",
    );
    await terminal.screen.line(/ready/);
    terminal.type("\u0003");
    await terminal.screen.line(/interrupted/);
    assert.equal((await terminal.ended()).how, "exit 4");
  });

  scenario(`a caller's terminal that goes away ends the program of ${name}`, conditions, async (lab) => {
    const script = "trap 'echo told >/told; exit 5' HUP; echo ready; while :; do read line; done";
    const { terminal, container } = await start(lab, script);
    const told = lab.fifoIn(container, "told");
    await terminal.screen.line(/ready/);
    await terminal.hangUp();
    await told.lines.line(/^told$/);
    assert.equal((await terminal.ended()).how, "exit 5");
    if (name === "run") assert.deepEqual(lab.stateEntries(), []);
  });

  scenario(
    `the terminal is as it was when ${name} fails`,
    { ...conditions, boxOnly: "the status of its own errors" },
    async (lab) => {
      const { terminal } = await start(lab, "true", ["--pid-file", lab.path("no/such/directory")]);
      const { how, mode } = await terminal.ended();
      assert.deepEqual([how, mode], [`exit ${failure}`, "cooked"]);
      assert.match(await terminal.screen.end(), /box: .*no such file or directory \(ENOENT\)\r\n$/);
    },
  );
}

const unattended: Conditions = { boxOnly: "the others need a terminal of the caller's" };

scenario("run gives a program a terminal where the caller has none", unattended, async (lab) => {
  const container = withTerminal(lab, "test -t 1 && seq 50000");
  const shim = container.running();
  assert.equal(await shim.exited(), "exit 0");
  const lines = (await shim.stdout.end()).split("\n");
  assert.equal(lines.length, 50_001);
  assert.equal(lines[49_999], "50000");
});

scenario("exec gives a program a terminal where the caller has none", unattended, async (lab) => {
  const { runtime, id } = await lab.running();
  const shim = lab.watch(runtime.executing(id, ["/bin/sh", "-c", "test -t 1 && seq 50000"], ["--tty"]));
  assert.equal(await shim.exited(), "exit 0");
  assert.ok((await shim.stdout.end()).endsWith("\n49999\n50000\n"));
});

scenario("a caller that reads late gets all that the program printed before its end", unattended, async (lab) => {
  const { runtime, id } = await lab.running();
  const go = lab.fifo("go");
  const pidFile = lab.path("exec.pid");
  // More than the one page that is left of the pipe, by what the terminal holds: the program can end and box cannot be done.
  const program = ["/bin/sh", "-c", "stty raw; head -c 6000 /dev/zero"];
  const argv = runtime.argv(["exec", "--tty", "--pid-file", pidFile, id, ...program]);
  const reader = command(
    ["/bin/sh", "-c", `{ head -c 61440 /dev/zero; "$@"; } | { read line <${go.path}; wc -c; }`, "sh", ...argv],
    {
      env: runtime.place.env,
    },
  );
  const pid = Number(await until("the program runs", () => existsSync(pidFile) && readFileSync(pidFile, "utf8")));
  await until("its end has been noted", () => !existsSync(`/proc/${pid}`));
  go.write("go\n");
  assert.equal(ok(await reader).stdout, "67440\n");
});

scenario("a caller that reads no more can still be ended by a signal", unattended, async (lab) => {
  const { runtime, id } = await lab.running();
  const go = lab.fifo("go");
  const [pidFile, boxPid, status] = [lab.path("exec.pid"), lab.path("box.pid"), lab.path("status")];
  const program = ["/bin/sh", "-c", "stty raw; head -c 6000 /dev/zero; exit 7"];
  const argv = runtime.argv(["exec", "--tty", "--pid-file", pidFile, id, ...program]);
  const script = `
    export boxPid="$1" status="$2"
    shift 2
    {
      head -c 61440 /dev/zero
      /bin/sh -c 'echo $$ >"$boxPid"; exec "$@"' sh "$@"
      echo $? >"$status"
    } | { read line <${go.path}; wc -c; }`;
  const reader = command(["/bin/sh", "-c", script, "sh", boxPid, status, ...argv], { env: runtime.place.env });
  const pid = Number(await until("the program runs", () => existsSync(pidFile) && readFileSync(pidFile, "utf8")));
  await until("its end has been noted", () => !existsSync(`/proc/${pid}`));
  process.kill(Number(readFileSync(boxPid, "utf8")), "SIGTERM");
  // The shell makes the file before it writes into it.
  assert.equal(await until("box ends", () => existsSync(status) && (readFileSync(status, "utf8") || undefined)), "7\n");
  go.write("go\n");
  ok(await reader);
});

scenario(
  "exec without --tty has no terminal, whatever the container has",
  { needs: ["command: exec"] },
  async (lab) => {
    const socket = lab.path("console.sock");
    const console = await lab.receiver("receive", socket);
    const container = lab.container(["/bin/probe", "wait"], ({ process }) => {
      process.terminal = true;
    });
    await container.create(["--console-socket", socket]);
    await container.start();
    await console.screen.line(/^ready\r$/);
    const result = await lab.runtime.exec(container.id, ["/bin/sh", "-c", "test -t 0 || echo none"]);
    assert.equal(ok(result).stdout, "none\n");
  },
);

scenario("the terminal belongs to the program's user", { needs: ["command: exec"] }, async (lab) => {
  const { runtime, id } = await lab.running();
  const script = "stat -c %u $(tty)";
  const terminal = lab.attach(runtime.argv(["exec", "--tty", "--user", "1000:1000", id, "/bin/sh", "-c", script]));
  assert.equal((await terminal.ended()).how, "exit 0");
  assert.equal(await terminal.screen.end(), "1000\r\n");
});

scenario("create gives the terminal's master to the console socket", async (lab) => {
  const socket = lab.path("console.sock");
  const console = await lab.receiver("receive", socket);
  const container = lab.container(["/bin/sh", "-c", "stty size; read line; echo got $line"], ({ process }) => {
    process.terminal = true;
    process.consoleSize = { height: 33, width: 77 };
  });
  await container.create(["--console-socket", socket]);
  await console.says(/^received ./);
  await container.start();
  await console.screen.line(/^33 77\r$/);
  console.type("word\n");
  await console.screen.line(/^got word\r$/);
  assert.equal(await container.exit(), "exit 0");
});

scenario(
  "exec --detach gives the terminal's master to the console socket",
  { needs: ["command: exec"] },
  async (lab) => {
    const { runtime, id } = await lab.running();
    const socket = lab.path("console.sock");
    const console = await lab.receiver("receive", socket);
    const pidFile = lab.path("exec.pid");
    const flags = ["--tty", "--detach", "--console-socket", socket, "--pid-file", pidFile];
    const shim = lab.watch(runtime.executing(id, ["/bin/sh", "-c", "tty; read line; echo got $line"], flags));
    assert.equal(await shim.exited(), "exit 0");
    await console.says(/^received ./);
    await console.screen.line(/^\/dev\/pts\/0\r$/);
    console.type("word\n");
    await console.screen.line(/^got word\r$/);
    assert.equal(await shim.reaped(Number(readFileSync(pidFile, "utf8"))), "exit 0");
  },
);

for (const [what, flags, text] of [
  ["a terminal that nobody takes", ["--tty", "--detach"], /without setting console socket/],
  ["a console socket without a terminal", ["--detach", "--console-socket", "SOCKET"], /cannot use console socket/],
] as const) {
  scenario(`exec refuses ${what}`, { needs: ["command: exec"] }, async (lab) => {
    const { runtime, id } = await lab.running();
    const socket = lab.path("console.sock");
    await lab.receiver("receive", socket);
    refused(
      await runtime.exec(
        id,
        ["/bin/true"],
        flags.map((flag) => flag.replace("SOCKET", socket)),
      ),
      text,
    );
  });
}

scenario(
  "exec refuses a console socket that is not there and runs nothing",
  { needs: ["command: exec"] },
  async (lab) => {
    const { runtime, id } = await lab.running();
    const flags = ["--tty", "--detach", "--console-socket", lab.path("nosuch.sock")];
    refused(await runtime.exec(id, ["/bin/true"], flags), /no such file or directory/);
  },
);
