/* What the fuzz targets share: bytes taken one after the other from an input, and an engine without modules. */
#ifndef INPUT_H
#define INPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <quickjs.h>

struct input {
	const uint8_t *next, *end;
};

/* Ends the process, which libFuzzer takes for a finding. */
#define CHECK(condition)                                                               \
	do {                                                                           \
		if (!(condition)) {                                                    \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                       \
		}                                                                      \
	} while (0)

static inline size_t left(const struct input *input)
{
	return (size_t)(input->end - input->next);
}

static inline uint8_t take_byte(struct input *input)
{
	return left(input) ? *input->next++ : 0;
}

static inline void take_bytes(struct input *input, void *to, size_t size)
{
	for (size_t i = 0; i < size; i++)
		((uint8_t *)to)[i] = take_byte(input);
}

static inline uint64_t take_word(struct input *input)
{
	uint64_t word;
	take_bytes(input, &word, sizeof word);
	return word;
}

/* The language as box has it, with the typed arrays. One for all inputs. */
static inline JSContext *context_of_all(void)
{
	static JSContext *context;
	if (!context) {
		context = JS_NewContextRaw(JS_NewRuntime());
		CHECK(context);
		JS_AddIntrinsicBaseObjects(context);
		JS_AddIntrinsicTypedArrays(context);
	}
	return context;
}

/* Forgets what was thrown. @returns whether something was */
static inline bool forget_exception(JSContext *context, JSValue result)
{
	bool thrown = JS_IsException(result);
	if (thrown)
		JS_FreeValue(context, JS_GetException(context));
	JS_FreeValue(context, result);
	return thrown;
}

#endif
