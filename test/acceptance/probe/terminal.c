/*
 * terminal: stands where a person's terminal stands, or the engine that takes a terminal's master.
 *
 *   terminal attach COMMAND [ARG…]   runs COMMAND on a terminal of its own
 *   terminal receive SOCKET          waits at SOCKET for the master of a terminal
 *   terminal pidfd SOCKET            waits at SOCKET for a pidfd and says whose it is
 *
 * What is written to stdin is typed, what the terminal shows goes to stdout. On descriptor 3 it says one line each:
 *
 *   listening            (receive, pidfd) the socket is there
 *   received NAME        (receive, pidfd) with the bytes that came along
 *   pid N                (pidfd)
 *   started PID          (attach) the command runs
 *   exited HOW           (attach) HOW is "exit N" or "signal N"
 *
 * and is told there, a line each, answered by a line:
 *
 *   size ROWS COLUMNS    the window changes             sized
 *   mode                                                raw, or cooked
 *   hangup               the terminal goes away         hung up
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

#define REPORT 3

static int write_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t count = write(fd, bytes, length);
        if (count < 0)
            return -1;
        bytes += count;
        length -= (size_t)count;
    }
    return 0;
}

static void obey(const char *line, int *master)
{
    struct winsize size = { 0 };
    struct termios settings;
    if (sscanf(line, "size %hu %hu", &size.ws_row, &size.ws_col) == 2) {
        ioctl(*master, TIOCSWINSZ, &size);
        dprintf(REPORT, "sized\n");
    } else if (strcmp(line, "mode") == 0) {
        tcgetattr(*master, &settings);
        dprintf(REPORT, "%s\n", settings.c_lflag & (ICANON | ECHO) ? "cooked" : "raw");
    } else if (strcmp(line, "hangup") == 0) {
        close(*master);
        *master = -1;
        dprintf(REPORT, "hung up\n");
    }
}

/* Carries bytes until the terminal has ended, or with a child until that has. */
static void relay(int master, int child)
{
    char bytes[65536], order[256];
    size_t ordered = 0;
    struct pollfd waits[] = { { 0, POLLIN, 0 }, { master, POLLIN, 0 }, { REPORT, POLLIN, 0 }, { child, POLLIN, 0 } };
    for (;;) {
        if (poll(waits, 4, -1) < 0)
            continue;
        if (waits[0].revents) {
            ssize_t count = read(0, bytes, sizeof bytes);
            if (count <= 0)
                waits[0].fd = -1;
            else if (master >= 0)
                write_all(master, bytes, (size_t)count);
        }
        if (waits[1].revents) {
            ssize_t count = read(master, bytes, sizeof bytes);
            if (count > 0) {
                write_all(1, bytes, (size_t)count);
                continue;
            }
            if (child < 0)
                return;
            waits[1].fd = -1;
        }
        if (waits[2].revents) {
            if (read(REPORT, order + ordered, 1) <= 0) {
                waits[2].fd = -1;
            } else if (order[ordered] == '\n') {
                order[ordered] = 0;
                ordered = 0;
                obey(order, &master);
                waits[1].fd = master;
            } else if (++ordered == sizeof order - 1) {
                ordered = 0;
            }
        }
        if (waits[3].revents)
            return;
    }
}

static int attach(char **command)
{
    int master, slave;
    struct winsize size = { 24, 80, 0, 0 };
    if (openpty(&master, &slave, NULL, NULL, &size))
        return 2;
    fcntl(master, F_SETFD, FD_CLOEXEC);
    fcntl(REPORT, F_SETFD, FD_CLOEXEC);
    pid_t child = fork();
    if (child == 0) {
        login_tty(slave);
        signal(SIGPIPE, SIG_DFL);
        execv(command[0], command);
        _exit(127);
    }
    dprintf(REPORT, "started %d\n", (int)child);
    int pidfd = (int)syscall(SYS_pidfd_open, child, 0);
    relay(master, pidfd);
    siginfo_t end;
    waitid(P_PID, (id_t)child, &end, WEXITED);
    struct termios settings;
    tcgetattr(slave, &settings);
    dprintf(REPORT, "%s\n", settings.c_lflag & (ICANON | ECHO) ? "cooked" : "raw");
    dprintf(REPORT, "exited %s %d\n", end.si_code == CLD_EXITED ? "exit" : "signal", end.si_status);
    /* What it said last is still in the terminal. */
    char bytes[65536];
    close(slave);
    for (ssize_t count; (count = read(master, bytes, sizeof bytes)) > 0;)
        write_all(1, bytes, (size_t)count);
    return 0;
}

static int receive(const char *path, int is_terminal)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 1))
        return 2;
    dprintf(REPORT, "listening\n");
    int connection = accept(listener, NULL, NULL);
    char name[256] = "", control[CMSG_SPACE(sizeof(int))];
    struct iovec part = { name, sizeof name - 1 };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
                              .msg_controllen = sizeof control };
    if (recvmsg(connection, &message, 0) < 0 || !CMSG_FIRSTHDR(&message))
        return 2;
    int received;
    memcpy(&received, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof received);
    dprintf(REPORT, "received %s\n", name);
    if (is_terminal) {
        relay(received, -1);
        return 0;
    }
    char info[4096] = "", file[64];
    snprintf(file, sizeof file, "/proc/self/fdinfo/%d", received);
    int fd = open(file, O_RDONLY);
    if (read(fd, info, sizeof info - 1) > 0 && strstr(info, "\nPid:"))
        dprintf(REPORT, "pid %d\n", atoi(strstr(info, "\nPid:") + 5));
    return 0;
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    if (argc > 2 && strcmp(argv[1], "attach") == 0)
        return attach(argv + 2);
    if (argc == 3 && strcmp(argv[1], "receive") == 0)
        return receive(argv[2], 1);
    if (argc == 3 && strcmp(argv[1], "pidfd") == 0)
        return receive(argv[2], 0);
    return 2;
}
