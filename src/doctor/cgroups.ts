/** Cgroups: which version, which controllers, what is delegated to this user. */
import type { CgroupLayout } from "../facts/cgroups.ts";
import { cgroupRoot } from "../facts/cgroups.ts";
import { denial, exists, procText, textOf } from "../facts/look.ts";
import { W_OK } from "../linux/constants.ts";
import { type Check, limited, ok } from "./check.ts";

/** What engines set limits with. */
const wanted = ["cpu", "cpuset", "io", "memory", "pids"];

/** Which kind, and which of the usual controllers are missing. */
export function cgroupsCheck(layout: CgroupLayout): Check {
  const name = "cgroups";
  if (layout.mode === "none")
    return limited(
      name,
      `none at ${cgroupRoot}: limits and pause are refused`,
      `mount -t cgroup2 cgroup2 ${cgroupRoot}`,
    );
  const v1 = layout.mode === "v1" ? layout.hierarchies.flatMap(({ options }) => options) : [];
  const kind = layout.mode === "v2" ? "v2" : layout.unified ? "hybrid (v1 and v2)" : "v1";
  const present = [...v1, ...layout.controllers];
  const absent = wanted.filter((each) => !present.includes(each) && !(each === "io" && v1.includes("blkio")));
  const detail = `${kind}: ${present.join(" ")}`;
  return absent.length === 0 ? ok(name, detail) : limited(name, `${detail}; without ${absent.join(", ")}`);
}

/** An ordinary user may only make cgroups where the subtree is its own: cgroups(7), Delegation. */
export function delegationCheck(layout: CgroupLayout): Check {
  const name = "delegated cgroups";
  if (layout.mode !== "v2")
    return limited(name, "only cgroup v2 can be delegated: an ordinary user has no limits here");
  const own = /^0::(.*)$/m.exec(procText("self/cgroup") ?? "")?.[1] ?? "/";
  const path = `${cgroupRoot}${own === "/" ? "" : own}`;
  const refused = denial(path, W_OK);
  if (refused !== undefined) return limited(name, refused, delegate);
  const controllers = (textOf(`${path}/cgroup.controllers`) ?? "").trim().split(" ");
  const absent = wanted.filter((each) => !controllers.includes(each));
  return absent.length === 0
    ? ok(name, `${own}: ${controllers.join(" ")}`)
    : limited(name, `${own}: without ${absent.join(", ")}`, delegate);
}

const delegate =
  "mkdir -p /etc/systemd/system/user@.service.d && printf '[Service]\\nDelegate=cpu cpuset io memory pids\\n' " +
  ">/etc/systemd/system/user@.service.d/delegate.conf && systemctl daemon-reload";

/** Whether systemd is the host's init: its directory is there then, sd_booted(3). */
export function systemdCheck(): Check {
  return exists("/run/systemd/system")
    ? ok("systemd", "runs: --systemd-cgroup can be used")
    : limited("systemd", "does not run: --systemd-cgroup is refused, cgroups are made directly");
}
