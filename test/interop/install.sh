#!/bin/sh
# Installs what test/interop and test/durability need beside Node.js, on a Debian machine. Only CI
# runs this: the tests themselves say what is MISSING and never install anything of the system.
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get update
apt-get install -y --no-install-recommends \
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
  zookeeper-bin
