/**
 * A profile as large as those that engines use: every call that this box has a number for, and those of 32-bit programs,
 * but for a few that are forbidden; some depend on their arguments.
 */
import * as NR from "../../src/linux/nr/x86_64.ts";

const forbidden = [
  ...["acct", "add_key", "bpf", "delete_module", "finit_module", "init_module", "io_uring_enter", "io_uring_register"],
  ...[
    "io_uring_setup",
    "kexec_file_load",
    "kexec_load",
    "keyctl",
    "lookup_dcookie",
    "mount",
    "move_mount",
    "move_pages",
  ],
  ...["open_tree", "perf_event_open", "pivot_root", "reboot", "request_key", "setns", "swapoff", "swapon", "umount2"],
  ...["unshare", "userfaultfd", "vhangup"],
];
const conditional = ["clone", "clone3", "personality", "socket"];
const oldNames = [
  ...["_llseek", "_newselect", "chown32", "fadvise64_64", "fchown32", "fcntl64", "fstat64", "fstatat64", "fstatfs64"],
  ...["ftruncate64", "getegid32", "geteuid32", "getgid32", "getgroups32", "getresgid32", "getresuid32", "getuid32"],
  ...["ipc", "lchown32", "lstat64", "mmap2", "recv", "send", "sendfile64", "setfsgid32", "setfsuid32", "setgid32"],
  ...["setgroups32", "setregid32", "setresgid32", "setresuid32", "setreuid32", "setuid32", "sigaction", "sigpending"],
  ...["sigprocmask", "sigreturn", "sigsuspend", "socketcall", "stat64", "statfs64", "truncate64", "ugetrlimit"],
  ...[
    "waitpid",
    "clock_gettime64",
    "futex_time64",
    "ppoll_time64",
    "pselect6_time64",
    "utimensat_time64",
    "clock_getres_time64",
  ],
  ...["clock_nanosleep_time64", "clock_settime64", "clock_adjtime64", "mq_timedreceive_time64", "mq_timedsend_time64"],
  ...["recvmmsg_time64", "rt_sigtimedwait_time64", "semtimedop_time64", "timer_gettime64", "timer_settime64"],
  ...["timerfd_gettime64", "timerfd_settime64", "sched_rr_get_interval_time64", "io_pgetevents_time64", "stime"],
];
/** Namespaces: the CLONE_NEW* flags that clone takes. */
const newNamespaces = 0x7e02_0000;

const allow = "SCMP_ACT_ALLOW";
const equals = (value: number, index = 0) => ({ index, op: "SCMP_CMP_EQ", value }) as const;

export const largeProfile = {
  defaultAction: "SCMP_ACT_ERRNO",
  defaultErrnoRet: 1,
  architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
  syscalls: [
    {
      names: [...Object.keys(NR), ...oldNames].filter((name) => ![...forbidden, ...conditional].includes(name)),
      action: allow,
    },
    {
      names: ["clone"],
      action: allow,
      args: [{ index: 0, op: "SCMP_CMP_MASKED_EQ", value: newNamespaces, valueTwo: 0 }],
    },
    { names: ["clone3"], action: "SCMP_ACT_ERRNO", errnoRet: 38 },
    { names: ["personality"], action: allow, args: [equals(0), equals(8), equals(0xffff_ffff)] },
    { names: ["socket"], action: allow, args: [{ index: 0, op: "SCMP_CMP_NE", value: 40 }] },
  ],
} as const;
