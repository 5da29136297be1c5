/*
 * Starts box as it is after its sealed restart, below another program: `sealed BOX PROGRAM… -- ARGUMENT…` executes
 * PROGRAM… COPY ARGUMENT…, where COPY is a sealed copy of BOX in memory. A program like valgrind cannot follow the
 * restart itself: the file is gone from its reach when it is executed.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail(const char *what) {
	perror(what);
	return 1;
}

int main(int argc, char **argv) {
	int split = 2;
	while (split < argc && strcmp(argv[split], "--") != 0) split++;
	if (split == argc) {
		fprintf(stderr, "usage: sealed BOX PROGRAM… -- ARGUMENT…\n");
		return 2;
	}
	int binary = open(argv[1], O_RDONLY | O_CLOEXEC);
	struct stat status;
	if (binary < 0 || fstat(binary, &status) < 0) return fail(argv[1]);
	int copy = memfd_create("box", MFD_ALLOW_SEALING);
	if (copy < 0) return fail("memfd_create");
	while (status.st_size > 0) {
		ssize_t sent = sendfile(copy, binary, NULL, status.st_size);
		if (sent <= 0) return fail("sendfile");
		status.st_size -= sent;
	}
	if (fcntl(copy, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0) return fail("F_ADD_SEALS");
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d", copy);
	argv[split] = path;
	execvp(argv[2], argv + 2);
	return fail(argv[2]);
}
