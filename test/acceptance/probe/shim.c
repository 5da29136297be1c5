/*
 * shim: stands where a container engine's shim stands. It is a subreaper, so the container's init becomes
 * its child once the runtime has left, and it says on one descriptor what ended and how.
 *
 *   shim REPORT-FD [-z] COMMAND [ARG…]
 *
 *   started PID          the command runs
 *   exited HOW           the command ended; HOW is "exit N" or "signal N"
 *   zombie PID HOW       (-z) an adopted process ended and stays unreaped until SIGUSR1
 *   reaped PID HOW       an adopted process ended
 *
 * The end of the stream means that no child is left.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void tell(int report, const char *what, pid_t pid, const siginfo_t *end)
{
    const char *how = end->si_code == CLD_EXITED ? "exit" : "signal";
    if (pid)
        dprintf(report, "%s %d %s %d\n", what, (int)pid, how, end->si_status);
    else
        dprintf(report, "%s %s %d\n", what, how, end->si_status);
}

/* What the caller of the suite ignores would be ignored by the runtime, and through some runtimes by the program. */
static void default_signals(void)
{
    static const unsigned long defaults[4];
    for (int signal = 1; signal <= 64; signal++)
        syscall(SYS_rt_sigaction, signal, defaults, NULL, 8);
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    int passed = atoi(argv[1]);
    char **command = argv + 2;
    int keep_zombies = strcmp(command[0], "-z") == 0;
    if (keep_zombies)
        command++;

    /* Away from the low numbers: the runtime may be given descriptors 3 and up. */
    int report = fcntl(passed, F_DUPFD_CLOEXEC, 200);
    if (report < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1))
        return 2;
    close(passed);

    sigset_t reap_now;
    sigemptyset(&reap_now);
    sigaddset(&reap_now, SIGUSR1);
    sigprocmask(SIG_BLOCK, &reap_now, NULL);

    pid_t child = fork();
    if (child < 0)
        return 2;
    if (child == 0) {
        sigprocmask(SIG_UNBLOCK, &reap_now, NULL);
        default_signals();
        execv(command[0], command);
        dprintf(2, "shim: %s: %s\n", command[0], strerror(errno));
        _exit(127);
    }
    dprintf(report, "started %d\n", (int)child);
    /* Every descriptor but the report belongs to the command and the container alone, or nobody sees their end. */
    close_range(0, (unsigned)report - 1, 0);
    close_range((unsigned)report + 1, ~0U, 0);

    siginfo_t end;
    while (waitid(P_ALL, 0, &end, WEXITED | WNOWAIT) == 0 || errno == EINTR) {
        pid_t pid = end.si_pid;
        if (pid == child) {
            waitid(P_PID, (id_t)pid, NULL, WEXITED);
            tell(report, "exited", 0, &end);
            continue;
        }
        if (keep_zombies) {
            int number;
            tell(report, "zombie", pid, &end);
            sigwait(&reap_now, &number);
        }
        waitid(P_PID, (id_t)pid, NULL, WEXITED);
        tell(report, "reaped", pid, &end);
    }
    return 0;
}
