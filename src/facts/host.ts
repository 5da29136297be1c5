/** What this host offers. Each fact is read when it is first asked for, and once. */
import { getCapabilities, getegid, geteuid } from "../linux/cred.ts";
import { load } from "../linux/engine.ts";
import { hasApparmor } from "./apparmor.ts";
import { type CgroupLayout, delegatedHome, mayMakeCgroups, readCgroupLayout, readOwnCgroups } from "./cgroups.ts";
import { keep } from "./keep.ts";
import { hasAllIds } from "./namespaces.ts";
import { findResctrl } from "./resctrl.ts";
import { hasSelinux } from "./selinux.ts";
import type { SystemdFacts } from "./systemd.ts";

export interface HostFacts {
  readonly euid: number;
  readonly egid: number;
  /** This process's permitted capabilities as a mask: what it can hand on. */
  readonly capabilities: bigint;
  readonly cgroups: CgroupLayout;
  /** This process's own cgroup in each hierarchy, by the name of its directory; that of cgroup2 by an empty name. */
  readonly ownCgroups: Readonly<Record<string, string>>;
  /**
   * The cgroup below which this user's containers have theirs: box's own directory for root, for others, and for root of
   * a user namespace, below the cgroup they are in, where that is delegated to them. Undefined where they may make none.
   */
  readonly cgroupHome: string | undefined;
  /** Whether device rules can be put in force: only by root of the host, not by that of a user namespace. */
  readonly mayLimitDevices: boolean;
  /** @throws BoxError where no systemd can be asked */
  readonly systemd: SystemdFacts;
  /** Where resctrl is mounted; undefined where it is not. */
  readonly resctrl: string | undefined;
  /** Whether AppArmor is in force. */
  readonly apparmor: boolean;
  /** Whether SELinux is in force. */
  readonly selinux: boolean;
}

/** The facts of the running machine, lazily. */
export function hostFacts(): HostFacts {
  return {
    get euid() {
      return keep(this, "euid", geteuid());
    },
    get egid() {
      return keep(this, "egid", getegid());
    },
    get capabilities() {
      return keep(this, "capabilities", getCapabilities().permitted);
    },
    get cgroups() {
      return keep(this, "cgroups", readCgroupLayout());
    },
    get ownCgroups() {
      return keep(this, "ownCgroups", readOwnCgroups(this.cgroups));
    },
    get cgroupHome() {
      return keep(
        this,
        "cgroupHome",
        this.euid === 0 && mayMakeCgroups(this.cgroups) ? "/box" : delegatedHome(this.cgroups, this.ownCgroups),
      );
    },
    get mayLimitDevices() {
      return keep(this, "mayLimitDevices", this.euid === 0 && hasAllIds());
    },
    get systemd() {
      const { readSystemd } = load("facts/systemd") as typeof import("./systemd.ts");
      return keep(this, "systemd", readSystemd(this.euid));
    },
    get resctrl() {
      return keep(this, "resctrl", findResctrl());
    },
    get apparmor() {
      return keep(this, "apparmor", hasApparmor());
    },
    get selinux() {
      return keep(this, "selinux", hasSelinux());
    },
  };
}
