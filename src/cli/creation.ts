/** What `create` and `run` have in common: their options, and the way from the command line to a plan. */
import { within } from "../base/errors.ts";
import { resolve } from "../base/path.ts";
import { quote } from "../base/quote.ts";
import { step } from "../base/steps.ts";
import { checkId } from "../container/id.ts";
import type { ServiceManager } from "../container/service-manager.ts";
import { readConfig, requireDirectory } from "../facts/bundle.ts";
import { hostFacts } from "../facts/host.ts";
import { isOwnNamespace } from "../facts/namespaces.ts";
import { load, sealed } from "../linux/engine.ts";
import { chdir, getcwd } from "../linux/file.ts";
import { beginNetworkNamespace, type PendingNamespace } from "../linux/namespace.ts";
import { makesNetworkAhead, planCreate } from "../plan/create.ts";
import type { Plan } from "../plan/plan.ts";
import { format } from "../spec/findings.ts";
import { setIn } from "../spec/owners.ts";
import { each, refuse } from "../spec/refusal.ts";
import type { Spec } from "../spec/types.ts";
import type { Arguments, Option } from "./args.ts";
import type { Context } from "./context.ts";
import { checkTerminal, inheritedFds, serviceManager } from "./handover.ts";

export const creationOptions: readonly Option[] = [
  {
    name: "bundle",
    short: "b",
    value: "DIR",
    notEmpty: true,
    help: "bundle directory (default: the working directory)",
  },
  { name: "config", short: "f", value: "FILE", help: "configuration in the bundle (default config.json)" },
  { name: "console-socket", value: "PATH", help: "unix socket that takes the terminal's master" },
  { name: "pidfd-socket", value: "PATH", help: "unix socket that takes a pidfd of the container's first process" },
  { name: "pid-file", value: "FILE", help: "write the pid of the container's first process" },
  { name: "no-pivot", help: "move the root file system in place of pivot_root (for a root on ramfs)" },
  { name: "no-new-keyring", help: "keep the caller's session keyring" },
  { name: "preserve-fds", value: "N", help: "let the program keep descriptors 3 to 3+N-1" },
];

/** What `create` and `run` have before they make anything. */
export interface Preparation {
  readonly plan: Plan;
  readonly config: Uint8Array;
  /** The network namespace, where it was begun before the plan. */
  readonly networkAhead: PendingNamespace | undefined;
  /** Who is to be told that the program is ready. */
  readonly manager: ServiceManager | undefined;
}

/** Reads and checks everything; nothing has been made when this throws. */
export function prepareCreation(args: Arguments, context: Context, detached: boolean): Preparation {
  if (!sealed) throw new Error("this process is not sealed");
  const id = checkId(args.operand(0));
  step("configuration");
  const fds = inheritedFds(args, context);
  const bundle = enterBundle(args.text("bundle"));
  const configPath = resolve(bundle, args.text("config") ?? "config.json");
  const config = readConfig(configPath);
  step("validation");
  const { decodeSpec } = load("spec/decode") as typeof import("../spec/decode.ts");
  const spec = within(configPath, () => decodeSpec(config.text, context.log.warn));
  requireOwnNames(spec);
  checkTerminal(spec.process?.terminal === true, detached, args.has("console-socket"));
  const manager = serviceManager(context);
  const networkAhead = makesNetworkAhead(spec) ? beginNetworkNamespace() : undefined;
  step("plan");
  const seen = manager === undefined ? spec : manager.introduce(spec, `${context.store.path}/${id}`);
  const plan = planCreate(seen, hostFacts(), {
    id,
    bundle,
    pivot: !args.has("no-pivot"),
    newKeyring: !args.has("no-new-keyring"),
    cgroupManager: context.cgroupManager,
    preserveFds: fds.count,
    activation: fds.env,
  });
  requireDirectory(plan.init.rootfs.path, "root file system");
  for (const warning of plan.warnings) context.log.warn(format(warning));
  return { plan, config: config.bytes, networkAhead, manager };
}

/** Names and kernel parameters are the container's own: a namespace that is joined must not be the caller's. */
export function requireOwnNames(spec: Spec): void {
  each(spec.linux?.namespaces ?? [], ({ type, path }) => {
    const property = path === undefined ? undefined : setIn(type, spec);
    if (property === undefined || path === undefined || !isOwnNamespace(type, path)) return;
    refuse(property, `the ${type} namespace ${quote(path)} is the caller's own, it would be changed there`);
  });
}

/** Relative paths of the configuration, and the hooks, start from the bundle. */
export function enterBundle(bundle: string | undefined): string {
  if (bundle !== undefined)
    within(
      () => `bundle ${quote(bundle)}`,
      () => chdir(bundle),
    );
  return getcwd();
}
