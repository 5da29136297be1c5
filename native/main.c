/*
 * The process around the engine: what must happen before any TypeScript runs, and the end.
 */
#define _GNU_SOURCE
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC 4u
#endif

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* The environment that box documents. Nothing else of the caller's reaches TypeScript, or the sealed process. */
static const char *const documented_variables[] = {
	"DBUS_SESSION_BUS_ADDRESS", "HOME",		   "LISTEN_FDNAMES",	 "LISTEN_FDS",
	"LISTEN_PID",		    "NOTIFY_SOCKET",	   "PATH",		 "RUN_OCI_SECCOMP_RECEIVER",
	"TMPDIR",		    "USER",		   "XDG_RUNTIME_DIR",
};

/* Commands that enter a container. Searched among all arguments: a false hit only costs the seal. */
static const char *const entering_commands[] = { "create", "run", "exec", "mounts" };

static char *environment[COUNT(documented_variables) + 1];
static struct process process = { .environment = environment };

/* Only a seccomp filter lets the call come back. A trap needs no permission; libc would ask again for ever. */
static _Noreturn void end_process(int status)
{
	syscall(SYS_exit_group, status);
	__builtin_trap();
}

void die(const char *format, ...)
{
	char line[1024];
	va_list arguments;
	int length = snprintf(line, sizeof line, "box: ");
	va_start(arguments, format);
	vsnprintf(line + length, sizeof line - (size_t)length - 1, format, arguments);
	va_end(arguments);
	/* One line, whatever text got into it. */
	for (char *p = line; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' ';
	strcat(line, "\n");
	ssize_t ignored = write(STDERR_FILENO, line, strlen(line));
	(void)ignored;
	end_process(1);
}

static bool has_argument(const char *word)
{
	for (int i = 1; i < process.argc; i++)
		if (!strcmp(process.argv[i], word))
			return true;
	return false;
}

/* --- Before the engine ------------------------------------------------------------------------------------------- */

/* A file that we open must not become somebody's stdin, stdout or stderr. */
static void open_missing_standard_fds(void)
{
	struct pollfd standard[] = { { .fd = 0 }, { .fd = 1 }, { .fd = 2 } };
	if (poll(standard, COUNT(standard), 0) < 0)
		die("cannot check the standard streams: %s", strerror(errno));
	for (size_t i = 0; i < COUNT(standard); i++)
		if ((standard[i].revents & POLLNVAL) && open("/dev/null", O_RDWR) < 0)
			die("cannot open /dev/null: %s", strerror(errno));
}

/* After the re-exec, which must still hand down what the caller preserves. Only a mark: TypeScript sees what is open. */
static void mark_inherited_fds(void)
{
	if (!syscall(SYS_close_range, 3, ~0u, CLOSE_RANGE_CLOEXEC))
		return;
	/* Linux 5.10 has no such flag. */
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files))
		die("cannot read the limit of open files: %s", strerror(errno));
	for (rlim_t fd = 3; fd < files.rlim_max && fd < 1 << 20; fd++)
		fcntl((int)fd, F_SETFD, FD_CLOEXEC);
}

static void keep_documented_environment(char **envp)
{
	size_t kept = 0;
	for (char **variable = envp; *variable; variable++) {
		size_t length = strcspn(*variable, "=");
		for (size_t i = 0; i < COUNT(documented_variables) && kept < COUNT(documented_variables); i++)
			if (!strncmp(*variable, documented_variables[i], length) && !documented_variables[i][length] &&
			    (*variable)[length] == '=')
				environment[kept++] = *variable;
	}
}

/* So that /proc/PID/environ tells nothing. */
static void wipe_environment(char **envp)
{
	for (char **variable = envp; *variable; variable++)
		explicit_bzero(*variable, strlen(*variable));
	*envp = NULL;
}

static void harden_process(void)
{
	struct rlimit core;
	if (getrlimit(RLIMIT_CORE, &core))
		die("cannot read the core limit: %s", strerror(errno));
	process.core_limit = core.rlim_cur;
	core.rlim_cur = 0;
	if (process.core_limit && setrlimit(RLIMIT_CORE, &core))
		die("cannot set the core limit: %s", strerror(errno));
	process.umask = umask(022);
	/*
	 * Nobody without privilege may look into this process. A caller that is not root needs the opposite: newuidmap
	 * judges by the owner of /proc/PID, which is root for a process that is not dumpable, and init inherits the flag.
	 * There TypeScript decides when.
	 */
	if (geteuid() == 0 && prctl(PR_SET_DUMPABLE, 0))
		die("cannot become non-dumpable: %s", strerror(errno));
	/* After a start by descriptor the kernel names the process after the number. */
	prctl(PR_SET_NAME, "box");
}

/*
 * A caller's ignored signals would be ignored by the program too: execve keeps what is ignored. A write to a closed pipe or
 * beyond a limit fails in place of ending the process, until TypeScript takes that back for a program.
 */
static void reset_signals(void)
{
	static const uint64_t action_default[4], action_ignore[4] = { (uintptr_t)SIG_IGN };
	for (int signal = 1; signal <= 64; signal++)
		if (signal != SIGKILL && signal != SIGSTOP)
			syscall(SYS_rt_sigaction, signal,
				signal == SIGPIPE || signal == SIGXFSZ ? action_ignore : action_default, NULL, sizeof(uint64_t));
}

static enum reach reach_of_command(void)
{
	if (!process.sealed)
		return REACH_ALWAYS;
	return has_argument("create") || has_argument("run") ? REACH_CREATING : REACH_ENTERING;
}

int main(int argc, char **argv, char **envp)
{
#ifdef BOX_LEARN
	char **command = learn(argv);
	argc -= (int)(command - argv);
	argv = command;
#endif
	process.argc = argc;
	process.argv = argv;
	/* How the build asks a binary that has no image yet for one. */
	if (argc > 1 && !strcmp(argv[1], "--write-image") && !arena_has_image()) {
		engine_write();
		return 0;
	}
	open_missing_standard_fds();
	keep_documented_environment(envp);
	for (size_t i = 0; i < COUNT(entering_commands) && !process.sealed; i++)
		if (has_argument(entering_commands[i])) {
#ifndef BOX_LEARN
			seal_self(argv, environment);
#endif
			process.sealed = true;
		}
	mark_inherited_fds();
	harden_process();
	reset_signals();
	process.debug = has_argument("--debug");

	if (arena_has_image())
		arena_restore(reach_of_command());
	else if (!engine)
		engine_start();
	engine_enter(&process);
	wipe_environment(envp);
	int status = engine_run(&process);
#ifdef BOX_LEARN
	learn_note();
#endif
	end_process(status);
}
