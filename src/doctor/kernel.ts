/** The kernel itself: its version, its calls, its file systems. */
import { procText } from "../facts/look.ts";
import { missingCalls } from "../linux/probe.ts";
import { type Check, limited, missing, ok } from "./check.ts";

const newerKernel = "apt update && apt install linux-image-amd64";

export function kernelCheck(): Check {
  const release = procText("sys/kernel/osrelease")?.trim() ?? "unknown";
  const absent = missingCalls();
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

export function fileSystemsCheck(): Check {
  const known = knownFileSystems(procText("filesystems") ?? "");
  const absent = wanted.filter((name) => !known.includes(name));
  return absent.length === 0
    ? ok("file systems", wanted.join(" "))
    : limited("file systems", `the kernel has not loaded ${absent.join(", ")}`, `modprobe -a ${absent.join(" ")}`);
}

/** /proc/filesystems: `nodev	tmpfs`. Pure. */
export function knownFileSystems(text: string): string[] {
  return text.split("\n").map((line) => line.split("\t").at(-1) ?? "");
}

/** idmapped mounts came with mount_setattr, 5.12; each file system learnt them later. */
export function idmappedMountsCheck(): Check {
  return missingCalls().includes("mount_setattr")
    ? limited("idmapped mounts", "this kernel has none: mounts with uidMappings are refused", newerKernel)
    : ok("idmapped mounts", "the kernel can (each file system for itself)");
}

/** `vm.memfd_noexec` = 2 forbids executing a memfd: then a sealed copy of box cannot be one. */
export function sealCheck(euid: number): Check {
  const forbidden = procText("sys/vm/memfd_noexec")?.trim() === "2";
  if (!forbidden) return ok("sealed restart", euid === 0 ? "from a private overlay or a memfd" : "from a memfd");
  const mend = "sysctl -w vm.memfd_noexec=1";
  return euid === 0
    ? limited("sealed restart", "from a private overlay only: vm.memfd_noexec is 2", mend)
    : missing("sealed restart", "vm.memfd_noexec is 2: box cannot execute a sealed copy of itself", mend);
}
