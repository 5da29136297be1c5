/** ociVersion: SemVer of a specification that this runtime knows (config.md, "Specification version"). */
import { describe } from "../../base/quote.ts";
import type { Findings } from "../findings.ts";
import { ociVersion } from "../oci-version.ts";
import type { Spec } from "../types.ts";

// A literal is compiled with the program; a RegExp put together from parts would cost every start.
const semVer =
  /^(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/;
const [major = "", newestMinor = ""] = ociVersion.split(".");

/** A newer minor version may ask for what we would ignore, so it is refused; a newer patch level may not. */
export function versionRule(spec: Spec, findings: Findings): void {
  const version = spec.ociVersion;
  const match = version.length <= 64 ? semVer.exec(version) : null;
  if (match === null) {
    findings.problem("ociVersion", `must be a version such as ${ociVersion}, not ${describe(version)}`);
  } else if (match[1] !== major || Number(match[2]) > Number(newestMinor)) {
    findings.problem("ociVersion", `must be from ${major}.0.0 to ${major}.${newestMinor}.x, not ${describe(version)}`);
  }
}
