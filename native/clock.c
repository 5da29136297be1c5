/*
 * A clock that stands while an image is written: the engine begins its random numbers with the time, and an image must come
 * out the same each time. The linker puts this function before the libc's own (--wrap in the Makefile).
 */
#include <sys/time.h>

#include "host.h"

int __real_gettimeofday(struct timeval *time, void *zone);
int __wrap_gettimeofday(struct timeval *time, void *zone);

int __wrap_gettimeofday(struct timeval *time, void *zone)
{
	if (!writing_image)
		return __real_gettimeofday(time, zone);
	*time = (struct timeval){ 0 };
	return 0;
}
