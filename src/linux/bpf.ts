/** Device programs of cgroup v2: bpf(2). */
import { decodeUtf8, encodeUtf8 } from "host";
import * as NR from "#nr";
import {
  BPF_CGROUP_DEVICE,
  BPF_F_ALLOW_MULTI,
  BPF_F_REPLACE,
  BPF_OBJ_GET_INFO_BY_FD,
  BPF_PROG_ATTACH,
  BPF_PROG_DETACH,
  BPF_PROG_GET_FD_BY_ID,
  BPF_PROG_LOAD,
  BPF_PROG_QUERY,
  BPF_PROG_TYPE_CGROUP_DEVICE,
  ENOENT,
} from "./constants.ts";
import { Fd } from "./fd.ts";
import { bpf_get_id, bpf_get_info, bpf_prog_attach, bpf_prog_info, bpf_prog_load, bpf_prog_query } from "./layouts.ts";
import { attempt, call, SyscallError } from "./raw.ts";

/** The name that every device program of box carries. */
const programName = "box_device";

/** Loads a device program of 8-byte instructions: BPF_PROG_LOAD. */
export function loadDeviceProgram(instructions: Uint8Array): Fd {
  const license = encodeUtf8("Apache-2.0\0");
  const attributes = bpf_prog_load.encode({
    prog_type: BPF_PROG_TYPE_CGROUP_DEVICE,
    insn_cnt: instructions.length / 8,
    insns: instructions,
    license,
    prog_name: encodeUtf8(programName),
  });
  return new Fd(call("BPF_PROG_LOAD", "bpf", NR.bpf, BPF_PROG_LOAD, attributes, bpf_prog_load.size));
}

/**
 * Attaches a device program to a cgroup2 directory; every program of the ancestors goes on to count.
 * @param replaced the program whose place it takes, in one step (Linux 5.6)
 */
export function attachDeviceProgram(cgroup: Fd, program: Fd, replaced?: Fd): void {
  const attributes = bpf_prog_attach.encode({
    target_fd: cgroup.number,
    attach_bpf_fd: program.number,
    attach_type: BPF_CGROUP_DEVICE,
    attach_flags: replaced === undefined ? BPF_F_ALLOW_MULTI : BPF_F_ALLOW_MULTI | BPF_F_REPLACE,
    ...(replaced === undefined ? {} : { replace_bpf_fd: replaced.number }),
  });
  call("BPF_PROG_ATTACH", "bpf", NR.bpf, BPF_PROG_ATTACH, attributes, bpf_prog_attach.size);
}

/** Takes a device program off a cgroup2 directory: BPF_PROG_DETACH, bpf(2). */
export function detachDeviceProgram(cgroup: Fd, program: Fd): void {
  const attributes = bpf_prog_attach.encode({
    target_fd: cgroup.number,
    attach_bpf_fd: program.number,
    attach_type: BPF_CGROUP_DEVICE,
  });
  call("BPF_PROG_DETACH", "bpf", NR.bpf, BPF_PROG_DETACH, attributes, bpf_prog_attach.size);
}

/** The kernel's own bound for one cgroup. */
const mostPrograms = 64;

/** The device program that box has attached to a cgroup2 directory itself; others' are passed over. */
export function findDeviceProgram(cgroup: Fd): Fd | undefined {
  const ids = new Uint32Array(mostPrograms);
  const attributes = bpf_prog_query.encode({
    "query.target_fd": cgroup.number,
    "query.attach_type": BPF_CGROUP_DEVICE,
    "query.prog_ids": ids,
    "query.prog_cnt": ids.length,
  });
  call("BPF_PROG_QUERY", "bpf", NR.bpf, BPF_PROG_QUERY, attributes, bpf_prog_query.size);
  for (const id of ids.subarray(0, bpf_prog_query.get(attributes, "query.prog_cnt"))) {
    const program = openProgram(id);
    if (program === undefined) continue;
    if (nameOf(program) === programName) return program;
    program.close();
  }
  return undefined;
}

/** A loaded program by its number; undefined when it was unloaded meanwhile. */
function openProgram(id: number): Fd | undefined {
  const attributes = bpf_get_id.encode({ prog_id: id });
  const result = attempt("bpf", NR.bpf, BPF_PROG_GET_FD_BY_ID, attributes, bpf_get_id.size);
  if (result === -ENOENT) return undefined;
  if (result < 0) throw new SyscallError("bpf", -result, "BPF_PROG_GET_FD_BY_ID");
  return new Fd(result);
}

function nameOf(program: Fd): string {
  const info = bpf_prog_info.encode({});
  const attributes = bpf_get_info.encode({
    "info.bpf_fd": program.number,
    "info.info_len": info.length,
    "info.info": info,
  });
  call("BPF_OBJ_GET_INFO_BY_FD", "bpf", NR.bpf, BPF_OBJ_GET_INFO_BY_FD, attributes, bpf_get_info.size);
  const name = bpf_prog_info.get(info, "name");
  return decodeUtf8(name.subarray(0, name.indexOf(0)));
}
