/*
 * One seccomp profile in, one classic BPF program out. What the profile means (defaults, conditions on arguments and
 * architectures) is decided in TypeScript; libseccomp resolves names and compiles.
 */
#include "host.h"

#include <errno.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>

#define MAX_COMPARISONS 6

/* What went wrong: `step` is part of the result, a JavaScript exception has no step. */
struct failure {
	int error;
	char step[128];
};

static bool fail(struct failure *failure, int error, const char *step, const char *name)
{
	failure->error = error;
	snprintf(failure->step, sizeof failure->step, "%s%s%s", step, *name ? " " : "", name);
	return false;
}

/* An unsigned field of 32 bits. `container[key]` for an object, `container[index]` for an array (key null). */
static bool take_u32(JSContext *context, JSValueConst container, const char *key, uint32_t index, uint32_t *number)
{
	JSValue value = key ? JS_GetPropertyStr(context, container, key) : JS_GetPropertyUint32(context, container, index);
	int64_t word;
	bool ok = !JS_IsException(value) && word_from_value(context, value, &word);
	JS_FreeValue(context, value);
	if (ok && (word < 0 || word > UINT32_MAX)) {
		JS_ThrowRangeError(context, "not an unsigned integer of 32 bits");
		return false;
	}
	*number = ok ? (uint32_t)word : 0;
	return ok;
}

/* An array field and its length; the caller frees it, also after a failure. */
static bool take_array(JSContext *context, JSValueConst object, const char *key, JSValue *array, uint32_t *length)
{
	*array = JS_GetPropertyStr(context, object, key);
	return !JS_IsException(*array) && take_u32(context, *array, "length", 0, length);
}

static bool add_architecture(JSContext *context, scmp_filter_ctx filter, JSValueConst value, struct failure *failure)
{
	size_t length;
	const char *name = utf8_from_value(context, value, &length);
	if (!name)
		return false;
	uint32_t token = seccomp_arch_resolve_name(name);
	int error = token ? seccomp_arch_add(filter, token) : -EINVAL;
	/* The native architecture is in from the start, and a profile may name one twice. */
	bool ok = !error || error == -EEXIST || fail(failure, error, "architecture", name);
	JS_FreeCString(context, name);
	return ok;
}

static bool set_attribute(JSContext *context, scmp_filter_ctx filter, JSValueConst pair, struct failure *failure)
{
	uint32_t attribute, value;
	if (!take_u32(context, pair, NULL, 0, &attribute) || !take_u32(context, pair, NULL, 1, &value))
		return false;
	int error = seccomp_attr_set(filter, (enum scmp_filter_attr)attribute, value);
	return !error || fail(failure, error, "attribute", "");
}

static bool take_comparison(JSContext *context, JSValueConst tuple, struct scmp_arg_cmp *comparison)
{
	uint32_t index, operator;
	if (!take_u32(context, tuple, NULL, 0, &index) || !take_u32(context, tuple, NULL, 1, &operator))
		return false;
	comparison->arg = index;
	comparison->op = (enum scmp_compare)operator;
	scmp_datum_t *data[] = { &comparison->datum_a, &comparison->datum_b };
	for (uint32_t i = 0; i < 2; i++) {
		JSValue value = JS_GetPropertyUint32(context, tuple, 2 + i);
		bool ok = !JS_IsException(value) && word_from_value(context, value, (int64_t *)data[i]);
		JS_FreeValue(context, value);
		if (!ok)
			return false;
	}
	return true;
}

static bool add_rule(JSContext *context, scmp_filter_ctx filter, JSValueConst rule, JSValueConst unknown,
		     struct failure *failure)
{
	struct scmp_arg_cmp comparisons[MAX_COMPARISONS];
	uint32_t action, count = 0, unknown_count;
	JSValue args = JS_UNDEFINED, name = JS_GetPropertyStr(context, rule, "name");
	size_t length;
	const char *text = utf8_from_value(context, name, &length);
	bool ok = text && take_u32(context, rule, "action", 0, &action) && take_array(context, rule, "args", &args, &count);
	if (ok && count > MAX_COMPARISONS)
		ok = fail(failure, -E2BIG, "arguments of", text);
	for (uint32_t i = 0; ok && i < count; i++) {
		JSValue tuple = JS_GetPropertyUint32(context, args, i);
		ok = !JS_IsException(tuple) && take_comparison(context, tuple, &comparisons[i]);
		JS_FreeValue(context, tuple);
	}
	if (ok) {
		int number = seccomp_syscall_resolve_name(text);
		if (number == __NR_SCMP_ERROR) {
			ok = take_u32(context, unknown, "length", 0, &unknown_count) &&
			     JS_SetPropertyUint32(context, unknown, unknown_count, JS_DupValue(context, name)) >= 0;
		} else {
			int error = seccomp_rule_add_array(filter, action, number, count, comparisons);
			ok = !error || fail(failure, error, "rule", text);
		}
	}
	JS_FreeValue(context, args);
	if (text)
		JS_FreeCString(context, text);
	JS_FreeValue(context, name);
	return ok;
}

static void free_program(JSRuntime *runtime, void *opaque, void *program)
{
	(void)runtime, (void)opaque;
	free(program);
}

static bool export_program(JSContext *context, scmp_filter_ctx filter, JSValue *program, struct failure *failure)
{
	size_t size = 0;
	int error = seccomp_export_bpf_mem(filter, NULL, &size);
	uint8_t *bytes = error ? NULL : malloc(size);
	if (!error)
		error = bytes ? seccomp_export_bpf_mem(filter, bytes, &size) : -ENOMEM;
	if (error) {
		free(bytes);
		return fail(failure, error, "export", "");
	}
	*program = JS_NewArrayBuffer(context, bytes, size, free_program, NULL, false);
	return !JS_IsException(*program);
}

JSValue host_compile_seccomp(JSContext *context, JSValueConst this, int argc, JSValueConst *argv)
{
	(void)this, (void)argc;
	JSValueConst profile = argv[0];
	struct failure failure = { 0 };
	uint32_t action;
	if (!take_u32(context, profile, "defaultAction", 0, &action))
		return JS_EXCEPTION;
	scmp_filter_ctx filter = seccomp_init(action);
	JSValue program = JS_UNDEFINED, unknown = JS_NewArray(context), result = JS_NewObject(context);
	bool ok = filter ? true : fail(&failure, -EINVAL, "default action", "");

	/* Architectures before rules: libseccomp adds a rule only to the architectures that are already there. */
	static const char *const steps[] = { "architectures", "attributes", "rules" };
	for (size_t step = 0; ok && step < sizeof steps / sizeof *steps; step++) {
		JSValue list;
		uint32_t length = 0;
		ok = take_array(context, profile, steps[step], &list, &length);
		for (uint32_t i = 0; ok && i < length; i++) {
			JSValue item = JS_GetPropertyUint32(context, list, i);
			ok = !JS_IsException(item) && (step == 0   ? add_architecture(context, filter, item, &failure)
						       : step == 1 ? set_attribute(context, filter, item, &failure)
								   : add_rule(context, filter, item, unknown, &failure));
			JS_FreeValue(context, item);
		}
		JS_FreeValue(context, list);
	}
	ok = ok && export_program(context, filter, &program, &failure);
	if (filter)
		seccomp_release(filter);

	if (ok) {
		JS_SetPropertyStr(context, result, "program", program);
		JS_SetPropertyStr(context, result, "unknown", unknown);
		return result;
	}
	JS_FreeValue(context, unknown);
	if (failure.error) {
		JS_SetPropertyStr(context, result, "error", JS_NewInt32(context, failure.error));
		JS_SetPropertyStr(context, result, "step", JS_NewString(context, failure.step));
		return result;
	}
	JS_FreeValue(context, result);
	return JS_EXCEPTION;
}
