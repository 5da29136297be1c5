/*
 * The sealed re-exec: before box enters a container it runs from a file that no container can write to.
 *
 * A process in a container reaches the runtime's executable through /proc/PID/exe, and could write to the host's file
 * as soon as nothing executes it (CVE-2019-5736). Two kinds of file cannot be written to:
 *
 *   - a file on an overlay that has no upper layer and is mounted nowhere. Such a file system is read-only for good, and
 *     nobody can remount what has no place in any mount namespace. Costs no copy, needs CAP_SYS_ADMIN;
 *   - a memfd with all seals. Costs a copy, needs nothing.
 *
 * A read-only bind mount is neither: a privileged container may clear the flag.
 *
 * Where the file is root's and the caller an ordinary user, nothing has to be done: what a container of theirs may write
 * to is no more than what they may write to, they and their subordinate ids.
 */
#define _GNU_SOURCE
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
#define MEMFD_NAME "box:sealed"

/* Newer than the headers of some libc that we build with. */
#ifndef MFD_EXEC
#define MFD_EXEC 0x10u
#endif
#define ST_NOSYMFOLLOW 0x2000
#undef STATX_MNT_ID
#define STATX_MNT_ID 0x1000u
#undef STATX_MNT_ID_UNIQUE
#define STATX_MNT_ID_UNIQUE 0x4000u
#ifndef SYS_statmount
#define SYS_statmount 457
#endif
#ifndef STATMOUNT_SB_BASIC
#define STATMOUNT_SB_BASIC 1u
#endif

/* struct statx as far as we read it: musl's has no mount id yet. */
struct statx_mount {
	uint32_t mask, skipped[35];
	uint64_t mount_id, reserved[13];
};
_Static_assert(sizeof(struct statx_mount) == 256, "as large as the kernel's");

/* Flags that our overlay carries and that together nobody else's does. */
#define LAYER_FLAGS (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSYMFOLLOW)
#define LAYER_STATFS_FLAGS (ST_RDONLY | ST_NODEV | ST_NOSYMFOLLOW)

/*
 * An overlay without an upper layer wants two lower ones. This one has no file that matters, exists wherever sysfs does
 * (procfs cannot be a layer), and has no mounts below it, which would make it unusable in a user namespace.
 */
#define SECOND_LAYER "/sys/class"

static int open_self(void)
{
	int exe = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (exe < 0)
		die("cannot open /proc/self/exe: %s%s", strerror(errno),
		    errno == ENOENT ? ": is /proc mounted?" : "");
	return exe;
}

static bool statx_mount_id(int file, uint32_t kind, uint64_t *id)
{
	struct statx_mount mount;
	if (syscall(SYS_statx, file, "", AT_EMPTY_PATH, kind, &mount) || !(mount.mask & kind))
		return false;
	*id = mount.mount_id;
	return true;
}

/* Each line of mountinfo begins with the id of a mount in this process's mount namespace, below its root. */
static bool is_in_mountinfo(uint64_t mount_id)
{
	static char text[1 << 15];
	int mountinfo = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	if (mountinfo < 0)
		die("cannot open /proc/self/mountinfo: %s", strerror(errno));
	bool found = false, in_id = true;
	uint64_t id = 0;
	ssize_t count;
	while ((count = read(mountinfo, text, sizeof text)) > 0)
		for (char *p = text; p < text + count; p++) {
			if (in_id && *p == ' ') {
				found |= id == mount_id;
				in_id = false;
			} else if (*p == '\n') {
				in_id = true;
				id = 0;
			} else if (in_id) {
				id = id * 10 + (uint64_t)(*p - '0');
			}
		}
	if (count < 0)
		die("cannot read /proc/self/mountinfo: %s", strerror(errno));
	close(mountinfo);
	return found;
}

/* Whether the mount that a file is reached by is in this process's mount namespace. */
static bool is_mounted(int file)
{
	uint64_t id;
	char answer[512];
	/* Linux 6.8 tells of one mount. struct mnt_id_req: its size, the id, what is asked for. */
	if (statx_mount_id(file, STATX_MNT_ID_UNIQUE, &id)) {
		uint64_t request[] = { 3 * sizeof id, id, STATMOUNT_SB_BASIC };
		if (!syscall(SYS_statmount, request, answer, sizeof answer, 0))
			return true;
		if (errno == ENOENT)
			return false;
	}
	return !statx_mount_id(file, STATX_MNT_ID, &id) || is_in_mountinfo(id);
}

/*
 * Judged by what the kernel says of the file itself, never by what the caller hands down. That a mount is in no
 * mountinfo is not enough alone: below a chroot the mount of an ordinary overlay root is not listed either. Hence the
 * flags.
 */
static bool is_sealed(int exe)
{
	struct statfs file_system;
	int seals = fcntl(exe, F_GET_SEALS);
	if (seals >= 0 && (seals & SEALS) == SEALS)
		return true;
	return !fstatfs(exe, &file_system) && file_system.f_type == OVERLAYFS_SUPER_MAGIC &&
	       (file_system.f_flags & LAYER_STATFS_FLAGS) == LAYER_STATFS_FLAGS && !is_mounted(exe);
}

/* File systems whose permissions this kernel alone decides: of others it is a server, which may be the caller's. */
static bool is_local(int file)
{
	static const uint32_t local[] = { BTRFS_SUPER_MAGIC, EXT4_SUPER_MAGIC, F2FS_SUPER_MAGIC, OVERLAYFS_SUPER_MAGIC,
					  SQUASHFS_MAGIC,    TMPFS_MAGIC,      XFS_SUPER_MAGIC };
	struct statfs file_system;
	if (fstatfs(file, &file_system))
		return false;
	for (size_t i = 0; i < sizeof local / sizeof *local; i++)
		if ((uint32_t)file_system.f_type == local[i])
			return true;
	return false;
}

/* Without any id of root's and without any capability, to use or to hand on. */
static bool is_ordinary_caller(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct held[_LINUX_CAPABILITY_U32S_3];
	uid_t real, effective, saved;
	if (getresuid(&real, &effective, &saved) || !real || !effective || !saved || syscall(SYS_capget, &header, held))
		return false;
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		if (held[i].permitted || held[i].inheritable)
			return false;
	return true;
}

/* Whether root alone may write to the file, and nobody in a container of this caller's can be root outside of it. */
static bool is_out_of_reach(int exe)
{
	struct stat self;
	return is_ordinary_caller() && !fstat(exe, &self) && self.st_uid == 0 && !(self.st_mode & (S_IWGRP | S_IWOTH)) &&
	       is_local(exe);
}

static bool cannot_be_written(int exe)
{
	return is_sealed(exe) || is_out_of_reach(exe);
}

/*
 * Whether two files are one, as seen through an overlay: it has device numbers of its own, but keeps inode numbers (with
 * xino=off) and times. The change time cannot be chosen by anyone, so a file swapped in by its name does not pass.
 */
static bool is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_size == b->st_size && a->st_mode == b->st_mode &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* The running binary on a detached overlay of its directory; -1 when this process may not have one. */
static int open_on_overlay(int exe, char *path)
{
	char layers[64];
	struct stat self, found;
	int directory = -1, context = -1, mount = -1, binary = -1;

	/* A deleted binary ends in " (deleted)", is not found, and takes the other way. */
	char *leaf = strrchr(path, '/');
	if (!leaf || fstat(exe, &self))
		return -1;
	*leaf++ = '\0';
	context = (int)syscall(SYS_fsopen, "overlay", FSOPEN_CLOEXEC);
	if (context < 0)
		return -1;
	directory = open(*path ? path : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		goto out;
	/* By its descriptor: a path could need escapes and is limited to 256 bytes. */
	snprintf(layers, sizeof layers, "/proc/self/fd/%d:" SECOND_LAYER, directory);
	if (syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "lowerdir", layers, 0) ||
	    syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "xino", "off", 0) ||
	    syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		goto out;
	mount = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, LAYER_FLAGS);
	if (mount < 0)
		goto out;
	binary = openat(mount, leaf, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	/* Not ours: the name was moved, or another file is mounted on it. */
	if (binary >= 0 && (fstat(binary, &found) || !is_same_file(&self, &found))) {
		close(binary);
		binary = -1;
	}
out:
	if (mount >= 0)
		close(mount);
	if (directory >= 0)
		close(directory);
	close(context);
	return binary;
}

/* A sealed copy of the running binary in memory. */
static int copy_to_memfd(int exe)
{
	struct stat self;
	int copy = memfd_create(MEMFD_NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
	if (copy < 0 && errno == EINVAL) /* Linux before 6.3 */
		copy = memfd_create(MEMFD_NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	/* A limit of file sizes is to end in words; the default action comes back after the restart. */
	signal(SIGXFSZ, SIG_IGN);
	if (copy < 0 || fstat(exe, &self))
		die("cannot make a sealed copy of the executable: %s", strerror(errno));
	off_t done = 0;
	while (done < self.st_size) {
		ssize_t count = sendfile(copy, exe, &done, (size_t)(self.st_size - done));
		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			die("cannot copy the executable: %s", count ? strerror(errno) : "it became shorter");
	}
	if (fcntl(copy, F_ADD_SEALS, SEALS))
		die("cannot seal the copy of the executable: %s", strerror(errno));
	return copy;
}

static void execute(int binary, char **argv, char **envp)
{
	syscall(SYS_execveat, binary, "", argv, envp, AT_EMPTY_PATH);
}

/* Returns when this process runs from a file that cannot be written to; else starts again from one, with the same arguments. */
void seal_self(char **argv, char **envp)
{
	char path[4096];
	int exe = open_self();
	if (cannot_be_written(exe)) {
		close(exe);
		return;
	}
	ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
	if (length < 0)
		die("cannot read /proc/self/exe: %s", strerror(errno));
	path[length] = '\0';

	/*
	 * Each attempt is made once, or a kernel that does not do what it says would make us start forever: what has been
	 * started by descriptor does not try the overlay again, what runs from our memfd tries nothing again.
	 */
	const char *started_as = (const char *)getauxval(AT_EXECFN);
	if (!started_as || strncmp(started_as, "/dev/fd/", 8)) {
		int binary = open_on_overlay(exe, path);
		if (binary >= 0) {
			execute(binary, argv, envp);
			close(binary);
		}
	} else if (!strncmp(path, "/memfd:" MEMFD_NAME, sizeof "/memfd:" MEMFD_NAME - 1)) {
		die("the sealed copy of the executable is not sealed");
	}
	execute(copy_to_memfd(exe), argv, envp);
	die("cannot execute the sealed copy of the executable: %s", strerror(errno));
}
