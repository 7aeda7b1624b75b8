# Sourced by the setup scripts: sets $go to a Go tool chain that can build what scripts/*/go.mod pin. An older Go
# (Debian's) is enough to fetch the right one: the Go module proxy has tool chains as modules, by version.

go_least=$(sed -n 's/^go //p' scripts/helm/go.mod)
go_fetched=1.26.8
case $(uname -m) in
  x86_64) go_platform=linux-amd64 go_fetched_sum='h1:ZOmGe1OnfREDMIdb1Qi4G9JSuDPBLGExZMQ4nis1RXM=' ;;
  aarch64) go_platform=linux-arm64 go_fetched_sum='h1:sYL/O6MqS68ML0kjsQ36WoYIpJqkw60TxizWUYUKQMc=' ;;
  *) go_platform='' go_fetched_sum='' ;;
esac

go_works() {
  local version
  version=$(GOTOOLCHAIN=local "$1" env GOVERSION 2>/dev/null) || return 1
  [ "$(printf '%s\n' "$go_least" "${version#go}" | sort -V | head -n 1)" = "$go_least" ]
}

find_go() {
  local candidate
  for candidate in "$(command -v go || true)" /usr/local/go/bin/go "$cache/go-$go_fetched/bin/go"; do
    [ -x "$candidate" ] && go_works "$candidate" && go=$candidate && return
  done
  return 1
}

fetch_go() {
  local old module dir fresh
  [ -n "$go_platform" ] || fail "no Go is pinned for $(uname -m): install Go $go_least or newer"
  command -v go >/dev/null || apt_install golang-go
  old=$(command -v go)
  say "Go $go_fetched from the Go module proxy"
  # In an empty directory, where no go.mod above has a say. The sum is checked here and needs no data base.
  fresh=$(mktemp -d "$cache/.go.XXXXXX")
  module=$(cd "$fresh" && GOFLAGS= GOTOOLCHAIN=local GONOSUMDB=golang.org/toolchain GOMODCACHE=$fresh/modules "$old" \
    mod download -json "golang.org/toolchain@v0.0.1-go$go_fetched.$go_platform" </dev/null) || true
  if [ "$(sed -n 's/^\t"Sum": "\(.*\)",\{0,1\}$/\1/p' <<<"$module")" != "$go_fetched_sum" ]; then
    chmod -R u+w "$fresh" && rm -rf "$fresh"
    fail "the Go module proxy did not give Go $go_fetched"
  fi
  dir=$(sed -n 's/^\t"Dir": "\(.*\)",\{0,1\}$/\1/p' <<<"$module")
  # modules are read-only, and their files are not executable
  chmod -R u+w "$fresh"
  chmod +x "$dir"/bin/* "$dir"/pkg/tool/*/*
  rm -rf "$cache/go-$go_fetched"
  mv -T "$dir" "$cache/go-$go_fetched"
  rm -rf "$fresh"
}

if ! find_go; then
  fetch_go
  find_go || fail "Go $go_fetched was fetched, and does not work"
fi
