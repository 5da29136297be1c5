/* syscall.c: values of the engine become words, or are refused; a word that was accepted stands for exactly its value. */
#include "../../native/host.h"
#include "input.h"

#include <math.h>

bool writing_image = true; /* No system call is made. */

static JSValue take_string(JSContext *context, struct input *input)
{
	/* Latin-1 bytes, or UTF-8 with what the engine makes of surrogates. */
	size_t length = take_byte(input) % 64;
	char text[64];
	take_bytes(input, text, length);
	return JS_NewStringLen(context, text, length);
}

static JSValue take_view(JSContext *context, struct input *input)
{
	static const uint8_t bytes[256];
	JSValue buffer = JS_NewArrayBufferCopy(context, bytes, take_byte(input));
	JSValueConst arguments[] = { buffer, JS_NewInt32(context, take_byte(input)), JS_NewInt32(context, take_byte(input)) };
	int kind = take_byte(input) % (JS_TYPED_ARRAY_FLOAT64 + 1);
	JSValue view = JS_NewTypedArray(context, take_byte(input) % 2 ? 1 : 3, arguments, (JSTypedArrayEnum)kind);
	if (take_byte(input) % 4 == 0)
		JS_DetachArrayBuffer(context, buffer);
	JS_FreeValue(context, buffer);
	if (JS_IsException(view)) {
		forget_exception(context, view);
		return JS_NULL;
	}
	return view;
}

static JSValue take_value(JSContext *context, struct input *input)
{
	double number;
	switch (take_byte(input) % 10) {
	case 0:
		return JS_NewInt32(context, (int32_t)take_word(input));
	case 1:
		take_bytes(input, &number, sizeof number);
		return JS_NewFloat64(context, number);
	case 2:
		return JS_NewBigInt64(context, (int64_t)take_word(input));
	case 3:
		return JS_NewBigUint64(context, take_word(input));
	case 4:
	case 5:
		return take_string(context, input);
	case 6:
		return JS_NULL;
	case 7:
		return JS_NewObject(context);
	case 8:
		return JS_NewBool(context, 1);
	default:
		return take_view(context, input);
	}
}

static void check_word(JSContext *context, JSValueConst value, int64_t word, const char *string)
{
	double number;
	int64_t integer;
	size_t length, offset, size, total;
	if (JS_IsNumber(value)) {
		CHECK(!JS_ToFloat64(context, &number, value) && (double)word == number && fabs(number) < 0x1p53);
	} else if (JS_IsBigInt(context, value)) {
		CHECK(!JS_ToBigInt64(context, &integer, value) && word == integer);
	} else if (JS_IsString(value)) {
		const char *text = JS_ToCStringLen(context, &length, value);
		CHECK(text && string && strlen(string) == length && !memcmp(text, string, length));
		CHECK(utf8_is_valid(text, length));
		JS_FreeCString(context, text);
	} else if (JS_IsNull(value)) {
		CHECK(word == 0);
	} else {
		JSValue buffer = JS_GetTypedArrayBuffer(context, value, &offset, &length, NULL);
		CHECK(!JS_IsException(buffer));
		uint8_t *base = JS_GetArrayBuffer(context, &total, buffer);
		size = total;
		CHECK(length == 0 || (offset + length <= size && (uint8_t *)word == base + offset));
		JS_FreeValue(context, buffer);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	JSContext *context = context_of_all();
	struct input input = { bytes, bytes + size };
	JSValue values[MAX_WORDS + 1];
	int count = take_byte(&input) % (MAX_WORDS + 2);
	for (int i = 0; i < count; i++)
		values[i] = take_value(context, &input);
	struct words words;
	if (words_from_arguments(context, count, values, &words)) {
		CHECK(count <= MAX_WORDS);
		for (int i = 0; i < count; i++)
			check_word(context, values[i], words.word[i], words.string[i]);
		words_release(context, &words);
	} else {
		JS_FreeValue(context, JS_GetException(context));
	}
	/* While an image is written every call is refused, after the number has been looked at. */
	CHECK(forget_exception(context, host_syscall(context, JS_UNDEFINED, count, values)));
	if (count > 0) {
		forget_exception(context, host_address(context, JS_UNDEFINED, 1, values));
		forget_exception(context, host_sha256(context, JS_UNDEFINED, 1, values));
	}
	for (int i = 0; i < count; i++)
		JS_FreeValue(context, values[i]);
	return 0;
}
