# Sourced by the setup scripts: their cache directory, their messages, and how they fail and install a Debian package.
# Messages go to standard error, since programs read the standard output of some scripts.

cache=${LOGAGENT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/logagent}
mkdir -p "$cache"

say() { printf 'setup: %s\n' "$*" >&2; }

fail() {
  say "$*"
  exit 1
}

# apt_install NAME…: installs the first of these packages that the Debian release has. The lists are fetched once per
# run.
apt_install() {
  command -v apt-get >/dev/null || fail "none of ($*) is installed, and there is no apt-get to install it"
  [ "$(id -u)" = 0 ] || fail "none of ($*) is installed, and only root can install it: apt-get install $1"
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
  # Another apt-get may hold the lock on the lists, for which, unlike dpkg's lock, not all releases have a time-out
  # option.
  local try
  for try in 1 2 3 4 5 6; do
    apt_get update && break
    [ "$try" = 6 ] && fail 'apt-get update failed'
    sleep 10
  done
  apt_updated=1
}

# Prints nothing unless it fails, and then its whole output.
apt_get() {
  local output
  output=$(DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 "$@" </dev/null 2>&1) \
    || { printf '%s\n' "$output" >&2 && return 1; }
}
