#!/usr/bin/env bash
# Finds or builds the Helm that scripts/helm/go.mod pins, and prints its path. Helm on PATH is used if it has that
# version; else Helm is built from Go modules, once, outside the tree:
#   ${LOGAGENT_CACHE:-~/.cache/logagent}/helm-<hash of scripts/helm>/helm
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/setup-apt.sh

version=$(sed -n 's#.*helm\.sh/helm/v3 \(v[^ ]*\).*#\1#p' scripts/helm/go.mod)
place=$cache/helm-$(cat scripts/helm/go.mod scripts/helm/go.sum | sha256sum | cut -c1-12)

is_wanted() { [ "$("$1" version --template '{{.Version}}' 2>/dev/null)" = "$version" ]; }

find_helm() {
  local candidate
  for candidate in "$place/helm" "$(command -v helm || true)"; do
    [ -x "$candidate" ] && is_wanted "$candidate" && helm=$candidate && return
  done
  return 1
}

build_helm() {
  . scripts/setup-go.sh
  say "building Helm $version"
  fresh=$(mktemp -d "$cache/.helm.XXXXXX")
  trap 'rm -rf "$fresh"' EXIT
  (
    cd scripts/helm
    CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS=-buildvcs=false "$go" build -mod=readonly -trimpath -o "$fresh/helm" \
      -ldflags "-s -w -X helm.sh/helm/v3/internal/version.version=$version" helm.sh/helm/v3/cmd/helm </dev/null >&2
  ) || fail "Helm $version could not be built"
  rm -rf "$place"
  mv -T "$fresh" "$place"
}

if ! find_helm; then
  build_helm
  find_helm || fail "Helm $version was built, and does not work"
fi
printf '%s\n' "$helm"
