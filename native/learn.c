/*
 * For the build: which blocks of the image a command writes to. tools/image.mjs lays these together.
 *
 *   box-learn OUTPUT MODULE… -- COMMAND…
 *
 * Starts the engine as the image is made, but each block on a page of its own, and performs the command in a copy of this
 * process, and in what it clones. A page that one of them has to itself at its end it has written to. Nothing of this is in box.
 */
#define _GNU_SOURCE
#include "host.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define BLOCKS ((size_t)1 << 20)
/* pagemap(5) of Documentation/admin-guide/mm: a page is there; it is mapped by nobody else. */
#define PRESENT ((uint64_t)1 << 63)
#define EXCLUSIVE ((uint64_t)1 << 56)

extern const char __ehdr_start[] __attribute__((visibility("hidden"))), _end[] __attribute__((visibility("hidden")));

/* One for each block, in the order in which they were cut; shared by all processes. */
struct use {
	uint32_t size;
	uint8_t written, relocated, freed, unused;
};
static struct {
	/* The first process has ended: from now on more pages are exclusive. */
	volatile bool over;
	struct use uses[BLOCKS];
} *learnt;

/* Calls back for each block. */
static void for_each_block(void (*visit)(struct use *use, char *block, size_t size))
{
	struct use *use = learnt->uses;
	char *block = (char *)(((uintptr_t)(engine + 1) + PAGE - 1) & -PAGE);
	while (block < layout.next[SELDOM]) {
		size_t size = *(size_t *)block + sizeof(size_t);
		visit(use++, block, size);
		block += (size + PAGE - 1) & -PAGE;
	}
}

static uint64_t *pages;

static void note(struct use *use, char *block, size_t size)
{
	for (size_t page = (size_t)(block - ARENA) / PAGE; page * PAGE < (size_t)(block - ARENA) + size; page++)
		if ((pages[page] & PRESENT) && (pages[page] & EXCLUSIVE))
			use->written = 1;
}

/* Called at the end of each process, and where it executes something else. */
void learn_note(void)
{
	if (!learnt || learnt->over)
		return;
	size_t count = (size_t)(layout.next[SELDOM] - ARENA) / PAGE, size = count * sizeof *pages;
	int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	pages = malloc(size);
	if (pagemap < 0 || !pages || pread(pagemap, pages, size, (off_t)((uintptr_t)ARENA / PAGE * sizeof *pages)) != (ssize_t)size)
		die("cannot read /proc/self/pagemap");
	close(pagemap);
	for_each_block(note);
	free(pages);
}

/* By the block's page. */
static bool freed[BLOCKS];

static void note_freed(const char *block)
{
	freed[(size_t)(block - ARENA) / PAGE] = true;
}

/* A word that points into this binary is set anew at each start. Where others only look so, nothing is lost. */
static void describe(struct use *use, char *block, size_t size)
{
	use->size = (uint32_t)size;
	use->freed = freed[(size_t)(block - ARENA) / PAGE];
	for (uint64_t *word = (uint64_t *)block + 1; (char *)word < block + size; word++)
		if (*word >= (uintptr_t)__ehdr_start && *word < (uintptr_t)_end)
			use->relocated = 1;
}

/* Returns in the copy that is to perform the command: where its arguments begin. */
char **learn(char **argv)
{
	char **end = argv + 2;
	while (*end && strcmp(*end, "--"))
		end++;
	if (!argv[1] || !*end)
		die("usage: box-learn OUTPUT MODULE... -- COMMAND...");
	*end = NULL;
	learnt = mmap(NULL, sizeof *learnt, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (learnt == MAP_FAILED)
		die("out of memory");
	layout.alignment = PAGE;
	engine_prepare(argv + 2);
	engine->next = engine->end = layout.next[SELDOM];
	arena_forget_freed(note_freed);
	for_each_block(describe);

	pid_t child = fork();
	if (child < 0)
		die("cannot fork");
	if (child == 0) {
		*end = argv[0];
		return end;
	}
	int status;
	if (waitpid(child, &status, 0) < 0)
		die("cannot wait");
	learnt->over = true;
	FILE *output = fopen(argv[1], "w");
	if (!output || fwrite(learnt->uses, sizeof *learnt->uses, layout.count, output) != layout.count || fclose(output))
		die("cannot write %s", argv[1]);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}
