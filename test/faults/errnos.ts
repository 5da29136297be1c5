/**
 * Which answers each system call is made to give: those of its manual page that say something of the host's state (no
 * memory, no descriptors, no rights, no such thing), rather than of a wrong argument.
 */
import { constants } from "node:os";

const answers: Readonly<Record<string, string>> = {
  accept4: "EMFILE ENOMEM ECONNABORTED",
  bind: "EADDRINUSE EACCES ENOSPC",
  bpf: "EPERM ENOMEM EINVAL",
  capget: "EPERM EINVAL EFAULT",
  capset: "EPERM EINVAL EFAULT",
  chdir: "ENOENT EACCES ENOMEM",
  chroot: "EPERM ENOENT ENOMEM",
  clock_gettime: "EINVAL EPERM EFAULT",
  clone3: "EAGAIN ENOMEM EPERM ENOSPC EBUSY",
  close: "EIO ENOSPC EINTR",
  close_range: "EMFILE ENOMEM EINVAL",
  connect: "ECONNREFUSED ENOENT EAGAIN",
  dup3: "EMFILE EBADF EBUSY",
  eventfd2: "EMFILE ENFILE ENOMEM",
  execve: "ENOENT EACCES ENOMEM E2BIG",
  execveat: "ENOENT EACCES ENOMEM E2BIG",
  faccessat2: "ENOENT EACCES ENOMEM",
  fchdir: "EACCES EIO ENOTDIR",
  fchmodat: "EPERM EROFS EIO",
  fchownat: "EPERM EROFS EIO",
  fcntl: "EBADF EINVAL ENOLCK",
  flock: "ENOLCK EINTR EBADF",
  fsconfig: "EPERM EINVAL ENOMEM EBUSY",
  fsmount: "EPERM EMFILE ENOMEM",
  fsopen: "EPERM ENODEV EMFILE",
  fspick: "EPERM EINVAL EMFILE",
  fstatfs: "EIO ENOMEM ENOSYS",
  getcwd: "ENOENT ENOMEM EACCES",
  getdents64: "EIO ENOMEM ENOENT",
  getsockopt: "EBADF EINVAL ENOPROTOOPT",
  getxattr: "ENODATA ENOTSUP EIO",
  inotify_add_watch: "ENOSPC ENOMEM EACCES",
  inotify_init1: "EMFILE ENFILE ENOMEM",
  ioctl: "EIO EPERM ENOTTY",
  ioprio_set: "EPERM EINVAL ESRCH",
  keyctl: "EDQUOT ENOMEM ENOSYS EPERM",
  kill: "EPERM ESRCH EINVAL",
  listen: "EADDRINUSE EBADF EOPNOTSUPP",
  mkdirat: "EEXIST ENOSPC EROFS EACCES",
  mknodat: "EPERM ENOSPC EROFS",
  mount: "EPERM EINVAL ENOMEM EBUSY",
  mount_setattr: "EPERM EINVAL ENOMEM",
  move_mount: "EPERM EINVAL ELOOP",
  open_tree: "EPERM EMFILE ENOENT ENOMEM",
  openat: "EMFILE ENFILE ENOENT EACCES",
  openat2: "EMFILE ENOENT EACCES EXDEV EAGAIN",
  pidfd_open: "EMFILE ENOMEM ESRCH",
  pidfd_send_signal: "EPERM ESRCH EINVAL",
  pivot_root: "EBUSY EINVAL EPERM",
  pipe2: "EMFILE ENFILE ENOMEM",
  ppoll: "ENOMEM EINTR EINVAL",
  prctl: "EPERM EINVAL EACCES",
  prlimit64: "EPERM EINVAL ESRCH",
  read: "EIO EINTR ENOMEM",
  readlinkat: "EACCES ENOENT EIO",
  recvmsg: "ENOMEM ECONNRESET EINTR",
  recvfrom: "ENOMEM ECONNRESET EINTR",
  renameat: "ENOSPC EIO EROFS",
  rt_sigaction: "EINVAL EFAULT ENOMEM",
  rt_sigprocmask: "EINVAL EFAULT ENOMEM",
  seccomp: "EINVAL ENOMEM EACCES",
  sched_setaffinity: "EPERM EINVAL ESRCH",
  sched_setattr: "EPERM EINVAL EBUSY",
  sendmsg: "ENOMEM ENOBUFS EACCES",
  sendto: "ENOMEM ENOBUFS EPERM",
  set_mempolicy: "EINVAL ENOMEM EFAULT",
  setdomainname: "EPERM EINVAL EFAULT",
  sethostname: "EPERM EINVAL EFAULT",
  setns: "EPERM EINVAL ENOMEM",
  setresgid: "EPERM EINVAL EAGAIN",
  setresuid: "EPERM EAGAIN EINVAL",
  setgroups: "EPERM EINVAL ENOMEM",
  setsid: "EPERM EACCES EINVAL",
  signalfd4: "EMFILE ENFILE ENOMEM",
  personality: "EPERM EINVAL ENOMEM",
  setsockopt: "EDOM EINVAL ENOPROTOOPT",
  socket: "EMFILE EACCES ENOBUFS",
  socketpair: "EMFILE ENFILE ENOMEM",
  statx: "ENOENT EACCES ENOMEM",
  symlinkat: "ENOSPC EROFS EIO",
  timerfd_create: "EMFILE ENFILE ENOMEM",
  umount2: "EPERM EBUSY EINVAL",
  unlinkat: "EBUSY EIO EROFS",
  utimensat: "EPERM EROFS EACCES",
  unshare: "EPERM ENOSPC ENOMEM",
  waitid: "ECHILD EINTR EINVAL",
  write: "ENOSPC EIO EINTR EPIPE",
};

/** Calls that cannot fail, and the one that does not return. */
const sure = ["exit_group", "getegid", "geteuid", "getpid", "getppid", "getresgid", "getresuid", "umask", "uname"];

/** `ioctl TCGETS` and `BPF_PROG_LOAD` are ways to say `ioctl` and `bpf`. */
function family(call: string): string {
  return call.startsWith("BPF_") ? "bpf" : (call.split(" ")[0] as string);
}

export interface Answer {
  readonly name: string;
  readonly errno: number;
}

/** @throws Error for a call that the table does not have: a new one gets its answers there */
export function answersOf(call: string): readonly Answer[] {
  if (sure.includes(family(call))) return [];
  const names = answers[family(call)];
  if (names === undefined) throw new Error(`test/faults/errnos.ts has no answers for ${call}`);
  return names.split(" ").map((name) => {
    const errno = name in constants.errno ? constants.errno[name as keyof typeof constants.errno] : others[name];
    if (errno === undefined) throw new Error(`no such errno: ${name}`);
    return { name, errno };
  });
}

/** What Node does not know. */
const others: Readonly<Record<string, number>> = { ENFILE: 23 };
