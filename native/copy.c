/*
 * memcpy for an interpreter: most of its copies are of a few bytes, for which musl's string instruction takes longer to start
 * than to copy, 25 ns each, thousands of times in a run. The linker puts this function before the libc's own (--wrap in the
 * Makefile).
 */
#include <stddef.h>
#include <stdint.h>

/* Longer ones are the libc's. */
#define SHORT 256

void *__real_memcpy(void *to, const void *from, size_t size);
void *__wrap_memcpy(void *to, const void *from, size_t size);

static void copy_word(char *to, const char *from)
{
	uint64_t word;
	__builtin_memcpy(&word, from, sizeof word);
	__builtin_memcpy(to, &word, sizeof word);
}

/* The compiler would make a call of memcpy out of each loop. */
__attribute__((optimize("no-tree-loop-distribute-patterns"))) void *__wrap_memcpy(void *to, const void *from, size_t size)
{
	char *t = to;
	const char *f = from;
	if (size > SHORT)
		return __real_memcpy(to, from, size);
	if (size < sizeof(uint64_t)) {
		while (size--)
			*t++ = *f++;
		return to;
	}
	/* The last word may lie over the one before it. */
	for (size_t at = 0; at + sizeof(uint64_t) <= size; at += sizeof(uint64_t))
		copy_word(t + at, f + at);
	copy_word(t + size - sizeof(uint64_t), f + size - sizeof(uint64_t));
	return to;
}
