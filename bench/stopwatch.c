/*
 * Times commands, with nothing of the benchmark's own language in between.
 *
 * Each line of standard input is one command, its arguments separated by tabs. Each is run to its end, alone, with
 * /dev/null as input and output; one line of output answers it: nanoseconds from before the fork until the command has
 * been waited for, and the largest resident set of any process of its tree in KiB. A command that fails ends the whole
 * run: a time of something that went wrong is no time.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ARGUMENTS 64

static long long now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void fail(const char *command, const char *what, int detail) {
	fprintf(stderr, "stopwatch: %s: %s %d\n", command, what, detail);
	exit(1);
}

int main(void) {
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0) fail("/dev/null", "errno", errno);

	char *line = NULL;
	size_t room = 0;
	for (ssize_t length; (length = getline(&line, &room, stdin)) > 0;) {
		line[strcspn(line, "\n")] = '\0';
		char *argv[ARGUMENTS + 1];
		int count = 0;
		for (char *argument = strtok(line, "\t"); argument; argument = strtok(NULL, "\t")) {
			if (count == ARGUMENTS) fail(argv[0], "more arguments than", ARGUMENTS);
			argv[count++] = argument;
		}
		if (count == 0) fail("an empty line", "arguments", 0);
		argv[count] = NULL;

		long long start = now();
		/* vfork: the copy of our own page tables would be counted as the command's time. */
		pid_t pid = vfork();
		if (pid < 0) fail(argv[0], "vfork: errno", errno);
		if (pid == 0) {
			dup2(null, 0);
			dup2(null, 1);
			execvp(argv[0], argv);
			_exit(127);
		}
		int status;
		struct rusage usage;
		while (wait4(pid, &status, 0, &usage) < 0)
			if (errno != EINTR) fail(argv[0], "wait4: errno", errno);
		long long end = now();
		if (WIFSIGNALED(status)) fail(argv[0], "ended by signal", WTERMSIG(status));
		if (status != 0) fail(argv[0], "ended with status", WEXITSTATUS(status));
		printf("%lld %ld\n", end - start, usage.ru_maxrss);
	}
	return fflush(stdout) == 0 ? 0 : 1;
}
