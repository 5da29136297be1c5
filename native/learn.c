/*
 * For the build: which blocks of the image a command reads, and which it writes to. tools/image.mjs lays these together.
 *
 *   box-learn OUTPUT COMMAND…
 *
 * Starts the engine as the image is made, but each block far from the others, and performs the command in a copy of this
 * process, and in what it clones, with the blocks in a file that is mapped privately. A page that is there at the end of one
 * of them it has read; if it is not the file's any more, it has written to it. Nothing of this is in box.
 */
#define _GNU_SOURCE
#include "host.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define BLOCKS ((size_t)1 << 20)
/* The kernel maps the pages around one that is read, up to this alignment, if the file has them: fault_around_bytes. */
#define AROUND ((size_t)64 << 10)
/* pagemap(5) of Documentation/admin-guide/mm: a page is there; it is a file's; no other process has it. */
#define PRESENT ((uint64_t)1 << 63)
#define OF_FILE ((uint64_t)1 << 61)
#define EXCLUSIVE ((uint64_t)1 << 56)

extern const char __ehdr_start[] __attribute__((visibility("hidden"))), _end[] __attribute__((visibility("hidden")));

/*
 * One for each block, in the order in which they were cut; shared by all processes. `written` is 1 where one of them has
 * written to it, and has 2 besides where that was behind a clone, by either side.
 */
struct use {
	uint32_t size;
	uint8_t written, relocated, freed, read;
};
static struct use *uses;
/* The process that performs the command; what it clones has others. */
static pid_t performer;

/* Calls back for each block. */
static void for_each_block(void (*visit)(struct use *use, char *block, size_t size))
{
	struct use *use = uses;
	char *block = (char *)(((uintptr_t)(engine + 1) + AROUND - 1) & -AROUND);
	while (block < layout.next[SELDOM]) {
		size_t size = *(size_t *)block + sizeof(size_t);
		visit(use++, block, size);
		block += (size + AROUND - 1) & -AROUND;
	}
}

static uint64_t *pages;

static void note(struct use *use, char *block, size_t size)
{
	size_t begin = (size_t)(block - ARENA) / PAGE, end = begin + (size + PAGE - 1) / PAGE, written = 0, cloned = 0;
	for (size_t page = begin; page < end; page++)
		if (pages[page] & PRESENT) {
			use->read = 1;
			written += !(pages[page] & OF_FILE);
			cloned += !(pages[page] & OF_FILE) && pages[page] & EXCLUSIVE;
		}
	/* Of a table few pages are written to, and each is copied when it is. */
	if (2 * written > end - begin)
		use->written |= 2 * cloned > end - begin && getpid() != performer ? 3 : 1;
}

/* Called at the end of each process, and where it executes something else. */
void learn_note(void)
{
	if (!uses)
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

/* By where the block begins. */
static bool freed[BLOCKS];

static void note_freed(const char *block)
{
	freed[(size_t)(block - ARENA) / AROUND] = true;
}

/* A word that points into this binary is set anew at each start. Where others only look so, nothing is lost. */
static void describe(struct use *use, char *block, size_t size)
{
	use->size = (uint32_t)size;
	use->freed = freed[(size_t)(block - ARENA) / AROUND];
	for (uint64_t *word = (uint64_t *)block + 1; (char *)word < block + size; word++)
		if (*word >= (uintptr_t)__ehdr_start && *word < (uintptr_t)_end)
			use->relocated = 1;
}

static int file;

static void save(struct use *use, char *block, size_t size)
{
	(void)use;
	if (pwrite(file, block, size, block - ARENA) != (ssize_t)size)
		die("cannot save the blocks");
}

/* Puts the blocks into a file, and that in their place, so that the kernel tells what of it is used. */
static void map_file(void)
{
	size_t size = (size_t)(layout.next[SELDOM] - ARENA);
	file = memfd_create("blocks", MFD_CLOEXEC);
	if (file < 0 || ftruncate(file, (off_t)size))
		die("cannot make a file");
	save(NULL, ARENA, sizeof *engine);
	for_each_block(save);
	if (mmap(ARENA, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, file, 0) == MAP_FAILED)
		die("cannot map the blocks");
	close(file);
}

/* Returns in the copy that is to perform the command: where its arguments begin. */
char **learn(char **argv)
{
	if (!argv[1] || !argv[2])
		die("usage: box-learn OUTPUT COMMAND...");
	uses = mmap(NULL, BLOCKS * sizeof *uses, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (uses == MAP_FAILED)
		die("out of memory");
	layout.alignment = AROUND;
	engine_prepare();
	engine->next = engine->end = layout.next[SELDOM];
	arena_forget_freed(note_freed);
	for_each_block(describe);
	map_file();
	if (prctl(PR_SET_CHILD_SUBREAPER, 1))
		die("cannot become a subreaper");

	pid_t child = fork();
	if (child < 0)
		die("cannot fork");
	if (child == 0) {
		performer = getpid();
		return argv + 1;
	}
	/* Of what a created container's first process does until it is the program, too, something is to be learnt. */
	int status;
	if (waitpid(child, &status, 0) < 0)
		die("cannot wait");
	while (waitpid(-1, NULL, 0) > 0)
		;
	FILE *output = fopen(argv[1], "w");
	if (!output || fwrite(uses, sizeof *uses, layout.count, output) != layout.count || fclose(output))
		die("cannot write %s", argv[1]);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}
