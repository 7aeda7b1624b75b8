# Every target works from a fresh clone: it first installs what it needs (see scripts/setup.sh) and then runs with the
# Node that package-lock.json pins, whatever Node the machine has.
SHELL := /bin/bash
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
.DEFAULT_GOAL := help
.PHONY: help setup setup-test setup-node build demo test test-long test-oldest bench lint types format format-check drift clean

# The checks that are part of `make test`. .ci/run has already run them one by one and sets this to nothing.
CHECKS ?= format-check lint types drift
KERNEL := build/kernel/kernel.wasm
BUNDLE := dist/logagent.mjs

help: ## prints this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1	\2/p' $(MAKEFILE_LIST) | expand -t 14

setup: ## installs what is missing: npm packages, Java, Kafka's jars, kcat
	@bash scripts/setup.sh node java kafka kcat

setup-test: ## the same, and Helm, which renders the chart
	@bash scripts/setup.sh node java kafka kcat helm

setup-node:
	@bash scripts/setup.sh node

build: setup-node $(KERNEL) $(BUNDLE) ## the WebAssembly kernel and the bundle in dist/

# setup-node is order-only: it installs the tools, and must not cause a new build
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

test-oldest: setup build ## the tests that use Kafka, with the oldest Kafka that is supported; writes docs/test-oldest.md
	node test/run.ts --oldest $(FILES)

bench: setup build ## the figures of docs/benchmarks.md, in over two hours; PARTS chooses some, see test/bench/run.ts
	@bash scripts/setup-bench.sh
	npm run --silent bench -- $(PARTS)

lint: setup-node ## oxlint with type information
	npm run --silent lint

types: setup-node ## the TypeScript compiler
	npm run --silent types

format: setup-node ## formats src, test and scripts
	npm run --silent format

format-check: setup-node ## fails if a file is not formatted
	npm run --silent format:check

drift: $(KERNEL) ## fails if a generated file differs from what its source makes
	node scripts/generate.ts --check

clean: ## removes build and dist, but not the npm packages or the cache of jars
	rm -rf build dist
