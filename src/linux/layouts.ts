/** The structs that box exchanges with the kernel, in the headers' spelling. Checked by test/host/abi.test.ts. */
import { struct } from "./layout.ts";

/** clone3(2). */
export const clone_args = struct("struct clone_args", {
  flags: "u64",
  pidfd: "pointer",
  child_tid: "u64",
  parent_tid: "u64",
  exit_signal: "u64",
  stack: "u64",
  stack_size: "u64",
  tls: "u64",
  set_tid: "u64",
  set_tid_size: "u64",
  cgroup: "u64",
});

/** openat2(2). */
export const open_how = struct("struct open_how", { flags: "u64", mode: "u64", resolve: "u64" });

/** mount_setattr(2). */
export const mount_attr = struct("struct mount_attr", {
  attr_set: "u64",
  attr_clr: "u64",
  propagation: "u64",
  userns_fd: "u64",
});

/** statx(2); the tail after stx_mnt_id is not used. */
export const statx = struct("struct statx", {
  stx_mask: "u32",
  stx_blksize: "u32",
  stx_attributes: "u64",
  stx_nlink: "u32",
  stx_uid: "u32",
  stx_gid: "u32",
  stx_mode: "u16",
  __spare0: "2 bytes",
  stx_ino: "u64",
  stx_size: "u64",
  stx_blocks: "u64",
  stx_attributes_mask: "u64",
  stx_atime: "16 bytes",
  stx_btime: "16 bytes",
  stx_ctime: "16 bytes",
  stx_mtime: "16 bytes",
  stx_rdev_major: "u32",
  stx_rdev_minor: "u32",
  stx_dev_major: "u32",
  stx_dev_minor: "u32",
  stx_mnt_id: "u64",
  tail: "104 bytes",
});

/** statx(2): one time of it. */
export const statx_timestamp = struct("struct statx_timestamp", { tv_sec: "s64", tv_nsec: "u32", pad: "4 bytes" });

/** fstatfs(2); only the type and the flags are read. */
export const statfs = struct("struct statfs", { f_type: "s64", pad: "72 bytes", f_flags: "s64", tail: "32 bytes" });

/** capset(2), version 3: the header. */
export const cap_user_header = struct("struct __user_cap_header_struct", { version: "u32", pid: "s32" });

/** capset(2): one of the two halves. */
export const cap_user_data = struct("struct __user_cap_data_struct", {
  effective: "u32",
  permitted: "u32",
  inheritable: "u32",
});

/** prlimit(2). */
export const rlimit64 = struct("struct rlimit64", { rlim_cur: "u64", rlim_max: "u64" });

/** readv(2), sendmsg(2). */
export const iovec = struct("struct iovec", { iov_base: "pointer", iov_len: "u64" });

/** sendmsg(2), recvmsg(2), as the kernel lays it out. */
export const msghdr = struct("struct msghdr", {
  msg_name: "pointer",
  msg_namelen: "u32",
  msg_iov: "pointer",
  msg_iovlen: "u64",
  msg_control: "pointer",
  msg_controllen: "u64",
  msg_flags: "u32",
});

/** cmsg(3): the header in front of one control message. */
export const cmsghdr = struct("struct cmsghdr", { cmsg_len: "u64", cmsg_level: "s32", cmsg_type: "s32" });

/** unix(7). */
export const sockaddr_un = struct("struct sockaddr_un", { sun_family: "u16", sun_path: "108 bytes" });

/** unix(7), SO_PEERCRED. */
export const ucred = struct("struct ucred", { pid: "s32", uid: "u32", gid: "u32" });

/** poll(2). */
export const pollfd = struct("struct pollfd", { fd: "s32", events: "s16", revents: "s16" });

/** ppoll(2), clock_gettime(2). */
export const timespec = struct("struct timespec", { tv_sec: "s64", tv_nsec: "s64" });
export const timeval = struct("struct timeval", { tv_sec: "s64", tv_usec: "s64" });

/** waitid(2): the fields that a child's end fills. */
export const siginfo = struct("siginfo_t", {
  si_signo: "s32",
  si_errno: "s32",
  si_code: "s32",
  pad: "4 bytes",
  si_pid: "s32",
  si_uid: "u32",
  si_status: "s32",
  tail: "100 bytes",
});

/** signalfd(2): the fields that are read. */
export const signalfd_siginfo = struct("struct signalfd_siginfo", {
  ssi_signo: "u32",
  tail: "124 bytes",
});

/** rt_sigaction(2) as the kernel takes it, not libc's (the headers of libc hide it). */
export const sigaction = struct("struct kernel_sigaction", {
  sa_handler: "u64",
  sa_flags: "u64",
  sa_restorer: "u64",
  sa_mask: "u64",
});

/** seccomp(2). */
export const sock_fprog = struct("struct sock_fprog", { len: "u16", filter: "pointer" });

/** netlink(7): the header of a message. */
export const nlmsghdr = struct("struct nlmsghdr", {
  nlmsg_len: "u32",
  nlmsg_type: "u16",
  nlmsg_flags: "u16",
  nlmsg_seq: "u32",
  nlmsg_pid: "u32",
});

/** netlink(7): an error or an acknowledgement; the request's header follows. */
export const nlmsgerr = struct("struct nlmsgerr", { error: "s32", tail: "16 bytes" });

/** rtnetlink(3): the header of an attribute. */
export const rtattr = struct("struct rtattr", { rta_len: "u16", rta_type: "u16" });

/** rtnetlink(7): a network device. */
export const ifinfomsg = struct("struct ifinfomsg", {
  ifi_family: "u8",
  pad: "1 bytes",
  ifi_type: "u16",
  ifi_index: "s32",
  ifi_flags: "u32",
  ifi_change: "u32",
});

/** rtnetlink(7): an address. */
export const ifaddrmsg = struct("struct ifaddrmsg", {
  ifa_family: "u8",
  ifa_prefixlen: "u8",
  ifa_flags: "u8",
  ifa_scope: "u8",
  ifa_index: "u32",
});

/** netdevice(7): an interface's name and flags. */
export const ifreq = struct("struct ifreq", { ifr_name: "16 bytes", ifr_flags: "s16", tail: "22 bytes" });

/** pidfd_open(2), PIDFD_GET_INFO: as long as its first version, Linux 6.13. */
export const pidfd_info = struct("struct pidfd_info", { mask: "u64", head: "52 bytes", exit_code: "s32" });

/** console size, ioctl_tty(2). */
export const winsize = struct("struct winsize", { ws_row: "u16", ws_col: "u16", ws_xpixel: "u16", ws_ypixel: "u16" });

/** bpf(2), BPF_PROG_LOAD: as far as box sets it. */
export const bpf_prog_load = struct("union bpf_attr", {
  prog_type: "u32",
  insn_cnt: "u32",
  insns: "pointer",
  license: "pointer",
  log_level: "u32",
  log_size: "u32",
  log_buf: "pointer",
  kern_version: "u32",
  prog_flags: "u32",
  prog_name: "16 bytes",
});

/** bpf(2), BPF_PROG_ATTACH and BPF_PROG_DETACH. */
export const bpf_prog_attach = struct("union bpf_attr", {
  target_fd: "u32",
  attach_bpf_fd: "u32",
  attach_type: "u32",
  attach_flags: "u32",
  replace_bpf_fd: "u32",
});

/** bpf(2), BPF_PROG_QUERY. The kernel fills in `revision` too, whatever size it is told. */
export const bpf_prog_query = struct("union bpf_attr", {
  "query.target_fd": "u32",
  "query.attach_type": "u32",
  "query.query_flags": "u32",
  "query.attach_flags": "u32",
  "query.prog_ids": "pointer",
  "query.prog_cnt": "u32",
  "query.prog_attach_flags": "u64",
  "query.link_ids": "u64",
  "query.link_attach_flags": "u64",
  "query.revision": "u64",
});

/** bpf(2), BPF_PROG_GET_FD_BY_ID. */
export const bpf_get_id = struct("union bpf_attr", { prog_id: "u32", next_id: "u32", open_flags: "u32" });

/** bpf(2), BPF_OBJ_GET_INFO_BY_FD. */
export const bpf_get_info = struct("union bpf_attr", {
  "info.bpf_fd": "u32",
  "info.info_len": "u32",
  "info.info": "pointer",
});

/** What BPF_OBJ_GET_INFO_BY_FD tells of a program; only the name is read. */
export const bpf_prog_info = struct("struct bpf_prog_info", {
  type: "u32",
  id: "u32",
  tag: "8 bytes",
  jited_prog_len: "u32",
  xlated_prog_len: "u32",
  jited_prog_insns: "u64",
  xlated_prog_insns: "u64",
  load_time: "u64",
  created_by_uid: "u32",
  nr_map_ids: "u32",
  map_ids: "u64",
  name: "16 bytes",
  tail: "152 bytes",
});

/** ioctl_tty(2), TCGETS: the kernel's, which is shorter than libc's. */
export const termios = struct("struct kernel_termios", {
  c_iflag: "u32",
  c_oflag: "u32",
  c_cflag: "u32",
  c_lflag: "u32",
  c_line: "u8",
  c_cc: "19 bytes",
});

/** sched_setattr(2). */
export const sched_attr = struct("struct sched_attr", {
  size: "u32",
  sched_policy: "u32",
  sched_flags: "u64",
  sched_nice: "s32",
  sched_priority: "u32",
  sched_runtime: "u64",
  sched_deadline: "u64",
  sched_period: "u64",
  sched_util_min: "u32",
  sched_util_max: "u32",
});

/** uname(2). */
export const utsname = struct("struct utsname", {
  sysname: "65 bytes",
  nodename: "65 bytes",
  release: "65 bytes",
  version: "65 bytes",
  machine: "65 bytes",
  domainname: "65 bytes",
});

/** seccomp_rule_add_array(3). */
export const scmp_arg_cmp = struct("struct scmp_arg_cmp", { arg: "u32", op: "u32", datum_a: "u64", datum_b: "u64" });
