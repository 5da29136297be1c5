# Everything a developer does. `make` lists it.

CC := gcc
ARCH := $(shell uname -m)
DEBS := build/debs
ROOT := $(DEBS)/root
LIB := $(ROOT)/usr/lib/$(ARCH)-linux-gnu
PREFIX ?= /usr/local
TS := node --import ./tools/ts-loader.mjs

WARNINGS := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wconversion -Wno-sign-conversion
CFLAGS := -std=gnu11 -O2 $(WARNINGS) -isystem $(DEBS)/include -Ibuild

# The release is linked with musl: glibc asks the processor thirty questions (CPUID) at every start, and in a virtual
# machine each is an exit to the hypervisor, 0.6 ms in all, twice for a sealed start.
MUSL := $(ROOT)/usr/lib/$(ARCH)-linux-musl
MUSL_INCLUDE := -nostdinc -isystem $(shell $(CC) -print-file-name=include) -isystem $(ROOT)/usr/include/$(ARCH)-linux-musl \
	-idirafter $(ROOT)/usr/include -idirafter $(ROOT)/usr/include/$(ARCH)-linux-gnu
RELEASE := $(MUSL_INCLUDE) -fPIE -fstack-protector-strong -fstack-clash-protection -ffunction-sections -fdata-sections
# Relative relocations in a bitmap; the linkers of other architectures learnt it later.
PACK_x86_64 := -Wl,-z,pack-relative-relocs
LINK := -nostdlib -static-pie -s -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code,--gc-sections \
	$(PACK_$(ARCH)) -Wl,--build-id=none,--wrap=gettimeofday,--wrap=memcpy,-T,native/image.ld $(MUSL)/rcrt1.o $(MUSL)/crti.o
LINK_END := $(MUSL)/libc.a -lgcc $(MUSL)/crtn.o

# Sanitizers need a dynamic glibc: the host's.
SANITIZE := -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all -DBOX_CHECK_LEAKS
LIBS := $(LIB)/quickjs/libquickjs.a $(LIB)/libseccomp.a

NATIVE := main engine memory seal syscall network sha256 libseccomp
# What is linked with musl has these besides.
STATIC := $(NATIVE) fortify clock copy
SOURCES := $(shell find src -name '*.ts' -not -name '*.test.ts')
TESTS := $(shell find src test/golden test/kernel -name '*.ts' 2>/dev/null) $(wildcard tools/qjs/*.ts)
GENERATED := build/generated/validators.js

.PHONY: help setup build build-asan run test unit unit-qjs host acceptance acceptance-user acceptance-loop acceptance-execs \
	acceptance-compare acceptance-vm engines acceptance-mutants stress-update faults races soak conformance conformance-vm \
	fuzz fuzz-native bench bench-guard lint format man completions install clean FORCE
.DELETE_ON_ERROR:

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22

setup: ## install what is missing; libraries are unpacked under build/
	@tools/setup

build: setup ## build/box, the static binary
	@$(MAKE) --no-print-directory build/box

build-asan: setup ## build/box-asan, the same with sanitizers and line numbers
	@$(MAKE) --no-print-directory build/box-asan

run: build ## take a busybox container through its whole life
	@tools/run

test: unit unit-qjs host bench-guard acceptance acceptance-user ## all tests

unit: setup ## tests of everything pure, in Node
	@$(MAKE) --no-print-directory $(GENERATED)
	@tools/unit

unit-qjs: setup ## the same tests inside the engine, and those that need the kernel
	@$(MAKE) --no-print-directory build/box-test
	@build/box-test

host: build build-asan ## tests of the native part and of the kernel interface
	@$(MAKE) --no-print-directory build/box-probe build/box-probe-asan build/box-probe-valgrind
	@tools/host

acceptance: build ## tests of the binary, on real containers
	@tools/acceptance

acceptance-user: build ## the same as an ordinary user, who exists for the run alone
	@AS=user tools/acceptance

acceptance-loop: build ## the same again and again: how many runs in a row pass
	@$(TS) test/acceptance/loop.ts

acceptance-execs: build ## ten thousand execs in one container, 8 at a time: nothing may be left
	@PATIENCE=10 EXECS=10000 ONLY='exec: many execs' tools/acceptance exec.test.ts

acceptance-compare: build ## the same with runc and crun beside box, in one table (AS=user: as an ordinary user)
	@tools/peers build && $(TS) test/acceptance/compare.ts

stress-update: build ## 1,000 updates while others pause, update and look: nothing is lost
	@$(TS) test/stress-update.ts

acceptance-vm: build ## the same in virtual machines: Debian with systemd, cgroup v2 and v1
	@tools/vm build && $(TS) test/acceptance/vm.ts
	@tools/vm run -- sh test/doctor/in-vm.sh

engines: build ## Podman, Docker and containerd with box, and with runc as control
	@$(TS) test/engines/run.ts

acceptance-mutants: setup ## do the tests of the binary see deliberate defects of it
	@$(MAKE) --no-print-directory build/box-mutants
	@$(TS) test/mutants/run.ts

faults: setup ## box with each of its system calls failing in turn, and short of everything
	@$(MAKE) --no-print-directory build/box-faults
	@# The shell is there for orphans: a zombie that nobody reaps is waited for.
	@unshare --mount --propagation private --pid --fork --kill-child --mount-proc sh -c '$(TS) test/faults/run.ts & wait $$!'

races: build ## operations on one container at the same time, all pairs: ROUNDS=, explained by a model
	@$(TS) test/races/run.ts

soak: build ## containers come and go for HOURS=, box being killed now and then; sessions add up in build/soak
	@$(TS) test/soak/run.ts

conformance: build ## the validation programs of opencontainers/runtime-tools with box, runc and crun, in one table
	@tools/conformance && tools/peers build && $(TS) test/runtime-tools/run.ts

conformance-vm: TAKEN := linux_process_apparmor_profile process_capabilities runtimetest rootfs-amd64.tar.gz
conformance-vm: build ## those of them that ask for AppArmor and for every capability, in a virtual machine that has both
	@tools/conformance && tools/vm run $(addprefix --with build/conformance/suite/,$(TAKEN)) --output build/conformance/vm \
		-- sh test/runtime-tools/in-vm.sh

fuzz: build ## try configurations that nobody would write: RUNS=, SEED=, AT=
	@tools/fuzz

fuzz-native: setup build/version.h ## libFuzzer over the C that takes input: SECONDS= for each target, ONLY=
	@tools/fuzz-native

bench: build ## compare with other runtimes: CASES=, ROUNDS=, BEFORE= another build
	@tools/bench

bench-guard: build ## system calls, instructions and sizes, compared with figures: UPDATE=1 writes them anew
	@$(TS) bench/guard/run.ts

lint: setup ## format, lint, types, imports between rooms
	@tools/lint

format: setup ## rewrite sources in the one format
	@node_modules/.bin/biome format --write .

man: setup ## build/man, the manual pages
	@$(TS) tools/gen-man.ts build/man

completions: setup ## build/completions, for bash, zsh and fish
	@$(TS) tools/gen-completions.ts build/completions

install: build man completions ## install below $(DESTDIR)$(PREFIX)
	install -D -m 0755 build/box $(DESTDIR)$(PREFIX)/sbin/box
	install -d $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 0644 build/man/*.1 $(DESTDIR)$(PREFIX)/share/man/man1
	install -D -m 0644 build/completions/box $(DESTDIR)$(PREFIX)/share/bash-completion/completions/box
	install -D -m 0644 build/completions/_box $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_box
	install -D -m 0644 build/completions/box.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/box.fish

.PHONY: deb deb-test
deb: build ## build/box_VERSION_ARCH.deb, the Debian package, looked over by lintian
	@tools/deb build

deb-test: deb ## install the package in Debian 12 and 13, run a container there, remove it again
	@tools/deb test bookworm
	@tools/deb test trixie

clean: ## remove everything that was built; downloaded packages stay
	@find build -mindepth 1 -maxdepth 1 -not -name debs -exec rm -rf {} + 2>/dev/null || true

# --- What the targets above are made of -------------------------------------------------------------------------------

# The native part is compiled six times; the modules of each binary are bundled into a folder of its own.
HARDENED := $(patsubst %,build/native/hardened/%.o,$(STATIC))
SANITIZED := $(patsubst %,build/native/sanitized/%.o,$(NATIVE))
MUTATED := $(patsubst %,build/native/mutated/%.o,$(STATIC))
VALGRIND := $(patsubst %,build/native/valgrind/%.o,$(NATIVE))
TESTING := $(patsubst %,build/native/testing/%.o,$(STATIC))
LEARNING := $(patsubst %,build/native/learning/%.o,$(STATIC) learn)

# Linked twice: without an image it writes one, with it only that section is another.
build/box: $(HARDENED) build/release/image.o
build/box-bare: $(HARDENED) build/release/modules.o
build/box-probe: $(HARDENED) build/probe/image.o
build/box-probe-bare: $(HARDENED) build/probe/modules.o
build/box-learn: $(LEARNING) build/release/modules.o
build/box-test: $(TESTING) build/test/modules.o
build/box-mutants: $(MUTATED) build/mutants/modules.o
build/box-faults: $(HARDENED) build/faults/image.o
build/box-faults-bare: $(HARDENED) build/faults/modules.o
build/box build/box-probe build/box-bare build/box-probe-bare build/box-faults-bare build/box-learn build/box-test build/box-mutants build/box-faults:
	@$(CC) $(LINK) -o $@ $^ $(LIBS) $(LINK_END)
	@if [ -e $@-bare ]; then node tools/image.mjs $@-bare $@; fi

build/release/image.S: build/box-bare build/release/parts
build/probe/image.S: build/box-probe-bare
build/faults/image.S: build/box-faults-bare
build/%/image.S: tools/image.mjs
	@node tools/image.mjs $(filter build/box%,$^) $(@D)

build/release/parts: build/box-learn tools/learn.mjs
	@node tools/learn.mjs build/box-learn $@

build/box-asan: $(SANITIZED) build/asan/modules.o
build/box-probe-asan: $(SANITIZED) build/probe-asan/modules.o
build/box-asan build/box-probe-asan:
	@$(CC) $(SANITIZE) -o $@ $^ $(LIBS) -lm

build/box-probe-valgrind: $(VALGRIND) build/probe-asan/modules.o
	@$(CC) -g -o $@ $^ $(LIBS) -lm

build/native/hardened/%.o: native/%.c native/host.h build/version.h
	@mkdir -p $(@D) && $(CC) $(CFLAGS) $(RELEASE) -c -o $@ $<

build/native/sanitized/%.o: native/%.c native/host.h build/version.h
	@mkdir -p $(@D) && $(CC) $(CFLAGS) $(SANITIZE) -c -o $@ $<

build/native/mutated/%.o: build/mutants/src/mutant.ts
	@mkdir -p $(@D) && $(CC) $(CFLAGS) $(RELEASE) -Wno-unused -c -o $@ build/mutants/native/$*.c

build/native/valgrind/%.o: native/%.c native/host.h build/version.h
	@mkdir -p $(@D) && $(CC) $(CFLAGS) -g -O1 -DBOX_CHECK_LEAKS -c -o $@ $<

build/native/learning/%.o: native/%.c native/host.h build/version.h
	@mkdir -p $(@D) && $(CC) $(CFLAGS) $(RELEASE) -DBOX_LEARN -c -o $@ $<

build/native/testing/%.o: native/%.c native/host.h build/version.h
	@mkdir -p $(@D) && $(CC) $(CFLAGS) $(RELEASE) -DBOX_TEST -c -o $@ $<

build/%.o: build/%.S
	@$(CC) -c -o $@ $<

build/release/modules.S build/asan/modules.S: $(SOURCES) $(GENERATED)
build/probe/modules.S build/probe-asan/modules.S: $(wildcard test/native/*.ts src/linux/*.ts) src/globals.ts src/host.d.ts
build/faults/modules.S: $(SOURCES) $(GENERATED) $(wildcard test/faults/*.ts)
build/test/modules.S: $(TESTS) $(GENERATED)
build/mutants/modules.S: build/mutants/src/mutant.ts
build/%/modules.S: tools/bundle.mjs build/compile package.json
	@node tools/bundle.mjs $*

build/mutants/src/mutant.ts: $(SOURCES) $(GENERATED) $(wildcard native/*) build/version.h $(wildcard test/mutants/*.ts)
	@$(TS) test/mutants/plant.ts build/mutants

$(GENERATED): tools/gen-validators.ts $(shell find src/spec/schema src/spec/vocabulary.ts src/base -name '*.ts')
	@$(TS) tools/gen-validators.ts build/generated

build/compile: native/compile.c
	@$(CC) $(CFLAGS) -o $@ $< $(LIBS) -lm

build/version.h: FORCE
	@tools/version-header $@
