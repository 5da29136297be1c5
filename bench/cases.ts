/** What is measured. */
import { bundle, mountCounts, mountSource, rootfs } from "./bundles.ts";
import { out, type Place, type Places, type Runtime } from "./places.ts";

/** A line for the stopwatch. What it answers is kept under `figure`. */
export interface Step {
  readonly verb: "time" | "terminal" | "together" | "do" | "await" | "memory";
  readonly words: readonly string[];
  readonly figure?: string;
}

export interface Case {
  readonly name: string;
  readonly title: string;
  readonly place: Place;
  /** Cases of one session are interleaved; what would disturb the others has a session of its own. */
  readonly session: string;
  /** It takes part in one round of so many. */
  readonly every: number;
  /** Done once before the rounds, in each round, and once after them. */
  readonly prepare: (box: Driver) => readonly Step[];
  readonly round: (box: Driver) => readonly Step[];
  readonly finish: (box: Driver) => readonly Step[];
  /** A command without a runtime that does the same, and what it is called. */
  readonly reference: { readonly name: string; readonly argv: readonly string[] } | undefined;
  /** Sums of figures. */
  readonly sums: Readonly<Record<string, readonly string[]>>;
}

/** How many containers there are at once, and how many are kept. */
const atOnce = 100;
const kept = 1000;

/** The command lines of one runtime for one case. */
class Driver {
  readonly id: string;
  readonly pidFile: string;
  readonly root: string;
  readonly #path: string;

  constructor(place: Place, { name, path }: Runtime, caseName: string) {
    this.id = `bench-${name}-${caseName}`;
    this.root = `${place.state}/${name}-${caseName}`;
    this.pidFile = `${this.root}.pid`;
    this.#path = path;
  }

  argv(command: string, ...words: readonly string[]): readonly string[] {
    return [this.#path, "--root", this.root, command, ...words];
  }

  version = (): readonly string[] => [this.#path, "--version"];

  run = (path: string, id = this.id): readonly string[] => this.argv("run", "--bundle", path, id);

  /** A container that waits, with its pid in a file. */
  detached = (id = this.id): readonly string[] =>
    this.argv("run", "--detach", "--bundle", bundle("wait"), "--pid-file", `${this.root}.${id}.pid`, id);

  /** Ends and removes what `detached` made. */
  remove(id: string, figure?: string): readonly Step[] {
    return [
      quietly(this.argv("kill", id, "KILL")),
      { verb: "await", words: [`${this.root}.${id}.pid`] },
      figure === undefined ? quietly(this.argv("delete", id)) : timed(figure, this.argv("delete", id)),
    ];
  }
}

export type { Driver };

/** Whatever has no name of its own is the time of the case. */
const main = "";

const timed = (figure: string, words: readonly string[]): Step => ({ verb: "time", words, figure });
const quietly = (words: readonly string[]): Step => ({ verb: "do", words });

const nothing = (): readonly Step[] => [];
const defaults = { session: "", every: 1, prepare: nothing, finish: nothing, reference: undefined, sums: {} };

/** A case that is one command in a container that waits. */
const inContainer = (name: string, title: string, place: Place, round: Case["round"]): Case => ({
  ...defaults,
  name,
  title,
  place,
  prepare: (runtime) => [quietly(runtime.detached())],
  round,
  finish: (runtime) => runtime.remove(runtime.id),
});

const run = (name: string, place: Place): Case => ({
  ...defaults,
  name,
  title: "run `/bin/true`, default configuration",
  place,
  round: (runtime) => [timed(main, runtime.run(bundle("true")))],
});

const lifecycle = (name: string, place: Place): Case => ({
  ...defaults,
  name,
  title: "one by one",
  place,
  round: (runtime) => {
    const { id, pidFile } = runtime;
    return [
      timed("create", runtime.argv("create", "--bundle", bundle("wait"), "--pid-file", pidFile, id)),
      { verb: "memory", words: [pidFile], figure: "waiting init" },
      timed("start", runtime.argv("start", id)),
      timed("kill", runtime.argv("kill", id, "KILL")),
      { verb: "await", words: [pidFile] },
      timed("delete", runtime.argv("delete", id)),
    ];
  },
  sums: { "create + start + delete": ["create", "start", "delete"] },
});

const state = (name: string, place: Place): Case =>
  inContainer(name, "state", place, (runtime) => [timed(main, runtime.argv("state", runtime.id))]);

const exec = (name: string, place: Place): Case =>
  inContainer(name, "exec `/bin/true`", place, (runtime) => [
    timed(main, runtime.argv("exec", runtime.id, "/bin/true")),
  ]);

export function makeCases({ peers, user, host }: Places): readonly Case[] {
  const floor = (...mounts: readonly string[]) => ({ name: "floor", argv: [`${out}/floor`, rootfs, ...mounts] });
  return [
    {
      ...defaults,
      name: "version",
      title: "`--version`",
      place: peers,
      round: (runtime) => [timed(main, runtime.version())],
      reference: { name: "`/bin/true`", argv: ["/bin/true"] },
    },
    state("state", peers),
    { ...run("run", peers), reference: floor() },
    {
      ...defaults,
      name: "seccomp",
      title: "run with Docker's seccomp profile",
      place: peers,
      round: (runtime) => [
        quietly(["rm", "-rf", runtime.root]),
        timed("first container", runtime.run(bundle("seccomp"))),
        timed("second container", runtime.run(bundle("seccomp"))),
      ],
    },
    ...mountCounts.map((count) => ({
      ...defaults,
      name: `mounts-${count}`,
      title: `run with ${count} bind mounts`,
      place: peers,
      every: Math.max(1, count / 100),
      round: (runtime: Driver) => [timed(main, runtime.run(bundle(`mounts-${count}`)))],
      reference: floor(mountSource, `${count}`),
    })),
    lifecycle("lifecycle", peers),
    exec("exec", peers),
    inContainer("exec-t", "exec -t `/bin/true`", peers, (runtime) => [
      { verb: "terminal", words: runtime.argv("exec", "-t", runtime.id, "/bin/true"), figure: main },
    ]),
    {
      ...defaults,
      name: "rootless",
      title: "run `/bin/true` without root",
      place: user,
      round: (runtime) => [timed(main, runtime.run(bundle("rootless")))],
    },
    {
      ...defaults,
      name: "together",
      title: `${atOnce} × run at once`,
      place: peers,
      session: "together",
      every: 15,
      round: (runtime) => [
        {
          verb: "together",
          words: [`${atOnce}`, ...runtime.run(bundle("true"), `${runtime.id}-%`)],
          figure: main,
        },
      ],
    },
    {
      ...defaults,
      name: "kept",
      title: `with ${kept} containers`,
      place: peers,
      session: "kept",
      every: 10,
      prepare: (runtime) =>
        Array.from({ length: kept }, (_, index) => timed("run --detach", runtime.detached(`${runtime.id}-${index}`))),
      round: (runtime) => [
        timed("list", runtime.argv("list")),
        timed("state", runtime.argv("state", `${runtime.id}-${Math.floor(kept / 2)}`)),
      ],
      finish: (runtime) =>
        Array.from({ length: kept }, (_, index) => runtime.remove(`${runtime.id}-${index}`, "delete")).flat(),
    },
    run("host-run", host),
    state("host-state", host),
    lifecycle("host-lifecycle", host),
    exec("host-exec", host),
  ];
}

export function driverOf({ place, name }: Case, runtime: Runtime): Driver {
  return new Driver(place, runtime, name);
}
