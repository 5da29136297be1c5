/*
 * The process around the engine: what must happen before any TypeScript runs, the embedded modules, and the end.
 */
#define _GNU_SOURCE
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <seccomp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "version.h"

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC 4u
#endif

/* A configuration of 16 MiB, the largest that is read, stays well below this as objects. */
#define MEMORY_LIMIT ((size_t)512 << 20)
/* A command ends before it has made this much garbage, so most never collect. */
#define GC_THRESHOLD ((size_t)64 << 20)
#define STACK_LIMIT ((size_t)1 << 20)

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* The environment that box documents. Nothing else of the caller's reaches TypeScript, or the sealed process. */
static const char *const documented_variables[] = {
	"DBUS_SESSION_BUS_ADDRESS", "HOME",		   "LISTEN_FDNAMES",	 "LISTEN_FDS",
	"LISTEN_PID",		    "NOTIFY_SOCKET",	   "PATH",		 "RUN_OCI_SECCOMP_RECEIVER",
	"TMPDIR",		    "USER",		   "XDG_RUNTIME_DIR",
};

/* Commands that enter a container. Searched among all arguments: a false hit only costs the seal. */
static const char *const entering_commands[] = { "create", "run", "exec", "restore" };

static struct {
	int argc;
	char **argv;
	char *environment[COUNT(documented_variables) + 1];
	rlim_t core_limit;
	mode_t umask;
	bool sealed;
} process;

void die(const char *format, ...)
{
	char line[1024];
	va_list arguments;
	int length = snprintf(line, sizeof line, "box: ");
	va_start(arguments, format);
	vsnprintf(line + length, sizeof line - (size_t)length - 1, format, arguments);
	va_end(arguments);
	/* One line, whatever text got into it. */
	for (char *p = line; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' ';
	strcat(line, "\n");
	ssize_t ignored = write(STDERR_FILENO, line, strlen(line));
	(void)ignored;
	_exit(1);
}

static bool has_argument(const char *word)
{
	for (int i = 1; i < process.argc; i++)
		if (!strcmp(process.argv[i], word))
			return true;
	return false;
}

/* --- Before the engine ------------------------------------------------------------------------------------------- */

/* A file that we open must not become somebody's stdin, stdout or stderr. */
static void open_missing_standard_fds(void)
{
	struct pollfd standard[] = { { .fd = 0 }, { .fd = 1 }, { .fd = 2 } };
	if (poll(standard, COUNT(standard), 0) < 0)
		die("cannot check the standard streams: %s", strerror(errno));
	for (size_t i = 0; i < COUNT(standard); i++)
		if ((standard[i].revents & POLLNVAL) && open("/dev/null", O_RDWR) < 0)
			die("cannot open /dev/null: %s", strerror(errno));
}

/* After the re-exec, which must still hand down what the caller preserves. Only a mark: TypeScript sees what is open. */
static void mark_inherited_fds(void)
{
	if (!syscall(SYS_close_range, 3, ~0u, CLOSE_RANGE_CLOEXEC))
		return;
	/* Linux 5.10 has no such flag. */
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files))
		die("cannot read the limit of open files: %s", strerror(errno));
	for (rlim_t fd = 3; fd < files.rlim_max && fd < 1 << 20; fd++)
		fcntl((int)fd, F_SETFD, FD_CLOEXEC);
}

static void keep_documented_environment(char **envp)
{
	size_t kept = 0;
	for (char **variable = envp; *variable; variable++) {
		size_t length = strcspn(*variable, "=");
		for (size_t i = 0; i < COUNT(documented_variables) && kept < COUNT(documented_variables); i++)
			if (!strncmp(*variable, documented_variables[i], length) && !documented_variables[i][length])
				process.environment[kept++] = *variable;
	}
}

/* Takes the kept variables off the stack and wipes it, so that /proc/PID/environ tells nothing. */
static void wipe_environment(char **envp)
{
	for (char **kept = process.environment; *kept; kept++)
		if (!(*kept = strdup(*kept)))
			die("out of memory");
	for (char **variable = envp; *variable; variable++)
		explicit_bzero(*variable, strlen(*variable));
	*envp = NULL;
}

static void harden_process(void)
{
	struct rlimit core;
	if (getrlimit(RLIMIT_CORE, &core))
		die("cannot read the core limit: %s", strerror(errno));
	process.core_limit = core.rlim_cur;
	core.rlim_cur = 0;
	if (process.core_limit && setrlimit(RLIMIT_CORE, &core))
		die("cannot set the core limit: %s", strerror(errno));
	process.umask = umask(022);
	/*
	 * Nobody without privilege may look into this process. A caller that is not root needs the opposite: newuidmap
	 * judges by the owner of /proc/PID, which is root for a process that is not dumpable, and init inherits the flag.
	 * There TypeScript decides when.
	 */
	if (geteuid() == 0 && prctl(PR_SET_DUMPABLE, 0))
		die("cannot become non-dumpable: %s", strerror(errno));
	/* After a start by descriptor the kernel names the process after the number. */
	prctl(PR_SET_NAME, "box");
}

/* --- Errors ------------------------------------------------------------------------------------------------------- */

/* Ends the process with what was thrown: TypeScript prints its own errors, so this one is a defect or no memory. */
static _Noreturn void die_of_exception(JSContext *context)
{
	JSValue thrown = JS_GetException(context);
	const char *text = JS_ToCString(context, thrown);
	if (has_argument("--debug") && JS_IsObject(thrown)) {
		JSValue stack = JS_GetPropertyStr(context, thrown, "stack");
		const char *frames = JS_ToCString(context, stack);
		if (frames)
			dprintf(STDERR_FILENO, "%s", frames);
	}
	die("internal error: %s", text ? text : "out of memory");
}

/* --- Modules ------------------------------------------------------------------------------------------------------ */

static JSModuleDef **read_modules;

static bool is_module(JSValueConst value)
{
	return JS_VALUE_GET_TAG(value) == JS_TAG_MODULE;
}

/* Reads the bytecode of a module, not yet what it imports. Reading registers it under its name with the engine. */
static JSModuleDef *read_module(JSContext *context, const char *name)
{
	size_t i = 0;
	while (embedded_modules[i].name && strcmp(embedded_modules[i].name, name))
		i++;
	const struct embedded_module *module = &embedded_modules[i];
	if (!module->name) {
		JS_ThrowReferenceError(context, "no module '%s'", name);
		return NULL;
	}
	if (!read_modules[i]) {
		JSValue value = JS_ReadObject(context, module->start, (size_t)(module->end - module->start),
					      JS_READ_OBJ_BYTECODE);
		/* The engine's list of modules holds the reference. */
		if (is_module(value))
			read_modules[i] = JS_VALUE_GET_PTR(value);
	}
	return read_modules[i];
}

static JSModuleDef *import_module(JSContext *context, const char *name, void *opaque)
{
	(void)opaque;
	return read_module(context, name);
}

/* The namespace of a module, evaluated with all that it imports; a second time this is only a look-up. */
static JSValue load_module(JSContext *context, const char *name)
{
	char file[128];
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
	JS_CFUNC_DEF("syscall", 1, host_syscall),
	JS_CFUNC_DEF("address", 1, host_address),
	JS_CFUNC_DEF("encodeUtf8", 1, host_encode_utf8),
	JS_CFUNC_DEF("decodeUtf8", 1, host_decode_utf8),
	JS_CFUNC_DEF("load", 1, host_load),
	JS_CFUNC_DEF("compileSeccomp", 1, host_compile_seccomp),
};

static const char *const values[] = { "argv", "environ", "sealed", "coreLimit", "callerUmask", "build" };

static JSValue new_argv(JSContext *context)
{
	JSValue array = JS_NewArray(context);
	for (int i = 0; i < process.argc; i++) {
		if (!utf8_is_valid(process.argv[i], strlen(process.argv[i])))
			die("argument %d is not valid UTF-8", i);
		JS_SetPropertyUint32(context, array, (uint32_t)i, JS_NewString(context, process.argv[i]));
	}
	return array;
}

static JSValue new_environ(JSContext *context)
{
	/* Without a prototype, so that a look-up finds variables only. */
	JSValue object = JS_NewObjectProto(context, JS_NULL);
	for (char **variable = process.environment; *variable; variable++) {
		char *value = strchr(*variable, '=');
		if (!value)
			continue;
		*value++ = '\0';
		if (!utf8_is_valid(value, strlen(value)))
			die("environment variable %s is not valid UTF-8", *variable);
		JS_SetPropertyStr(context, object, *variable, JS_NewString(context, value));
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
	/* In the order of the names above. */
	JSValue filled[COUNT(values)] = {
		new_argv(context),
		new_environ(context),
		JS_NewBool(context, process.sealed),
		JS_NewBigUint64(context, process.core_limit),
		JS_NewInt32(context, (int32_t)process.umask),
		new_build(context),
	};
	for (size_t i = 0; i < COUNT(values); i++)
		if (JS_SetModuleExport(context, module, values[i], filled[i]))
			return -1;
	return JS_SetModuleExportList(context, module, functions, COUNT(functions));
}

/* --- The engine --------------------------------------------------------------------------------------------------- */

/* Symbol.dispose, which this release of the engine lacks: `using` in TypeScript finds disposers by it. */
static bool add_dispose_symbol(JSContext *context)
{
	JSValue global = JS_GetGlobalObject(context);
	JSValue symbol = JS_GetPropertyStr(context, global, "Symbol");
	JSValue key = JS_NewString(context, "Symbol.dispose");
	JSAtom registry = JS_NewAtom(context, "for");
	JSValue dispose = JS_Invoke(context, symbol, registry, 1, &key);
	bool ok = JS_DefinePropertyValueStr(context, symbol, "dispose", dispose, 0) >= 0;
	JS_FreeAtom(context, registry);
	JS_FreeValue(context, key);
	JS_FreeValue(context, symbol);
	JS_FreeValue(context, global);
	return ok;
}

static JSContext *start_engine(void)
{
	struct rlimit stack;
#ifdef __SANITIZE_ADDRESS__
	JSRuntime *runtime = JS_NewRuntime();
#else
	JSRuntime *runtime = JS_NewRuntime2(&engine_memory, NULL);
#endif
	if (!runtime || getrlimit(RLIMIT_STACK, &stack))
		die("cannot start the engine");
	JS_SetMemoryLimit(runtime, MEMORY_LIMIT);
	JS_SetGCThreshold(runtime, GC_THRESHOLD);
	/* The engine checks its own limit; the rest of the real stack is for the C below it. */
	JS_SetMaxStackSize(runtime, stack.rlim_cur / 2 < STACK_LIMIT ? stack.rlim_cur / 2 : STACK_LIMIT);
	JS_SetModuleLoaderFunc(runtime, NULL, import_module, NULL);

	/* What TypeScript's output and our code use. No eval: no text ever becomes code. */
	JSContext *context = JS_NewContextRaw(runtime);
	if (!context)
		die("cannot start the engine");
	JS_AddIntrinsicBaseObjects(context);
	JS_AddIntrinsicDate(context);
	JS_AddIntrinsicRegExpCompiler(context);
	JS_AddIntrinsicRegExp(context);
	JS_AddIntrinsicJSON(context);
	JS_AddIntrinsicMapSet(context);
	JS_AddIntrinsicTypedArrays(context);
	JS_AddIntrinsicPromise(context);
#ifdef BOX_TEST
	/* The test runner and its libraries want more of the language than box does. */
	JS_AddIntrinsicProxy(context);
	JS_AddIntrinsicWeakRef(context);
	JS_AddIntrinsicStringNormalize(context);
#endif

	JSModuleDef *host = JS_NewCModule(context, "host", fill_host_module);
	size_t count = 0;
	while (embedded_modules[count].name)
		count++;
	read_modules = calloc(count + 1, sizeof *read_modules);
	if (!host || !read_modules || !syscall_init(context) || !add_dispose_symbol(context))
		die("cannot start the engine");
	for (size_t i = 0; i < COUNT(values); i++)
		if (JS_AddModuleExport(context, host, values[i]))
			die("cannot start the engine");
	if (JS_AddModuleExportList(context, host, functions, COUNT(functions)))
		die("cannot start the engine");
	return context;
}

static int run_main(JSContext *context)
{
	JSValue namespace = load_module(context, "main");
	if (JS_IsException(namespace))
		die_of_exception(context);
	JSValue function = JS_GetPropertyStr(context, namespace, "main");
	JSValue result = JS_Call(context, function, JS_UNDEFINED, 0, NULL);
	int64_t status;
	if (JS_IsException(result) || !word_from_value(context, result, &status))
		die_of_exception(context);
	JS_FreeValue(context, function);
	JS_FreeValue(context, namespace);
	return (int)status;
}

int main(int argc, char **argv, char **envp)
{
	process.argc = argc;
	process.argv = argv;
	open_missing_standard_fds();
	keep_documented_environment(envp);
	for (size_t i = 0; i < COUNT(entering_commands) && !process.sealed; i++)
		if (has_argument(entering_commands[i])) {
			seal_self(argv, process.environment);
			process.sealed = true;
		}
	mark_inherited_fds();
	wipe_environment(envp);
	harden_process();

	JSContext *context = start_engine();
	int status = run_main(context);
#ifdef BOX_CHECK_LEAKS
	/* The engine aborts here on a reference that our code did not give back. */
	JSRuntime *runtime = JS_GetRuntime(context);
	JS_FreeContext(context);
	JS_FreeRuntime(runtime);
#endif
	_exit(status);
}
