# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Fresh Debian systems in folders. scripts/apt.sh must have been sourced. Mounts
# belong into a mount namespace of the caller (unshare -m).

# chroot_make DIR SUITE [PACKAGE...]: the required packages of SUITE, and PACKAGEs.
# A system that is complete stays as it is.
chroot_make() {
	local dir=$1 suite=$2

	shift 2
	[ ! -e "$dir/.complete" ] || return 0
	need debootstrap debootstrap
	rm -rf --one-file-system "$dir"
	mkdir -p "$dir"
	debootstrap --variant=minbase ${1:+--include="$(IFS=, && echo "$*")"} \
		"$suite" "$dir" "$(mirror_of '')" >&2
	touch "$dir/.complete"
}

# chroot_furnish DIR SUITE...: apt takes SUITEs from the mirror that this machine
# uses, and through the same proxy.
chroot_furnish() {
	local dir=$1 suite mirror

	shift
	for suite in "$@"; do
		mirror=$(mirror_of '')
		[[ $suite != *-security ]] || mirror=$(mirror_of -security)
		echo "deb $mirror $suite main"
	done >"$dir/etc/apt/sources.list"
	apt-config dump | grep -E '^Acquire::(https?::Proxy|Check-)' >"$dir/etc/apt/apt.conf.d/90machine" || true
	cp -L /etc/resolv.conf /etc/hosts "$dir/etc/"
}

# chroot_mount DIR: what programs expect of a running system.
chroot_mount() {
	mount -t proc proc "$1/proc"
	mount -t sysfs -o ro sysfs "$1/sys"
	mount --rbind /dev "$1/dev"
	mount -t tmpfs tmpfs "$1/tmp"
	mount -t tmpfs tmpfs "$1/run"
}

# chroot_run DIR COMMAND: in a shell, as root.
chroot_run() {
	env -i HOME=/root TERM="${TERM:-dumb}" LANG=C.UTF-8 \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		chroot "$1" /bin/sh -c "$2" </dev/null
}
