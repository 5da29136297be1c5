/** What `update` makes of the resources in force: only what it sets changes. Pure. */
import type { Resources } from "../spec/types.ts";
import { properties, scalarOf } from "./resources.ts";

type Json = Readonly<Record<string, unknown>>;

/** Lists of which each entry stands for a device, a page size, an interface: an entry replaces the one for the same. */
const lists: readonly (readonly [group: string | undefined, name: string, identity: readonly string[]])[] = [
  ["blockIO", "weightDevice", ["major", "minor"]],
  ["blockIO", "throttleReadBpsDevice", ["major", "minor"]],
  ["blockIO", "throttleWriteBpsDevice", ["major", "minor"]],
  ["blockIO", "throttleReadIOPSDevice", ["major", "minor"]],
  ["blockIO", "throttleWriteIOPSDevice", ["major", "minor"]],
  ["network", "priorities", ["name"]],
  [undefined, "hugepageLimits", ["pageSize"]],
];

/** The resources that are in force once `change` is, on top of `base`. */
export function mergeResources(base: Resources, change: Resources): Resources {
  const merged: Record<string, unknown> = { ...base };
  const put = (group: string, values: Json) => {
    merged[group] = { ...(merged[group] as Json | undefined), ...values };
  };
  for (const { scalar } of properties) {
    if (scalar === undefined) continue;
    const value = scalarOf(change, scalar);
    if (!scalar.isUnset(value)) put(scalar.group, { [scalar.key]: value });
  }
  if (change.memory?.checkBeforeUpdate !== undefined)
    put("memory", { checkBeforeUpdate: change.memory.checkBeforeUpdate });
  // No limit of memory is no limit of memory and swap either, unless that is said.
  if (change.memory?.limit === -1 && (change.memory.swap ?? 0) === 0) put("memory", { swap: -1 });
  for (const [group, name, identity] of lists) {
    const listIn = (resources: Resources) =>
      ((group === undefined ? resources : (resources as Json)[group]) as Json | undefined)?.[name] as
        | readonly Json[]
        | undefined;
    const entries = mergeEntries(listIn(base) ?? [], listIn(change) ?? [], identity);
    if (entries.length === 0) continue;
    if (group === undefined) merged[name] = entries;
    else put(group, { [name]: entries });
  }
  for (const [device, limit] of Object.entries(change.rdma ?? {}))
    put("rdma", { [device]: { ...base.rdma?.[device], ...limit } });
  if (change.unified !== undefined) put("unified", change.unified);
  // Rules are read as one list, so a new list takes the place of the old one.
  if (change.devices !== undefined && change.devices.length > 0) merged["devices"] = change.devices;
  return merged as Resources;
}

function mergeEntries(base: readonly Json[], change: readonly Json[], identity: readonly string[]): readonly Json[] {
  const idOf = (entry: Json) => identity.map((name) => entry[name]).join(":");
  const byId = new Map(base.map((entry) => [idOf(entry), entry]));
  for (const entry of change) byId.set(idOf(entry), { ...byId.get(idOf(entry)), ...entry });
  return [...byId.values()];
}
