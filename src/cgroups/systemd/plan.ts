/** From a configuration to the scope that systemd is asked for. Pure. */
import { BoxError } from "../../base/errors.ts";
import type { SystemdFacts } from "../../facts/systemd.ts";
import { refuse, together } from "../../spec/refusal.ts";
import type { Spec } from "../../spec/types.ts";
import type { Setting, UnitOps, UnitProperty } from "../ops.ts";
import { planProperties } from "./annotations.ts";
import { propertiesOf } from "./properties.ts";
import { parseScopePath, type ScopeName, scopeName, slicePath } from "./unit-name.ts";

/** The scope of a container, and the path of its cgroup. */
export interface ScopePlan {
  readonly path: string;
  readonly unit: UnitOps;
}

export function planScope(spec: Spec, id: string, settings: readonly Setting[], facts: SystemdFacts): ScopePlan {
  const { place, annotated } = together({
    place: () => placeOf(spec.linux?.cgroupsPath ?? "", id, facts),
    annotated: () => planProperties(spec.annotations ?? {}),
  });
  return {
    path: `${facts.controlGroup}${slicePath(place.slice)}/${place.scope}`,
    unit: {
      name: place.scope,
      bus: facts.bus,
      // Of a property that is there twice the last counts: the configuration's limits.
      properties: [...basics(id, place.slice), ...annotated, ...propertiesOf(settings)],
    },
  };
}

function placeOf(cgroupsPath: string, id: string, { isUser }: SystemdFacts): ScopeName {
  const slice = isUser ? "user.slice" : "system.slice";
  try {
    return cgroupsPath === "" ? { slice, scope: scopeName("box", id) } : parseScopePath(cgroupsPath, slice);
  } catch (thrown) {
    if (!(thrown instanceof BoxError)) throw thrown;
    return refuse("linux.cgroupsPath", thrown.message);
  }
}

function basics(id: string, slice: string): readonly UnitProperty[] {
  return [
    { name: "Description", signature: "s", value: `box container ${id}` },
    { name: "Slice", signature: "s", value: slice },
    // What is below the scope's cgroup, and its files that systemd does not know, are the container's and box's.
    { name: "Delegate", signature: "b", value: true },
    // Its end is the engine's matter; by default it would be stopped early in a shutdown.
    { name: "DefaultDependencies", signature: "b", value: false },
    // A scope that has failed does not keep its name.
    { name: "CollectMode", signature: "s", value: "inactive-or-failed" },
  ];
}
