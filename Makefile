# make demo      packages, build, then the narrated tour on a private mail server
# make test      lint and every suite, in the one configuration that ships: release
# make bench     speed and size beside other tools (scale 0.1: SCALE=0.1 RUNS=3)
# make bench-scaling  two imports of 100,000 small messages (MESSAGES=100000)
# make compare   mailarc's strategies and other tools through the same events, measured and rated (COMPARE_SCALE=0.02 COMPARE_RUNS=1)
# make soak      the crash suites with hundreds of interruptions (KILLS=200 of sync by strategy, SEEDS=500 histories),
#                and an mbox of MBOX_GB=50
# make fuzz      damaged and made-up input through the real binary
# make install   binary, manual pages and completions below $(DESTDIR)$(PREFIX)
SWIFT ?= swift
PREFIX ?= /usr/local
SCALE ?= 0.1
RUNS ?= 3
COMPARE_SCALE ?= 0.02
COMPARE_RUNS ?= 1
# Where Cyrus is unpacked: a folder that the user Cyrus runs as may enter.
CYRUS ?= /var/tmp/mailarc-compare/cyrus
MESSAGES ?= 100000
KILLS ?= 200
SEEDS ?= 500
MBOX_GB ?= 50
# Of the suites that start servers and the binary; repairs take long enough for the first one.
OTHER_HALF = ^MailarcTests\.EndToEnd/(?!Repair)[P-Z]
SOURCES = Package.swift Sources Tests

.PHONY: all build test build-tests lint demo bench bench-scaling compare soak fuzz packages install clean

all: build

packages:
	Fixtures/bin/install-packages

build:
	$(SWIFT) build -c release --product mailarc

lint:
	$(SWIFT) format lint --strict -r $(SOURCES)

build-tests:
	$(SWIFT) build -c release --build-tests

test: lint build-tests
	@test -x "$$($(SWIFT) build -c release --show-bin-path)/mailarc" || { echo "the binary was not built"; exit 1; }
	Fixtures/bin/run-suites 25 $(SWIFT) test -c release --skip-build --skip '^MailarcTests\.'
	@# They mostly wait, for servers and clocks: two halves at the same time.
	Fixtures/bin/run-suites 40 $(SWIFT) test -c release --skip-build --ignore-lock --filter '^MailarcTests\.' --skip ScaleTests \
		--skip '$(OTHER_HALF)' --and \
		$(SWIFT) test -c release --skip-build --ignore-lock --filter '$(OTHER_HALF)' --skip ScaleTests
	@# By themselves: a child's peak memory counts from its parent's, and the other suites make that large.
	Fixtures/bin/run-suites 10 $(SWIFT) test -c release --skip-build --filter ScaleTests

demo:
	Fixtures/bin/install-packages --demo
	$(SWIFT) build -c release --product mailarc
	Fixtures/bin/demo "$$($(SWIFT) build -c release --show-bin-path)/mailarc"

bench: build
	python3 Benchmarks/bench.py --mailarc "$$($(SWIFT) build -c release --show-bin-path)/mailarc" \
		--scale $(SCALE) --runs $(RUNS)

bench-scaling: build
	python3 Benchmarks/bench.py --mailarc "$$($(SWIFT) build -c release --show-bin-path)/mailarc" --scaling $(MESSAGES)

compare: build
	-Fixtures/bin/fetch-cyrus $(CYRUS)
	MAILARC_CYRUS=$(CYRUS)/root "$$($(SWIFT) build -c release --show-bin-path)/mailarc" compare --scale $(COMPARE_SCALE) --repeat $(COMPARE_RUNS) \
		--html compare.html --markdown compare.md

soak: build-tests
	MAILARC_SOAK=1 MAILARC_KILLS=$(KILLS) $(SWIFT) test -c release --skip-build \
		--filter 'CrashTests|FaultTests|CompactTests|BackupTests|RestoreTests|SyncTests|PostfixTests|ReceiveLoadTests|ReceiveScaleTests'
	MAILARC_SYNC_SEEDS=$(SEEDS) $(SWIFT) test -c release --skip-build --filter PairPropertyTests
	MAILARC_MBOX_GB=$(MBOX_GB) $(SWIFT) test -c release --skip-build --filter ScaleTests

fuzz: build
	python3 Fixtures/bin/fuzz "$$($(SWIFT) build -c release --show-bin-path)/mailarc"

install: build
	Fixtures/bin/install-tree "$$($(SWIFT) build -c release --show-bin-path)/mailarc" "$(DESTDIR)$(PREFIX)"

clean:
	rm -rf .build
