/* libseccomp.c: calls in the order of src/linux/seccomp.ts, with any numbers and names; a program comes out, or an errno. */
#include "../../native/host.h"
#include "input.h"

#include <errno.h>
#include <linux/filter.h>
#include <seccomp.h>

bool writing_image = true;

static int64_t call(enum libseccomp function, int count, JSValueConst *arguments)
{
	JSContext *context = context_of_all();
	JSValue result = host_libseccomp(context, JS_UNDEFINED, count, arguments, (int)function);
	int64_t answer = -EINVAL;
	if (JS_IsException(result))
		forget_exception(context, result);
	else
		CHECK(!JS_ToInt64(context, &answer, result));
	return answer;
}

static JSValue pointer(const void *address)
{
	return JS_NewInt64(context_of_all(), (intptr_t)address);
}

/* Names that there are, and others. */
static JSValue take_name(struct input *input, const char *const names[], size_t count)
{
	char text[16];
	size_t choice = take_byte(input) % (count + 1);
	if (choice < count)
		return JS_NewString(context_of_all(), names[choice]);
	size_t length = take_byte(input) % sizeof text;
	take_bytes(input, text, length);
	return JS_NewStringLen(context_of_all(), text, length);
}

static void resolve(enum libseccomp function, JSValue name)
{
	call(function, 1, &name);
	JS_FreeValue(context_of_all(), name);
}

static const char *const architectures[] = { "x86", "x86_64", "x32", "aarch64", "arm", "mips", "s390x", "riscv64" };
static const char *const calls[] = { "mkdir", "socket", "clone", "ipc", "socketcall", "personality", "openat2" };

static void add_rule(void *filter, struct input *input)
{
	JSContext *context = context_of_all();
	/* One more than there may be. */
	struct scmp_arg_cmp comparisons[7];
	for (size_t i = 0; i < 7; i++)
		comparisons[i] = (struct scmp_arg_cmp){ .arg = take_byte(input) % 8,
							.op = (enum scmp_compare)(take_byte(input) % 10),
							.datum_a = take_word(input),
							.datum_b = take_word(input) };
	int64_t action = (int64_t)(take_byte(input) % 2 ? SCMP_ACT_ERRNO(take_byte(input)) : take_word(input));
	JSValue arguments[] = { pointer(filter), JS_NewInt64(context, action % ((int64_t)1 << 53)),
				JS_NewInt32(context, take_byte(input) % 8 ? take_byte(input) : (int32_t)take_word(input)),
				JS_NewInt32(context, take_byte(input) % 8), pointer(comparisons) };
	call(SECCOMP_ADD_RULE, 5, arguments);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	JSContext *context = context_of_all();
	struct input input = { bytes, bytes + size };
	JSValue action = JS_NewInt64(context, take_byte(&input) % 4 ? SCMP_ACT_ALLOW : (int64_t)(take_word(&input) >> 20));
	void *filter = (void *)(intptr_t)call(SECCOMP_INIT, 1, &action);
	if (!filter || (intptr_t)filter < 0)
		return 0;
	for (int rules = 0; left(&input) && rules < 20; rules++)
		switch (take_byte(&input) % 5) {
		case 0:
			resolve(SECCOMP_ARCHITECTURE, take_name(&input, architectures, sizeof architectures / sizeof *architectures));
			break;
		case 1: {
			uint32_t token = seccomp_arch_resolve_name(architectures[take_byte(&input) % 8]);
			JSValue arguments[] = { pointer(filter), JS_NewInt64(context, take_byte(&input) % 4 ? token : take_word(&input) >> 32) };
			call(SECCOMP_ADD_ARCHITECTURE, 2, arguments);
			break;
		}
		case 2: {
			JSValue arguments[] = { pointer(filter), JS_NewInt32(context, take_byte(&input) % 12), JS_NewInt32(context, take_byte(&input)) };
			call(SECCOMP_SET_ATTRIBUTE, 3, arguments);
			break;
		}
		case 3:
			resolve(SECCOMP_SYSCALL, take_name(&input, calls, sizeof calls / sizeof *calls));
			break;
		default:
			add_rule(filter, &input);
		}
	size_t room = 0;
	JSValue measure[] = { pointer(filter), JS_NULL, pointer(&room) };
	if (call(SECCOMP_EXPORT, 3, measure) == 0) {
		CHECK(room % sizeof(struct sock_filter) == 0);
		uint8_t *program = malloc(room);
		JSValue export[] = { pointer(filter), pointer(program), pointer(&room) };
		CHECK(call(SECCOMP_EXPORT, 3, export) == 0);
		free(program);
	}
	JSValue released = pointer(filter);
	call(SECCOMP_RELEASE, 1, &released);
	return 0;
}
