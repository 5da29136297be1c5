/** Composes the subjects' plans for `create` and `run`. Pure: the same input gives the same plan. */
import { lazy } from "../base/once.ts";
import { clean } from "../base/path.ts";
import { type CgroupManager, planCgroup } from "../cgroups/plan.ts";
import type { CgroupLayout } from "../facts/cgroups.ts";
import type { HostFacts } from "../facts/host.ts";
import { planHooks } from "../hooks/plan.ts";
import { planNamespaces, planNetDevices } from "../namespaces/plan.ts";
import { planResctrl } from "../resctrl/plan.ts";
import type { CgroupViewLayout } from "../rootfs/ops.ts";
import { planRootfs } from "../rootfs/plan.ts";
import { keepsGroups } from "../spec/annotations.ts";
import { capMapIds, capNetAdmin, capSysAdmin, holds } from "../spec/capabilities.ts";
import type { Finding } from "../spec/findings.ts";
import { hasJoinedNamespace, hasNamespace, hasNewNamespace } from "../spec/namespaces.ts";
import { refuse, together } from "../spec/refusal.ts";
import { sysctlComponents } from "../spec/sysctl-key.ts";
import type { ValidSpec } from "../spec/types.ts";
import type { Plan } from "./plan.ts";
import { planProgram } from "./program.ts";

export type { CgroupManager } from "../cgroups/plan.ts";
export { makesNetworkAhead } from "../namespaces/plan.ts";

/** What the command line says. */
export interface CreateOptions {
  readonly id: string;
  /** Absolute. */
  readonly bundle: string;
  readonly pivot: boolean;
  readonly newKeyring: boolean;
  readonly cgroupManager: CgroupManager;
  readonly preserveFds: number;
  /** Variables that the caller's socket activation adds. */
  readonly activation: readonly string[];
}

/** @throws Refusal with everything that stands in the way */
export function planCreate(spec: ValidSpec, facts: HostFacts, options: CreateOptions): Plan {
  const { id, bundle } = options;
  const linux = spec.linux ?? {};
  const warnings: Finding[] = [];
  const warn = (path: string, message: string) => void warnings.push({ path, message });
  const hasDeviceRules = (linux.resources?.devices ?? []).length > 0;
  if (hasDeviceRules && options.cgroupManager === "disabled")
    warn("linux.resources.devices", "not in force: it needs a cgroup, and the cgroup manager is disabled");
  else if (hasDeviceRules && !facts.mayLimitDevices)
    warn("linux.resources.devices", "not in force: device rules take a privilege that this user does not have");
  const planOwnCgroup = lazy(() => planCgroup(spec, id, facts, options.cgroupManager));
  const { namespaces, netDevices, resctrl, cgroup, rootfs, hooks, planned } = together({
    namespaces: () => planNamespaces(spec, () => holds(facts.capabilities, capMapIds)),
    netDevices: () => planNetDevices(linux, () => holds(facts.capabilities, capNetAdmin)),
    resctrl: () => planResctrl(linux.intelRdt, id, () => facts.resctrl),
    cgroup: planOwnCgroup,
    rootfs: () => {
      const hasView = (spec.mounts ?? []).some(({ type }) => type === "cgroup");
      const place = hasView ? placeOf(planOwnCgroup()?.path, facts) : undefined;
      const cgroupView = place && viewOf(facts.cgroups, hasNewNamespace(spec, "cgroup"), place);
      const mayMount = () => holds(facts.capabilities, capSysAdmin);
      const hasSelinux = () => facts.selinux;
      return planRootfs(spec, { bundle, pivot: options.pivot, cgroupView, mayMount, hasSelinux, warn });
    },
    hooks: () => {
      const ops = planHooks(spec.hooks);
      // Whoever is in that namespace would say what is executed, with the rights that init still has.
      if (ops.createContainer.length > 0 && hasJoinedNamespace(spec, "mount"))
        refuse("hooks.createContainer", "cannot be executed in a mount namespace that is joined");
      return ops;
    },
    planned: () =>
      spec.process === undefined
        ? undefined
        : planProgram(spec.process, linux, {
            ...options,
            capabilities: facts.capabilities,
            modules: facts,
            inUserNamespace: hasNamespace(spec, "user"),
            keepsGroups: keepsGroups(spec),
          }),
  });
  return {
    parent: { cgroup, oomScoreAdj: planned?.program.process.oomScoreAdj, netDevices, resctrl },
    init: {
      identity: { id, ociVersion: spec.ociVersion, bundle, rootfs: rootfs.path, annotations: spec.annotations ?? {} },
      namespaces,
      rootfs,
      sysctl: Object.entries(linux.sysctl ?? {}).map(
        ([key, value]) => [(sysctlComponents(key) ?? []).join("/"), value] as const,
      ),
      hooks,
      program: planned?.program,
    },
    warnings: [...warnings, ...(planned?.warnings ?? [])],
  };
}

/** Where the container is in each hierarchy: in its own cgroup, or in that of its caller. */
function placeOf(own: string | undefined, facts: HostFacts): (name: string) => string {
  return own === undefined ? (name) => facts.ownCgroups[name] ?? "/" : () => own;
}

/** How the container's cgroups look from inside, in the host's own layout. */
function viewOf(
  layout: CgroupLayout,
  namespace: boolean,
  place: (name: string) => string,
): CgroupViewLayout | undefined {
  const source = (directory: string, name: string): string => clean(`/sys/fs/cgroup/${directory}${place(name)}`);
  switch (layout.mode) {
    case "none":
      return undefined;
    case "v2":
      return { mode: "v2", namespace, source: source("", "") };
    case "v1": {
      const hierarchies = layout.hierarchies.map(({ name, options }) => ({
        name,
        options,
        source: source(name, name),
      }));
      return { mode: "v1", namespace, hierarchies, ...(layout.unified ? { unified: source("unified", "") } : {}) };
    }
  }
}
