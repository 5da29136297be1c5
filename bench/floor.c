/*
 * The floor: the system calls that `box spec`'s default config asks for, and nothing else.
 *
 *   floor ROOTFS [SOURCE MOUNTS]      runs /bin/true in ROOTFS, with SOURCE bound to /mnt/0, /mnt/1, …
 *
 * What no runtime can leave out on a pure cgroup2 host: a cgroup with its device filter, six namespaces, seven mounts,
 * the default devices, masked and read-only paths, the root change, limits, capabilities, the program, the wait and the
 * removal of the cgroup. What a runtime does for its own sake is missing: no arguments, no config.json, no sealed copy
 * of itself, no handshake, no state, no error recovery. So its time is what the kernel takes; the rest is ours to lose.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define CGROUP "/sys/fs/cgroup/box-floor"
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static long must(long result, const char *what) {
	if (result < 0) {
		fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
		exit(1);
	}
	return result;
}

/* --- The device filter: mknod of anything, use of the default devices and of terminals ------------------------------ */

#define LOAD(to, field) \
	{ .code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = to, .src_reg = BPF_REG_1, .off = offsetof(struct bpf_cgroup_dev_ctx, field) }
#define SKIP_UNLESS(register, value, instructions) \
	{ .code = BPF_JMP | BPF_JNE | BPF_K, .dst_reg = register, .off = instructions, .imm = value }
#define ANSWER(value) \
	{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = value }, { .code = BPF_JMP | BPF_EXIT }
#define ALLOW(type, major, minor) \
	SKIP_UNLESS(BPF_REG_2, type, 4), SKIP_UNLESS(BPF_REG_4, major, 3), SKIP_UNLESS(BPF_REG_5, minor, 2), ANSWER(1)

static void filter_devices(int cgroup) {
	const struct bpf_insn program[] = {
		LOAD(BPF_REG_2, access_type),
		{ .code = BPF_ALU | BPF_MOV | BPF_X, .dst_reg = BPF_REG_3, .src_reg = BPF_REG_2 },
		{ .code = BPF_ALU | BPF_AND | BPF_K, .dst_reg = BPF_REG_2, .imm = 0xffff },
		{ .code = BPF_ALU | BPF_RSH | BPF_K, .dst_reg = BPF_REG_3, .imm = 16 },
		LOAD(BPF_REG_4, major),
		LOAD(BPF_REG_5, minor),
		SKIP_UNLESS(BPF_REG_3, BPF_DEVCG_ACC_MKNOD, 2),
		ANSWER(1),
		ALLOW(BPF_DEVCG_DEV_CHAR, 1, 3), /* null */
		ALLOW(BPF_DEVCG_DEV_CHAR, 1, 5), /* zero */
		ALLOW(BPF_DEVCG_DEV_CHAR, 1, 7), /* full */
		ALLOW(BPF_DEVCG_DEV_CHAR, 1, 8), /* random */
		ALLOW(BPF_DEVCG_DEV_CHAR, 1, 9), /* urandom */
		ALLOW(BPF_DEVCG_DEV_CHAR, 5, 0), /* tty */
		ALLOW(BPF_DEVCG_DEV_CHAR, 5, 2), /* ptmx */
		SKIP_UNLESS(BPF_REG_2, BPF_DEVCG_DEV_CHAR, 3),
		SKIP_UNLESS(BPF_REG_4, 136, 2), /* pts/N */
		ANSWER(1),
		ANSWER(0),
	};
	union bpf_attr load = {
		.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
		.insn_cnt = COUNT(program),
		.insns = (uintptr_t)program,
		.license = (uintptr_t) "Apache-2.0",
	};
	int filter = must(syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof load), "load the device filter");
	union bpf_attr attach = {
		.target_fd = cgroup,
		.attach_bpf_fd = filter,
		.attach_type = BPF_CGROUP_DEVICE,
		.attach_flags = BPF_F_ALLOW_MULTI,
	};
	must(syscall(SYS_bpf, BPF_PROG_ATTACH, &attach, sizeof attach), "attach the device filter");
	close(filter);
}

/* --- The container's side ------------------------------------------------------------------------------------------- */

static void mount_file_systems(void) {
	static const struct {
		const char *type, *target;
		unsigned long flags;
		const char *data;
	} mounts[] = {
		{ "proc", "proc", 0, NULL },
		{ "tmpfs", "dev", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k" },
		{ "devpts", "dev/pts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5" },
		{ "tmpfs", "dev/shm", MS_NOSUID | MS_NOEXEC | MS_NODEV, "mode=1777,size=65536k" },
		{ "mqueue", "dev/mqueue", MS_NOSUID | MS_NOEXEC | MS_NODEV, NULL },
		{ "sysfs", "sys", MS_NOSUID | MS_NOEXEC | MS_NODEV | MS_RDONLY, NULL },
		{ "cgroup2", "sys/fs/cgroup", MS_NOSUID | MS_NOEXEC | MS_NODEV | MS_RELATIME | MS_RDONLY, NULL },
	};
	for (size_t i = 0; i < COUNT(mounts); i++) {
		/* Only the directories on the new /dev are missing. */
		if (strncmp(mounts[i].target, "dev/", 4) == 0) must(mkdir(mounts[i].target, 0755), mounts[i].target);
		must(mount(mounts[i].type, mounts[i].target, mounts[i].type, mounts[i].flags, mounts[i].data), mounts[i].target);
	}
}

static void make_devices(void) {
	static const struct {
		const char *path;
		unsigned major, minor;
	} devices[] = {
		{ "dev/null", 1, 3 },	{ "dev/zero", 1, 5 },	 { "dev/full", 1, 7 },
		{ "dev/random", 1, 8 }, { "dev/urandom", 1, 9 }, { "dev/tty", 5, 0 },
	};
	for (size_t i = 0; i < COUNT(devices); i++)
		must(mknod(devices[i].path, S_IFCHR | 0666, makedev(devices[i].major, devices[i].minor)), devices[i].path);
	static const char *const links[][2] = {
		{ "/proc/self/fd", "dev/fd" },	     { "/proc/self/fd/0", "dev/stdin" }, { "/proc/self/fd/1", "dev/stdout" },
		{ "/proc/self/fd/2", "dev/stderr" }, { "pts/ptmx", "dev/ptmx" },
	};
	for (size_t i = 0; i < COUNT(links); i++) must(symlink(links[i][0], links[i][1]), links[i][1]);
}

static void change_root(void) {
	must(syscall(SYS_pivot_root, ".", "."), "pivot_root");
	must(umount2(".", MNT_DETACH), "umount the old root");
	must(chdir("/"), "chdir");
}

static void protect_paths(void) {
	static const char *const masked[] = {
		"/proc/acpi",	    "/proc/asound",	 "/proc/kcore",	      "/proc/keys",    "/proc/latency_stats",
		"/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/sys/firmware", "/proc/scsi",
	};
	for (size_t i = 0; i < COUNT(masked); i++) {
		if (mount("/dev/null", masked[i], NULL, MS_BIND, NULL) == 0 || errno == ENOENT) continue;
		if (errno != ENOTDIR) must(-1, masked[i]);
		must(mount("tmpfs", masked[i], "tmpfs", MS_RDONLY, NULL), masked[i]);
	}
	static const char *const readonly[] = { "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger" };
	for (size_t i = 0; i < COUNT(readonly); i++) {
		if (mount(readonly[i], readonly[i], NULL, MS_BIND | MS_REC, NULL) < 0) {
			if (errno != ENOENT) must(-1, readonly[i]);
			continue;
		}
		must(mount(NULL, readonly[i], NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL), readonly[i]);
	}
	must(mount(NULL, "/", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL), "read-only root");
}

static void raise_loopback(void) {
	int inet = must(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	must(ioctl(inet, SIOCSIFFLAGS, &lo), "raise lo");
	close(inet);
}

static void drop_privileges(void) {
	const uint32_t kept = 1U << CAP_AUDIT_WRITE | 1U << CAP_KILL | 1U << CAP_NET_BIND_SERVICE;
	struct rlimit files = { 1024, 1024 };
	must(setrlimit(RLIMIT_NOFILE, &files), "setrlimit");
	for (unsigned long cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (cap >= 32 || !(kept & 1U << cap)) must(prctl(PR_CAPBSET_DROP, cap, 0, 0, 0), "drop a capability");
	must(setgroups(0, NULL), "setgroups");
	must(setresgid(0, 0, 0), "setresgid");
	must(setresuid(0, 0, 0), "setresuid");
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2] = { { .effective = kept, .permitted = kept } };
	must(syscall(SYS_capset, &header, caps), "capset");
	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no new privileges");
}

static void bind_mounts(const char *source, int count) {
	for (int i = 0; i < count; i++) {
		char target[32];
		snprintf(target, sizeof target, "mnt/%d", i);
		must(mount(source, target, NULL, MS_BIND | MS_REC, NULL), target);
		must(mount(NULL, target, NULL, MS_REC | MS_PRIVATE, NULL), target);
	}
}

static void contain(const char *rootfs, const char *source, int mounts) {
	umask(0);
	must(setsid(), "setsid");
	must(mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL), "make / a slave");
	must(mount(rootfs, rootfs, NULL, MS_BIND | MS_REC, NULL), rootfs);
	must(chdir(rootfs), rootfs);
	mount_file_systems();
	bind_mounts(source, mounts);
	make_devices();
	raise_loopback();
	must(sethostname("runc", 4), "sethostname");
	change_root();
	protect_paths();
	drop_privileges();
	umask(0022);
	char *argv[] = { "/bin/true", NULL };
	char *environment[] = { "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm", NULL };
	must(execve(argv[0], argv, environment), argv[0]);
}

int main(int argc, char **argv) {
	if (argc != 2 && argc != 4) {
		fprintf(stderr, "usage: floor ROOTFS [SOURCE MOUNTS]\n");
		return 2;
	}
	must(mkdir(CGROUP, 0755), CGROUP);
	int cgroup = must(open(CGROUP, O_RDONLY | O_DIRECTORY | O_CLOEXEC), CGROUP);
	filter_devices(cgroup);

	struct clone_args how = {
		.flags = CLONE_INTO_CGROUP | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP,
		.exit_signal = SIGCHLD,
		.cgroup = cgroup,
	};
	pid_t pid = must(syscall(SYS_clone3, &how, sizeof how), "clone3");
	if (pid == 0) contain(argv[1], argc == 4 ? argv[2] : NULL, argc == 4 ? atoi(argv[3]) : 0);

	int status;
	must(waitpid(pid, &status, 0), "waitpid");
	must(rmdir(CGROUP), "rmdir " CGROUP);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
