/** From a configuration to the scope that systemd is asked for. Pure. */
import { BoxError } from "../../base/errors.ts";
import type { SystemdFacts } from "../../facts/systemd.ts";
import { refuse, together } from "../../spec/refusal.ts";
import type { Spec } from "../../spec/types.ts";
import type { CgroupSettings, UnitOps, UnitProperty } from "../ops.ts";
import { planProperties } from "./annotations.ts";
import { devicePropertiesOf } from "./devices.ts";
import { propertiesOf } from "./properties.ts";
import { parseScopePath, type ScopeName, scopeName, slicePath } from "./unit-name.ts";

/** The scope of a container, and the path of its cgroup. */
export interface ScopePlan {
  readonly path: string;
  readonly unit: UnitOps;
}

/**
 * @param limits as planSettings gives them; what they refuse is told with the rest
 * @param ask tells of the host's systemd; called when nothing else stands in the way, for it takes the bus
 * @param isV1 whether the host has v1 hierarchies (hybrid ones too)
 */
export function planScope(
  spec: Spec,
  id: string,
  limits: () => CgroupSettings,
  ask: () => SystemdFacts,
  isV1: boolean,
): ScopePlan {
  const cgroupsPath = spec.linux?.cgroupsPath ?? "";
  const { annotated, limited } = together({
    annotated: () => planProperties(spec.annotations ?? {}),
    limited: () => {
      const { settings, devices } = limits();
      const ofDevices = refusing("linux.resources.devices", () => devicePropertiesOf(isV1 ? devices : []));
      return [...propertiesOf(settings), ...ofDevices];
    },
    // What an empty slice stands for is the manager's to say, not what is wrong with the rest.
    place: () => placeOf(cgroupsPath, id, false),
  });
  const facts = ask();
  if (isV1 && facts.isUser)
    refuse(
      "linux.cgroupsPath",
      "a user's own systemd can be given the controllers of cgroup v2 only, and this host has v1",
    );
  const place = placeOf(cgroupsPath, id, facts.isUser);
  return {
    path: `${facts.controlGroup}${slicePath(place.slice)}/${place.scope}`,
    unit: {
      name: place.scope,
      bus: facts.bus,
      // Of a property that is there twice the last counts: the configuration's limits.
      properties: [...basics(id, place.slice), ...(isV1 ? accounts : []), ...annotated, ...limited],
    },
  };
}

function placeOf(cgroupsPath: string, id: string, isUser: boolean): ScopeName {
  const slice = isUser ? "user.slice" : "system.slice";
  return refusing("linux.cgroupsPath", () =>
    cgroupsPath === "" ? { slice, scope: scopeName("box", id) } : parseScopePath(cgroupsPath, slice),
  );
}

function refusing<T>(property: string, action: () => T): T {
  try {
    return action();
  } catch (thrown) {
    if (!(thrown instanceof BoxError)) throw thrown;
    return refuse(property, thrown.message);
  }
}

/** On v1 systemd takes a unit into the hierarchy of a controller if something is asked of it, and out of it if not. */
const accounts: readonly UnitProperty[] = ["CPU", "Memory", "BlockIO", "Tasks"].map((name) => ({
  name: `${name}Accounting`,
  signature: "b",
  value: true,
}));

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
