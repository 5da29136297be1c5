/*
 * Drives native/copy.c over every size around its limits, every small distance and every overlap, against a copy of bytes
 * one by one. Built with -Dmemcpy=box_memcpy -Dmemmove=box_memmove.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../../native/copy.c"

#define LIMIT 1100

static unsigned char before[3 * LIMIT], expected[3 * LIMIT], found[3 * LIMIT];

static void check(const char *name, size_t to, size_t from, size_t size)
{
	for (size_t i = 0; i < sizeof before; i++)
		expected[i] = found[i] = before[i];
	for (size_t i = 0; i < size; i++)
		expected[to + i] = before[from + i];
	void *result = *name == 'c' ? memcpy(found + to, found + from, size) : memmove(found + to, found + from, size);
	for (size_t i = 0; i < sizeof before; i++)
		if (found[i] != expected[i] || result != found + to) {
			printf("%s of %zu bytes from %zu to %zu: wrong at %zu\n", name, size, from, to, i);
			exit(1);
		}
}

int main(void)
{
	for (size_t i = 0; i < sizeof before; i++)
		before[i] = (unsigned char)(i * 7 + i / 251);
	for (size_t size = 0; size < LIMIT; size += size < 80 || (size > 500 && size < 530) ? 1 : 37)
		for (size_t distance = 0; distance < LIMIT; distance += distance < 40 ? 1 : 41) {
			check("move up", LIMIT + distance, LIMIT, size);
			check("move down", LIMIT - distance, LIMIT, size);
			check("copy", distance % 17, 2 * LIMIT - distance % 19 - 20, size);
		}
	puts("ok");
	return 0;
}
