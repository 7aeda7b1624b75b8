#!/usr/bin/env bash
# Prepares a real Kafka: its jars from Maven Central, the tests' Java programs (test/support/java) compiled against
# them, and an archive of the classes that they load, which halves the time of a start. All are outside the tree, in
#   ${LOGAGENT_CACHE:-~/.cache/logagent}/kafka-<version>/            the jars
#   ${LOGAGENT_CACHE:-~/.cache/logagent}/kafka-<version>-<hash>/     peer.jar and classes.jsa; hash of the sources
# Prints what a program needs to start it, one name=value in each line: version, java, archive, classpath. If nothing is
# missing it takes about 0.1 s. KAFKA_VERSION chooses another Kafka than the pom's (3.5.2 works too).
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/setup-apt.sh
. scripts/setup-java.sh

pom=scripts/kafka/pom.xml
version=${KAFKA_VERSION:-$(sed -n 's/.*<kafka.version>\(.*\)<.*/\1/p' "$pom")}
jars=$cache/kafka-$version
hash=$(cat test/support/java/*.java scripts/setup-kafka.sh | sha256sum | cut -c1-12)
tools=$cache/kafka-$version-$hash

has_jars() { [ -f "$jars/kafka_2.13-$version.jar" ] && [ -f "$jars/kafka-clients-$version.jar" ]; }

# Everything below is made in $fresh and then renamed, so that an interrupted run leaves nothing incomplete behind.
fresh=
trap 'rm -rf "$fresh"' EXIT

fetch_jars() {
  command -v mvn >/dev/null || apt_install maven
  say "Kafka $version from Maven Central"
  fresh=$(mktemp -d "$cache/.jars.XXXXXX")
  mvn -q -B -Dstyle.color=never -f "$pom" -Dkafka.version="$version" -DincludeScope=runtime -DoutputDirectory="$fresh" \
    org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies </dev/null >&2 \
    || fail "Maven could not get Kafka $version"
  chmod 755 "$fresh"
  rm -rf "$jars"
  mv -T "$fresh" "$jars"
  has_jars || fail "what Maven brought is not Kafka $version"
}

compile_peer() {
  say "compiling test/support/java against Kafka $version"
  fresh=$(mktemp -d "$cache/.peer.XXXXXX")
  "${java%/java}/javac" -nowarn -Xlint:-deprecation -cp "$jars/*" -d "$fresh/classes" test/support/java/*.java >&2 \
    || fail 'test/support/java does not compile'
  # A jar, since the JVM does not archive classes from a directory.
  "${java%/java}/jar" --create --file "$fresh/peer.jar" -C "$fresh/classes" .
  rm -rf "$fresh/classes" "$tools"
  chmod 755 "$fresh"
  mv -T "$fresh" "$tools"
  find "$cache" -maxdepth 1 -name "kafka-$version-*" -mtime +30 -exec rm -rf {} + # made from older sources
}

# The archive is valid for one JVM build and one spelling of the class path. Without it Kafka starts more slowly.
archive_classes() {
  say 'archiving the classes that Kafka loads'
  fresh=$(mktemp -d)
  if "$java" -Xmx512m -XX:+UseSerialGC -XX:ArchiveClassesAtExit="$tools/classes.jsa.new" -Xlog:cds=off -Xlog:cds+dynamic=off \
    -Dorg.slf4j.simpleLogger.defaultLogLevel=error -cp "$classpath" WarmUp "$fresh" </dev/null >"$tools/warm-up.txt" 2>&1 \
    && mv "$tools/classes.jsa.new" "$tools/classes.jsa"; then
    printf '%s\n' "$build" >"$tools/classes.jsa.build"
  else
    say "no class archive, starts will be slower: see $tools/warm-up.txt"
  fi
}

mkdir -p "$cache"
exec {lock}>"$cache/kafka-$version.lock"
flock -w 1200 "$lock" || fail "another setup has held $cache/kafka-$version.lock for 20 minutes"
has_jars || fetch_jars
[ -f "$tools/peer.jar" ] || compile_peer
classpath=$(printf '%s:' "$jars"/*.jar)$tools/peer.jar
build=$java-$(stat -Lc '%s-%Y' "$java" "${java%/bin/java}/lib/server/libjvm.so" | tr '\n' '-')
[ "$(cat "$tools/classes.jsa.build" 2>/dev/null)" = "$build" ] || archive_classes

printf '%s=%s\n' version "$version" java "$java" archive "$tools/classes.jsa" classpath "$classpath"
