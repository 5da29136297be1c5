/** Cgroups: the controllers that limits need, and the place that is asked for. */
import { clean } from "../base/path.ts";
import { quote } from "../base/quote.ts";
import { cgroupRoot, readControllers } from "../facts/cgroups.ts";
import type { Findings } from "../spec/findings.ts";
import type { Resources } from "../spec/types.ts";
import type { Subject } from "./host.ts";
import { exists } from "./look.ts";

type Limit = Exclude<keyof Resources, "devices" | "unified">;

/** The controller of each kind of limit: cgroups(7). In cgroup v2 devices need none, and network has none. */
const controllers: Readonly<Record<Limit, { readonly v1: readonly string[]; readonly v2: readonly string[] }>> = {
  memory: { v1: ["memory"], v2: ["memory"] },
  cpu: { v1: ["cpu"], v2: ["cpu"] },
  pids: { v1: ["pids"], v2: ["pids"] },
  blockIO: { v1: ["blkio"], v2: ["io"] },
  hugepageLimits: { v1: ["hugetlb"], v2: ["hugetlb"] },
  rdma: { v1: ["rdma"], v2: ["rdma"] },
  network: { v1: ["net_cls", "net_prio"], v2: [] },
};

export function controllersCheck({ spec, facts }: Subject, findings: Findings): void {
  const { resources } = spec.linux ?? {};
  if (resources === undefined || facts.cgroups.mode === "none") return;
  const version = facts.cgroups.mode;
  const here = readControllers(facts.cgroups);
  for (const limit of Object.keys(controllers) as Limit[]) {
    if (!asks(resources[limit])) continue;
    const missing = controllers[limit][version].filter((name) => !here.has(name));
    if (missing.length === 0) continue;
    findings.problem(`linux.resources.${limit}`, `this host has no ${missing.join(" and ")} controller (${version})`);
  }
}

/** Empty objects and zeros are what engines send for "nothing". */
function asks(limit: unknown): boolean {
  if (Array.isArray(limit)) return limit.length > 0;
  if (typeof limit === "object" && limit !== null) return Object.values(limit).some(asks);
  return limit !== undefined && limit !== 0 && limit !== "" && limit !== false;
}

/** A cgroup that exists may hold processes, and then create refuses it. */
export function cgroupsPathCheck({ spec, facts }: Subject, findings: Findings): void {
  const path = spec.linux?.cgroupsPath;
  if (path === undefined || !path.startsWith("/") || clean(path) === "/" || facts.cgroups.mode === "none") return;
  const mounts = facts.cgroups.mode === "v2" ? [""] : facts.cgroups.hierarchies.map(({ name }) => `/${name}`);
  const found = mounts.map((mount) => `${cgroupRoot}${mount}${clean(path)}`).find(exists);
  if (found !== undefined) findings.warning("linux.cgroupsPath", `${quote(found)} exists already`);
}
