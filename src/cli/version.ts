/** What `box --version` prints. */
import type { build } from "../linux/engine.ts";
import { ociVersion } from "../spec/oci-version.ts";

/** Engines look for the word after "version", and for the commit. */
export function versions({ version, commit, libseccomp, quickjs }: typeof build): string {
  return `box version ${version}\ncommit: ${commit}\nspec: ${ociVersion}\nquickjs: ${quickjs}\nlibseccomp: ${libseccomp}\n`;
}
