/** Devices in the container, and network devices moved into it (config-linux.md). */
import { describe } from "../../base/quote.ts";
import { entry, type Findings } from "../findings.ts";
import { hasNamespace } from "../namespaces.ts";
import type { Spec } from "../types.ts";
import { requireAbsolute, utf8Length } from "./text.ts";

/** Numbers are what a device is; only a FIFO has none. */
export function devicesRule(spec: Spec, findings: Findings): void {
  spec.linux?.devices?.forEach((device, index) => {
    const at = `linux.devices[${index}]`;
    requireAbsolute(`${at}.path`, device.path, findings);
    for (const number of ["major", "minor"] as const) {
      if (device.type !== "p" && device[number] === undefined) {
        findings.problem(`${at}.${number}`, `is required for a device of type "${device.type}"`);
      }
    }
  });
}

/** Devices move into a network namespace of the container, each to a name of its own. */
export function netDevicesRule(spec: Spec, findings: Findings): void {
  const devices = Object.entries(spec.linux?.netDevices ?? {});
  if (devices.length > 0 && !hasNamespace(spec, "network")) {
    findings.problem("linux.netDevices", 'needs a namespace of type "network" in linux.namespaces');
  }
  const taken = new Set<string>();
  for (const [hostName, { name = hostName }] of devices) {
    const at = `linux.netDevices${entry(hostName)}`;
    if (!isDeviceName(hostName)) findings.problem(at, nameAllowed(hostName));
    else if (!isDeviceName(name.replace("%d", "0"))) findings.problem(`${at}.name`, nameAllowed(name));
    if (taken.has(name)) findings.problem(`${at}.name`, `must be given once, but ${describe(name)} is there twice`);
    if (!name.includes("%d")) taken.add(name);
  }
}

function nameAllowed(name: string): string {
  return `must be a device name of 1 to 15 bytes without "/", ":", "%" and spaces, not ${describe(name)}`;
}

/** As dev_valid_name() of the kernel, which also gives "%" a meaning. */
function isDeviceName(name: string): boolean {
  return name !== "." && name !== ".." && name !== "" && utf8Length(name) < 16 && !/[/:%\s]/.test(name);
}
