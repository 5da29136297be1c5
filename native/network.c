/*
 * A network namespace made beside the engine, on another processor: making one takes half a millisecond, and raising its
 * loopback device waits for every namespace that is being taken down elsewhere. TypeScript asks for it as soon as the
 * configuration is known and takes it when init is to be made.
 *
 * The worker is a task of its own that shares our memory and descriptors: a descriptor it opens is ours, and nothing has
 * to be copied for it as for a fork. It makes raw calls only and touches nothing of the engine or of libc.
 */
#define _GNU_SOURCE
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static _Alignas(16) char worker_stack[16 << 10];
static pid_t worker;
/* The descriptor, or -errno. Written by the worker before its end, read after that. */
static volatile long result;

#ifdef __x86_64__
static long raw(long number, long a, long b, long c, long d)
{
	long answer;
	register long r10 __asm__("r10") = d;
	__asm__ volatile("syscall"
			 : "=a"(answer)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
			 : "rcx", "r11", "memory");
	return answer;
}
#elif defined __aarch64__
static long raw(long number, long a, long b, long c, long d)
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c, x3 __asm__("x3") = d;
	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
	return x0;
}
#endif

static long make_network(void)
{
	long answer = raw(SYS_unshare, CLONE_NEWNET, 0, 0, 0);
	if (answer < 0)
		return answer;
	long device = raw(SYS_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0, 0);
	if (device < 0)
		return device;
	struct ifreq loopback = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	answer = raw(SYS_ioctl, device, SIOCSIFFLAGS, (long)&loopback, 0);
	raw(SYS_close, device, 0, 0, 0);
	if (answer < 0)
		return answer;
	return raw(SYS_openat, AT_FDCWD, (long)"/proc/self/ns/net", O_RDONLY | O_CLOEXEC, 0);
}

static int work(void *unused)
{
	(void)unused;
	result = make_network();
	raw(SYS_exit, 0, 0, 0, 0);
	return 0;
}

JSValue host_start_network(JSContext *context, JSValueConst this, int argc, JSValueConst *argv)
{
	(void)this, (void)argc, (void)argv;
	worker = clone(work, worker_stack + sizeof worker_stack, CLONE_VM | CLONE_FILES | SIGCHLD, NULL);
	return JS_NewBool(context, worker > 0);
}

JSValue host_finish_network(JSContext *context, JSValueConst this, int argc, JSValueConst *argv)
{
	(void)this, (void)argc, (void)argv;
	int status = 0;
	pid_t ended;
	do
		ended = waitpid(worker, &status, 0);
	while (ended < 0 && errno == EINTR);
	/* Killed from outside, it has no answer. */
	bool whole = ended == worker && WIFEXITED(status);
	worker = 0;
	return JS_NewInt32(context, whole ? (int32_t)result : -ECHILD);
}
