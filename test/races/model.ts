/**
 * What the operations on one container do, one after another: a state, and for each operation how it may end there and
 * what it leaves. Operations that overlap must have ended as they would in some order that keeps to the clock.
 */

export const operations = [
  "create",
  "run",
  "start",
  "kill",
  "pause",
  "resume",
  "delete",
  "force",
  "state",
  "exec",
  "update",
  "ps",
  "stats",
] as const;
export type Operation = (typeof operations)[number];

export const statuses = ["none", "created", "running", "paused", "paused created", "stopped"] as const;
export type Status = (typeof statuses)[number];

/** `killed`: SIGKILL was sent to its first process, whose end may be seen at any later moment. */
interface State {
  readonly status: Status;
  readonly killed: boolean;
}

/** An operation that was done, with the moments between which it had its effect. */
export interface Event {
  readonly operation: Operation;
  readonly ok: boolean;
  /** What `state` has told. */
  readonly told?: string;
  readonly began: number;
  readonly ended: number;
}

/** Where an operation succeeds, and the status that it leaves; everywhere else it is refused and changes nothing. */
const effects: Readonly<Record<Operation, Readonly<Partial<Record<Status, Status>>>>> = {
  create: { none: "created" },
  run: { none: "running" },
  start: { created: "running" },
  kill: { created: "created", running: "running", paused: "paused", "paused created": "paused created" },
  pause: { created: "paused created", running: "paused" },
  resume: { paused: "running", "paused created": "created" },
  delete: { created: "none", stopped: "none" },
  force: Object.fromEntries(statuses.map((status) => [status, "none"])),
  state: Object.fromEntries(statuses.filter((status) => status !== "none").map((status) => [status, status])),
  exec: { created: "created", running: "running" },
  update: { created: "created", running: "running", paused: "paused", "paused created": "paused created" },
  ps: Object.fromEntries(statuses.filter((status) => status !== "none").map((status) => [status, status])),
  stats: { created: "created", running: "running", paused: "paused", "paused created": "paused created" },
};

const thawed: Readonly<Partial<Record<Status, Status>>> = { paused: "running", "paused created": "created" };

/** Reads and limits that find the last of a container that is on its way out. */
const lasting: readonly Operation[] = ["exec", "update", "pause", "resume", "stats"];

/** The states after an operation that has ended so; none when it cannot have. */
function after({ operation, ok, told }: Event, state: State): State[] {
  // Whoever kills what is frozen may have to thaw it.
  const seen = state.killed
    ? new Set([state.status, thawed[state.status] ?? state.status, "stopped"] as const)
    : [state.status];
  const results: State[] = [];
  for (const status of seen) {
    const next = effects[operation][status];
    if (ok !== (next !== undefined)) continue;
    if (ok && operation === "state" && told !== (status === "paused created" ? "paused" : status)) continue;
    const killed = (state.killed && status !== "stopped") || (ok && operation === "kill");
    results.push({ status: next ?? status, killed: killed && next !== "none" });
  }
  // What ends meanwhile may refuse what it would have taken a moment before, and take its last.
  if (state.killed && lasting.includes(operation)) results.push(state);
  return results;
}

/** An operation that another one cuts short has failed and has had no effect. */
const cutShort: Readonly<Partial<Record<Operation, readonly Operation[]>>> = {
  create: ["force"],
  run: ["force", "kill", "delete"],
  start: ["force", "kill", "delete"],
  exec: ["force", "kill"],
  pause: ["force", "kill", "run", "start"],
  resume: ["force", "kill"],
  update: ["force", "kill", "delete"],
  stats: ["force", "kill", "delete"],
  ps: ["force", "delete"],
};

const overlaps = (one: Event, other: Event): boolean => one.began < other.ended && other.began < one.ended;

const isCreation = ({ operation }: Event): boolean => operation === "create" || operation === "run";

/** While one creates or deletes, others find it at that. */
function unfinished(event: Event, events: readonly Event[]): boolean {
  const under = events.filter((other) => other !== event && overlaps(event, other));
  if (!event.ok) {
    // What is being created is there for a second create, and not yet what the others want.
    if (!["create", "run"].includes(event.operation) && under.some(isCreation)) return true;
    return (cutShort[event.operation] ?? []).some((by) => under.some((other) => other.ok && other.operation === by));
  }
  if (event.operation !== "state") return false;
  if (event.told === "creating") return under.some(isCreation);
  if (event.told === "created" && under.some(({ operation }) => operation === "run")) return true;
  return event.told !== "paused" && under.some(({ operation }) => operation === "delete" || operation === "force");
}

/**
 * Whether some order explains what was seen.
 * @param last the status that was found when all was over
 */
export function isExplained(first: Status, events: readonly Event[], last: string): boolean {
  const explained = (state: State, left: readonly Event[]): boolean => {
    if (left.length === 0) {
      if (state.killed) return last === "stopped";
      return last === (state.status === "paused created" ? "paused" : state.status);
    }
    return left.some((event) => {
      // Not before one that had ended when it began.
      if (left.some((other) => other.ended < event.began)) return false;
      const rest = left.filter((other) => other !== event);
      const next = after(event, state);
      if (next.length === 0 && unfinished(event, events)) return explained(state, rest);
      return next.some((one) => explained(one, rest)) || (unfinished(event, events) && explained(state, rest));
    });
  };
  return explained({ status: first, killed: false }, events);
}
