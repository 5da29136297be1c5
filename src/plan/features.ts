/** What `box features` prints (runtime-spec 1.3, features.md), from the tables by which box works. Pure. */

import { annotationPrefix, supportedCgroups } from "../cgroups/plan.ts";
import { supportedNamespaces } from "../namespaces/plan.ts";
import { supportedRdt } from "../resctrl/plan.ts";
import { knownOptions } from "../rootfs/plan.ts";
import { keepGroups } from "../spec/annotations.ts";
import { ociVersion } from "../spec/oci-version.ts";
import {
  capabilityNames,
  hookKinds,
  memoryPolicyFlags,
  memoryPolicyModes,
  seccompActions,
  seccompArchitectures,
  seccompFlags,
  seccompOperators,
} from "../spec/vocabulary.ts";

export interface Build {
  readonly version: string;
  readonly commit: string;
  readonly libseccomp: string;
}

/** @param loadableFlags flags of linux.seccomp that this kernel knows */
export function features(build: Build, loadableFlags: readonly string[]): object {
  return {
    ociVersionMin: "1.0.0",
    ociVersionMax: ociVersion,
    hooks: hookKinds,
    mountOptions: knownOptions(),
    linux: {
      namespaces: supportedNamespaces,
      capabilities: capabilityNames,
      cgroup: supportedCgroups,
      seccomp: {
        enabled: true,
        actions: seccompActions,
        operators: seccompOperators,
        archs: seccompArchitectures,
        knownFlags: seccompFlags,
        supportedFlags: seccompFlags.filter((flag) => loadableFlags.includes(flag)),
      },
      apparmor: { enabled: true },
      selinux: { enabled: true },
      intelRdt: supportedRdt,
      memoryPolicy: { modes: memoryPolicyModes, flags: memoryPolicyFlags },
      netDevices: { enabled: true },
      mountExtensions: { idmap: { enabled: true } },
    },
    annotations: {
      "box.version": build.version,
      "box.commit": build.commit,
      "io.github.seccomp.libseccomp.version": build.libseccomp,
    },
    potentiallyUnsafeConfigAnnotations: [annotationPrefix, keepGroups],
  };
}
