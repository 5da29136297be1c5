/** From a profile to the classic BPF program that init loads. */
import { BoxError } from "../base/errors.ts";
import { BPF_MAXINSNS, ENOSYS, SCMP_FLTATR_CTL_OPTIMIZE, SECCOMP_RET_ERRNO } from "../linux/constants.ts";
import { build } from "../linux/engine.ts";
import { errnoName, errnoText } from "../linux/errno.ts";
import { architectureToken, compileSeccomp, syscallNumber } from "../linux/seccomp.ts";
import type { Filter } from "./obtain.ts";
import { type FilterProfile, permissiveActions } from "./ops.ts";
import { defaultValue, expandRules } from "./rules.ts";
import { encodeInstructions, type KnownCalls, unknownCallsPrefix } from "./unknown-calls.ts";

/** From so many rules on the calls are found by halving, not one after the other. */
const manyRules = 32;

/** @throws BoxError with the step of libseccomp's that failed */
export function compileFilter(profile: FilterProfile): Filter {
  const rules = expandRules(profile);
  const architectures = architecturesOf(profile);
  const result = compileSeccomp({
    defaultAction: defaultValue(profile),
    architectures,
    attributes: rules.length > manyRules ? [[SCMP_FLTATR_CTL_OPTIMIZE, 2]] : [],
    rules,
  });
  if ("error" in result) {
    throw new BoxError(`linux.seccomp: ${result.step}: ${errnoText(-result.error)} (${errnoName(-result.error)})`, {
      errno: errnoName(-result.error),
    });
  }
  const program = withPrefix(profile, architectures, result.program);
  if (program.length > 8 * BPF_MAXINSNS) {
    throw new BoxError(
      `linux.seccomp: compiles to ${program.length / 8} instructions, the kernel takes at most ${BPF_MAXINSNS}`,
    );
  }
  const unknown = [...new Set(result.unknown)];
  return { program, unknown, unenforced: unenforcedOf(profile, unknown) };
}

/** In libseccomp's spelling; the native one always takes part. */
function architecturesOf({ architectures }: FilterProfile): string[] {
  const named = architectures.map((name) => name.slice("SCMP_ARCH_".length).toLowerCase());
  return [...new Set([build.arch, ...named])];
}

function withPrefix(profile: FilterProfile, architectures: readonly string[], filter: Uint8Array): Uint8Array {
  // A default that lets calls pass, or a tracer that decides, leaves the answer to the kernel; ENOSYS needs no help.
  const standard = defaultValue(profile);
  if (permissiveActions.includes(profile.defaultAction) || profile.defaultAction === "SCMP_ACT_TRACE") return filter;
  if (standard === SECCOMP_RET_ERRNO + ENOSYS) return filter;
  const names = new Set(profile.syscalls.flatMap((syscall) => syscall.names));
  const known = architectures.map((name): KnownCalls => {
    const token = architectureToken(name);
    return {
      name,
      token,
      numbers: [...names].map((call) => syscallNumber(token, call)).filter((number) => number >= 0),
    };
  });
  const prefix = encodeInstructions(unknownCallsPrefix(known));
  const program = new Uint8Array(prefix.length + filter.length);
  program.set(prefix);
  program.set(filter, prefix.length);
  return program;
}

function unenforcedOf({ defaultAction, syscalls }: FilterProfile, unknown: readonly string[]): string[] {
  if (!permissiveActions.includes(defaultAction)) return [];
  const forbidding = syscalls.filter(({ action }) => !permissiveActions.includes(action));
  return unknown.filter((name) => forbidding.some(({ names }) => names.includes(name)));
}
