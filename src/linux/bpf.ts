/** Device programs of cgroup v2: bpf(2). */
import { encodeUtf8 } from "host";
import * as NR from "#nr";
import {
  BPF_CGROUP_DEVICE,
  BPF_F_ALLOW_MULTI,
  BPF_PROG_ATTACH,
  BPF_PROG_LOAD,
  BPF_PROG_TYPE_CGROUP_DEVICE,
} from "./constants.ts";
import { Fd } from "./fd.ts";
import { bpf_prog_attach, bpf_prog_load } from "./layouts.ts";
import { call } from "./raw.ts";

/** Loads a device program of 8-byte instructions: BPF_PROG_LOAD. */
export function loadDeviceProgram(instructions: Uint8Array): Fd {
  const license = encodeUtf8("Apache-2.0\0");
  const attributes = bpf_prog_load.encode({
    prog_type: BPF_PROG_TYPE_CGROUP_DEVICE,
    insn_cnt: instructions.length / 8,
    insns: instructions,
    license,
    prog_name: encodeUtf8("box_device"),
  });
  return new Fd(call("BPF_PROG_LOAD", "bpf", NR.bpf, BPF_PROG_LOAD, attributes, bpf_prog_load.size));
}

/** Attaches a device program to a cgroup2 directory; every program of the ancestors goes on to count. */
export function attachDeviceProgram(cgroup: Fd, program: Fd): void {
  const attributes = bpf_prog_attach.encode({
    target_fd: cgroup.number,
    attach_bpf_fd: program.number,
    attach_type: BPF_CGROUP_DEVICE,
    attach_flags: BPF_F_ALLOW_MULTI,
  });
  call("BPF_PROG_ATTACH", "bpf", NR.bpf, BPF_PROG_ATTACH, attributes, bpf_prog_attach.size);
}
