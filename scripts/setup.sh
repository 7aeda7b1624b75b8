#!/usr/bin/env bash
# Brings what the make targets need onto this machine: setup.sh [node] [java] [kafka] [kcat] [helm], all of them by default.
# What is there already is only looked at, so a second run costs well under a second. What can't be had fails the run,
# named in one line. Needs: bash, some Node >= 20 with npm; root for what Debian's packages bring.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/setup-apt.sh

# Two make targets at once must not both run npm ci in one tree. The lock is on a descriptor that children don't get.
exec {lock}>"$cache/setup.lock"
flock -w 1200 "$lock" || fail "another setup has held $cache/setup.lock for 20 minutes"

setup_node() {
  command -v node >/dev/null && command -v npm >/dev/null || fail 'node and npm are missing: install Node 20 or newer with npm'
  local major stamp=node_modules/.setup-stamp sum
  major=$(node -p 'process.versions.node.split(".")[0]')
  [ "$major" -ge 20 ] || fail "node is version $major: 20 or newer is needed (the tree brings its own Node once npm runs)"
  sum=$(sha256sum <package-lock.json)
  [ "$(cat "$stamp" 2>/dev/null)" = "$sum" ] && return
  # A tree that npm itself made from this lock file, by hand, is as good as ours.
  if ! [ node_modules/.package-lock.json -nt package-lock.json ]; then
    say 'npm ci'
    npm ci --no-audit --no-fund --loglevel=error </dev/null >&2 {lock}>&- || fail 'npm ci did not succeed'
  fi
  # it is an optional dependency, which npm leaves out without a word where there is none for the machine
  [ -x node_modules/.bin/node ] || fail "npm ci brought no Node for $(uname -sm): Linux on x64 or arm64 is needed"
  printf '%s\n' "$sum" >"$stamp"
}

setup_java() {
  . scripts/setup-java.sh
}

setup_kafka() {
  bash scripts/setup-kafka.sh >/dev/null {lock}>&-
}

setup_kcat() {
  command -v kcat >/dev/null || apt_install kcat
}

setup_helm() {
  bash scripts/setup-helm.sh >/dev/null {lock}>&-
}

for need in "${@:-node java kafka kcat helm}"; do
  for part in $need; do
    case $part in
      node | java | kafka | kcat | helm) "setup_$part" ;;
      *) fail "no such part: $part (node, java, kafka, kcat, helm)" ;;
    esac
  done
done
