/**
 * Constants of the kernel, in its own spelling. Flat, so that the bundler puts only the used ones in as literals.
 * test/host/abi.test.ts checks each against the C headers.
 */

// errno
export const EPERM = 0x1;
export const ENOENT = 0x2;
export const ESRCH = 0x3;
export const EINTR = 0x4;
export const EIO = 0x5;
export const E2BIG = 0x7;
export const ENOEXEC = 0x8;
export const EBADF = 0x9;
export const ECHILD = 0xa;
export const EAGAIN = 0xb;
export const ENOMEM = 0xc;
export const EACCES = 0xd;
export const EBUSY = 0x10;
export const EEXIST = 0x11;
export const EXDEV = 0x12;
export const ENODEV = 0x13;
export const ENOTDIR = 0x14;
export const EISDIR = 0x15;
export const EINVAL = 0x16;
export const ETXTBSY = 0x1a;
export const ENOSPC = 0x1c;
export const EROFS = 0x1e;
export const EPIPE = 0x20;
export const EDOM = 0x21;
export const ERANGE = 0x22;
export const ENAMETOOLONG = 0x24;
export const ENOSYS = 0x26;
export const ENOTEMPTY = 0x27;
export const ELOOP = 0x28;
export const ENODATA = 0x3d;
export const EOVERFLOW = 0x4b;
export const EOPNOTSUPP = 0x5f;
export const EADDRINUSE = 0x62;
export const ECONNRESET = 0x68;
export const ECONNREFUSED = 0x6f;
export const ETIMEDOUT = 0x6e;
export const ENOTSUP = 0x5f;

// open(2), openat2(2)
export const AT_FDCWD = -0x64;
export const O_RDONLY = 0x0;
export const O_WRONLY = 0x1;
export const O_RDWR = 0x2;
export const O_CREAT = 0x40;
export const O_EXCL = 0x80;
export const O_NOCTTY = 0x100;
export const O_TRUNC = 0x200;
export const O_APPEND = 0x400;
export const O_NONBLOCK = 0x800;
export const O_CLOEXEC = 0x80000;
/** Of the architecture this binary is built for: open-flags/<arch>.ts. */
export { O_DIRECTORY, O_NOFOLLOW, O_TMPFILE } from "#open-flags";
export const O_PATH = 0x200000;
export const RESOLVE_NO_XDEV = 0x1;
export const RESOLVE_NO_MAGICLINKS = 0x2;
export const RESOLVE_NO_SYMLINKS = 0x4;
export const RESOLVE_BENEATH = 0x8;
export const RESOLVE_IN_ROOT = 0x10;
export const AT_EMPTY_PATH = 0x1000;
export const AT_SYMLINK_NOFOLLOW = 0x100;
export const AT_REMOVEDIR = 0x200;
export const AT_RECURSIVE = 0x8000;
export const AT_NO_AUTOMOUNT = 0x800;
export const AT_STATX_DONT_SYNC = 0x4000;

// inode(7), statx(2), statfs(2)
export const S_IFMT = 0xf000;
export const UTIME_OMIT = 0x3ffffffe;
export const S_ISUID = 0x800;
export const S_IFREG = 0x8000;
export const S_IFDIR = 0x4000;
export const S_IFLNK = 0xa000;
export const S_IFCHR = 0x2000;
export const S_IFBLK = 0x6000;
export const S_IFIFO = 0x1000;
export const S_IFSOCK = 0xc000;
export const STATX_BASIC_STATS = 0x7ff;
export const STATX_MNT_ID = 0x1000;
export const PROC_SUPER_MAGIC = 0x9fa0;
export const DEVPTS_SUPER_MAGIC = 0x1cd1;
export const TMPFS_MAGIC = 0x1021994;
export const CGROUP_SUPER_MAGIC = 0x27e0eb;
export const CGROUP2_SUPER_MAGIC = 0x63677270;
export const OVERLAYFS_SUPER_MAGIC = 0x794c7630;
export const SYSFS_MAGIC = 0x62656572;
export const SELINUX_MAGIC = 0xf97cff8c;
export const NSFS_MAGIC = 0x6e736673;

// fcntl(2), flock(2), lseek(2), renameat2(2), close_range(2)
export const F_GETFD = 0x1;
export const F_SETFD = 0x2;
export const F_GETFL = 0x3;
export const F_SETFL = 0x4;
export const FD_CLOEXEC = 0x1;
export const LOCK_SH = 0x1;
export const LOCK_EX = 0x2;
export const LOCK_NB = 0x4;
export const LOCK_UN = 0x8;
export const SEEK_SET = 0x0;
export const SEEK_END = 0x2;
export const RENAME_NOREPLACE = 0x1;
export const RENAME_EXCHANGE = 0x2;
export const CLOSE_RANGE_CLOEXEC = 0x4;

// clone3(2), unshare(2), setns(2)
export const CLONE_NEWNS = 0x20000;
export const CLONE_NEWCGROUP = 0x2000000;
export const CLONE_NEWUTS = 0x4000000;
export const CLONE_NEWIPC = 0x8000000;
export const CLONE_NEWUSER = 0x10000000;
export const CLONE_NEWPID = 0x20000000;
export const CLONE_NEWNET = 0x40000000;
export const CLONE_NEWTIME = 0x80;
export const CLONE_PIDFD = 0x1000;
export const CLONE_PARENT = 0x8000;
export const CLONE_INTO_CGROUP = 0x200000000;
export const CLONE_CLEAR_SIGHAND = 0x100000000;
export const CLONE_FILES = 0x400;

// waitid(2), pidfd
export const P_ALL = 0x0;
export const P_PID = 0x1;
export const P_PIDFD = 0x3;
export const WEXITED = 0x4;
export const WNOHANG = 0x1;
export const WNOWAIT = 0x1000000;
export const CLD_EXITED = 0x1;
export const CLD_KILLED = 0x2;
export const CLD_DUMPED = 0x3;
export const PIDFD_NONBLOCK = 0x800;

// prctl(2)
export const PR_SET_PDEATHSIG = 0x1;
export const PR_GET_DUMPABLE = 0x3;
export const PR_SET_DUMPABLE = 0x4;
export const PR_SET_KEEPCAPS = 0x8;
export const PR_SET_NAME = 0xf;
export const PR_CAPBSET_READ = 0x17;
export const PR_CAPBSET_DROP = 0x18;
export const PR_SET_NO_NEW_PRIVS = 0x26;
export const PR_CAP_AMBIENT = 0x2f;
export const PR_CAP_AMBIENT_RAISE = 0x2;
export const PR_CAP_AMBIENT_CLEAR_ALL = 0x4;
export const PR_SET_CHILD_SUBREAPER = 0x24;
export const PR_GET_CHILD_SUBREAPER = 0x25;
export const _LINUX_CAPABILITY_VERSION_3 = 0x20080522;

// mount(2), umount2(2) and the fd-based calls
export const MS_RDONLY = 0x1;
export const MS_NOSUID = 0x2;
export const MS_NODEV = 0x4;
export const MS_NOEXEC = 0x8;
export const MS_SYNCHRONOUS = 0x10;
export const MS_REMOUNT = 0x20;
export const MS_MANDLOCK = 0x40;
export const MS_DIRSYNC = 0x80;
export const MS_NOSYMFOLLOW = 0x100;
export const MS_NOATIME = 0x400;
export const MS_NODIRATIME = 0x800;
export const MS_BIND = 0x1000;
export const MS_MOVE = 0x2000;
export const MS_REC = 0x4000;
export const MS_SILENT = 0x8000;
export const MS_UNBINDABLE = 0x20000;
export const MS_PRIVATE = 0x40000;
export const MS_SLAVE = 0x80000;
export const MS_SHARED = 0x100000;
export const MS_RELATIME = 0x200000;
export const MS_I_VERSION = 0x800000;
export const MS_STRICTATIME = 0x1000000;
export const MS_LAZYTIME = 0x2000000;
export const MNT_DETACH = 0x2;
export const MNT_FORCE = 0x1;
export const UMOUNT_NOFOLLOW = 0x8;
export const OPEN_TREE_CLONE = 0x1;
export const OPEN_TREE_CLOEXEC = 0x80000;
export const MOVE_MOUNT_F_EMPTY_PATH = 0x4;
export const MOVE_MOUNT_T_EMPTY_PATH = 0x40;
export const FSOPEN_CLOEXEC = 0x1;
export const FSMOUNT_CLOEXEC = 0x1;
export const FSCONFIG_SET_FLAG = 0x0;
export const FSCONFIG_SET_STRING = 0x1;
export const FSCONFIG_SET_FD = 0x5;
export const FSCONFIG_CMD_CREATE = 0x6;
export const FSCONFIG_CMD_RECONFIGURE = 0x7;
export const FSPICK_CLOEXEC = 0x1;
export const FSPICK_EMPTY_PATH = 0x8;
export const MOUNT_ATTR_RDONLY = 0x1;
export const MOUNT_ATTR_NOSUID = 0x2;
export const MOUNT_ATTR_NODEV = 0x4;
export const MOUNT_ATTR_NOEXEC = 0x8;
export const MOUNT_ATTR__ATIME = 0x70;
export const MOUNT_ATTR_RELATIME = 0x0;
export const MOUNT_ATTR_NOATIME = 0x10;
export const MOUNT_ATTR_STRICTATIME = 0x20;
export const MOUNT_ATTR_NODIRATIME = 0x80;
export const MOUNT_ATTR_IDMAP = 0x100000;
export const MOUNT_ATTR_NOSYMFOLLOW = 0x200000;

// socket(7), unix(7), poll(2), recvmsg(2)
export const AF_UNIX = 0x1;
export const AF_INET = 0x2;
export const SOCK_STREAM = 0x1;
export const SOCK_DGRAM = 0x2;
export const SOCK_SEQPACKET = 0x5;
export const SOCK_CLOEXEC = 0x80000;
export const SOCK_NONBLOCK = 0x800;
export const SOL_SOCKET = 0x1;
export const SCM_RIGHTS = 0x1;
export const SO_PEERCRED = 0x11;
export const SO_RCVTIMEO = 0x14;
export const SO_SNDTIMEO = 0x15;
export const MSG_NOSIGNAL = 0x4000;
export const MSG_DONTWAIT = 0x40;
export const MSG_CMSG_CLOEXEC = 0x40000000;
export const MSG_TRUNC = 0x20;
export const MSG_CTRUNC = 0x8;
export const POLLIN = 0x1;
export const POLLOUT = 0x4;
export const POLLERR = 0x8;
export const POLLHUP = 0x10;
export const POLLPRI = 0x2;
export const SHUT_WR = 0x1;
export const SHUT_RD = 0x0;
export const SIOCGIFFLAGS = 0x8913;
export const SIOCSIFFLAGS = 0x8914;
export const IFF_UP = 0x1;
export const IFF_RUNNING = 0x40;

// signal(7)
export const SIG_BLOCK = 0x0;
export const SIG_UNBLOCK = 0x1;
export const SIG_SETMASK = 0x2;
export const SIGCHLD = 0x11;
export const SIGKILL = 0x9;
export const SIGTERM = 0xf;
export const SIGSTOP = 0x13;
export const SIGCONT = 0x12;
export const SIGWINCH = 0x1c;
export const SIGURG = 0x17;
export const SIGHUP = 0x1;
export const SIGINT = 0x2;
export const SIGQUIT = 0x3;
export const SIGTSTP = 0x14;
export const SIGPIPE = 0xd;
export const SIGXFSZ = 0x19;
export const SIGTTOU = 0x16;
export const SFD_CLOEXEC = 0x80000;
export const SFD_NONBLOCK = 0x800;

// ioctl_tty(2)
export const TIOCSCTTY = 0x540e;
export const TIOCGPTPEER = 0x5441;
export const TIOCSPTLCK = 0x40045431;
export const TIOCGWINSZ = 0x5413;
export const TIOCSWINSZ = 0x5414;
export const TCGETS = 0x5401;
export const TCSETS = 0x5402;

// seccomp(2), bpf(2), keyctl(2)
export const SECCOMP_SET_MODE_FILTER = 0x1;
export const SECCOMP_FILTER_FLAG_NEW_LISTENER = 0x8;
export const SECCOMP_FILTER_FLAG_TSYNC_ESRCH = 0x10;
export const SECCOMP_FILTER_FLAG_TSYNC = 0x1;
export const SECCOMP_FILTER_FLAG_LOG = 0x2;
export const SECCOMP_FILTER_FLAG_SPEC_ALLOW = 0x4;
export const SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV = 0x20;
export const SECCOMP_RET_KILL_PROCESS = 0x80000000;
export const SECCOMP_RET_KILL_THREAD = 0x0;
export const SECCOMP_RET_TRAP = 0x30000;
export const SECCOMP_RET_ERRNO = 0x50000;
export const SECCOMP_RET_USER_NOTIF = 0x7fc00000;
export const SECCOMP_RET_TRACE = 0x7ff00000;
export const SECCOMP_RET_LOG = 0x7ffc0000;
export const SECCOMP_RET_ALLOW = 0x7fff0000;
export const SCMP_CMP_NE = 0x1;
export const SCMP_CMP_LT = 0x2;
export const SCMP_CMP_LE = 0x3;
export const SCMP_CMP_EQ = 0x4;
export const SCMP_CMP_GE = 0x5;
export const SCMP_CMP_GT = 0x6;
export const SCMP_CMP_MASKED_EQ = 0x7;
export const SCMP_FLTATR_CTL_OPTIMIZE = 0x8;
export const BPF_MAXINSNS = 0x1000;
export const BPF_PROG_LOAD = 0x5;
export const BPF_PROG_ATTACH = 0x8;
export const BPF_PROG_DETACH = 0x9;
export const BPF_PROG_TYPE_CGROUP_DEVICE = 0xf;
export const BPF_CGROUP_DEVICE = 0x6;
export const BPF_F_ALLOW_MULTI = 0x2;
export const BPF_F_REPLACE = 0x4;
export const BPF_DEVCG_DEV_BLOCK = 0x1;
export const BPF_DEVCG_DEV_CHAR = 0x2;
export const BPF_DEVCG_ACC_MKNOD = 0x1;
export const BPF_DEVCG_ACC_READ = 0x2;
export const BPF_DEVCG_ACC_WRITE = 0x4;
export const KEYCTL_JOIN_SESSION_KEYRING = 0x1;

// getrlimit(2), clocks
export const RLIMIT_CPU = 0x0;
export const RLIMIT_FSIZE = 0x1;
export const RLIMIT_DATA = 0x2;
export const RLIMIT_STACK = 0x3;
export const RLIMIT_CORE = 0x4;
export const RLIMIT_RSS = 0x5;
export const RLIMIT_NPROC = 0x6;
export const RLIMIT_NOFILE = 0x7;
export const RLIMIT_MEMLOCK = 0x8;
export const RLIMIT_AS = 0x9;
export const RLIMIT_LOCKS = 0xa;
export const RLIMIT_SIGPENDING = 0xb;
export const RLIMIT_MSGQUEUE = 0xc;
export const RLIMIT_NICE = 0xd;
export const RLIMIT_RTPRIO = 0xe;
export const RLIMIT_RTTIME = 0xf;
export const CLOCK_REALTIME = 0x0;
export const CLOCK_MONOTONIC = 0x1;
export const CLOCK_PROCESS_CPUTIME_ID = 0x2;
export const CLOCK_BOOTTIME = 0x7;

// access(2), inotify(7)
export const X_OK = 0x1;
export const W_OK = 0x2;
export const AT_EACCESS = 0x200;
export const IN_CLOEXEC = 0x80000;
export const IN_MODIFY = 0x2;

// eventfd(2)
export const EFD_CLOEXEC = 0x80000;
export const EFD_NONBLOCK = 0x800;

// termios(3)
export const IGNBRK = 0x1;
export const BRKINT = 0x2;
export const PARMRK = 0x8;
export const ISTRIP = 0x20;
export const INLCR = 0x40;
export const IGNCR = 0x80;
export const ICRNL = 0x100;
export const IXON = 0x400;
export const OPOST = 0x1;
export const CSIZE = 0x30;
export const CS8 = 0x30;
export const PARENB = 0x100;
export const ISIG = 0x1;
export const ICANON = 0x2;
export const ECHO = 0x8;
export const ECHONL = 0x40;
export const IEXTEN = 0x8000;
