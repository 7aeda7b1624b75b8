#!/usr/bin/env bash
# Writes test/fixtures again: what Kafka's own Java client makes of given inputs (test/support/java/golden). Run it when
# a case is added. The output is committed, and the same on every run.
set -euo pipefail
cd "$(dirname "$0")/.."
runtime=$(env -u KAFKA_VERSION bash scripts/setup-kafka.sh)
value() { sed -n "s/^$1=//p" <<<"$runtime"; }
java=$(value java)
classes=$(mktemp -d)
trap 'rm -rf "$classes"' EXIT
"${java%/java}/javac" -nowarn -cp "$(value classpath)" -d "$classes" test/support/java/golden/*.java
"$java" -Xmx256m -Dorg.slf4j.simpleLogger.defaultLogLevel=error -cp "$classes:$(value classpath)" Golden test/fixtures
PATH=$PWD/node_modules/.bin:$PATH oxfmt test/fixtures >/dev/null
du -sh test/fixtures
