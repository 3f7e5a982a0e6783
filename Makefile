# Two commands do everything: `make demo` and `make test`. One profile (release) serves
# both, so that libraries are built once (docs/adr/0003-one-build-profile.md).

CARGO ?= cargo
STELLA := target/release/stella

.PHONY: help build demo demo-stop test check attacks bench conformance crash fuzz fuzz-smoke peers clean

# How long `make fuzz` stays with each target.
FUZZ_SECONDS ?= 300

help:
	@echo "make demo       build, make demo keys, build and import a kit, serve, scan a real SBOM"
	@echo "make demo-stop  stop the appliance that the demo started"
	@echo "make test       everything that must pass"
	@echo "make check      formatting and lints only"
	@echo "make conformance  the public TUF suite against our client (docs/reliability.md)"
	@echo "make fuzz       fuzz every reader of outside bytes, FUZZ_SECONDS each (docs/reliability.md)"
	@echo "make fuzz-smoke the same for two seconds each; a part of make test"
	@echo "make crash      cut the power, fail operations and kill at every step, and random sequences (COUNT, SEED, STRIDE)"
	@echo "make attacks    run the attack catalogue and print its table (docs/threats.md)"
	@echo "make bench      measure against lower bounds (docs/performance.md)"
	@echo "make peers      the real Trivy on the same data, every difference explained (needs Go; DATA)"

build:
	$(CARGO) build --release --locked --bin stella

demo: build
	./scripts/demo $(STELLA)

demo-stop:
	./scripts/demo-stop

check:
	$(CARGO) fmt --all --check
	$(CARGO) fmt --manifest-path fuzz/Cargo.toml --check
	$(CARGO) metadata --manifest-path fuzz/Cargo.toml --locked --format-version 1 >/dev/null
	$(CARGO) clippy --release --locked --workspace --all-targets -- -D warnings

test: check build
	$(CARGO) test --release --locked --workspace
	$(MAKE) fuzz-smoke

fuzz:
	./scripts/fuzz $(FUZZ_SECONDS)

fuzz-smoke:
	./scripts/fuzz 2

attacks:
	$(CARGO) run --release --locked -p tests --example attacks

bench: build
	./scripts/bench $(STELLA)

conformance: build
	./scripts/conformance $(STELLA)
# COUNT outcomes of a power cut per workload; every STRIDE-th operation fails (docs/reliability.md).
COUNT ?= 3000
SEED ?= 1
STRIDE ?= 1

crash: build
	CARGO="$(CARGO)" COUNT=$(COUNT) SEED=$(SEED) STRIDE=$(STRIDE) ./scripts/crash

# Where the shared data lies, and how many documents are left out between two.
DATA ?= ../shared/data
EVERY ?= 1

peers: build
	./scripts/peers $(abspath $(STELLA)) $(abspath $(DATA)) --every $(EVERY)

clean:
	$(CARGO) clean
	rm -rf demo
