# Two commands do everything: `make demo` and `make test`. One profile (release) serves
# both, so that libraries are built once (docs/adr/0003-one-build-profile.md).

CARGO ?= cargo
STELLA := target/release/stella

.PHONY: help build demo demo-stop test check attacks bench clean

help:
	@echo "make demo       build, make demo keys, build and import a kit, serve, scan a real SBOM"
	@echo "make demo-stop  stop the appliance that the demo started"
	@echo "make test       everything that must pass"
	@echo "make check      formatting and lints only"
	@echo "make attacks    run the attack catalogue and print its table (docs/threats.md)"
	@echo "make bench      measure against lower bounds (docs/performance.md)"

build:
	$(CARGO) build --release --locked --bin stella

demo: build
	./scripts/demo $(STELLA)

demo-stop:
	./scripts/demo-stop

check:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --release --locked --workspace --all-targets -- -D warnings

test: check build
	$(CARGO) test --release --locked --workspace

attacks:
	$(CARGO) run --release --locked -p tests --example attacks

bench: build
	./scripts/bench $(STELLA)

clean:
	$(CARGO) clean
	rm -rf demo
