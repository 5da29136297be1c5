/*
 * The build's bytecode compiler: `compile [--strip] SOURCE-DIRECTORY OUTPUT-DIRECTORY NAME…` turns each module NAME below
 * the one into bytecode below the other. A program of its own because bytecode fits exactly the engine that wrote it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <quickjs.h>

static _Noreturn void fail(const char *what, const char *name)
{
	fprintf(stderr, "compile: %s %s: %s\n", what, name, strerror(errno));
	exit(1);
}

static char *read_text(const char *path, size_t *length)
{
	FILE *file = fopen(path, "rb");
	if (!file || fseek(file, 0, SEEK_END))
		fail("read", path);
	*length = (size_t)ftell(file);
	rewind(file);
	/* The parser wants a NUL after the text. */
	char *text = calloc(1, *length + 1);
	if (!text || fread(text, 1, *length, file) != *length)
		fail("read", path);
	fclose(file);
	return text;
}

static int fill_nothing(JSContext *context, JSModuleDef *module)
{
	(void)context, (void)module;
	return 0;
}

/* Imports are resolved when box runs; while compiling each is an empty module. */
static JSModuleDef *import_nothing(JSContext *context, const char *name, void *opaque)
{
	(void)opaque;
	return JS_NewCModule(context, name, fill_nothing);
}

static void compile(JSRuntime *runtime, const char *source, const char *output, const char *name)
{
	char path[4096];
	size_t length, size;
	/* A context for each: a module must not meet the empty one that an import of it left behind. */
	JSContext *context = JS_NewContext(runtime);
	snprintf(path, sizeof path, "%s/%s", source, name);
	char *text = read_text(path, &length);
	JSValue module = JS_Eval(context, text, length, name, JS_EVAL_TYPE_MODULE | JS_EVAL_FLAG_COMPILE_ONLY);
	if (JS_IsException(module)) {
		JSValue thrown = JS_GetException(context);
		fprintf(stderr, "compile: %s: %s\n", name, JS_ToCString(context, thrown));
		exit(1);
	}
	uint8_t *bytecode = JS_WriteObject(context, &size, module, JS_WRITE_OBJ_BYTECODE);
	snprintf(path, sizeof path, "%s/%s", output, name);
	FILE *file = fopen(path, "wb");
	if (!file || !bytecode || fwrite(bytecode, 1, size, file) != size || fclose(file))
		fail("write", path);
	js_free(context, bytecode);
	JS_FreeValue(context, module);
	JS_FreeContext(context);
	free(text);
}

int main(int argc, char **argv)
{
	JSRuntime *runtime = JS_NewRuntime();
	int first = 1;
	if (argc > 1 && !strcmp(argv[1], "--strip")) {
		/* Without line numbers and sources bytecode is a fourth of its size. */
		JS_SetStripInfo(runtime, JS_STRIP_DEBUG);
		first++;
	}
	JS_SetModuleLoaderFunc(runtime, NULL, import_nothing, NULL);
	if (argc < first + 2)
		fail("usage", "compile [--strip] SOURCE-DIRECTORY OUTPUT-DIRECTORY NAME…");
	for (int i = first + 2; i < argc; i++)
		compile(runtime, argv[first], argv[first + 1], argv[i]);
	return 0;
}
