/* seal.c: whether a mount id is in mountinfo, however the kernel cuts its text. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include "input.h"

static struct input text;

static int open_text(const char *path, int flags)
{
	(void)path, (void)flags;
	return 0;
}

/* A few bytes at a time, or all: the first one says. */
static size_t piece;

static ssize_t read_text(int file, void *to, size_t room)
{
	(void)file;
	size_t count = left(&text) < piece ? left(&text) : piece;
	CHECK(room >= 1 << 15);
	take_bytes(&text, to, count);
	return (ssize_t)count;
}

static int close_text(int file)
{
	return file;
}

#define open open_text
#define read read_text
#define close close_text
#include "../../native/seal.c"
#undef close
#undef read
#undef open

void die(const char *format, ...)
{
	(void)format;
	abort();
}

/* Line by line, as proc_pid_mountinfo(5) says. */
static bool has_line(const char *bytes, size_t size, uint64_t id)
{
	for (const char *line = bytes, *end = bytes + size; line < end;) {
		const char *next = memchr(line, '\n', (size_t)(end - line));
		const char *space = memchr(line, ' ', (size_t)((next ? next : end) - line));
		uint64_t number = 0;
		for (const char *digit = line; space && digit < space; digit++)
			number = number * 10 + (uint64_t)(*digit - '0');
		if (space && number == id)
			return true;
		if (!next)
			return false;
		line = next + 1;
	}
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	if (size < 2)
		return 0;
	piece = bytes[0] ? bytes[0] : 1 << 15;
	uint64_t id = bytes[1];
	text = (struct input){ bytes + 2, bytes + size };
	CHECK(is_mounted(id) == has_line((const char *)bytes + 2, size - 2, id));
	return 0;
}
