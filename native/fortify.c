/*
 * What Debian's archives, compiled for glibc with _FORTIFY_SOURCE, call and musl does not have: printf that knows the size
 * of what it writes to. Everything else they use is the same in both.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

int __vsnprintf_chk(char *text, size_t limit, int flag, size_t size, const char *format, va_list arguments);
int __snprintf_chk(char *text, size_t limit, int flag, size_t size, const char *format, ...);
int __fprintf_chk(FILE *file, int flag, const char *format, ...);

int __vsnprintf_chk(char *text, size_t limit, int flag, size_t size, const char *format, va_list arguments)
{
	(void)flag;
	if (size < limit)
		abort();
	return vsnprintf(text, limit, format, arguments);
}

int __snprintf_chk(char *text, size_t limit, int flag, size_t size, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int length = __vsnprintf_chk(text, limit, flag, size, format, arguments);
	va_end(arguments);
	return length;
}

int __fprintf_chk(FILE *file, int flag, const char *format, ...)
{
	(void)flag;
	va_list arguments;
	va_start(arguments, format);
	int length = vfprintf(file, format, arguments);
	va_end(arguments);
	return length;
}
