/*
 * memcpy and memmove for x86-64. Musl's begin with `rep movsq`, which takes tens of cycles for the dozen bytes that the
 * engine mostly copies; a start of box copies so much that these save a tenth of it.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __x86_64__

/* Loads and stores of any alignment, of memory of any type. */
typedef long long unit16 __attribute__((vector_size(16), aligned(1), may_alias));
typedef uint64_t unit8 __attribute__((aligned(1), may_alias));
typedef uint32_t unit4 __attribute__((aligned(1), may_alias));
typedef uint16_t unit2 __attribute__((aligned(1), may_alias));

/* From here on the processor's own copy wins. */
#define LONG 512

/*
 * Two units that overlap cover every length between one and two of them. All is loaded before the place it came from is
 * overwritten, so this is right also where `to` lies below `from` and they overlap.
 */
#define COPY_ENDS(unit) \
	do { \
		unit first = *(const unit *)from, last = *(const unit *)(from + size - sizeof(unit)); \
		*(unit *)to = first; \
		*(unit *)(to + size - sizeof(unit)) = last; \
	} while (0)

static inline void copy_forward(char *to, const char *from, size_t size)
{
	if (size > LONG) {
		__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size)::"memory");
	} else if (size > 16) {
		unit16 last = *(const unit16 *)(from + size - 16);
		for (size_t i = 0; i < size - 16; i += 16)
			*(unit16 *)(to + i) = *(const unit16 *)(from + i);
		*(unit16 *)(to + size - 16) = last;
	} else if (size >= 8) {
		COPY_ENDS(unit8);
	} else if (size >= 4) {
		COPY_ENDS(unit4);
	} else if (size >= 2) {
		COPY_ENDS(unit2);
	} else if (size) {
		*to = *from;
	}
}

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
	copy_forward(to, from, size);
	return to;
}

void *memmove(void *to, const void *from, size_t size)
{
	char *target = to;
	const char *source = from;
	/* True also when the target is below the source: the difference wraps. */
	if ((uintptr_t)target - (uintptr_t)source >= size) {
		copy_forward(target, source, size);
		return to;
	}
	while (size >= 16) {
		size -= 16;
		unit16 part = *(const unit16 *)(source + size);
		*(unit16 *)(target + size) = part;
	}
	while (size--) {
		char part = source[size];
		*(volatile char *)(target + size) = part;
	}
	return to;
}

#endif
