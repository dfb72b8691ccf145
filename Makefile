# The verbs of posd's work. `make help` lists them; each target's comment after ## is its help.
#
# demo needs Go only. Everything else that a verb needs comes with `make deps` (Debian and its relatives).

GO       ?= go
TIME     ?= 30s
FUZZ     ?= ./...
SEEDS    ?= 10000
SHOPDAYS ?= 1000
TWICE    ?= 50
MESSAGES ?= 1000000
KILLS    ?= 300
SEED     ?= 1
STATES   ?= 10000
FAULTS   ?= 2000
PAIRS    ?= 0
DOWN     ?= 30
OWED     ?= 50
EVERY    ?= 1
EVENTS   ?= 100000,1000000
HOURS    ?= 72
REST     ?= 60s

TOOL      := $(GO) tool -modfile=tools.mod
LINT      := $(GO) tool -modfile=lint.mod golangci-lint
PACKAGES  := gcc libc6-dev libusb-1.0-0-dev pkg-config strace systemd systemd-container util-linux zbar-tools
# What npm's packages say of a slip is compared with ours. A Node that is there already is kept, wherever it is from.
PACKAGES  += $(shell command -v node >/dev/null && command -v npm >/dev/null || echo nodejs npm)
GOFILES    = $(shell git ls-files --cached --others --exclude-standard '*.go')
SHIP      := -trimpath -ldflags '-s -w'
COMMANDS  := posd:./daemon hwtest:./hwtest

.DEFAULT_GOAL := help
.PHONY: help demo deps bin test check format build bench fuzz roundtrip sim shopsim damage power kill planted syscalls down sync speed rest devices soak proof service-test chip-test wine-test lab clean

help: ## list these verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: bin ## play the main job with simulated devices, host and gateway (needs Go only)
	bin/hwtest demo

bin: ## build bin/posd and bin/hwtest, pure Go
	CGO_ENABLED=0 $(GO) build -o bin/posd ./daemon
	CGO_ENABLED=0 $(GO) build -o bin/hwtest ./hwtest

deps: ## install what test, check, build, service-test and lab need (apt; sudo when not root)
	@PACKAGES='$(PACKAGES)' packaging/deps
	@GO='$(GO)' packaging/lab fetch

test: ## run all tests with the race detector
	$(GO) test -race -shuffle=on -timeout 30m ./...

check: ## format, vet, go fix, staticcheck, golangci-lint and the house rules
	@bad=$$($(TOOL) gofumpt -l $(GOFILES)) || exit 1; \
	  if [ -n "$$bad" ]; then echo "not gofumpt-clean (make format):"; echo "$$bad"; exit 1; fi
	$(GO) vet ./...
	$(GO) vet -tags service ./daemon
	$(GO) vet -tags proof,steps ./...
	$(GO) vet -tags lab,usb ./hwtest/lab
	cd iso8583/bench && $(GO) vet . && $(GO) test -count=1 .
	cd daemon/wallet/interop && $(GO) vet . && $(GO) test -count=1 .
	GOOS=windows CGO_ENABLED=0 $(GO) vet ./...
	@diff=$$($(GO) fix -diff ./...) || { echo "$$diff"; echo "go fix has something to say"; exit 1; }; \
	  if [ -n "$$diff" ]; then echo "$$diff"; echo "go fix has something to say"; exit 1; fi
	$(TOOL) staticcheck -tags service,proof ./...
	GOOS=windows CGO_ENABLED=0 $$($(GO) tool -n -modfile=tools.mod staticcheck) ./...
	$(LINT) run --build-tags service,proof
	$(GO) test -count=1 -run '^TestHouse' ./daemon
	$(GO) test -tags proof -count=1 -run '^TestPlantedBugsFit' ./daemon/proof

format: ## rewrite the Go files as gofumpt wants them
	$(TOOL) gofumpt -w $(GOFILES)

build: bin ## build dist/ for linux amd64 and arm64, windows amd64, and linux amd64 with USB
	@set -e; mkdir -p dist; for command in $(COMMANDS); do \
	  name=$${command%%:*}; pkg=$${command#*:}; \
	  for target in linux-amd64 linux-arm64 windows-amd64; do \
	    os=$${target%-*}; arch=$${target#*-}; ext=; if [ $$os = windows ]; then ext=.exe; fi; \
	    echo "dist/$$name-$$target$$ext"; \
	    GOOS=$$os GOARCH=$$arch CGO_ENABLED=0 $(GO) build $(SHIP) -o dist/$$name-$$target$$ext $$pkg; \
	  done; \
	  echo "dist/$$name-linux-amd64-usb"; \
	  GOOS=linux GOARCH=amd64 CGO_ENABLED=1 CGO_CFLAGS='-O2 -g -DPOSD_USB' $(GO) build -tags usb $(SHIP) -o dist/$$name-linux-amd64-usb $$pkg; \
	done

bench: ## compare the codec with straight-line code and with moov-io/iso8583, then run all benchmarks
	cd iso8583/bench && $(GO) run .
	$(GO) test -run '^$$' -bench . -benchmem ./...

# Fuzzing ends by an interrupt of its coordinator: when -fuzztime runs out, Go now and then takes the end of the time for
# a failure ("context deadline exceeded"), since it asks the workers' context before the deadline has reached that.
fuzz: ## run every fuzz target of the packages FUZZ (./...) for TIME (30s)
	@set -e; mkdir -p bin; for pkg in $$($(GO) list $(FUZZ)); do \
	  targets=$$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); [ -n "$$targets" ] || continue; \
	  $(GO) test -c -fuzz . -o bin/fuzz.test $$pkg; \
	  for target in $$targets; do \
	    echo "== $$pkg $$target for $(TIME)"; \
	    (cd $$($(GO) list -f '{{.Dir}}' $$pkg) && timeout --foreground --signal=INT --preserve-status $(TIME) \
	      $(CURDIR)/bin/fuzz.test -test.run '^$$' -test.fuzz "^$$target\$$" -test.fuzzminimizetime 2s \
	      -test.fuzzcachedir $$($(GO) env GOCACHE)/fuzz/$$pkg); \
	  done; \
	done

roundtrip: ## write and read MESSAGES (1000000) generated messages per preset, and plant faults in some of them
	$(GO) test -count=1 -timeout 60m -v -run '^(TestGeneratedMessagesAreWritten|TestEveryPlantedMutation)' ./iso8583 -iso.messages=$(MESSAGES)

sim: ## simulate SEEDS (10000) store days of the core and check the invariants; shopsim is for the whole shop
	$(GO) test -count=1 -timeout 24h -v -run 'SimulatedDays' ./daemon/payment -sim.days=$(SEEDS)

shopsim: ## simulate SHOPDAYS (1000) days of the whole shop, 500 attempts each, TWICE (50) of them twice, and days that once failed
	$(GO) test -count=1 -timeout 24h -v -run 'DaysOfAWholeShop|TwiceTheSameDay|DaysThatOnceFailed' ./daemon \
	  -shop.attempts=500 -shop.seed=$(SEED) -shop.days=$(SHOPDAYS) -shop.twice=$(TWICE)

# SEED draws which bits are flipped, and so on.
damage: ## flip every byte and cut every length of a day's journal (SEED=1), and every EVERY (1) of its log's
	$(GO) test -tags proof -count=1 -timeout 60m -v -run '^TestADamagedJournal' ./daemon/payment -damage.seed=$(SEED) -damage.log=$(EVERY)

# SEED draws what is lost; what posd does while it is recorded is not the same every time.
power: ## rebuild STATES (10000) states of a disk after a loss of power, and reopen each (SEED=1)
	$(GO) test -tags proof -count=1 -timeout 3h -v -run '^TestPower' ./daemon/proof -proof.states=$(STATES) -proof.seed=$(SEED)

kill: ## kill posd KILLS (300) times, at random and at every named step, and hold its books against the other side's
	$(GO) test -tags proof -count=1 -timeout 60m -v -run '^Test(Killed|ClientsWho|ASecondPosd|ThePosdThatShips|EveryStep)' ./daemon/proof -proof.kills=$(KILLS) -proof.seed=$(SEED)

planted: ## plant bugs in posd, one at a time, and see that the harnesses catch each
	$(GO) test -tags proof -count=1 -timeout 60m -v -run '^TestPlantedBugs' ./daemon/proof

syscalls: ## fail every system call of a sale and of a start, FAULTS (2000; 0: with every error) runs and PAIRS (0) with two; fill a disk (root)
	$(GO) test -tags proof -count=1 -timeout 180m -v -run '^(TestEverySystemCall|TestAFullDisk|TestAReadOnlyDisk|TestTheTracer|TestATracer)' ./daemon/proof \
	  -proof.faults=$(FAULTS) -proof.pairs=$(PAIRS) -proof.seed=$(SEED)

down: ## keep host and gateway away for DOWN (30) virtual days, and see what is owed (OWED, 50 reversals) settled soon after
	$(GO) test -count=1 -timeout 6h -v -run '^TestAHostThatWasDown' ./daemon/acquirer -down.days=$(DOWN) -down.owed=$(OWED)
	$(GO) test -count=1 -timeout 6h -v -run '^TestAGatewayThatWasDown' ./daemon/wallet -down.days=$(DOWN) -down.owed=5

sync: ## count the syncs of durable commits (at most 1.05 each)
	$(GO) test -tags proof -count=1 -timeout 10m -v -run '^TestACommitTakesOneSync$$' ./daemon/journal

speed: sync ## count syncs, and print how fast posd is beside what the machine allows: many clients, one terminal, starts with EVENTS
	$(GO) test -tags proof -count=1 -timeout 30m -v -run '^(TestAThousandClients|TestOneTerminalTakes|TestStartTakesTime)' ./daemon/proof -speed.events=$(EVENTS)

rest: ## print what posd takes of memory and processor at rest for REST (60s), with five devices, beside its goals
	$(GO) test -tags proof -count=1 -timeout 30m -v -run '^TestAPosdAtRest' ./daemon/proof -rest.for=$(REST)

devices: ## print scan to event, how much of a serial line is used, and PUT to first byte, beside their goals
	$(GO) test -run '^$$' -bench '^BenchmarkScanToEvent$$' ./drivers/scanner
	$(GO) test -run '^$$' -bench '^BenchmarkLine' -benchtime 1x ./hwtest/devicesim
	$(GO) test -run '^$$' -bench '^BenchmarkPrintRequestToFirstByte$$' -benchtime 100x ./daemon

soak: ## run a shop for HOURS (72) virtual hours, and see that goroutines, open files and memory do not grow
	$(GO) test -tags proof -count=1 -timeout 60m -v -run '^TestAShopThatRunsForDays' ./daemon -soak.hours=$(HOURS)

proof: ## hold posd against every failure of the list and write proof.md (FULL=1: the full figures; PARTS="kill power": only these)
	FULL=$(FULL) packaging/proof $(PARTS)

chip-test: ## pay by chip through the machine's own pcscd, which must not run, and a virtual reader (root; apt: pcscd vsmartcard-vpcd)
	$(GO) test -race -count=1 -run RealPcscd ./hwtest -pcscd

service-test: bin ## install, kill and uninstall the service under a real systemd, in a container that leaves no trace
	CGO_ENABLED=0 $(GO) test -c -tags service -o bin/service.test ./daemon
	cd daemon && $$(test "$$(id -u)" = 0 || echo sudo) ../bin/service.test -test.v -test.run '^TestServiceUnderSystemd$$' -test.timeout 5m

wine-test: ## run the tests of what is different on Windows, with wine (apt: wine64 wine gcc-mingw-w64-x86-64-win32)
	GO='$(GO)' packaging/wine-test

lab: ## plug simulated printers, scanners and adapters into a real kernel, in QEMU without KVM; one to three minutes
	GO='$(GO)' packaging/lab

clean: ## remove what was built
	rm -rf bin dist coverage.out
