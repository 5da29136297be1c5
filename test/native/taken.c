/*
 * `taken ADDRESS COMMAND ARGUMENT…` runs the command in a process whose kernel says that there is something at the address
 * already when it is to map exactly that. Of an empty process nothing else can be arranged: exec starts a new one.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define HALF(high) ((unsigned)offsetof(struct seccomp_data, args[0]) + ((high) ? 4 : 0))

int main(int argc, char **argv)
{
	unsigned long address = argc > 2 ? strtoul(argv[1], NULL, 0) : 0;
	struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, HALF(1)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)(address >> 32), 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, HALF(0)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)address, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EEXIST),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = { sizeof program / sizeof *program, program };
	if (!address || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter)) {
		perror("taken");
		return 1;
	}
	execv(argv[2], argv + 2);
	perror(argv[2]);
	return 1;
}
