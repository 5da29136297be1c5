/** The kernel itself: its version, its calls, its file systems. */
import { knownFileSystems } from "../facts/file-systems.ts";
import { look, procText } from "../facts/look.ts";
import { missingCalls } from "../linux/probe.ts";
import { type Check, limited, missing, ok } from "./check.ts";

const newerKernel = "apt update && apt install linux-image-amd64";

/** Calls that box cannot do without and that this kernel lacks, or a filter around this process forbids. */
export function kernelCheck(): Check {
  const release = procText("sys/kernel/osrelease")?.trim() ?? "unknown";
  // There are other ways to do without that one, but for what idmappedMountsCheck tells.
  const absent = missingCalls().filter((name) => name !== "mount_setattr");
  return absent.length === 0
    ? ok("kernel", `Linux ${release}, with every system call that box needs`)
    : missing(
        "kernel",
        `Linux ${release} lacks ${absent.join(", ")} (or a filter around this process does)`,
        newerKernel,
      );
}

/** File systems that the usual configurations mount. */
const wanted = ["proc", "sysfs", "tmpfs", "devpts", "mqueue", "overlay", "cgroup2"];

/** What is not there now may come with a module, so it is a limitation only: filesystems(5). */
export function fileSystemsCheck(): Check {
  const known = knownFileSystems();
  const absent = wanted.filter((name) => !known.has(name));
  return absent.length === 0
    ? ok("file systems", wanted.join(" "))
    : limited("file systems", `the kernel has not loaded ${absent.join(", ")}`, `modprobe -a ${absent.join(" ")}`);
}

/** idmapped mounts came with mount_setattr, 5.12; each file system learnt them later. */
export function idmappedMountsCheck(): Check {
  return missingCalls().includes("mount_setattr")
    ? limited("idmapped mounts", "this kernel has none: mounts with uidMappings are refused", newerKernel)
    : ok("idmapped mounts", "the kernel can (each file system for itself)");
}

/**
 * `vm.memfd_noexec` = 2 forbids executing a memfd: then a sealed copy of box cannot be one. An ordinary user needs none
 * where root alone may write to box (native/seal.c).
 */
export function sealCheck(euid: number): Check {
  const name = "sealed restart";
  const self = look("/proc/self/exe");
  if (euid !== 0 && typeof self !== "string" && self.uid === 0 && (self.mode & 0o022) === 0)
    return ok(name, "not needed: root alone may write to box");
  const forbidden = procText("sys/vm/memfd_noexec")?.trim() === "2";
  if (!forbidden) return ok(name, euid === 0 ? "from a private overlay or a memfd" : "from a memfd");
  const mend = "sysctl -w vm.memfd_noexec=1";
  return euid === 0
    ? limited(name, "from a private overlay only: vm.memfd_noexec is 2", mend)
    : missing(name, "vm.memfd_noexec is 2: box cannot execute a sealed copy of itself", mend);
}
