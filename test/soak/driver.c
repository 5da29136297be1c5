/*
 * driver: calls box many times at little cost, and kills some of the calls on their way.
 *
 *   driver BOX ERRORS <calls >answers
 *
 * A call is a line: `cd DIRECTORY`, or `MICROSECONDS ARGUMENT…`, arguments being words; 0 lets box end by itself, any
 * other number is when it gets SIGKILL, if it has not ended. The answer is a line:
 *
 *   HOW NUMBER MICROSECONDS KIBIBYTES MESSAGE
 *
 * HOW is exit, killed (by the driver), signal (by another) or hung; KIBIBYTES its largest resident size; MESSAGE the
 * beginning of what a failed call wrote to stderr, which is the file ERRORS meanwhile.
 *
 * The driver stands where an engine's shim stands: what a call leaves behind is its child and is reaped. The last line
 * is `left N`, the number of children that are still there ten seconds after the last call.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_WORDS = 64, HANGING_SECONDS = 120, LEAVING_SECONDS = 10, MESSAGE = 400 };

extern char **environ;

static void die(const char *what)
{
    perror(what);
    exit(2);
}

static long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000L + time.tv_nsec / 1000;
}

static void heard(int number)
{
    (void)number;
}

/* Reaps every child that has ended but the one. */
static void reap_others(pid_t awaited)
{
    siginfo_t end = { 0 };
    while (waitid(P_ALL, 0, &end, WEXITED | WNOHANG | WNOWAIT) == 0 && end.si_pid && end.si_pid != awaited)
        waitpid(end.si_pid, NULL, WNOHANG);
}

/* Whether the process ends within the time. Meanwhile others are reaped: a pid namespace ends only after them. */
static int ends(int pidfd, pid_t pid, long microseconds)
{
    struct pollfd wait = { .fd = pidfd, .events = POLLIN };
    sigset_t none;
    sigemptyset(&none);
    for (long limit = now() + microseconds;;) {
        long left = limit - now();
        struct timespec time = { .tv_sec = left / 1000000, .tv_nsec = left % 1000000 * 1000 };
        int ready = left > 0 ? ppoll(&wait, 1, &time, &none) : 0;
        if (ready > 0)
            return 1;
        if (ready == 0)
            return 0;
        if (errno != EINTR)
            die("ppoll");
        reap_others(pid);
    }
}

static void tell(const char *how, int number, long took, long size, int errors)
{
    char message[MESSAGE + 1];
    ssize_t length = strcmp(how, "exit") == 0 && number == 0 ? 0 : pread(errors, message, MESSAGE, 0);
    if (length < 0)
        die("pread");
    message[length] = 0;
    for (char *c = message; *c; c++)
        if (*c == '\n')
            *c = ' ';
    printf("%s %d %ld %ld %s\n", how, number, took, size, message);
}

static void call(const char *box, long killed_after, char **words, const posix_spawn_file_actions_t *files,
                 const posix_spawnattr_t *attributes, int errors)
{
    if (ftruncate(errors, 0))
        die("ftruncate");
    long start = now();
    pid_t pid;
    errno = posix_spawn(&pid, box, files, attributes, words, environ);
    if (errno)
        die(box);
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0)
        die("pidfd_open");
    const char *forced = NULL;
    if (!ends(pidfd, pid, killed_after ? killed_after : HANGING_SECONDS * 1000000L)) {
        forced = killed_after ? "killed" : "hung";
        kill(pid, SIGKILL);
    }
    int status;
    struct rusage usage;
    if (wait4(pid, &status, 0, &usage) != pid)
        die("wait4");
    close(pidfd);
    /* It may have ended by itself just before. */
    const char *how = WIFEXITED(status) ? "exit" : forced ? forced : "signal";
    int number = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
    tell(how, number, now() - start, usage.ru_maxrss, errors);
    reap_others(0);
}

/* Reaps what is ending, and counts what is not. */
static int children_left(void)
{
    long limit = now() + LEAVING_SECONDS * 1000000L;
    pid_t pid;
    while ((pid = waitpid(-1, NULL, WNOHANG)) >= 0 && now() < limit)
        if (pid == 0)
            usleep(1000);
    int count = 0;
    char path[64], child[32];
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    FILE *children = fopen(path, "r");
    if (!children)
        die(path);
    while (fscanf(children, "%31s", child) == 1)
        count++;
    fclose(children);
    return count;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    int errors = open(argv[2], O_RDWR | O_CREAT | O_CLOEXEC | O_APPEND, 0666);
    if (errors < 0)
        die(argv[2]);
    if (prctl(PR_SET_CHILD_SUBREAPER, 1))
        die("prctl");
    /* Its children are told of by a signal that interrupts nothing but ppoll; box starts without that. */
    sigset_t ended, before;
    sigemptyset(&ended);
    sigaddset(&ended, SIGCHLD);
    sigprocmask(SIG_BLOCK, &ended, &before);
    signal(SIGCHLD, heard);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &before);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&files, errors, 2);

    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, stdin) > 0) {
        char *words[MAX_WORDS + 1];
        int count = 0;
        for (char *word = strtok(line, " \n"); word && count < MAX_WORDS; word = strtok(NULL, " \n"))
            words[count++] = word;
        words[count] = NULL;
        if (count < 2)
            return 2;
        if (strcmp(words[0], "cd") == 0) {
            if (chdir(words[1]))
                die(words[1]);
            continue;
        }
        long killed_after = atol(words[0]);
        words[0] = argv[1];
        call(argv[1], killed_after, words, &files, &attributes, errors);
    }
    printf("left %d\n", children_left());
    return 0;
}
