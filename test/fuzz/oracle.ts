/** Tries one case and says what box promised and did not do. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import type { Case, StateChange } from "./case.ts";
import { box, bundleListing, containersIn, type Ended, freshBundle, purge, snapshot, stateRoots } from "./place.ts";

/** What went wrong; the case itself is known to whoever tried it. */
export class Finding extends Error {}

/** How the configurations ended: refused before anything was made, failed later, or made a container. */
export const outcomes = { refused: 0, failed: 0, made: 0 };

const before = { snapshot: new Map() as ReadonlyMap<string, string> };

/** Takes the state of the machine as what every case must leave. */
export function begin(): void {
  before.snapshot = snapshot();
}

/** @throws Finding */
export function attempt(one: Case): void {
  try {
    if (one.kind === "config") tryConfig(one.way, one.config);
    else if (one.kind === "argv") tryArgv(one.argv);
    else tryState(one.change, one.argv);
    requireNothingLeft("");
  } finally {
    sweep();
  }
}

/** The container of every case. */
const id = "fuzz";
const root = ["--root", stateRoots[0]] as const;

function tryConfig(way: "run" | "created" | "unstarted" | "validate", config: string): void {
  freshBundle(config);
  const listing = bundleListing();
  if (way === "validate") {
    tryValidate(listing);
    return;
  }
  const made = clean(box(...root, way === "run" ? "run" : "create", id));
  outcomes[isRefusal(made) ? "refused" : /^box: (create|run) "/.test(made.stderr) ? "failed" : "made"]++;
  if (isRefusal(made)) {
    requireSame(listing, "a refusal");
    requireNothingLeft("a refusal: ");
    return;
  }
  if (way === "run" || made.status !== 0) return;
  if (way === "created" && clean(box(...root, "start", id)).status === 0) clean(box(...root, "kill", id, "KILL"));
  deleteIt();
}

/** What validate calls an error, run fails for; and what run refuses, validate calls an error. */
function tryValidate(listing: string): void {
  const said = clean(box("validate", "--json"));
  const { valid, findings } = JSON.parse(said.stdout) as Verdict;
  if (valid !== (said.status === 0)) throw new Finding(`validate: status ${said.status}, valid ${valid}`);
  requireSame(listing, "validate");
  const ran = clean(box(...root, "run", id));
  // Without a program there is something to create and nothing to run.
  if (isRefusal(ran) && valid && !ran.stderr.includes("nothing to run"))
    throw new Finding(`run refuses what validate takes: ${ran.stderr}`);
  // A poststop hook that cannot run is only warned of, when the container is gone.
  const errors = findings.filter(({ severity, path }) => severity === "error" && !path.startsWith("hooks.poststop"));
  if (ran.status === 0 && errors.length > 0)
    throw new Finding(`validate: ${errors.map(({ path, message }) => `${path}: ${message}`).join("; ")}; but it runs`);
}

interface Verdict {
  readonly valid: boolean;
  readonly findings: readonly { readonly severity: string; readonly path: string; readonly message: string }[];
}

function deleteIt(): void {
  const deleted = clean(box(...root, "delete", "--force", id));
  if (deleted.status !== 0) throw new Finding(`delete --force: ${deleted.stderr}`);
}

function tryArgv(argv: readonly string[]): void {
  freshBundle(plain);
  clean(box(...argv));
  for (const place of stateRoots)
    for (const name of containersIn(place)) clean(box("--root", place, "delete", "--force", name));
}

const plain = JSON.stringify({
  ociVersion: "1.3.0",
  root: { path: "rootfs" },
  process: { args: ["/bin/true"], cwd: "/", user: { uid: 0, gid: 0 } },
  linux: { namespaces: ["mount", "pid", "network"].map((type) => ({ type })) },
});

/**
 * A command meets a damaged state file. Whatever it makes of it, it ends well; and with the file as it was, the container
 * can be deleted as ever. Where the damage itself is what is deleted, nobody can know what else there was.
 */
function tryState(change: StateChange, argv: readonly string[]): void {
  freshBundle(plain);
  if (clean(box(...root, "create", id)).status !== 0) return;
  const path = `${stateRoots[0]}/${id}/state.json`;
  const whole = readFileSync(path);
  writeFileSync(path, spoiled(whole, change));
  clean(box(...root, ...argv));
  if (!existsSync(path)) {
    purge();
    return;
  }
  writeFileSync(path, whole);
  deleteIt();
}

function spoiled(whole: Buffer, change: StateChange): Buffer {
  if ("cut" in change) return whole.subarray(0, Math.min(change.cut, whole.length - 1));
  if ("at" in change) {
    const copy = Buffer.from(whole);
    copy[change.at % copy.length] = change.byte;
    return copy;
  }
  const record = JSON.parse(whole.toString()) as Record<string, unknown>;
  return Buffer.from(JSON.stringify({ ...record, [change.property]: change.value }));
}

/** Refused before anything was made: what fails later says which operation failed. */
function isRefusal({ status, stderr }: Ended): boolean {
  return status === 1 && stderr.startsWith("box: ") && !/^box: (create|run) "/.test(stderr);
}

/** A command must end by itself, with no defect of box's own, and with one line when it fails. */
function clean(ended: Ended): Ended {
  const { argv, status, signal, stderr } = ended;
  const command = `box ${argv.join(" ").slice(0, 200)}`;
  if (signal !== null)
    throw new Finding(`${command}: killed by ${signal} (SIGKILL after a minute: it hangs)\n${stderr}`);
  if (/^box: internal error|^ +at /m.test(stderr)) throw new Finding(`${command}: ${stderr}`);
  const own = stderr.split("\n").filter((line) => line.startsWith("box: ") && !line.startsWith("box: warning: "));
  if (own.length > 1) throw new Finding(`${command}: more than one line of error:\n${stderr}`);
  if (own.length === 1 && status === 0) throw new Finding(`${command}: an error and status 0:\n${stderr}`);
  if (hasControls(stderr)) throw new Finding(`${command}: what is not printable: ${JSON.stringify(stderr)}`);
  const isProgram = argv.includes("run") || argv.includes("exec");
  if (status === 1 && own.length === 0 && !isProgram && !argv.includes("validate") && argv.length > 2 && !hasHelp(argv))
    throw new Finding(`${command}: status 1 without a word: ${JSON.stringify(stderr)}`);
  if (!isProgram && status !== 0 && status !== 1) throw new Finding(`${command}: status ${status}\n${stderr}`);
  return ended;
}

/** Errors may be in a log file, and a missing command is answered with the help. */
function hasHelp(argv: readonly string[]): boolean {
  return argv.some((word) => /^--?(log|help|h|debug)/.test(word));
}

function hasControls(text: string): boolean {
  return /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/.test(text);
}

function requireSame(listing: string, what: string): void {
  const now = bundleListing();
  if (now !== listing) throw new Finding(`${what} changed the bundle:\n${difference(listing, now)}`);
}

/** Processes that were told to end may need a moment. */
function requireNothingLeft(after: string): void {
  const deadline = Date.now() + 5000;
  for (;;) {
    const left = leftovers();
    if (left.length === 0) return;
    if (Date.now() > deadline) throw new Finding(`${after}left: ${left.join("; ")}`);
  }
}

function leftovers(): string[] {
  const now = snapshot();
  return [...before.snapshot].flatMap(([what, was]) => {
    const is = now.get(what) ?? "";
    return is === was ? [] : [`${what}: ${difference(was, is)}`];
  });
}

function difference(was: string, is: string): string {
  const [old, now] = [new Set(was.split("\n")), new Set(is.split("\n"))];
  const gone = [...old].filter((line) => !now.has(line)).map((line) => `-${line}`);
  const added = [...now].filter((line) => !old.has(line)).map((line) => `+${line}`);
  return [...gone, ...added].join(" ");
}

/** After a finding, what it left must not be the next one's. */
function sweep(): void {
  for (const place of stateRoots)
    for (const name of containersIn(place)) box("--root", place, "delete", "--force", name);
  if (leftovers().length > 0) purge();
  if (leftovers().length > 0) begin();
}
