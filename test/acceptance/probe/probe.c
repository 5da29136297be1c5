/*
 * probe: the program that runs inside the containers of this suite where busybox does not suffice. Static.
 *
 *   probe report          one line of JSON: what the kernel says of this process
 *   probe signals         "ready", then "signal N" for every signal that arrives; never ends by itself
 *   probe wait            "ready", then waits for ever
 *   probe orphan          leaves a grandchild that waits for ever, and says its pid as this namespace sees it
 *   probe spy             "ready", then looks into every process that comes, until a line is read: "saw …" or "nothing"
 *   probe overwrite       "ready", then tries to write to the program of every process that comes; after a line is read
 *                         still a while: "held N" of them and no more, or "wrote"
 *   probe swap A B        exchanges two names, "ready" after the first time, until a line is read: "swapped N" times
 *   probe burden CMD …    runs CMD with all that a caller can leave lying about: descriptors 3 to 20 on /etc, groups 4, 20
 *                         and 27, a umask, a variable CANARY, signals ignored and blocked, the key that report looks for
 *   probe deny CMD …      runs CMD where making a namespace fails with EPERM
 *   probe calls N[:ARG,…] …   makes system calls by number, and says of each: its number, and the errno or 0
 *   probe agent SOCKET    on the host, "ready": takes listeners of seccomp filters, says the state that came with each,
 *                         and answers every call with EUSERS, or lets it pass if it is execve; "gone" at its end
 *   probe manager SOCKET  on the host, "ready": a service manager, at a path or an abstract name behind @; says each message,
 *                         its lines joined by spaces, and the number of descriptors with it, which it closes once a line is
 *                         read
 *   probe notify          "ready", then sends each line that it reads to $NOTIFY_SOCKET, a word at a time as a line of the
 *                         message, and says "sent" or the errno; a line may begin with NxM: M descriptors, N times
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void text(const char *value)
{
    putchar('"');
    for (const unsigned char *c = (const unsigned char *)value; *c; c++) {
        if (*c == '"' || *c == '\\')
            printf("\\%c", *c);
        else if (*c < 0x20)
            printf("\\u%04x", *c);
        else
            putchar(*c);
    }
    putchar('"');
}

static void list(const char *name, char **values)
{
    printf(",\"%s\":[", name);
    for (int i = 0; values[i]; i++) {
        if (i)
            putchar(',');
        text(values[i]);
    }
    putchar(']');
}

/* The lines of /proc/self/status whose meaning the tests check, as strings. */
static void status(void)
{
    static const char *const wanted[] = { "Groups", "NoNewPrivs", "Seccomp", "Speculation_Store_Bypass", "CapInh", "CapPrm", "CapEff", "CapBnd",
                                          "CapAmb", "SigBlk", "SigIgn", "Cpus_allowed_list", "Umask", NULL };
    char line[4096];
    FILE *file = fopen("/proc/self/status", "r");
    printf(",\"status\":{");
    int first = 1;
    while (file && fgets(line, sizeof line, file)) {
        char *colon = strchr(line, ':');
        if (!colon)
            continue;
        *colon = 0;
        for (int i = 0; wanted[i]; i++) {
            if (strcmp(wanted[i], line))
                continue;
            char *value = colon + 1 + strspn(colon + 1, " \t");
            size_t length = strcspn(value, "\n");
            while (length && value[length - 1] == ' ')
                length--;
            value[length] = 0;
            printf("%s\"%s\":", first ? "" : ",", line);
            text(value);
            first = 0;
        }
    }
    if (file)
        fclose(file);
    putchar('}');
}

static void links(const char *name, const char *directory)
{
    printf(",\"%s\":{", name);
    DIR *dir = opendir(directory);
    int first = 1;
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        char target[PATH_MAX];
        if (entry->d_name[0] == '.' || (strcmp(name, "fds") == 0 && atoi(entry->d_name) == dirfd(dir)))
            continue;
        ssize_t length = readlinkat(dirfd(dir), entry->d_name, target, sizeof target - 1);
        if (length < 0)
            continue;
        target[length] = 0;
        printf("%s\"%s\":", first ? "" : ",", entry->d_name);
        text(target);
        first = 0;
    }
    if (dir)
        closedir(dir);
    putchar('}');
}

static void limits(void)
{
    static const struct { int number; const char *name; } kinds[] = {
        { RLIMIT_CPU, "CPU" }, { RLIMIT_FSIZE, "FSIZE" }, { RLIMIT_DATA, "DATA" }, { RLIMIT_STACK, "STACK" },
        { RLIMIT_CORE, "CORE" }, { RLIMIT_RSS, "RSS" }, { RLIMIT_NPROC, "NPROC" }, { RLIMIT_NOFILE, "NOFILE" },
        { RLIMIT_MEMLOCK, "MEMLOCK" }, { RLIMIT_AS, "AS" }, { RLIMIT_LOCKS, "LOCKS" },
        { RLIMIT_SIGPENDING, "SIGPENDING" }, { RLIMIT_MSGQUEUE, "MSGQUEUE" }, { RLIMIT_NICE, "NICE" },
        { RLIMIT_RTPRIO, "RTPRIO" }, { RLIMIT_RTTIME, "RTTIME" },
    };
    printf(",\"rlimits\":{");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct rlimit limit;
        getrlimit((__rlimit_resource_t)kinds[i].number, &limit);
        /* As strings: infinity is 2^64-1, which JSON readers round. */
        printf("%s\"%s\":[\"%llu\",\"%llu\"]", i ? "," : "", kinds[i].name, (unsigned long long)limit.rlim_cur,
               (unsigned long long)limit.rlim_max);
    }
    putchar('}');
}

static int report(char **argv)
{
    char cwd[PATH_MAX] = "", host[256] = "", domain[256] = "", oom[32] = "";
    getcwd(cwd, sizeof cwd);
    gethostname(host, sizeof host);
    getdomainname(domain, sizeof domain);
    int fd = open("/proc/self/oom_score_adj", O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        ssize_t length = read(fd, oom, sizeof oom - 1);
        oom[length > 0 ? strcspn(oom, "\n") : 0] = 0;
        close(fd);
    }
    printf("{\"pid\":%d,\"ppid\":%d,\"pgid\":%d,\"sid\":%d", getpid(), getppid(), getpgrp(), getsid(0));
    printf(",\"uid\":%u,\"euid\":%u,\"gid\":%u,\"egid\":%u", getuid(), geteuid(), getgid(), getegid());
    printf(",\"dumpable\":%d", prctl(PR_GET_DUMPABLE));
    int death = 0;
    prctl(PR_GET_PDEATHSIG, &death);
    printf(",\"deathSignal\":%d", death);
    printf(",\"findsKey\":%s",
           syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", "canary", 0) >= 0 ? "true" : "false");
    printf(",\"sessionKeyring\":%ld", syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0));
    struct sched_param param = { 0 };
    sched_getparam(0, &param);
    int policy = 0;
    unsigned long nodes[16] = { 0 };
    if (syscall(SYS_get_mempolicy, &policy, nodes, 8 * sizeof nodes, NULL, 0))
        policy = -1;
    printf(",\"scheduler\":[%d,%d],\"ioPriority\":%ld", sched_getscheduler(0), param.sched_priority,
           syscall(SYS_ioprio_get, 1, 0));
    printf(",\"personality\":%d,\"memoryPolicy\":[%d,%lu]", personality(0xffffffff), policy, nodes[0]);
    printf(",\"nice\":%d,\"oomScoreAdj\":%d,\"cwd\":", getpriority(PRIO_PROCESS, 0), atoi(oom));
    text(cwd);
    printf(",\"hostname\":");
    text(host);
    printf(",\"domainname\":");
    text(domain);
    list("argv", argv);
    list("env", environ);
    status();
    limits();
    links("namespaces", "/proc/self/ns");
    links("fds", "/proc/self/fd");
    puts("}");
    return 0;
}

static void on_signal(int number)
{
    char line[] = "signal 00\n";
    line[7] = (char)('0' + number / 10);
    line[8] = (char)('0' + number % 10);
    if (write(1, line, sizeof line - 1) < 0)
        _exit(1);
}

/* The libc refuses to touch 32 and 33, which it uses itself, so the handler is set by the system call. */
struct kernel_sigaction {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)(void);
    unsigned long mask;
};

#ifdef __x86_64__
void restore_frame(void);
__asm__(".text\n.globl restore_frame\nrestore_frame:\n\tmovq $15, %rax\n\tsyscall\n");
#define HANDLER_FLAGS (0x04000000UL | SA_RESTART) /* SA_RESTORER */
#define RESTORER restore_frame
#else
#define HANDLER_FLAGS ((unsigned long)SA_RESTART)
#define RESTORER NULL
#endif

static int signals(void)
{
    for (int number = 1; number <= 64; number++) {
        struct kernel_sigaction action = { on_signal, HANDLER_FLAGS, RESTORER, ~0UL };
        if (number != SIGKILL && number != SIGSTOP && syscall(SYS_rt_sigaction, number, &action, NULL, 8))
            return 1;
    }
    if (write(1, "ready\n", 6) < 0)
        return 1;
    for (;;)
        pause();
}

static int orphan(void)
{
    pid_t middle = fork();
    if (middle == 0) {
        pid_t child = fork();
        if (child == 0) {
            for (;;)
                pause();
        }
        printf("orphan %d\n", (int)child);
        fflush(stdout);
        _exit(0);
    }
    waitpid(middle, NULL, 0);
    for (;;)
        pause();
}

/* What the link of a process that is not ours leads to, if that may be seen and is nothing of the container's. */
static int sees(const char *path)
{
    char target[PATH_MAX];
    ssize_t length = readlink(path, target, sizeof target - 1);
    if (length < 0)
        return 0;
    target[length] = 0;
    static const char *const usual[] = { "/", "/bin/probe", "/bin/busybox", "/bin/true", NULL };
    for (int i = 0; usual[i]; i++)
        if (strcmp(target, usual[i]) == 0)
            return 0;
    printf("saw %s %s\n", path, target);
    return 1;
}

/* Whether the memory of a process can be opened that does not run the container's own program yet. */
static int reads(int pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/mem", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    /* Older kernels let that of a process open which has none any more: it has ended. */
    char byte;
    int is_empty = pread(fd, &byte, 1, 0) == 0;
    close(fd);
    if (is_empty)
        return 0;
    char exe[PATH_MAX];
    snprintf(path, sizeof path, "/proc/%d/exe", pid);
    ssize_t length = readlink(path, exe, sizeof exe - 1);
    exe[length > 0 ? length : 0] = 0;
    /* It may have executed the program, or ended, since. */
    if ((length < 0 && errno != EACCES && errno != EPERM) || strncmp(exe, "/bin/", 5) == 0)
        return 0;
    printf("saw /proc/%d/mem\n", pid);
    return 1;
}

static int spy(void)
{
    if (write(1, "ready\n", 6) < 0)
        return 1;
    fcntl(0, F_SETFL, O_NONBLOCK);
    char answer;
    int seen = 0;
    while (!seen && read(0, &answer, 1) < 0) {
        DIR *dir = opendir("/proc");
        for (struct dirent *entry; dir && !seen && (entry = readdir(dir));) {
            int pid = atoi(entry->d_name);
            if (pid <= 1)
                continue;
            char path[64];
            static const char *const links[] = { "exe", "cwd", "root", NULL };
            for (int i = 0; links[i] && !seen; i++) {
                snprintf(path, sizeof path, "/proc/%d/%s", pid, links[i]);
                seen = sees(path);
            }
            seen = seen || reads(pid);
            /* 0, 1 and 2 are the caller's to give. */
            for (int fd = 3; fd < 32 && !seen; fd++) {
                snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, fd);
                seen = sees(path);
            }
        }
        if (dir)
            closedir(dir);
    }
    if (!seen)
        puts("nothing");
    fflush(stdout);
    for (;;)
        pause();
}

struct programs { int fds[256]; int count; };

static int same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Opens the programs that others run, but for the container's own. */
static void hold_programs(struct programs *held)
{
    struct stat own[2], found, known;
    stat("/bin/probe", &own[0]);
    stat("/bin/busybox", &own[1]);
    DIR *dir = opendir("/proc");
    for (struct dirent *entry; dir && held->count < 256 && (entry = readdir(dir));) {
        char path[PATH_MAX];
        snprintf(path, sizeof path, "/proc/%s/exe", entry->d_name);
        int fd = atoi(entry->d_name) > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        if (fd < 0)
            continue;
        int is_new = fstat(fd, &found) == 0 && !same_file(&found, &own[0]) && !same_file(&found, &own[1]);
        for (int i = 0; is_new && i < held->count; i++)
            is_new = !(fstat(held->fds[i], &known) == 0 && same_file(&found, &known));
        if (is_new)
            held->fds[held->count++] = fd;
        else
            close(fd);
    }
    if (dir)
        closedir(dir);
}

static int write_to(const struct programs *held)
{
    for (int i = 0; i < held->count; i++) {
        char path[64];
        snprintf(path, sizeof path, "/proc/self/fd/%d", held->fds[i]);
        int fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd >= 0 && write(fd, "overwritten", 11) > 0)
            return 1;
        if (fd >= 0)
            close(fd);
    }
    return 0;
}

static int overwrite(void)
{
    static struct programs held;
    puts("ready");
    fflush(stdout);
    if (fcntl(0, F_SETFL, O_NONBLOCK))
        return 1;
    char answer;
    int wrote = 0;
    while (!wrote && read(0, &answer, 1) < 0) {
        hold_programs(&held);
        wrote = write_to(&held);
    }
    /* Nobody runs them any more, so that the kernel does not protect them. */
    for (int i = 0; i < 1000 && !wrote; i++)
        wrote = write_to(&held);
    if (wrote)
        puts("wrote");
    else
        printf("held %d\n", held.count);
    fflush(stdout);
    for (;;)
        pause();
}

static int swap(const char *a, const char *b)
{
    fcntl(0, F_SETFL, O_NONBLOCK);
    char answer;
    unsigned long count = 0;
    while (read(0, &answer, 1) < 0) {
        if (renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE) || count++)
            continue;
        puts("ready");
        fflush(stdout);
    }
    if (count % 2)
        renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE);
    printf("swapped %lu\n", count);
    return 0;
}

static int burden(char **command)
{
    static const unsigned long ignore[4] = { 1 }, all = ~0UL; /* SIG_IGN */
    const gid_t groups[] = { 4, 20, 27 };
    int directory = open("/etc", O_RDONLY | O_DIRECTORY);
    for (int fd = 3; fd <= 20; fd++)
        if (fd != directory)
            dup2(directory, fd);
    if (setgroups(3, groups) || setenv("CANARY", "of the caller", 1))
        return 1;
    umask(077);
    syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, "burden");
    syscall(SYS_add_key, "user", "canary", "secret", 6, KEY_SPEC_SESSION_KEYRING);
    for (int number = 1; number <= 64; number++)
        syscall(SYS_rt_sigaction, number, ignore, NULL, 8);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, 8);
    execvp(command[0], command);
    return 127;
}

static int deny(char **command)
{
    const unsigned new_namespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
                                    CLONE_NEWPID | CLONE_NEWNET;
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        /* clone3 hides its flags behind a pointer: without it programs fall back to clone. */
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_unshare, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, new_namespaces, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { sizeof code / sizeof *code, code };
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
        return 1;
    execvp(command[0], command);
    return 127;
}

static int calls(char **operands)
{
    for (; *operands; operands++) {
        char *rest;
        unsigned long long args[6] = { 0 };
        long number = strtol(*operands, &rest, 0);
        for (int i = 0; i < 6 && *rest; i++)
            args[i] = strtoull(rest + 1, &rest, 0);
        errno = 0;
        long answer = syscall(number, args[0], args[1], args[2], args[3], args[4], args[5]);
        printf("%ld %d\n", number, answer == -1 ? errno : 0);
        fflush(stdout);
    }
    return 0;
}

/* The state, which ends with the connection, and the listener that came with its first byte. */
static int receive_listener(int connection, char *state, size_t size)
{
    int listener = -1;
    size_t length = 0;
    for (;;) {
        union { struct cmsghdr header; char room[CMSG_SPACE(sizeof(int))]; } control;
        struct iovec part = { state + length, size - 1 - length };
        struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
                                  .msg_controllen = sizeof control };
        ssize_t got = recvmsg(connection, &message, MSG_CMSG_CLOEXEC);
        if (got <= 0)
            break;
        struct cmsghdr *first = CMSG_FIRSTHDR(&message);
        if (first && first->cmsg_type == SCM_RIGHTS)
            memcpy(&listener, CMSG_DATA(first), sizeof listener);
        length += (size_t)got;
    }
    state[length] = 0;
    /* Printed on one line, however it was written. */
    for (char *c = state; (c = strchr(c, '\n'));)
        *c = ' ';
    return listener;
}

static void decide(int listener)
{
    struct pollfd wait = { .fd = listener, .events = POLLIN };
    while (poll(&wait, 1, -1) == 1 && !(wait.revents & POLLHUP)) {
        struct seccomp_notif asked = { 0 };
        if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked))
            continue;
        struct seccomp_notif_resp answer = { .id = asked.id, .error = -EUSERS };
        if (asked.data.nr == SYS_execve) {
            answer.error = 0;
            answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
        }
        printf("asked %d\n", asked.data.nr);
        fflush(stdout);
        ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
    }
}

static int agent(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(server, (struct sockaddr *)&address, sizeof address) || listen(server, 8))
        return 1;
    puts("ready");
    fflush(stdout);
    signal(SIGCHLD, SIG_IGN);
    for (;;) {
        int connection = accept(server, NULL, NULL);
        if (fork() == 0) {
            static char state[65536];
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            int listener = receive_listener(connection, state, sizeof state);
            puts(state);
            fflush(stdout);
            decide(listener);
            puts("gone");
            return 0;
        }
        close(connection);
    }
}

/* Returns the length of the address. */
static socklen_t unix_address(const char *name, struct sockaddr_un *address)
{
    *address = (struct sockaddr_un){ .sun_family = AF_UNIX };
    snprintf(address->sun_path, sizeof address->sun_path, "%s", name);
    if (*name == '@')
        address->sun_path[0] = 0;
    return offsetof(struct sockaddr_un, sun_path) + strlen(name) + (*name != '@');
}

static int manager(const char *name)
{
    struct sockaddr_un address;
    socklen_t length = unix_address(name, &address);
    int server = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (bind(server, (struct sockaddr *)&address, length))
        return 1;
    puts("ready");
    fflush(stdout);
    for (;;) {
        static char words[65536];
        char control[CMSG_SPACE(16 * sizeof(int))], line[8];
        struct iovec part = { .iov_base = words, .iov_len = sizeof words - 1 };
        struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
        ssize_t size = recvmsg(server, &message, MSG_CMSG_CLOEXEC);
        if (size < 0)
            return 1;
        words[size] = 0;
        for (char *c = words; *c; c++)
            if (*c == '\n')
                *c = ' ';
        struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
        int count = rights ? (int)((rights->cmsg_len - CMSG_LEN(0)) / sizeof(int)) : 0;
        printf("%s (%d)\n", words, count);
        fflush(stdout);
        if (count && fgets(line, sizeof line, stdin))
            for (int i = 0; i < count; i++)
                close(((int *)CMSG_DATA(rights))[i]);
    }
}

/* Returns 0 or an errno. */
static int notify_once(int fd, char *words, size_t size, int descriptors)
{
    char control[CMSG_SPACE(64 * sizeof(int))] = { 0 };
    struct sockaddr_un address;
    socklen_t length = unix_address(getenv("NOTIFY_SOCKET"), &address);
    struct iovec part = { .iov_base = words, .iov_len = size };
    struct msghdr message = { .msg_name = &address, .msg_namelen = length, .msg_iov = &part, .msg_iovlen = 1 };
    if (descriptors) {
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(descriptors * sizeof(int));
        struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
        *rights = (struct cmsghdr){ .cmsg_len = CMSG_LEN(descriptors * sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
        for (int i = 0; i < descriptors; i++)
            ((int *)CMSG_DATA(rights))[i] = 1;
    }
    return sendmsg(fd, &message, MSG_NOSIGNAL) < 0 ? errno : 0;
}

static int notify(void)
{
    static char line[65536];
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    puts("ready");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        int times = 1, descriptors = 0, start = 0, error = 0;
        line[strcspn(line, "\n")] = 0;
        if (sscanf(line, "%dx%d %n", &times, &descriptors, &start) < 2)
            times = 1, descriptors = 0, start = 0;
        size_t size = strlen(line + start);
        for (char *c = line + start; *c; c++)
            if (*c == ' ')
                *c = '\n';
        for (int i = 0; i < times && !error; i++)
            error = notify_once(fd, line + start, size, descriptors);
        if (error)
            printf("errno %d\n", error);
        else
            puts("sent");
        fflush(stdout);
    }
    return 0;
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "report";
    if (strcmp(mode, "report") == 0)
        return report(argv);
    if (strcmp(mode, "signals") == 0)
        return signals();
    if (strcmp(mode, "orphan") == 0)
        return orphan();
    if (strcmp(mode, "spy") == 0)
        return spy();
    if (strcmp(mode, "overwrite") == 0)
        return overwrite();
    if (strcmp(mode, "swap") == 0 && argc == 4)
        return swap(argv[2], argv[3]);
    if (strcmp(mode, "burden") == 0 && argc > 2)
        return burden(argv + 2);
    if (strcmp(mode, "deny") == 0 && argc > 2)
        return deny(argv + 2);
    if (strcmp(mode, "calls") == 0)
        return calls(argv + 2);
    if (strcmp(mode, "agent") == 0 && argc > 2)
        return agent(argv[2]);
    if (strcmp(mode, "manager") == 0 && argc > 2)
        return manager(argv[2]);
    if (strcmp(mode, "notify") == 0)
        return notify();
    if (strcmp(mode, "wait") == 0) {
        if (write(1, "ready\n", 6) < 0)
            return 1;
        for (;;)
            pause();
    }
    return 2;
}
