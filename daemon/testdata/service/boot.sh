#!/bin/sh
# Boots systemd in a container over the host's own files, runs the test unit in it and powers off.
# Usage: boot.sh BINARIES ASSETS WORK. Runs in a mount namespace of its own, as root; what it mounts and writes is in
# memory and vanishes with it.
set -eu
binaries=$1 assets=$2 work=$3

mount -t tmpfs -o mode=0755 posd-service-test "$work"
mkdir "$work/upper" "$work/scratch" "$work/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$work/upper,workdir=$work/scratch" "$work/root"

# A posd that is installed on the host must not be seen; this removes it from the overlay only.
root=$work/root
rm -rf "$root"/etc/posd "$root"/var/lib/posd "$root"/var/log/posd "$root"/etc/systemd/system/posd.service* \
	"$root"/etc/systemd/system/*.wants/posd.service

install -D "$binaries/posd" "$root/usr/local/bin/posd"
install -D "$binaries/hwtest" "$root/opt/posd-test/hwtest"
install -D "$binaries/service.test" "$root/opt/posd-test/service.test"
install -m 0644 "$assets/posd-test.service" "$root/etc/systemd/system/posd-test.service"

# The network is the container's own: loopback only. stdin is closed, or nspawn would take the terminal.
exec timeout --kill-after=5 180 systemd-nspawn --quiet --directory="$root" --register=no --keep-unit --private-network \
	--boot systemd.unit=posd-test.service systemd.show_status=no </dev/null
