# Sourced by the setup scripts: where they keep what they make, how they speak, fail, and install a Debian package.
# Speaks on standard error only, since the standard output of some is read by programs.

cache=${LOGAGENT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/logagent}
mkdir -p "$cache"

say() { printf 'setup: %s\n' "$*" >&2; }

fail() {
  say "$*"
  exit 1
}

# apt_install NAME…: the first of these that Debian's release has. The package lists are fetched once per run.
apt_install() {
  command -v apt-get >/dev/null || fail "none of ($*) is installed and there is no apt-get to install it with"
  [ "$(id -u)" = 0 ] || fail "none of ($*) is installed and only root can install it: apt-get install $1"
  apt_update
  local name
  for name in "$@"; do
    [ -n "$(apt-cache --quiet search --names-only "^$name\$")" ] || continue
    say "apt-get install $name"
    apt_get install -y --no-install-recommends "$name" || fail "apt-get could not install $name"
    return
  done
  fail "Debian's packages here have none of: $*"
}

apt_update() {
  [ -z "${apt_updated:-}" ] || return 0
  # The lock on the lists has no time-out option that all releases know, unlike dpkg's: another apt-get may be at work.
  local try
  for try in 1 2 3 4 5 6; do
    apt_get update && break
    [ "$try" = 6 ] && fail 'apt-get update does not succeed'
    sleep 10
  done
  apt_updated=1
}

# Says nothing unless it fails: what it does then is told whole.
apt_get() {
  local told
  told=$(DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 "$@" </dev/null 2>&1) \
    || { printf '%s\n' "$told" >&2 && return 1; }
}
