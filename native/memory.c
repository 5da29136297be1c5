/*
 * The engine's memory. A command lives for milliseconds, so this is made for a fast start: blocks are cut one after the
 * other from a few large pieces, freed ones go to a list of their size, and nothing goes back to the kernel but the
 * largest.
 */
#define _GNU_SOURCE
#include "host.h"

#include <string.h>
#include <sys/mman.h>

#define FIRST_PIECE ((size_t)256 << 10)
#define PIECE ((size_t)1 << 20)
/* A block above this is a mapping of its own. */
#define LARGE ((size_t)128 << 10)

/* In front of each block. Keeps what follows aligned to 8, all that the engine asks for. */
struct header {
	size_t capacity;
};
struct free_block {
	struct free_block *next;
};

/* Sizes come in steps of an eighth of their power of two, of 16 bytes at least. */
static struct free_block *free_blocks[8 * 20];
static char *piece, *piece_end;

static size_t class_of(size_t size, size_t *capacity)
{
	size_t step = 16, class = 0;
	/* The block and its header fill whole steps. */
	size_t total = size + sizeof(struct header);
	if (total > 128) {
		int exponent = 63 - __builtin_clzl(total - 1);
		step = (size_t)1 << (exponent - 3);
		class = (size_t)(exponent - 6) * 8;
	}
	size_t steps = (total + step - 1) / step;
	*capacity = steps * step - sizeof(struct header);
	return class + (total > 128 ? steps - 9 : steps - 1);
}

static void *map(size_t size, int flags)
{
	void *start = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
	return start == MAP_FAILED ? NULL : start;
}

static struct header *cut(size_t total)
{
	if ((size_t)(piece_end - piece) < total) {
		/* The first piece is what starting takes: one call instead of a page fault each. */
		size_t size = piece ? PIECE : FIRST_PIECE;
		char *start = map(size, piece ? 0 : MAP_POPULATE);
		if (!start)
			return NULL;
		piece = start;
		piece_end = start + size;
	}
	struct header *block = (struct header *)piece;
	piece += total;
	return block;
}

static struct header *header_of(const void *memory)
{
	return (struct header *)(uintptr_t)memory - 1;
}

static size_t usable_size(const void *memory)
{
	return memory ? header_of(memory)->capacity : 0;
}

static void *take(JSMallocState *state, size_t size)
{
	size_t capacity;
	struct header *block;
	if (size > state->malloc_limit || state->malloc_size + size > state->malloc_limit)
		return NULL;
	if (size + sizeof *block > LARGE) {
		capacity = ((size + sizeof *block + 4095) & ~(size_t)4095) - sizeof *block;
		block = map(capacity + sizeof *block, 0);
	} else {
		size_t class = class_of(size, &capacity);
		if (free_blocks[class]) {
			block = header_of(free_blocks[class]);
			free_blocks[class] = free_blocks[class]->next;
		} else {
			block = cut(capacity + sizeof *block);
		}
	}
	if (!block)
		return NULL;
	block->capacity = capacity;
	state->malloc_count++;
	state->malloc_size += capacity;
	return block + 1;
}

static void give_back(JSMallocState *state, void *memory)
{
	if (!memory)
		return;
	size_t capacity = usable_size(memory);
	state->malloc_count--;
	state->malloc_size -= capacity;
	if (capacity + sizeof(struct header) > LARGE) {
		munmap(header_of(memory), capacity + sizeof(struct header));
		return;
	}
	struct free_block *block = memory;
	size_t class = class_of(capacity, &capacity);
	block->next = free_blocks[class];
	free_blocks[class] = block;
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
