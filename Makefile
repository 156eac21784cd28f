# ouro: model collapse in graphs of models that train on one another's data.
#
#   make                 build the program and the library
#   make demo            install what is missing, build, run the main job on 2 ranks, draw its pictures
#   make check           install what is missing, build, run all tests
#   make check-large     what takes a machine to itself for some minutes: 10^8 feeds, messages beyond 2 GiB
#   make lint            formatting, module directions, docstrings, lengths, shell scripts
#   make published       results of the literature, each by its experiment: SCALE=2 doubles sample sizes, SEED=, ONLY=R1,R5
#   make figures         pictures of who collapses, how fast, and what real data do about it
#   make plan            what 10^9 feeds would take on 10,000 ranks, predicted with the assumptions (RANKS=)
#   make growth          time and memory of a generation against the number of models, their slope and a figure
#   make bench           speed on 1 and 2 ranks, against the NumPy program a user would write, and of every family
#   make bench-plan      what `ouro plan` predicts against what runs take, on 1 and 2 ranks
#   make bench-verdict   the same for `ouro verdict` on a graph of 16 million feeds, against pandas and SciPy
#   make install PREFIX=/usr/local
#   make info            what was found and which flags are used
#
# Switches: V=1 shows commands, SAN=address,undefined and COV=1 instrument, ARCH=native tunes for this machine.

VERSION := 0.1.0
PREFIX ?= /usr/local
ARCH ?= x86-64-v3
SAN ?=
COV ?=
V ?=
comma := ,

KIND := release$(if $(SAN),-$(subst $(comma),-,$(SAN)))$(if $(COV),-coverage)$(if $(filter-out x86-64-v3,$(ARCH)),-$(ARCH))
B := build/$(KIND)
ifeq ($(origin CC),default)
CC := mpicc
endif
PYTHON ?= /usr/bin/python3
MPI := scripts/mpi.sh

.DEFAULT_GOAL := all
.PHONY: all demo published figures plan growth check check-large lint bench bench-plan bench-verdict install info clean bootstrap memcheck

# Found libraries: build/probe.mk is made by compiling and linking against each of them. The two commands of the
# quick start install what is missing first.
ifneq ($(filter-out clean lint,$(or $(MAKECMDGOALS),all)),)
include build/probe.mk
endif
build/probe.mk: scripts/probe.sh $(if $(filter demo check bootstrap,$(MAKECMDGOALS)),build/bootstrapped)
	@mkdir -p build
	@CC="$(CC)" scripts/probe.sh > $@.part && mv $@.part $@
build/bootstrapped: scripts/bootstrap.sh
	@mkdir -p build
	@scripts/bootstrap.sh && touch $@
bootstrap: build/bootstrapped

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wvla -Wmissing-prototypes -Wstrict-prototypes $(if $(CI),-Werror)
# No -ffast-math and no contraction: the same bits on every vector width (contract C1).
OPT := $(if $(SAN),-O1 -g -fno-var-tracking,-O3 -g) -march=$(ARCH) -fno-math-errno -fno-trapping-math -ffp-contract=off
INSTRUMENT := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=undefined) $(if $(COV),--coverage)
CFLAGS ?= $(OPT)
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE $(WARN) $(CFLAGS) $(INSTRUMENT) -Iinclude -Isrc -I$(B) $(OURO_CPPFLAGS)
ALL_LIBS = $(INSTRUMENT) $(LDFLAGS) $(OURO_LIBS) -lm -pthread

SRC := $(wildcard src/*/*.c)
MAIN_SRC := src/cli/main.c
LIB_SRC := $(filter-out $(MAIN_SRC),$(SRC))
TEST_SRC := $(wildcard tests/*/test_*.c)
SUPPORT_SRC := $(wildcard tests/support/*.c)
BENCH_SRC := $(wildcard tests/bench/*.c)
LARGE_SRC := $(wildcard tests/large/*.c)
OBJ := $(SRC:%.c=$(B)/%.o)
LIB := $(B)/libouro.a
PROGRAM := $(B)/ouro
TESTS := $(TEST_SRC:%.c=$(B)/%)
BENCHES := $(BENCH_SRC:%.c=$(B)/%)
LARGES := $(LARGE_SRC:%.c=$(B)/%)

quiet = $(if $(V),,@printf '  %-5s %s\n' $(1) $(2);)

all: $(PROGRAM)

# Objects depend on the flags that made them, and on the version they print.
.PHONY: force
$(B)/flags: force
	@mkdir -p $(@D)
	@echo '$(CC) $(ALL_CFLAGS) $(ALL_LIBS)' | cmp -s - $@ || echo '$(CC) $(ALL_CFLAGS) $(ALL_LIBS)' > $@
$(B)/version.h: force
	@mkdir -p $(@D)
	@CC="$(CC)" scripts/version.sh '$(VERSION)' '$(CFLAGS) $(INSTRUMENT)' > $@.part
	@cmp -s $@.part $@ && rm $@.part || mv $@.part $@

$(B)/%.o: %.c $(B)/flags | $(B)/version.h
	@mkdir -p $(@D)
	$(call quiet,CC,$<)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@
$(LIB): $(LIB_SRC:%.c=$(B)/%.o)
	$(call quiet,AR,$@)rm -f $@ && ar rcs $@ $^
$(PROGRAM): $(MAIN_SRC:%.c=$(B)/%.o) $(LIB)
	$(call quiet,LINK,$@)$(CC) $^ $(ALL_LIBS) -o $@
$(TESTS): $(B)/%: $(B)/%.o $(SUPPORT_SRC:%.c=$(B)/%.o) $(LIB)
	$(call quiet,LINK,$@)$(CC) $^ $(ALL_LIBS) $(OURO_TEST_LIBS) -o $@
$(BENCHES) $(LARGES): $(B)/%: $(B)/%.o $(LIB)
	$(call quiet,LINK,$@)$(CC) $^ $(ALL_LIBS) -o $@
.SECONDARY: $(OBJ) $(TEST_SRC:%.c=$(B)/%.o) $(SUPPORT_SRC:%.c=$(B)/%.o)

demo: $(PROGRAM)
	@OURO=$(PROGRAM) PYTHON=$(PYTHON) jobs/llm/demo.sh

published: $(PROGRAM)
	@$(PYTHON) scripts/published.py --ouro $(PROGRAM) $(if $(SCALE),--scale $(SCALE)) $(if $(SEED),--seed $(SEED)) \
	  $(if $(ONLY),--only $(ONLY))

figures: $(PROGRAM)
	@$(PYTHON) scripts/figures.py --ouro $(PROGRAM) $(if $(ONLY),--only $(ONLY))

plan: $(PROGRAM)
	@OURO=$(PROGRAM) jobs/plan/plan.sh $(RANKS)

# MOST= bounds the models (10^7), TIERS= names the tiers of sampling.
growth: $(PROGRAM)
	@$(PYTHON) scripts/growth.py --ouro $(PROGRAM) $(if $(MOST),--most $(MOST)) $(if $(TIERS),--tiers $(TIERS))

# ONLY=pattern runs the tests whose name holds the pattern.
check: $(PROGRAM) $(TESTS) $(BENCHES)
	@$(PYTHON) tests/run.py --build $(B) $(if $(SAN),--unit) $(if $(ONLY),--only $(ONLY))

check-large: $(PROGRAM) $(LARGES)
	@OURO=$(abspath $(PROGRAM)) TRANSFER=$(abspath $(B)/tests/large/transfer) $(PYTHON) -B tests/large/large.py

memcheck: $(TESTS)
	@$(PYTHON) tests/run.py --build $(B) --unit --valgrind $(if $(ONLY),--only $(ONLY))

lint:
	@$(PYTHON) scripts/lint.py

bench: $(PROGRAM) $(BENCHES)
	@$(PYTHON) tests/bench/bench.py --build $(B)
	@$(PYTHON) tests/bench/io.py --build $(B)

bench-plan: $(PROGRAM)
	@$(PYTHON) tests/bench/plan.py --build $(B)

bench-verdict: $(PROGRAM)
	@$(PYTHON) tests/bench/verdict.py --build $(B)

install: $(PROGRAM) $(LIB)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/include $(DESTDIR)$(PREFIX)/share/ouro
	install -m 755 $(PROGRAM) $(DESTDIR)$(PREFIX)/bin/ouro
	install -m 644 $(LIB) $(DESTDIR)$(PREFIX)/lib/
	cp -R include/ouro $(DESTDIR)$(PREFIX)/include/
	install -m 755 scripts/plot.py $(DESTDIR)$(PREFIX)/share/ouro/
	install -m 644 src/theory/THEORY.md $(DESTDIR)$(PREFIX)/share/ouro/
	printf 'prefix=%s\nName: ouro\nDescription: model collapse in graphs of models\nVersion: %s\nCflags: -I$${prefix}/include\nLibs: -L$${prefix}/lib -louro %s -lm\n' \
	  '$(PREFIX)' '$(VERSION)' '$(OURO_LIBS)' > $(DESTDIR)$(PREFIX)/lib/pkgconfig/ouro.pc

info:
	@echo 'version   $(VERSION)'
	@echo 'build     $(B)'
	@echo 'compiler  $(CC) ('"$$($(CC) --version | head -n 1)"')'
	@echo 'flags     $(ALL_CFLAGS)'
	@echo 'libraries $(ALL_LIBS)'
	@sed -n 's/^# found /found     /p' build/probe.mk

clean:
	rm -rf build

-include $(OBJ:.o=.d) $(TEST_SRC:%.c=$(B)/%.d) $(SUPPORT_SRC:%.c=$(B)/%.d) $(BENCH_SRC:%.c=$(B)/%.d) $(LARGE_SRC:%.c=$(B)/%.d)
