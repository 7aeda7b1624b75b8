#!/usr/bin/env bash
# Installs what the make targets need: setup.sh [node] [java] [kafka] [kcat] [helm], all of them by default. A part that
# is already installed is only checked, so a second run takes well under a second. If a part can't be installed, the run
# fails and names it in one line. Needs bash and some Node >= 20 with npm, and root to install Debian packages.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/setup-apt.sh

# Two make targets must not run npm ci in one tree at the same time. The lock is on a descriptor that children don't
# inherit.
exec {lock}>"$cache/setup.lock"
flock -w 1200 "$lock" || fail "another setup has held $cache/setup.lock for 20 minutes"

setup_node() {
  command -v node >/dev/null && command -v npm >/dev/null || fail 'node and npm are missing: install Node 20 or newer with npm'
  local major stamp=node_modules/.setup-stamp sum
  major=$(node -p 'process.versions.node.split(".")[0]')
  [ "$major" -ge 20 ] || fail "node is version $major: 20 or newer is needed (the tree brings its own Node once npm runs)"
  sum=$(sha256sum <package-lock.json)
  [ "$(cat "$stamp" 2>/dev/null)" = "$sum" ] && return
  # a tree that somebody made from this lock file with npm is as good
  if ! [ node_modules/.package-lock.json -nt package-lock.json ]; then
    say 'npm ci'
    npm ci --no-audit --no-fund --loglevel=error </dev/null >&2 {lock}>&- || fail 'npm ci failed'
  fi
  # npm leaves out an optional dependency without a warning if there is none for the platform
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
