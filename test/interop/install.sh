#!/bin/sh
# Installs what test/interop, test/differential and test/durability need beside Node.js, on a Debian
# machine. Only CI runs this: the tests themselves say what is MISSING and install nothing.
set -eu
export DEBIAN_FRONTEND=noninteractive

missing=''
for package in \
  gcc \
  libc6-dev \
  libcurator-client-java \
  libcurator-discovery-java \
  libcurator-framework-java \
  libcurator-recipes-java \
  libslf4j-java \
  libzookeeper-java \
  libzookeeper-mt-dev \
  openjdk-17-jdk-headless \
  python3-kazoo \
  strace \
  zookeeper \
  zookeeper-bin; do
  status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing="$missing $package"
done

# The Java of ZooKeeper 3.9 comes from Maven Central.
command -v mvn >/dev/null || missing="$missing maven"

if [ -n "$missing" ]; then
  apt-get update
  # shellcheck disable=SC2086  # one word for each package
  apt-get install -y --no-install-recommends $missing
fi
