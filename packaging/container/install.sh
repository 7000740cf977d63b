#!/bin/sh
# The steps of the container image, run as root in a Debian 12 root: what the program needs and
# nothing else, and the user it runs as. The program itself is put to /usr/bin/runnerwatch.
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -q -y --no-install-recommends ca-certificates libcurl4 libfmt9 \
    libnghttp2-14 libprometheus-cpp-core1.0 libre2-9 libspdlog1.10 libsqlite3-0 libssl3 libxxhash0 libyaml-cpp0.7 \
    libzstd1 zlib1g
rm -rf /var/lib/apt/lists/*
echo 'runnerwatch:x:65532:65532::/var/lib/runnerwatch:/usr/sbin/nologin' >>/etc/passwd
echo 'runnerwatch:x:65532:' >>/etc/group
mkdir -p /var/lib/runnerwatch /etc/runnerwatch
chown 65532:65532 /var/lib/runnerwatch
