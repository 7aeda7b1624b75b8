#!/usr/bin/env bash
# Installs what `make bench` needs beyond setup.sh: rsyslog with its Kafka output, for comparison, and strace, which
# shows the wake-ups by timers. No service is started, since the bench runs its own rsyslogd.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/setup-apt.sh

policy=/usr/sbin/policy-rc.d
made=
trap '[ -z "$made" ] || rm -f "$policy"' EXIT

# Debian's packages run this file before they start their service; 101 forbids it.
forbid_services() {
  [ ! -e "$policy" ] || return 0
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
  made=1
}

has_rsyslog() { [ -x /usr/sbin/rsyslogd ] && compgen -G '/usr/lib/*/rsyslog/omkafka.so' >/dev/null; }

if ! has_rsyslog; then
  [ "$(id -u)" = 0 ] || fail 'rsyslog and rsyslog-kafka are missing, and only root can install them'
  forbid_services
  apt_install rsyslog
  apt_install rsyslog-kafka
  has_rsyslog || fail 'rsyslog was installed, but not its Kafka output'
fi
command -v strace >/dev/null || (apt_install strace) || say 'without strace: timer wake-ups will not be counted'
