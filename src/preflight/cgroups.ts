/** Cgroups: the place that is asked for. What a limit needs the plan itself knows. */
import { clean } from "../base/path.ts";
import { quote } from "../base/quote.ts";
import { cgroupRoot } from "../facts/cgroups.ts";
import { exists } from "../facts/look.ts";
import type { Findings } from "../spec/findings.ts";
import type { Subject } from "./host.ts";

/** A cgroup that exists may hold processes, and then create refuses it. */
export function cgroupsPathCheck({ spec, facts }: Subject, findings: Findings): void {
  const path = spec.linux?.cgroupsPath;
  if (path === undefined || !path.startsWith("/") || clean(path) === "/" || facts.cgroups.mode === "none") return;
  const mounts = facts.cgroups.mode === "v2" ? [""] : facts.cgroups.hierarchies.map(({ name }) => `/${name}`);
  const found = mounts.map((mount) => `${cgroupRoot}${mount}${clean(path)}`).find(exists);
  if (found !== undefined) findings.warning("linux.cgroupsPath", `${quote(found)} exists already`);
}
