/*
 * Times commands, with nothing of the benchmark's own language in between.
 *
 * Each line of standard input is one step, its words separated by tabs:
 *
 *   time COMMAND…        runs it to its end, alone, with /dev/null as input and output
 *   terminal COMMAND…    the same with a terminal of its own as input, output and errors
 *   together N COMMAND…  runs it N times at once; % in an argument is the number of each, from 0
 *   do COMMAND…          runs it untimed
 *   await FILE           waits for the end of the process whose pid is in FILE, and reaps it
 *   memory FILE          looks at that process
 *
 * One line of output answers each of the first three: nanoseconds from before the fork until the command has been waited
 * for; of its process and all that were waited for, nanoseconds of processor time and the largest resident set in KiB.
 * `memory` answers with the resident and the proportional set in KiB. A command that fails ends the whole run: a time of
 * something that went wrong is no time.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WORDS 64
#define TOGETHER 1000

static int null, terminal;

static long long now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void fail(char *const *words, const char *what, int detail) {
	fputs("stopwatch:", stderr);
	for (; *words; words++) fprintf(stderr, " %s", *words);
	fprintf(stderr, ": %s %d\n", what, detail);
	exit(1);
}

/* The slave of a new terminal. The master stays open; nothing that is measured writes enough to fill it. */
static int open_terminal(void) {
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0) return -1;
	return open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
}

static pid_t begin(char **command, int stream) {
	/* vfork: the copy of our own page tables would be counted as the command's time. */
	pid_t pid = vfork();
	if (pid < 0) fail(command, "vfork: errno", errno);
	if (pid == 0) {
		dup2(stream, 0);
		dup2(stream, 1);
		if (stream == terminal) dup2(stream, 2);
		execvp(command[0], command);
		_exit(127);
	}
	return pid;
}

static long long nanoseconds(struct timeval t) {
	return t.tv_sec * 1000000000LL + t.tv_usec * 1000LL;
}

struct usage {
	long long processor;
	long peak;
};

/* Waits for one process and adds what it and those that it waited for have used. */
static void finish(pid_t pid, char **command, struct usage *sum) {
	int status;
	struct rusage own;
	while (wait4(pid, &status, 0, &own) < 0)
		if (errno != EINTR) fail(command, "wait4: errno", errno);
	if (WIFSIGNALED(status)) fail(command, "ended by signal", WTERMSIG(status));
	if (WEXITSTATUS(status) != 0) fail(command, "ended with status", WEXITSTATUS(status));
	sum->processor += nanoseconds(own.ru_utime) + nanoseconds(own.ru_stime);
	if (own.ru_maxrss > sum->peak) sum->peak = own.ru_maxrss;
}

static void answer(long long start, const struct usage *used) {
	printf("%lld %lld %ld\n", now() - start, used->processor, used->peak);
}

static void run(char **command, int stream, int timed) {
	struct usage used = { 0 };
	long long start = now();
	finish(begin(command, stream), command, &used);
	if (timed) answer(start, &used);
}

/* The command with its number in place of each %; the next one takes its room. */
static char **numbered(char **command, int number) {
	static char *words[WORDS + 1];
	static char text[65536];
	size_t used = 0;
	int count = 0;
	for (; command[count]; count++) {
		words[count] = text + used;
		for (const char *c = command[count]; *c; c++)
			if (*c == '%') used += sprintf(text + used, "%d", number);
			else text[used++] = *c;
		text[used++] = '\0';
	}
	words[count] = NULL;
	return words;
}

static void run_together(char **words) {
	int count = atoi(words[0]);
	if (count < 1 || count > TOGETHER) fail(words, "processes at once, at most", TOGETHER);
	pid_t pids[TOGETHER];
	struct usage used = { 0 };
	long long start = now();
	/* When vfork returns, the new program has its own copy of the words. */
	for (int i = 0; i < count; i++) pids[i] = begin(numbered(words + 1, i), null);
	for (int i = 0; i < count; i++) finish(pids[i], words, &used);
	answer(start, &used);
}

static pid_t read_pid(char **words) {
	FILE *file = fopen(words[0], "re");
	int pid;
	if (!file || fscanf(file, "%d", &pid) != 1) fail(words, "no pid, errno", errno);
	fclose(file);
	return pid;
}

/* Its end by a signal is no failure. We are the subreaper of what the commands left running. */
static void await(char **words) {
	if (waitpid(read_pid(words), NULL, 0) < 0) fail(words, "await: errno", errno);
}

static void look_at_memory(char **words) {
	char path[64], line[256];
	snprintf(path, sizeof path, "/proc/%d/smaps_rollup", read_pid(words));
	FILE *file = fopen(path, "re");
	if (!file) fail(words, "memory: errno", errno);
	long resident = -1, proportional = -1;
	while (fgets(line, sizeof line, file)) {
		sscanf(line, "Rss: %ld", &resident);
		sscanf(line, "Pss: %ld", &proportional);
	}
	fclose(file);
	printf("%ld %ld\n", resident, proportional);
}

int main(void) {
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	terminal = open_terminal();
	if (null < 0 || terminal < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0) {
		perror("stopwatch");
		return 1;
	}
	char *line = NULL;
	size_t room = 0;
	while (getline(&line, &room, stdin) > 0) {
		line[strcspn(line, "\n")] = '\0';
		char *words[WORDS + 1];
		int count = 0;
		for (char *word = strtok(line, "\t"); word && count < WORDS; word = strtok(NULL, "\t")) words[count++] = word;
		words[count] = NULL;
		if (count < 2 || count == WORDS) fail(words, "words:", count);
		const char *verb = words[0];
		if (strcmp(verb, "time") == 0) run(words + 1, null, 1);
		else if (strcmp(verb, "terminal") == 0) run(words + 1, terminal, 1);
		else if (strcmp(verb, "together") == 0) run_together(words + 1);
		else if (strcmp(verb, "do") == 0) run(words + 1, null, 0);
		else if (strcmp(verb, "await") == 0) await(words + 1);
		else if (strcmp(verb, "memory") == 0) look_at_memory(words + 1);
		else fail(words, "unknown step, words:", count);
	}
	return fflush(stdout) == 0 ? 0 : 1;
}
