/** What the runner found out once and every test file reads. */

import { readFileSync } from "node:fs";
import type { Facts } from "./facts.ts";
import type { OrdinaryUser } from "./user.ts";

export interface RuntimeInfo {
  path: string;
  /** The first word of `--version`: box, runc, crun, youki. */
  name: string;
  version: string;
}

/** Who makes the cgroups of the containers: the runtime itself, or systemd for it. */
export type CgroupManager = "cgroupfs" | "systemd";

export interface RunContext {
  /** In every name the run makes on this host: `acceptance-<run>`. */
  token: string;
  /** The run's private directory. */
  dir: string;
  runtime: RuntimeInfo;
  rootfs: string;
  probe: string;
  shim: string;
  terminal: string;
  without: string;
  facts: Facts;
  cgroupManager: CgroupManager;
  /** As whom the run is made, where that is not root. */
  user?: OrdinaryUser;
  /** See harness/user.ts. */
  cgroupHome?: string;
  /** Leave the directory of a failed test. */
  keep: boolean;
  /** Run only tests whose id matches; empty for all. */
  only: string;
}

const path = process.env["ACCEPTANCE_CONTEXT"];
if (!path) throw new Error("start the suite with `make acceptance` or test/acceptance/run.ts");

export const context = JSON.parse(readFileSync(path, "utf8")) as RunContext;
