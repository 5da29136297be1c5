/** Where the specification describes each property: file and anchor of its text (runtime-spec 1.3). */

/** By the longest path that is known; without indices and keys. */
const sections: Readonly<Record<string, string>> = {
  ociVersion: "config.md#configSpecificationVersion",
  root: "config.md#configRoot",
  mounts: "config.md#configMounts",
  "mounts.options": "config.md#configLinuxMountOptions",
  "mounts.type": "config.md#configPOSIXMounts",
  "mounts.uidMappings": "config.md#configPOSIXMounts",
  "mounts.gidMappings": "config.md#configPOSIXMounts",
  process: "config.md#configProcess",
  "process.rlimits": "config.md#configPOSIXProcess",
  "process.apparmorProfile": "config.md#configLinuxProcess",
  "process.capabilities": "config.md#configLinuxProcess",
  "process.noNewPrivileges": "config.md#configLinuxProcess",
  "process.oomScoreAdj": "config.md#configLinuxProcess",
  "process.scheduler": "config.md#configLinuxProcess",
  "process.selinuxLabel": "config.md#configLinuxProcess",
  "process.ioPriority": "config.md#configLinuxProcess",
  "process.execCPUAffinity": "config.md#configLinuxProcess",
  "process.user": "config.md#configPOSIXUser",
  hostname: "config.md#configHostname",
  domainname: "config.md#configDomainname",
  hooks: "config.md#configHooks",
  "hooks.prestart": "config.md#configHooksPrestart",
  "hooks.createRuntime": "config.md#configHooksCreateRuntime",
  "hooks.createContainer": "config.md#configHooksCreateContainer",
  "hooks.startContainer": "config.md#configHooksStartContainer",
  "hooks.poststart": "config.md#configHooksPoststart",
  "hooks.poststop": "config.md#configHooksPoststop",
  annotations: "config.md#configAnnotations",
  linux: "config-linux.md#linuxContainerConfiguration",
  "linux.namespaces": "config-linux.md#configLinuxNamespaces",
  "linux.uidMappings": "config-linux.md#configLinuxUserNamespaceMappings",
  "linux.gidMappings": "config-linux.md#configLinuxUserNamespaceMappings",
  "linux.timeOffsets": "config-linux.md#configLinuxTimeOffset",
  "linux.devices": "config-linux.md#configLinuxDevices",
  "linux.netDevices": "config-linux.md#configLinuxNetworkDevices",
  "linux.cgroupsPath": "config-linux.md#configLinuxCgroupsPath",
  "linux.resources": "config-linux.md#configLinuxControlGroups",
  "linux.resources.devices": "config-linux.md#configLinuxDeviceAllowedlist",
  "linux.resources.memory": "config-linux.md#configLinuxMemory",
  "linux.resources.cpu": "config-linux.md#configLinuxCPU",
  "linux.resources.blockIO": "config-linux.md#configLinuxBlockIO",
  "linux.resources.hugepageLimits": "config-linux.md#configLinuxHugePageLimits",
  "linux.resources.network": "config-linux.md#configLinuxNetwork",
  "linux.resources.pids": "config-linux.md#configLinuxPIDS",
  "linux.resources.rdma": "config-linux.md#configLinuxRDMA",
  "linux.resources.unified": "config-linux.md#configLinuxUnified",
  "linux.intelRdt": "config-linux.md#configLinuxIntelRdt",
  "linux.memoryPolicy": "config-linux.md#configLinuxMemoryPolicy",
  "linux.sysctl": "config-linux.md#configLinuxSysctl",
  "linux.seccomp": "config-linux.md#configLinuxSeccomp",
  "linux.rootfsPropagation": "config-linux.md#configLinuxRootfsMountPropagation",
  "linux.maskedPaths": "config-linux.md#configLinuxMaskedPaths",
  "linux.readonlyPaths": "config-linux.md#configLinuxReadonlyPaths",
  "linux.mountLabel": "config-linux.md#configLinuxMountLabel",
  "linux.personality": "config-linux.md#configLinuxPersonality",
};

/** @param path of a finding, as in `mounts[3].destination` */
export function sectionOf(path: string): string | undefined {
  // What is behind a map's key is the caller's; an index says nothing.
  const [properties = ""] = path.replace(/\[[0-9]+\]/g, "").split("[");
  const steps = properties.split(".");
  for (let count = steps.length; count > 0; count--) {
    const known = steps.slice(0, count).join(".");
    if (Object.hasOwn(sections, known)) return sections[known];
  }
  return undefined;
}
