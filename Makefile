# Everything from a fresh clone: each target first sets up what it needs (scripts/setup.sh says what that is) and then
# runs scripts with the Node that package-lock.json pins, whatever Node the machine has.
SHELL := /bin/bash
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
.DEFAULT_GOAL := help
.PHONY: help setup setup-test setup-node build demo test test-long test-oldest bench lint types format format-check drift clean

# Of `make test`; .ci/run has run them by then, one by one, and empties this.
CHECKS ?= format-check lint types drift
KERNEL := build/kernel/kernel.wasm
BUNDLE := dist/logagent.mjs

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1	\2/p' $(MAKEFILE_LIST) | expand -t 14

setup: ## what is missing on this machine: npm packages, Java, Kafka's jars, kcat
	@bash scripts/setup.sh node java kafka kcat

setup-test: ## that, and Helm, which renders the chart
	@bash scripts/setup.sh node java kafka kcat helm

setup-node:
	@bash scripts/setup.sh node

build: setup-node $(KERNEL) $(BUNDLE) ## the WebAssembly kernel and the bundle in dist/

# order-only: setup makes the tools, and is no reason to build again
$(KERNEL): $(shell find src/kernel -name '*.ts') scripts/build-kernel.ts package-lock.json | setup-node
	npm run --silent build:kernel

$(BUNDLE): $(KERNEL) $(shell find src -name '*.ts') scripts/build.ts package.json package-lock.json | setup-node
	node scripts/build.ts

demo: setup build ## a real Kafka, an app that logs and rotates, and logagent between them
	node scripts/demo.ts

test: setup-test build $(CHECKS) ## the checks and all tests
	node test/run.ts $(FILES)

test-long: setup-test build ## all tests, long scenarios at their real length; writes docs/test-long.md
	node test/run.ts --long $(FILES)

test-oldest: setup build ## what speaks with Kafka, against the oldest Kafka that is supported; writes docs/test-oldest.md
	node test/run.ts --oldest $(FILES)

bench: setup build ## the figures of docs/benchmarks.md, in a good two hours; PARTS chooses some, see test/bench/run.ts
	@bash scripts/setup-bench.sh
	npm run --silent bench -- $(PARTS)

lint: setup-node ## oxlint with types
	npm run --silent lint

types: setup-node ## the TypeScript compiler
	npm run --silent types

format: setup-node ## write src, test and scripts in the project's format
	npm run --silent format

format-check: setup-node ## fails when a file is not in the project's format
	npm run --silent format:check

drift: $(KERNEL) ## fails when a generated file is not what its source makes
	node scripts/generate.ts --check

clean: ## what was built; not the npm packages, nor the cache of jars
	rm -rf build dist
