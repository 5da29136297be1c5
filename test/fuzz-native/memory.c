/* memory.c: blocks do not overlap, keep what is in them, and never count for more than the limit. */
#include "../../native/memory.c"
#include "input.h"

bool writing_image;
const struct payload payload;

void die(const char *format, ...)
{
	(void)format;
	abort();
}

enum { BLOCKS = 64 };

static struct block {
	uint8_t *start, mark;
	size_t size;
} blocks[BLOCKS];

/* Sizes of every power of two, up to a megabyte. */
static size_t take_size(struct input *input)
{
	return (size_t)(take_word(input) % ((uint64_t)1 << (take_byte(input) % 21)));
}

static void check(const struct block *block, size_t size)
{
	/* Each byte is the next one. */
	CHECK(size == 0 || (*block->start == block->mark && !memcmp(block->start, block->start + 1, size - 1)));
}

static void fill(struct block *block, uint8_t mark)
{
	CHECK((uintptr_t)block->start % 8 == 0 && usable_size(block->start) >= block->size);
	block->mark = mark;
	memset(block->start, mark, block->size);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct input input = { bytes, bytes + size };
	JSMallocState state = { .malloc_limit = (size_t)8 << 20 };
	if (!engine)
		arena_start();
	while (left(&input)) {
		struct block *block = &blocks[take_byte(&input) % BLOCKS];
		size_t wanted = take_size(&input);
		uint8_t mark = take_byte(&input);
		if (!block->start) {
			block->start = take(&state, wanted);
			block->size = wanted;
			CHECK(block->start || state.malloc_size + wanted > state.malloc_limit);
			if (block->start)
				fill(block, mark);
		} else if (mark % 2) {
			check(block, block->size);
			give_back(&state, block->start);
			block->start = NULL;
		} else {
			size_t kept = wanted < block->size ? wanted : block->size;
			check(block, block->size);
			uint8_t *moved = resize(&state, block->start, wanted);
			if (!moved && wanted)
				continue;
			block->start = moved;
			block->size = wanted;
			if (moved) {
				check(block, kept);
				fill(block, mark);
			}
		}
	}
	for (struct block *block = blocks; block < blocks + BLOCKS; block++)
		if (block->start) {
			check(block, block->size);
			give_back(&state, block->start);
			block->start = NULL;
		}
	CHECK(state.malloc_count == 0 && state.malloc_size == 0);
	return 0;
}
