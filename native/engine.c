/*
 * The engine: the embedded modules, the module "host", and the call of main. Starting comes in two parts: what is the same
 * in every process (engine_start, which an image replaces), and what is not (engine_run).
 */
#define _GNU_SOURCE
#include "host.h"

#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "version.h"

/* A configuration of 16 MiB, the largest that is read, stays well below this as objects. */
#define MEMORY_LIMIT ((size_t)512 << 20)
/* A command ends before it has made this much garbage, so most never collect. */
#define GC_THRESHOLD ((size_t)64 << 20)
#define STACK_LIMIT ((size_t)1 << 20)

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Whether the engine itself threw: for want of memory or stack, which need not be a defect. */
static bool is_shortage(JSContext *context, JSValueConst thrown)
{
	/* Without memory for an Error it throws null or a value of its own; our code throws Errors only. */
	if (!JS_IsObject(thrown))
		return true;
	JSValue name = JS_GetPropertyStr(context, thrown, "name");
	const char *text = JS_ToCString(context, name);
	return !text || !strcmp(text, "InternalError");
}

/* Ends the process with what was thrown: TypeScript prints its own errors, so this one is a defect or a shortage. */
static _Noreturn void die_of_exception(JSContext *context, bool debug)
{
	JSValue thrown = JS_GetException(context);
	const char *text = JS_IsObject(thrown) ? JS_ToCString(context, thrown) : NULL;
	if (debug && JS_IsObject(thrown)) {
		JSValue stack = JS_GetPropertyStr(context, thrown, "stack");
		const char *frames = JS_ToCString(context, stack);
		if (frames)
			dprintf(STDERR_FILENO, "%s", frames);
	}
	if (is_shortage(context, thrown))
		die("%s (a resource limit is too low, or box is at fault)", text ? text : "out of memory");
	die("internal error: %s", text ? text : "out of memory");
}

/* --- Modules ------------------------------------------------------------------------------------------------------ */

static bool is_module(JSValueConst value)
{
	return JS_VALUE_GET_TAG(value) == JS_TAG_MODULE;
}

/* A module that was read. They lie side by side: a list through the heap would cost each start a page fault every few. */
struct module {
	JSModuleDef *definition;
	char name[56];
};

/* Where a module's bytecode begins, null when this binary has none of that name. */
static const uint8_t *find_bytecode(const char *name, size_t *size)
{
	const char *table = (const char *)&payload + engine->payload.bytecode;
	for (const struct bytecode *entry = (const struct bytecode *)table; entry->name; entry++)
		if (!strcmp(table + entry->name, name)) {
			*size = entry->end - entry->start;
			return (const uint8_t *)table + entry->start;
		}
	return NULL;
}

/* Reads the bytecode of a module, not yet what it imports. Reading registers it under its name with the engine. */
static JSModuleDef *read_module(JSContext *context, const char *name)
{
	for (size_t i = 0; i < engine->module_count; i++)
		if (!strcmp(engine->modules[i].name, name))
			return engine->modules[i].definition;
	size_t size;
	const uint8_t *start = find_bytecode(name, &size);
	if (!start || strlen(name) >= sizeof engine->modules->name) {
		JS_ThrowReferenceError(context, "no module '%s'", name);
		return NULL;
	}
	JSValue value = JS_ReadObject(context, start, size, JS_READ_OBJ_BYTECODE);
	size_t count = engine->module_count + 1;
	struct module *modules = is_module(value) ? js_realloc(context, engine->modules, count * sizeof *modules) : NULL;
	if (!modules)
		return NULL;
	engine->modules = modules;
	engine->module_count = count;
	struct module *module = &modules[count - 1];
	/* The engine's list of modules holds the reference. */
	module->definition = JS_VALUE_GET_PTR(value);
	snprintf(module->name, sizeof module->name, "%s", name);
	return module->definition;
}

static JSModuleDef *import_module(JSContext *context, const char *name, void *opaque)
{
	(void)opaque;
	return read_module(context, name);
}

/* The namespace of a module, evaluated with all that it imports; a second time this is only a look-up. */
static JSValue load_module(JSContext *context, const char *name)
{
	char file[sizeof engine->modules->name];
	if ((size_t)snprintf(file, sizeof file, "%s.js", name) >= sizeof file)
		return JS_ThrowReferenceError(context, "no module '%s'", name);
	JSModuleDef *module = read_module(context, file);
	if (!module)
		return JS_EXCEPTION;
	JSValue value = JS_MKPTR(JS_TAG_MODULE, module);
	if (JS_ResolveModule(context, value) < 0)
		return JS_EXCEPTION;
	/* No module awaits at its top level, so the promise is settled when evaluation returns. */
	JSValue promise = JS_EvalFunction(context, JS_DupValue(context, value));
	if (JS_IsException(promise))
		return promise;
	JSPromiseStateEnum state = JS_PromiseState(context, promise);
	JSValue outcome = JS_PromiseResult(context, promise);
	JS_FreeValue(context, promise);
	if (state == JS_PROMISE_REJECTED)
		return JS_Throw(context, outcome);
	JS_FreeValue(context, outcome);
	if (state == JS_PROMISE_PENDING)
		return JS_ThrowTypeError(context, "module '%s' awaits at its top level", name);
	return JS_GetModuleNamespace(context, module);
}

static JSValue host_load(JSContext *context, JSValueConst this, int argc, JSValueConst *argv)
{
	(void)this, (void)argc;
	size_t length;
	const char *name = utf8_from_value(context, argv[0], &length);
	if (!name)
		return JS_EXCEPTION;
	JSValue namespace = load_module(context, name);
	JS_FreeCString(context, name);
	return namespace;
}

/* --- The module "host" -------------------------------------------------------------------------------------------- */

static const JSCFunctionListEntry functions[] = {
	JS_CFUNC_DEF("syscall", 2, host_syscall),
	JS_CFUNC_DEF("syscallEach", 4, host_syscall_each),
	JS_CFUNC_DEF("address", 1, host_address),
	JS_CFUNC_DEF("encodeUtf8", 1, host_encode_utf8),
	JS_CFUNC_DEF("decodeUtf8", 1, host_decode_utf8),
	JS_CFUNC_DEF("restInNextCall", 0, host_rest),
	JS_CFUNC_DEF("beginNetwork", 0, host_begin_network),
	JS_CFUNC_DEF("takeNetwork", 0, host_take_network),
	JS_CFUNC_DEF("sha256", 1, host_sha256),
	JS_CFUNC_DEF("load", 1, host_load),
	JS_CFUNC_MAGIC_DEF("seccompInit", 1, host_libseccomp, SECCOMP_INIT),
	JS_CFUNC_MAGIC_DEF("seccompRelease", 1, host_libseccomp, SECCOMP_RELEASE),
	JS_CFUNC_MAGIC_DEF("seccompArchitecture", 1, host_libseccomp, SECCOMP_ARCHITECTURE),
	JS_CFUNC_MAGIC_DEF("seccompAddArchitecture", 2, host_libseccomp, SECCOMP_ADD_ARCHITECTURE),
	JS_CFUNC_MAGIC_DEF("seccompSetAttribute", 3, host_libseccomp, SECCOMP_SET_ATTRIBUTE),
	JS_CFUNC_MAGIC_DEF("seccompSyscall", 1, host_libseccomp, SECCOMP_SYSCALL),
	JS_CFUNC_MAGIC_DEF("seccompSyscallOf", 2, host_libseccomp, SECCOMP_SYSCALL_OF),
	JS_CFUNC_MAGIC_DEF("seccompAddRule", 5, host_libseccomp, SECCOMP_ADD_RULE),
	JS_CFUNC_MAGIC_DEF("seccompExport", 3, host_libseccomp, SECCOMP_EXPORT),
};

/* What each process has of its own, and last what it has not. */
static const char *const values[] = { "argv", "environ", "sealed", "coreLimit", "callerUmask", "build" };

static JSValue new_argv(JSContext *context, const struct process *process)
{
	JSValue array = JS_NewArray(context);
	for (int i = 0; i < process->argc; i++) {
		if (!utf8_is_valid(process->argv[i], strlen(process->argv[i])))
			die("argument %d is not valid UTF-8", i);
		JS_SetPropertyUint32(context, array, (uint32_t)i, JS_NewString(context, process->argv[i]));
	}
	return array;
}

static JSValue new_environ(JSContext *context, const struct process *process)
{
	/* Without a prototype, so that a look-up finds variables only. */
	JSValue object = JS_NewObjectProto(context, JS_NULL);
	for (char **variable = process->environment; *variable; variable++) {
		size_t length = strcspn(*variable, "=");
		const char *value = *variable + length + 1;
		if (!utf8_is_valid(value, strlen(value)))
			die("environment variable %.*s is not valid UTF-8", (int)length, *variable);
		JSAtom name = JS_NewAtomLen(context, *variable, length);
		JS_SetProperty(context, object, name, JS_NewString(context, value));
		JS_FreeAtom(context, name);
	}
	return object;
}

static JSValue new_build(JSContext *context)
{
	const struct scmp_version *libseccomp = seccomp_version();
	char version[32];
	snprintf(version, sizeof version, "%u.%u.%u", libseccomp->major, libseccomp->minor, libseccomp->micro);
	const char *const fields[][2] = {
		{ "version", BOX_VERSION },   { "commit", BOX_COMMIT },	      { "arch", BOX_ARCH },
		{ "libseccomp", version },    { "quickjs", QUICKJS_VERSION },
	};
	JSValue object = JS_NewObject(context);
	for (size_t i = 0; i < COUNT(fields); i++)
		JS_SetPropertyStr(context, object, fields[i][0], JS_NewString(context, fields[i][1]));
	return object;
}

static int fill_host_module(JSContext *context, JSModuleDef *module)
{
	/* Until they are set a module that uses them at its top level gets a ReferenceError, and no wrong value. */
	for (size_t i = 0; i < COUNT(values) - 1; i++)
		if (JS_SetModuleExport(context, module, values[i], JS_UNINITIALIZED))
			return -1;
	return JS_SetModuleExport(context, module, "build", new_build(context)) ||
	       JS_SetModuleExportList(context, module, functions, COUNT(functions)) ? -1 : 0;
}

/* --- Start -------------------------------------------------------------------------------------------------------- */

static void evaluate_module(JSContext *context, const char *name)
{
	JSValue namespace = load_module(context, name);
	if (JS_IsException(namespace))
		die_of_exception(context, true);
	JS_FreeValue(context, namespace);
}

void engine_start(void)
{
	arena_start();
#ifdef BOX_CHECK_LEAKS
	/* The libc's blocks are what sanitizers and valgrind know. */
	JSRuntime *runtime = JS_NewRuntime();
#else
	JSRuntime *runtime = JS_NewRuntime2(&engine_memory, NULL);
#endif
	if (!runtime)
		die("cannot start the engine");
	JS_SetMemoryLimit(runtime, MEMORY_LIMIT);
	JS_SetGCThreshold(runtime, GC_THRESHOLD);
	JS_SetModuleLoaderFunc(runtime, NULL, import_module, NULL);

	/* What TypeScript's output and our code use. No eval: no text ever becomes code. */
	JSContext *context = JS_NewContextRaw(runtime);
	if (!context)
		die("cannot start the engine");
	JS_AddIntrinsicBaseObjects(context);
	JS_AddIntrinsicRegExpCompiler(context);
	JS_AddIntrinsicRegExp(context);
	JS_AddIntrinsicJSON(context);
	JS_AddIntrinsicMapSet(context);
	JS_AddIntrinsicTypedArrays(context);
	JS_AddIntrinsicPromise(context);
#ifdef BOX_TEST
	/* The test runner and its libraries want more of the language than box does. */
	JS_AddIntrinsicDate(context);
	JS_AddIntrinsicProxy(context);
	JS_AddIntrinsicWeakRef(context);
	JS_AddIntrinsicStringNormalize(context);
#endif

	engine->payload = payload;
	engine->runtime = runtime;
	engine->context = context;
	engine->host = JS_NewCModule(context, "host", fill_host_module);
	if (!engine->host)
		die("cannot start the engine");
	for (size_t i = 0; i < COUNT(values); i++)
		if (JS_AddModuleExport(context, engine->host, values[i]))
			die("cannot start the engine");
	if (JS_AddModuleExportList(context, engine->host, functions, COUNT(functions)))
		die("cannot start the engine");
	evaluate_module(context, "globals");
	evaluate_module(context, "main");
}

static int forget_stack(void *unused)
{
	(void)unused;
	JS_UpdateStackTop(engine->runtime);
	return 0;
}

bool writing_image;

/* For the build: the engine as every process finds it. */
void engine_prepare(void)
{
	writing_image = true;
	engine_start();
	JS_RunGC(engine->runtime);
	if (JS_IsJobPending(engine->runtime))
		die("a module leaves a job behind");
	/* The engine remembers an address of the stack, which lies elsewhere each time; so from one in the arena. */
	size_t size = 64 << 10;
	char *stack = js_malloc(engine->context, size);
	JS_SetMaxStackSize(engine->runtime, 0);
	if (!stack || clone(forget_stack, stack + size, CLONE_VM | CLONE_VFORK, NULL) < 0)
		die("cannot set the stack aside");
	js_free(engine->context, stack);
	writing_image = false;
}

/* For the build: writes the image; standard input tells the sizes of its first parts, and the part of each block. */
void engine_write(void)
{
	static uint8_t parts[1 << 20];
	if (fread(layout.size, sizeof *layout.size, SELDOM, stdin) == SELDOM)
		layout.known = fread(parts, 1, sizeof parts, stdin);
	layout.parts = parts;
	engine_prepare();
	arena_write();
}

/* Makes the engine this process's own. */
void engine_enter(const struct process *process)
{
	struct rlimit stack;
	if (getrlimit(RLIMIT_STACK, &stack))
		die("cannot read the stack limit");
	JS_UpdateStackTop(engine->runtime);
	arena_take_stack(&stack);
	/* The engine checks its own limit; the rest of the real stack is for the C below it. */
	JS_SetMaxStackSize(engine->runtime, stack.rlim_cur / 2 < STACK_LIMIT ? stack.rlim_cur / 2 : STACK_LIMIT);
	/* In the order of the names above. */
	JSValue filled[] = {
		new_argv(engine->context, process),
		new_environ(engine->context, process),
		JS_NewBool(engine->context, process->sealed),
		JS_NewBigUint64(engine->context, process->core_limit),
		JS_NewInt32(engine->context, (int32_t)process->umask),
	};
	for (size_t i = 0; i < COUNT(filled); i++)
		if (JS_SetModuleExport(engine->context, engine->host, values[i], filled[i]))
			die("cannot start the engine");
}

/* The status that main() returns. */
int engine_run(const struct process *process)
{
	JSContext *context = engine->context;
	JSValue namespace = load_module(context, "main");
	if (JS_IsException(namespace))
		die_of_exception(context, process->debug);
	JSValue function = JS_GetPropertyStr(context, namespace, "main");
	JSValue result = JS_Call(context, function, JS_UNDEFINED, 0, NULL);
	int64_t status;
	if (JS_IsException(result) || !word_from_value(context, result, &status))
		die_of_exception(context, process->debug);
	JS_FreeValue(context, function);
	JS_FreeValue(context, namespace);
#ifdef BOX_CHECK_LEAKS
	/* The engine aborts here on a reference that our code did not give back. */
	js_free(context, engine->modules);
	JS_FreeContext(context);
	JS_FreeRuntime(engine->runtime);
#endif
	return (int)status;
}
