/** One round: a container is brought to a status, several operations set upon it at once, and what came of it judged. */
import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { patient } from "../acceptance/harness/patience.ts";
import { type Event, isExplained, type Operation, type Status } from "./model.ts";

/** Where the rounds of one container take place. */
export interface Place {
  /** box, with its global options. */
  readonly command: readonly string[];
  readonly bundle: string;
  readonly id: string;
  /** For what the operations say. */
  readonly directory: string;
}

/** After which an operation counts as hanging, in milliseconds. */
const hanging = patient(60_000);

const commands: Readonly<Record<Operation, (id: string) => readonly string[]>> = {
  create: (id) => ["create", id],
  run: (id) => ["run", "--detach", id],
  start: (id) => ["start", id],
  kill: (id) => ["kill", id, "KILL"],
  pause: (id) => ["pause", id],
  resume: (id) => ["resume", id],
  delete: (id) => ["delete", id],
  force: (id) => ["delete", "--force", id],
  state: (id) => ["state", id],
  exec: (id) => ["exec", id, "/bin/true"],
  update: (id) => ["update", "--pids-limit", "100", id],
  ps: (id) => ["ps", "--format", "json", id],
  stats: (id) => ["events", "--stats", id],
};

/** How a container comes to a status from none. */
const ways: Readonly<Record<Status, readonly Operation[]>> = {
  none: [],
  created: ["create"],
  running: ["create", "start"],
  paused: ["create", "start", "pause"],
  "paused created": ["create", "pause"],
  stopped: ["create", "start", "kill"],
};

interface Answer extends Event {
  readonly stderr: string;
  readonly status: number | null;
}

function perform({ command, bundle, id, directory }: Place, operation: Operation, name: string): Promise<Answer> {
  // Init and the program hold what they are given: no pipe, whose end would have to be waited for.
  const [said, output] = [join(directory, `${name}.stderr`), join(directory, `${name}.stdout`)];
  const [stderr, stdout] = [openSync(said, "w"), openSync(output, "w")];
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const [box = "", ...options] = command;
    const child = spawn(box, [...options, ...commands[operation](id)], {
      cwd: bundle,
      stdio: ["ignore", stdout, stderr],
      timeout: hanging,
      killSignal: "SIGKILL",
    });
    for (const fd of [stderr, stdout]) closeSync(fd);
    child.on("error", reject);
    child.on("exit", (status) => {
      const ended = performance.now();
      const event = { operation, ok: status === 0, began, ended, status, stderr: readFileSync(said, "utf8") };
      if (operation !== "state" || status !== 0) resolve(event);
      else resolve({ ...event, told: (JSON.parse(readFileSync(output, "utf8")) as { status: string }).status });
    });
  });
}

/** What is wrong with how an operation ended, whatever the others did. */
function complaint({ operation, status, stderr, began, ended }: Answer, others: readonly Answer[]): string | undefined {
  if (ended - began >= hanging) return `${operation} hangs`;
  if (status === 0) return undefined;
  // A deletion by force ends a creation that is under way.
  const ends = others.some((other) => other.operation === "force");
  if (status === null && (operation === "create" || operation === "run") && ends) return undefined;
  if (operation === "exec" && status === 137) return undefined;
  const lines = stderr.split("\n").filter((line) => line !== "" && !line.startsWith("box: warning: "));
  if (stderr.includes("internal error") || lines.length !== 1 || (status !== 1 && status !== 255))
    return `${operation} ends with ${status}: ${stderr.trim()}`;
  return undefined;
}

/**
 * @param delays of each operation, in milliseconds
 * @returns what is wrong; undefined when all is as it must be
 */
export async function play(
  place: Place,
  first: Status,
  operations: readonly (readonly [Operation, number])[],
): Promise<string | undefined> {
  for (const operation of ways[first]) {
    const { status, stderr } = await perform(place, operation, "before");
    if (status !== 0) return `${operation} before the round: ${stderr.trim()}`;
  }
  if (first === "stopped") await settled(place, "stopped");
  let underWay = operations.length;
  const all = operations.map(async ([operation, after], index) => {
    await delay(after);
    return await perform(place, operation, `${index}`).finally(() => underWay--);
  });
  // What is executed in a container that was paused then goes on with it.
  const waiting = operations.filter(([operation]) => operation === "exec").length;
  while (underWay > waiting) await delay(1);
  if (waiting > 0) all.push(perform(place, "resume", "resume"));
  const answers = await Promise.all(all);
  const killed = answers.some(({ operation, ok }) => operation === "kill" && ok);
  const last = killed ? await settled(place, "stopped") : await statusOf(place);
  const removal = await perform(place, "force", "after");
  const wrong = answers.map((one) => complaint(one, answers)).find((text) => text !== undefined);
  const story = answers
    .map(
      ({ operation, ok, told, began, ended, stderr }) =>
        `${operation} ${ok ? (told ?? "succeeds") : `fails (${stderr.trim()})`} ${began.toFixed(1)}–${ended.toFixed(1)}`,
    )
    .join("; ");
  if (wrong !== undefined) return `${first}: ${wrong} [${story}]`;
  if (!removal.ok) return `${first}: cannot be deleted afterwards: ${removal.stderr.trim()} [${story}]`;
  return isExplained(first, answers, last) ? undefined : `${first}, then ${last}: no order explains ${story}`;
}

async function statusOf(place: Place): Promise<string> {
  const { told, stderr } = await perform(place, "state", "last");
  if (told === undefined && !stderr.includes("does not exist")) return `unknown (${stderr.trim()})`;
  return told ?? "none";
}

/** Waits until the kernel has ended what was killed: no event tells somebody who is not its parent. */
async function settled(place: Place, status: string): Promise<string> {
  const deadline = performance.now() + hanging;
  for (;;) {
    const now = await statusOf(place);
    if (now === status || now === "none" || performance.now() > deadline) return now;
    await delay(5);
  }
}
