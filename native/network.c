/*
 * A new network namespace, made in a thread while the engine goes on: the kernel takes longer for it than for all other
 * namespaces together, and needs nothing but the wish. The engine itself stays in the one thread that the process has
 * otherwise.
 */
#define _GNU_SOURCE
#include "host.h"

#include <errno.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static pthread_t maker;
static bool is_made;

/* A descriptor of the namespace, its loopback up, or -errno. */
static intptr_t make(void)
{
	struct ifreq loopback = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	if (unshare(CLONE_NEWNET))
		return -errno;
	int inet = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (inet < 0)
		return -errno;
	/* Asked of the socket: nothing in /proc is needed, nor trusted. */
	int namespace = ioctl(inet, SIOCSIFFLAGS, &loopback) ? -1 : ioctl(inet, SIOCGSKNS, 0);
	intptr_t answer = namespace < 0 ? -errno : namespace;
	close(inet);
	return answer;
}

static void *run(void *unused)
{
	(void)unused;
	return (void *)make();
}

/*
 * To another processor than this one, where there is one: the kernel puts a thread behind the one that made it half of the
 * time, and that goes on.
 */
static void move_away(pthread_t thread)
{
	cpu_set_t others;
	int here = sched_getcpu();
	if (here < 0 || pthread_getaffinity_np(thread, sizeof others, &others))
		return;
	CPU_CLR(here, &others);
	pthread_setaffinity_np(thread, sizeof others, &others);
}

JSValue host_begin_network(JSContext *context, JSValueConst this, int argc, JSValueConst *argv)
{
	(void)context, (void)this, (void)argc, (void)argv;
	is_made = !pthread_create(&maker, NULL, run, NULL);
	if (is_made)
		move_away(maker);
	return JS_UNDEFINED;
}

JSValue host_take_network(JSContext *context, JSValueConst this, int argc, JSValueConst *argv)
{
	(void)this, (void)argc, (void)argv;
	void *answer = (void *)-EAGAIN;
	if (is_made)
		pthread_join(maker, &answer);
	is_made = false;
	return JS_NewInt64(context, (intptr_t)answer);
}
