/* main.c: of an environment only documented variables are kept, all is wiped; a message is one printable line. */
#include <setjmp.h>
#include <stddef.h>
#include <unistd.h>

#include "input.h"

static jmp_buf ended;
static char said[1 << 12];
static size_t said_length;

static ssize_t write_said(int file, const void *bytes, size_t size)
{
	CHECK(file == STDERR_FILENO && size < sizeof said);
	memcpy(said, bytes, said_length = size);
	return (ssize_t)size;
}

static _Noreturn void end(int status)
{
	longjmp(ended, status + 1);
}

#define main box_main
#define write write_said
#define _exit end
#include "../../native/main.c"
#undef _exit
#undef write
#undef main

/* The rest of box, which is not called. */
const struct payload payload;
bool arena_has_image(void) { return false; }
void arena_restore(bool entering) { (void)entering; }
void engine_start(void) {}
void engine_write(char **names) { (void)names; }
void engine_enter(const struct process *given) { (void)given; }
int engine_run(const struct process *given) { return given->argc; }
void seal_self(char **argv, char **envp) { (void)argv, (void)envp; }

static bool is_documented(const char *variable)
{
	for (size_t i = 0; i < COUNT(documented_variables); i++) {
		size_t length = strlen(documented_variables[i]);
		if (!strncmp(variable, documented_variables[i], length) && variable[length] == '=')
			return true;
	}
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	enum { MOST = 64 };
	char *text = malloc(size + 1), *variables[MOST + 1];
	memcpy(text, bytes, size);
	text[size] = '\0';
	size_t count = 0, documented = 0;
	for (char *next = text; next < text + size && count < MOST; next += strlen(next) + 1) {
		documented += is_documented(next);
		variables[count++] = next;
	}
	variables[count] = NULL;

	memset(environment, 0, sizeof environment);
	keep_documented_environment(variables);
	size_t kept = 0;
	for (; environment[kept]; kept++)
		CHECK(kept < COUNT(documented_variables) && is_documented(environment[kept]));
	CHECK(kept == (documented < COUNT(documented_variables) ? documented : COUNT(documented_variables)));

	process.argc = (int)count;
	process.argv = variables;
	has_argument("create");
	if (count > 0 && !setjmp(ended))
		die("environment variable %s: %d", variables[0], 5);
	if (count > 0) {
		CHECK(said_length > 0 && said[said_length - 1] == '\n' && !strncmp(said, "box: ", 5));
		for (size_t i = 0; i < said_length - 1; i++)
			CHECK((unsigned char)said[i] >= ' ' && said[i] != 0x7f);
	}
	char *first = variables[0];
	wipe_environment(variables);
	CHECK(variables[0] == NULL && (!first || !*first));
	free(text);
	return 0;
}
