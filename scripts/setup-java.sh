# Sourced by the setup scripts: sets $java to a Java >= 17 with its compiler, and installs one if there is none. The
# Java on PATH may be too old or without a compiler while another one is installed.

java_works() {
  # "jdk.compiler@17.0.15": the module list has version and compiler in one JVM start
  local version
  version=$("$1" --list-modules 2>/dev/null | sed -n 's/^jdk\.compiler@\([0-9]*\).*/\1/p')
  [ "${version:-0}" -ge 17 ]
}

find_java() {
  local candidate
  for candidate in "${JAVA_HOME:-}/bin/java" "$(command -v java || true)" /usr/lib/jvm/*/bin/java; do
    [ -x "$candidate" ] && java_works "$candidate" && java=$(readlink -f "$candidate") && return
  done
  return 1
}

if ! find_java; then
  apt_install openjdk-17-jdk-headless openjdk-21-jdk-headless default-jdk-headless
  find_java || fail 'no Java >= 17 with its compiler, although one was installed'
fi
