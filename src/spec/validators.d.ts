/** The code that tools/gen-validators makes of the schema (build/generated/validators.js). */
declare module "#validators" {
  type Check = import("./check.ts").Check;

  /** The whole config.json. */
  export const checkSpec: Check;
  /** A process, as in `exec --process`. */
  export const checkProcess: Check;
  /** Resources, as in `update --resources`. */
  export const checkResources: Check;
  /** An array of mounts. */
  export const checkMounts: Check;
}
