/** Which namespaces a configuration asks for. */
import type { NamespaceType, Spec } from "./types.ts";

/** Whether the container gets a namespace of this type that is not simply the runtime's: a new one, or one by path. */
export function hasNamespace(spec: Spec, type: NamespaceType): boolean {
  return spec.linux?.namespaces?.some((namespace) => namespace.type === type) ?? false;
}

/** Whether the container gets a new namespace of this type. */
export function hasNewNamespace(spec: Spec, type: NamespaceType): boolean {
  return spec.linux?.namespaces?.some((one) => one.type === type && one.path === undefined) ?? false;
}

/** Whether the container is put into a namespace of this type that somebody else has made. */
export function hasJoinedNamespace(spec: Spec, type: NamespaceType): boolean {
  return spec.linux?.namespaces?.some((one) => one.type === type && one.path !== undefined) ?? false;
}

/** The types of namespaces that are made new for the container. */
export function newNamespaces(spec: Spec): readonly NamespaceType[] {
  return (spec.linux?.namespaces ?? []).filter(({ path }) => path === undefined).map(({ type }) => type);
}
