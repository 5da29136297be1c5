/*
 * The engine's memory, and its image.
 *
 * A command lives for milliseconds, so the allocator is made for a fast start: blocks are cut one after the other from
 * one arena, freed ones go to a list of their size, and only the pages of large ones go back to the kernel.
 *
 * Most of what a start would compute is the same in every process: the engine's own objects, and the modules read and
 * evaluated. So the build starts the engine once, writes the arena down, and links it into the binary (tools/image.mjs).
 * A process moves that part of itself, copied on write, to the address where the arena was; only the words that point
 * into the binary must be set anew, as it lies elsewhere each time. docs/decisions/0012-heap-image.md says more.
 */
#define _GNU_SOURCE
#include "host.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Addresses for an image while it is made. */
#define ROOM ((size_t)1 << 32)
/* The arena grows by this. */
#define PIECE ((size_t)32 << 10)
/* What a start takes of the stack. */
#define STACK ((size_t)48 << 10)
/* The pages of a block above this are given back when it is freed. */
#define LARGE ((size_t)256 << 10)

/* Newer than the headers of musl. */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* In front of each block. Keeps what follows aligned to 8, all that the engine asks for. */
struct header {
	size_t capacity;
};
struct free_block {
	struct free_block *next;
};

/* First in the arena, so that an image holds it too. */
struct engine *engine;

/* The linker's: where this binary lies. */
extern const char __ehdr_start[] __attribute__((visibility("hidden")));

/* --- The allocator ------------------------------------------------------------------------------------------------ */

/* Sizes come in steps of a sixteenth of their power of two, of 8 bytes at least. */
static struct free_block **list_of(size_t size, size_t *capacity)
{
	size_t step = 8, class = 0;
	/* The block and its header fill whole steps. */
	size_t total = size + sizeof(struct header);
	if (total > 128) {
		int exponent = 63 - __builtin_clzl(total - 1);
		step = (size_t)1 << (exponent - 4);
		class = (size_t)(exponent - 7) * 16;
	}
	size_t steps = (total + step - 1) / step;
	*capacity = steps * step - sizeof(struct header);
	return &engine->free_blocks[class + steps - 1];
}

static struct header *header_of(const void *memory)
{
	return (struct header *)(uintptr_t)memory - 1;
}

static size_t usable_size(const void *memory)
{
	return memory ? header_of(memory)->capacity : 0;
}

/* Memory at the given place, if that is free. A piece is used soon: one call in place of a page fault each. */
static void *grow(void *place, size_t size)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | (size == PIECE ? MAP_POPULATE : 0);
	void *start = mmap(place, size, PROT_READ | PROT_WRITE, flags, -1, 0);
	return start == MAP_FAILED ? NULL : start;
}

struct layout layout = { .alignment = 8 };

/* For the build: cuts a block of an image. */
static struct header *lay_out(size_t total)
{
	size_t number = layout.count++;
	enum part part = number < layout.known ? layout.parts[number] : SELDOM;
	total = (total + layout.alignment - 1) & -layout.alignment;
	/* What is known is of a build before this one: a block may have grown. */
	if ((size_t)(layout.end[part] - layout.next[part]) < total)
		part = SELDOM;
	struct header *block = (struct header *)layout.next[part];
	layout.next[part] += total;
	layout.freed += part == FREED;
	return block;
}

static struct header *cut(size_t total)
{
	if (writing_image)
		return lay_out(total);
	if ((size_t)(engine->end - engine->next) < total) {
		size_t size = (total + PIECE - 1) & -PIECE;
		char *start = grow(engine->end, size);
		if (!start)
			return NULL;
		/* Elsewhere when the place behind is taken; then the rest is lost. */
		if (start != engine->end)
			engine->next = start;
		engine->end = start + size;
	}
	struct header *block = (struct header *)engine->next;
	engine->next += total;
	return block;
}

/*
 * For when memory has run out, which is told once: the error that comes of it, and what takes back what was made, need some
 * more. (QuickJS itself uses an error that it has freed, where it can neither name the functions that the error came through.)
 */
static char reserve[(size_t)1 << 20] __attribute__((aligned(16)));
static size_t reserve_used;
static bool exhausted;

static struct header *from_reserve(size_t total)
{
	if (!exhausted || total > sizeof reserve / 4) {
		exhausted = true;
		return NULL;
	}
	if (sizeof reserve - reserve_used < total)
		die("out of memory");
	struct header *block = (struct header *)(reserve + reserve_used);
	reserve_used += total;
	return block;
}

static void *take(JSMallocState *state, size_t size)
{
	size_t capacity;
	if (size > state->malloc_limit)
		return NULL;
	bool allowed = state->malloc_size + size <= state->malloc_limit;
	struct free_block **list = list_of(size, &capacity), *block = allowed || exhausted ? *list : NULL;
	if (block) {
		*list = block->next;
		/* What lay in it is not known to be the same each time. */
		if (writing_image)
			memset(block, 0, usable_size(block));
	} else {
		/* What of an image grows is moved anyway: its blocks have no room for that. */
		if (writing_image)
			capacity = size ? (size + 7) & -(size_t)8 : 8;
		struct header *header = allowed ? cut(capacity + sizeof *header) : NULL;
		if (!header)
			header = from_reserve(capacity + sizeof *header);
		if (!header)
			return NULL;
		header->capacity = capacity;
		block = (struct free_block *)(header + 1);
	}
	state->malloc_count++;
	state->malloc_size += usable_size(block);
	return block;
}

static void give_back(JSMallocState *state, void *memory)
{
	if (!memory)
		return;
	size_t capacity = usable_size(memory);
	state->malloc_count--;
	state->malloc_size -= capacity;
	if (capacity > LARGE) {
		/* All but the first page, and the last one's next block. */
		uintptr_t first = ((uintptr_t)memory + 2 * PAGE - 1) & -PAGE, end = ((uintptr_t)memory + capacity) & -PAGE;
		madvise((void *)first, end - first, MADV_DONTNEED);
	}
	/* A block of an image may be smaller than those of the size it would be counted to. */
	size_t least;
	struct free_block **list = list_of(capacity, &least), *block = memory;
	if (least > capacity)
		list--;
	block->next = *list;
	*list = block;
}

static void *resize(JSMallocState *state, void *memory, size_t size)
{
	size_t capacity = usable_size(memory);
	if (memory && !size) {
		give_back(state, memory);
		return NULL;
	}
	if (memory && size <= capacity && size >= capacity / 2)
		return memory;
	void *moved = take(state, size);
	if (moved && memory) {
		memcpy(moved, memory, size < capacity ? size : capacity);
		give_back(state, memory);
	}
	return moved;
}

const JSMallocFunctions engine_memory = { take, give_back, resize, usable_size };

/* --- The image ---------------------------------------------------------------------------------------------------- */

void arena_start(void)
{
	if (!writing_image) {
		engine = grow(NULL, PIECE);
		if (!engine)
			die("out of memory");
		engine->next = (char *)(engine + 1);
		engine->end = (char *)engine + PIECE;
		return;
	}
	engine = mmap(ARENA, ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if ((char *)engine != ARENA)
		die("cannot place the image");
	char *next = (char *)(((uintptr_t)(engine + 1) + layout.alignment - 1) & -layout.alignment);
	for (enum part part = ALWAYS; part < PARTS; part++) {
		layout.next[part] = next;
		layout.end[part] = next = part < SELDOM ? next + layout.size[part] : ARENA + ROOM / PARTS * part;
	}
}

bool arena_has_image(void)
{
	return payload.image_size > 0;
}

/*
 * Makes the arena as the build left it, from the payload, whose pages are there no more. The engine counts references in its
 * objects, so a command writes to each that it uses; these lie together, and all their pages at once (since Linux 5.14)
 * cost half.
 */
void arena_restore(enum reach reach)
{
	size_t size = payload.image_size, count = payload.relocation_count;
	/* Behind the pages: the places of the words that point into the binary. */
	const uint32_t *relocations = (const uint32_t *)((const char *)&payload + size);
	/* Nothing may lie there yet: what moves would replace it. */
	void *place = mmap(ARENA, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (place == MAP_FAILED ||
	    mremap((void *)&payload, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, place) == MAP_FAILED)
		die("cannot map the engine at %p: %s", ARENA, strerror(errno));
	engine = place;
	madvise(place, engine->written[reach], MADV_POPULATE_WRITE);
	for (size_t i = 0; i < count; i++)
		((uintptr_t *)place)[relocations[i]] += (uintptr_t)__ehdr_start;
	engine->next = engine->end = (char *)place + size;
}

static bool write_all(const void *bytes, size_t size)
{
	while (size) {
		ssize_t count = write(STDOUT_FILENO, bytes, size);
		if (count <= 0)
			return false;
		bytes = (const char *)bytes + count;
		size -= (size_t)count;
	}
	return true;
}

/* For the build: what was freed is neither kept nor known to be equal each time. */
void arena_forget_freed(void (*visit)(const char *block))
{
	for (size_t i = 0; i < sizeof engine->free_blocks / sizeof *engine->free_blocks; i++)
		for (struct free_block *block; (block = engine->free_blocks[i]);) {
			engine->free_blocks[i] = block->next;
			memset(block, 0, usable_size(block));
			visit((const char *)header_of(block));
		}
}

static void count_freed(const char *block)
{
	layout.freed -= block >= layout.end[SELDOM];
}

/* For the build: where this binary lies, and the arena, to standard output. */
void arena_write(void)
{
	arena_forget_freed(count_freed);
	if (layout.freed)
		die("%zu blocks of the image that were to be freed are in use", layout.freed);
	size_t size = ((size_t)(layout.next[SELDOM] - (char *)engine) + PAGE - 1) & -PAGE;
	engine->payload = (struct payload){ .image_size = size };
	static const enum part last[] = { ALWAYS_CLONED, ENTERING, CREATING_CLONED };
	for (size_t i = 0; i < sizeof last / sizeof *last; i++)
		engine->written[i] = (size_t)(layout.end[last[i]] - (char *)engine);
	const char *base = __ehdr_start;
	if (!write_all(&base, sizeof base) || !write_all(engine, size))
		die("cannot write the image");
}

/* Gives the pages of the code back: they are the file's, and the few that are needed come again. */
void forget_code(void)
{
	extern const char etext[] __attribute__((visibility("hidden")));
	madvise((void *)(uintptr_t)__ehdr_start, ((uintptr_t)etext - (uintptr_t)__ehdr_start) & -PAGE, MADV_DONTNEED);
}

/* Of the stack what starting takes: in one call, as above. */
void arena_take_stack(const void *here)
{
	madvise((void *)(((uintptr_t)here & -PAGE) - STACK), STACK, MADV_POPULATE_WRITE);
}
