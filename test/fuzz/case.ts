/** What is tried: a configuration on one of the ways through a container's life, a command line, a state file. */
import * as fc from "fast-check";
import { configuration } from "./config.ts";

/** `created`: create, start, kill, delete; `unstarted`: create, delete. */
export const ways = ["run", "created", "unstarted", "validate"] as const;

export type Case =
  | { readonly kind: "config"; readonly way: (typeof ways)[number]; readonly config: string }
  | { readonly kind: "argv"; readonly argv: readonly string[] }
  | { readonly kind: "state"; readonly change: StateChange; readonly argv: readonly string[] };

/** How the state file of a created container is spoilt: cut short, a byte replaced, a property replaced. */
export type StateChange =
  | { readonly cut: number }
  | { readonly at: number; readonly byte: number }
  | { readonly property: string; readonly value: unknown };

const commands = "create run start state kill delete exec ps pause resume update events list spec features validate";
const flags =
  "--bundle -b --config -f --pid-file --console-socket --no-pivot --preserve-fds --detach -d --keep --force --all -a --json";
const words = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...commands.split(" "), "help", "nothing") },
  { weight: 4, arbitrary: fc.constantFrom(...flags.split(" "), "--help", "-h", "--", "-", "--nothing", "--cap") },
  { weight: 3, arbitrary: fc.constantFrom("fuzz", "other", ".", "/fuzz/bundle", "config.json", "9", "KILL", "/tmp/x") },
  {
    weight: 2,
    arbitrary: fc.constantFrom("--log", "--log-format", "json", "--debug", "--root", "/tmp/root", "--version"),
  },
  { weight: 1, arbitrary: fc.string({ maxLength: 12 }).map((text) => text.replaceAll("\0", "")) },
  {
    weight: 1,
    arbitrary: fc.constantFrom("", "\u0007", "a".repeat(5000), "--bundle=", "--preserve-fds=-1", "-\u00e9"),
  },
);
const argv = fc.array(words, { maxLength: 7 });

const properties = (
  "version ociVersion id bundle rootfs annotations created phase bootId owner init initFile cgroup startable " +
  "ownPidNamespace uid hooks"
).split(" ");
const stateChange: fc.Arbitrary<StateChange> = fc.oneof(
  fc.record({ cut: fc.nat(2000) }),
  fc.record({ at: fc.nat(2000), byte: fc.nat(255) }),
  fc.record({
    property: fc.constantFrom(...properties),
    value: fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom("running", "created", 1, 0, -1, 99, null)),
  }),
);

/** One thing to try. */
export const anyCase: fc.Arbitrary<Case> = fc.oneof(
  {
    weight: 18,
    arbitrary: fc.record({
      kind: fc.constant("config" as const),
      way: fc.constantFrom(...ways, "run" as const, "run" as const),
      config: configuration,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("argv" as const), argv }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("state" as const),
      change: stateChange,
      argv: fc.constantFrom(
        ["state", "fuzz"],
        ["list"],
        ["kill", "fuzz", "TERM"],
        ["start", "fuzz"],
        ["delete", "fuzz"],
      ),
    }),
  },
);
