/*
 * The functions of libseccomp that compile a profile, each called with words as a system call is. The order of calls is
 * TypeScript's (src/linux/seccomp.ts).
 */
#include "host.h"

#include <errno.h>
#include <seccomp.h>

/* Numbers that libseccomp takes in 32 bits; a wider one must not be cut. */
static bool is_narrow(int64_t word)
{
	return word == (uint32_t)word;
}

JSValue host_libseccomp(JSContext *context, JSValueConst this, int argc, JSValueConst *argv, int function)
{
	(void)this;
	struct words words;
	if (!words_from_arguments(context, argc, argv, &words))
		return JS_EXCEPTION;
	const int64_t *w = words.word;
	void *first = (void *)w[0];
	int64_t answer = -EINVAL;
	switch ((enum libseccomp)function) {
	case SECCOMP_INIT:
		answer = is_narrow(w[0]) ? (intptr_t)seccomp_init((uint32_t)w[0]) : 0;
		break;
	case SECCOMP_RELEASE:
		seccomp_release(first);
		answer = 0;
		break;
	case SECCOMP_ARCHITECTURE:
		answer = seccomp_arch_resolve_name(first);
		break;
	case SECCOMP_ADD_ARCHITECTURE:
		answer = seccomp_arch_add(first, (uint32_t)w[1]);
		break;
	case SECCOMP_SET_ATTRIBUTE:
		if (is_narrow(w[1]) && is_narrow(w[2]))
			answer = seccomp_attr_set(first, (enum scmp_filter_attr)w[1], (uint32_t)w[2]);
		break;
	case SECCOMP_SYSCALL:
		answer = seccomp_syscall_resolve_name(first);
		break;
	case SECCOMP_SYSCALL_OF:
		if (is_narrow(w[0]))
			answer = seccomp_syscall_resolve_name_arch((uint32_t)w[0], (const char *)w[1]);
		break;
	case SECCOMP_ADD_RULE:
		if (is_narrow(w[1]) && is_narrow(w[3]))
			answer = seccomp_rule_add_array(first, (uint32_t)w[1], (int)w[2], (unsigned)w[3], (void *)w[4]);
		break;
	case SECCOMP_EXPORT:
		answer = seccomp_export_bpf_mem(first, (void *)w[1], (size_t *)w[2]);
		break;
	}
	words_release(context, &words);
	return JS_NewInt64(context, answer);
}
