/* syscall.c: UTF-8 is what RFC 3629 says, and comes back from the engine as it went in. */
#include "../../native/host.h"
#include "input.h"

bool writing_image = true;

/* The definition by decoding: the shortest form of a number that is no surrogate and not above U+10FFFF. */
static bool is_utf8(const uint8_t *bytes, size_t size)
{
	for (size_t at = 0; at < size;) {
		uint8_t lead = bytes[at];
		size_t length = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : lead >> 3 == 30 ? 4 : 0;
		if (length == 0 || size - at < length)
			return false;
		uint32_t number = length == 1 ? lead : lead & (0x7fu >> length);
		for (size_t i = 1; i < length; i++) {
			if (bytes[at + i] >> 6 != 2)
				return false;
			number = number << 6 | (bytes[at + i] & 63u);
		}
		static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
		if (number < least[length] || number > 0x10ffff || number >> 11 == 27)
			return false;
		at += length;
	}
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	JSContext *context = context_of_all();
	bool valid = utf8_is_valid(bytes, size);
	CHECK(valid == is_utf8(bytes, size));
	JSValue view = new_bytes(context, bytes, size);
	JSValue text = host_decode_utf8(context, JS_UNDEFINED, 1, &view);
	CHECK(JS_IsException(text) == !valid);
	if (valid) {
		JSValue again = host_encode_utf8(context, JS_UNDEFINED, 1, &text);
		uint8_t *start;
		size_t length;
		CHECK(bytes_from_value(context, again, &start, &length) && length == size);
		CHECK(size == 0 || !memcmp(start, bytes, size));
		JS_FreeValue(context, again);
	}
	forget_exception(context, text);
	JS_FreeValue(context, view);
	/* What the engine itself makes of such bytes may hold surrogates: then it is refused. */
	JSValue loose = JS_NewStringLen(context, (const char *)bytes, size);
	forget_exception(context, host_encode_utf8(context, JS_UNDEFINED, 1, &loose));
	JS_FreeValue(context, loose);
	return 0;
}
