/*
 * One system call, and the conversions at its border. Whatever does not fit a register exactly is refused here, so that
 * no later code has to think of wrap-around, of cut strings or of changed bytes.
 */
#define _GNU_SOURCE
#include "host.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Strict UTF-8 (RFC 3629): no overlong form, no surrogate, nothing above U+10FFFF. */
bool utf8_is_valid(const void *bytes, size_t length)
{
	const uint8_t *p = bytes, *end = p + length;
	while (p < end) {
		uint8_t lead = *p++;
		if (lead < 0x80)
			continue;
		int tail = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
		if (lead < 0xc2 || lead > 0xf4 || end - p < tail)
			return false;
		/* Only the first byte after the lead has a narrower range than 80..BF. */
		uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
		uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
		if (*p < low || *p > high)
			return false;
		for (p++; --tail; p++)
			if ((*p & 0xc0) != 0x80)
				return false;
	}
	return true;
}

/* The UTF-8 of a string, to be freed with JS_FreeCString; a lone surrogate (which the engine would encode) is refused. */
const char *utf8_from_value(JSContext *context, JSValueConst value, size_t *length)
{
	if (!JS_IsString(value)) {
		JS_ThrowTypeError(context, "not a string");
		return NULL;
	}
	const char *text = JS_ToCStringLen(context, length, value);
	if (text && !utf8_is_valid(text, *length)) {
		JS_FreeCString(context, text);
		JS_ThrowTypeError(context, "string with a lone surrogate");
		return NULL;
	}
	return text;
}

/* A number or bigint as the 64 bits it stands for. */
bool word_from_value(JSContext *context, JSValueConst value, int64_t *word)
{
	if (JS_IsBigInt(context, value)) {
		if (JS_ToBigInt64(context, word, value))
			return false;
		/* The conversion wraps, so what was cut off shows when it is turned back. */
		JSValue as_signed = JS_NewBigInt64(context, *word);
		JSValue as_unsigned = JS_NewBigUint64(context, (uint64_t)*word);
		bool fits = JS_StrictEq(context, value, as_signed) || JS_StrictEq(context, value, as_unsigned);
		JS_FreeValue(context, as_signed);
		JS_FreeValue(context, as_unsigned);
		if (!fits)
			JS_ThrowTypeError(context, "bigint of more than 64 bits");
		return fits;
	}
	if (JS_VALUE_GET_TAG(value) == JS_TAG_INT) {
		*word = JS_VALUE_GET_INT(value);
		return true;
	}
	double number;
	if (!JS_IsNumber(value) || JS_ToFloat64(context, &number, value) || !(fabs(number) < 0x1p53) ||
	    number != trunc(number)) {
		JS_ThrowTypeError(context, "not an integer of at most 53 bits");
		return false;
	}
	*word = (int64_t)number;
	return true;
}

/* Where the bytes of a typed array are. The object itself keeps them alive. */
bool bytes_from_value(JSContext *context, JSValueConst value, uint8_t **start, size_t *length)
{
	size_t offset, size;
	JSValue buffer = JS_GetTypedArrayBuffer(context, value, &offset, length, NULL);
	if (JS_IsException(buffer))
		return false;
	uint8_t *base = JS_GetArrayBuffer(context, &size, buffer);
	JS_FreeValue(context, buffer);
	*start = base + offset;
	return base || !size;
}

void words_release(JSContext *context, struct words *words)
{
	for (int i = 0; i < MAX_WORDS; i++)
		if (words->string[i])
			JS_FreeCString(context, words->string[i]);
}

/* Numbers, strings without NUL, buffers by their address, null as 0. Nothing is to be released after a failure. */
bool words_from_arguments(JSContext *context, int argc, JSValueConst *argv, struct words *words)
{
	*words = (struct words){ 0 };
	bool ok = argc <= MAX_WORDS;
	if (!ok)
		JS_ThrowTypeError(context, "too many arguments");
	for (int i = 0; ok && i < argc; i++) {
		size_t length;
		if (JS_IsNumber(argv[i]) || JS_IsBigInt(context, argv[i])) {
			ok = word_from_value(context, argv[i], &words->word[i]);
		} else if (JS_IsString(argv[i])) {
			words->string[i] = utf8_from_value(context, argv[i], &length);
			ok = words->string[i] && strlen(words->string[i]) == length;
			if (words->string[i] && !ok)
				JS_ThrowTypeError(context, "string with a NUL character");
			words->word[i] = (intptr_t)words->string[i];
		} else if (!JS_IsNull(argv[i])) {
			uint8_t *start;
			ok = bytes_from_value(context, argv[i], &start, &length);
			words->word[i] = ok ? (intptr_t)start : 0;
		}
	}
	if (!ok)
		words_release(context, words);
	return ok;
}

/* The way from TypeScript to the call takes code, so it is not forgotten before. */
static bool rests;

JSValue host_rest(JSContext *context, JSValueConst this, int argc, JSValueConst *argv)
{
	(void)context, (void)this, (void)argc, (void)argv;
	rests = true;
	return JS_UNDEFINED;
}

/* libc turns every -errno into -1 and errno, so the answer is exact, also for EPERM, which is 1. */
static int64_t perform(const int64_t *w)
{
	long answer;
	do
		answer = syscall(w[0], w[1], w[2], w[3], w[4], w[5], w[6]);
	while (answer == -1 && errno == EINTR && w[0] != SYS_close);
	return answer == -1 ? -errno : answer;
}

JSValue host_syscall(JSContext *context, JSValueConst this, int argc, JSValueConst *argv)
{
	(void)this;
	struct words words;
	if (writing_image)
		return JS_ThrowTypeError(context, "no system call before main: its answer would be kept in the image");
	if (argc < 2 || !(JS_IsNumber(argv[1]) || JS_IsBigInt(context, argv[1])))
		return JS_ThrowTypeError(context, "the number of a system call is not a number");
	/* Left out by who called the function that calls this one. */
	while (JS_IsUndefined(argv[argc - 1]))
		argc--;
	/* The name before it is for functions that stand in this one's place. */
	if (!words_from_arguments(context, argc - 1, argv + 1, &words))
		return JS_EXCEPTION;
	const int64_t *w = words.word;
#ifdef BOX_LEARN
	if (w[0] == SYS_execve || w[0] == SYS_execveat || w[0] == SYS_exit_group)
		learn_note();
#endif
	if (rests) {
		rests = false;
		forget_code();
	}
	int64_t answer = perform(w);
	/* Only a seccomp filter lets this come back. A trap needs no permission. */
	if (w[0] == SYS_exit_group)
		__builtin_trap();
	words_release(context, &words);
	return JS_NewInt64(context, answer);
}

/* For what a start makes by the dozen: from TypeScript each call takes longer than the kernel takes for it. */
JSValue host_syscall_each(JSContext *context, JSValueConst this, int argc, JSValueConst *argv)
{
	(void)this;
	struct words words;
	if (!words_from_arguments(context, argc - 1, argv + 1, &words))
		return JS_EXCEPTION;
	uint64_t mask = (uint64_t)words.word[2];
	int64_t answer = 0;
	for (; mask && answer >= 0; mask &= mask - 1) {
		words.word[2] = __builtin_ctzll(mask);
		answer = perform(words.word);
	}
	words_release(context, &words);
	return JS_NewInt64(context, answer);
}

JSValue host_address(JSContext *context, JSValueConst this, int argc, JSValueConst *argv)
{
	(void)this, (void)argc;
	uint8_t *start;
	size_t length;
	if (!bytes_from_value(context, argv[0], &start, &length))
		return JS_EXCEPTION;
	return JS_NewInt64(context, (intptr_t)start);
}

/* A new Uint8Array. */
JSValue new_bytes(JSContext *context, const void *bytes, size_t length)
{
	JSValue buffer = JS_NewArrayBufferCopy(context, bytes, length);
	if (JS_IsException(buffer))
		return buffer;
	/* The engine reads three arguments, whatever their number is said to be. */
	JSValueConst arguments[] = { buffer, JS_UNDEFINED, JS_UNDEFINED };
	JSValue array = JS_NewTypedArray(context, 3, arguments, JS_TYPED_ARRAY_UINT8);
	JS_FreeValue(context, buffer);
	return array;
}

JSValue host_encode_utf8(JSContext *context, JSValueConst this, int argc, JSValueConst *argv)
{
	(void)this, (void)argc;
	size_t length;
	const char *text = utf8_from_value(context, argv[0], &length);
	if (!text)
		return JS_EXCEPTION;
	JSValue array = new_bytes(context, text, length);
	JS_FreeCString(context, text);
	return array;
}

JSValue host_decode_utf8(JSContext *context, JSValueConst this, int argc, JSValueConst *argv)
{
	(void)this, (void)argc;
	uint8_t *start;
	size_t length;
	if (!bytes_from_value(context, argv[0], &start, &length))
		return JS_EXCEPTION;
	if (!utf8_is_valid(start, length))
		return JS_ThrowTypeError(context, "bytes that are not UTF-8");
	return JS_NewStringLen(context, (const char *)start, length);
}
