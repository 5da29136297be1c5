/**
 * The whole native surface: what TypeScript cannot do for itself.
 *
 * Implemented in native/. Only src/linux may import this module (tools/check-imports holds the rule); every other room
 * reaches the kernel through linux.
 */
declare module "host" {
  // argv, environ, sealed, coreLimit, callerUmask and the answer of syscall() belong to a process. There is none while
  // the build evaluates modules for the image (docs/decisions/0012-heap-image.md), so a module that wants one of them at
  // its top level fails the build.

  /**
   * What one system-call argument may be. A string is passed as NUL-terminated UTF-8 that the kernel may only read, a
   * buffer by its address, `null` as 0.
   */
  export type Bytes =
    | Uint8Array
    | Uint8ClampedArray
    | Int8Array
    | Uint16Array
    | Int16Array
    | Uint32Array
    | Int32Array
    | BigUint64Array
    | BigInt64Array
    | Float64Array;
  export type Argument = number | bigint | string | Bytes | null;

  /**
   * Performs one system call with up to six arguments. Its name is for functions that stand in this one's place.
   *
   * Numbers must be integers of at most 53 bits, bigints fit in 64 bits (two's complement). Anything else, a string
   * with a NUL character or with a lone surrogate is a TypeError and nothing is called. Arguments that are left out, or
   * undefined at the end of the list, are 0; before another argument undefined is a TypeError.
   *
   * A call that a signal interrupts is made again, but for close, after which the descriptor is gone.
   *
   * @returns the kernel's answer: 0 or more, or -errno.
   */
  export function syscall(name: string, number: number, ...args: readonly (Argument | undefined)[]): number;

  /**
   * The same call for each bit that is set in `mask`, with the bit's number as its second argument, from the lowest one to
   * the first that is refused.
   *
   * @returns the kernel's last answer: 0 or more, or -errno.
   */
  export function syscallEach(name: string, number: number, first: Argument, mask: bigint): number;

  /** The address of a buffer's first byte, for structs that hold pointers. The caller keeps the buffer alive. */
  export function address(buffer: Bytes): number;

  /** UTF-8 of a string, without a terminator. A lone surrogate is a TypeError. */
  export function encodeUtf8(text: string): Uint8Array;

  /** The string behind UTF-8 bytes. Bytes that are not UTF-8 are a TypeError, so that no name is silently changed. */
  export function decodeUtf8(bytes: Bytes): string;

  /** The next system call waits for long: gives the memory of box's code back before it, to be read again from its file. */
  export function restInNextCall(): void;

  /**
   * Begins to make a network namespace with its loopback up, in a thread beside the engine: only the engine's own calls
   * pass through `syscall`.
   */
  export function beginNetwork(): void;

  /** Waits for what beginNetwork began: a descriptor of the namespace, close-on-exec, or -errno. No thread is left. */
  export function takeNetwork(): number;

  /** SHA-256 (FIPS 180-4) of bytes, in 32 bytes. Here because a loop over every byte is slow where it is interpreted. */
  export function sha256(bytes: Bytes): Uint8Array;

  /**
   * Evaluates an embedded module (and what it imports) at its first call and returns its namespace object.
   * The name is the path of its source below src without the extension: "cli/commands/create".
   */
  export function load(name: string): unknown;

  /** The command line, argv[0] included. */
  export const argv: readonly string[];

  /** The named variables of the environment that box documents, and no others; the process's own copy is wiped. */
  export const environ: Readonly<Record<string, string>>;

  /** Whether this process runs from a file that no container can write to (see native/seal.c). */
  export const sealed: boolean;

  /** The caller's soft limit of RLIMIT_CORE; ours is 0, and this one belongs to the program again. */
  export const coreLimit: bigint;

  /** The caller's umask; ours is 022. */
  export const callerUmask: number;

  /** The version, commit and architecture this binary was built as. */
  export const build: {
    readonly version: string;
    readonly commit: string;
    readonly arch: "x86_64" | "aarch64";
    readonly libseccomp: string;
    readonly quickjs: string;
  };

  /**
   * libseccomp's functions for compiling a profile; words cross as with `syscall`. A filter is an address, 0 is none.
   * The numbers are raw values of its header, answers are -errno unless said otherwise; see src/linux/seccomp.ts.
   */
  /** seccomp_init(): a filter, or 0 when the action is none. */
  export function seccompInit(defaultAction: number): number;
  /** seccomp_release() */
  export function seccompRelease(filter: number): void;
  /** seccomp_arch_resolve_name(): 0 when there is none of this name. */
  export function seccompArchitecture(name: string): number;
  /** seccomp_arch_add() */
  export function seccompAddArchitecture(filter: number, token: number): number;
  /** seccomp_attr_set() */
  export function seccompSetAttribute(filter: number, attribute: number, value: number): number;
  /** seccomp_syscall_resolve_name(): -1 when there is none of this name; others below 0 exist elsewhere. */
  export function seccompSyscall(name: string): number;
  /** seccomp_syscall_resolve_name_arch(): below 0 where the architecture has none of this name. */
  export function seccompSyscallOf(token: number, name: string): number;
  /** seccomp_rule_add_array() with `count` of struct scmp_arg_cmp. */
  export function seccompAddRule(
    filter: number,
    action: number,
    syscall: number,
    count: number,
    comparisons: Uint8Array | null,
  ): number;
  /** seccomp_export_bpf_mem(): fills the program, or with null only tells its size. */
  export function seccompExport(filter: number, program: Uint8Array | null, size: BigUint64Array): number;
}
