# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Shared by all scripts: places, messages, root, the cache and its lock.
# Sourced after `set -euo pipefail`; it changes nothing but PATH and variables.

# depmod, modprobe and ip live in sbin, which a plain user's PATH lacks.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

# shellcheck disable=SC2034 # for the scripts that source this
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
CACHE=${VD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/viaduct}
ME=${0##*/}
export VD_CACHE=$CACHE

say() {
	echo "$ME: $*" >&2
}

die() {
	say "$*"
	exit "${DIE_STATUS:-1}"
}

have() {
	command -v "$1" >/dev/null 2>&1
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif have sudo; then
		sudo "$@"
	else
		die "needs root for: $* (run as root, or install sudo)"
	fi
}

# need COMMAND PACKAGE: if COMMAND is missing, stop and print how to install it.
need() {
	have "$1" || die "$1 is missing; run: apt-get install $2"
}

# Only one process at a time changes the cache. Work is done in cache_tmp's
# folder and renamed into place, so that an interrupted run leaves at most a
# folder that the next holder of the lock removes.
cache_lock() {
	mkdir -p "$CACHE"
	exec {CACHE_LOCK}>"$CACHE/.lock"
	if ! flock -n "$CACHE_LOCK"; then
		say "waiting for another run that fills $CACHE"
		flock "$CACHE_LOCK"
	fi
	rm -rf "$CACHE"/tmp.*
}

cache_unlock() {
	exec {CACHE_LOCK}>&-
}

cache_tmp() {
	mktemp -d "$CACHE/tmp.XXXXXX"
}

# kernel_names [RUN...]: the names in scripts/kernels, of lines with such a RUN.
kernel_names() {
	awk -v runs=" $* " '!/^#/ && NF && (runs == "  " || index(runs, " " $6 " ")) { print $1 }' \
		"$ROOT/scripts/kernels"
}

# kernel_default: the first of them.
kernel_default() {
	awk '!/^#/ && NF { print $1; exit }' "$ROOT/scripts/kernels"
}

# kernel_choice: all the names, for a sentence.
kernel_choice() {
	awk '!/^#/ && NF { if (last) text = text (text ? ", " : "") last; last = $1 }
		END { print text " or " last }' "$ROOT/scripts/kernels"
}

# kernel_field NAME COLUMN: one word of NAME's line; nothing when it has none.
kernel_field() {
	awk -v name="$1" -v column="$2" '
		$1 == "#" && $2 == "NAME" { for (i = 2; i <= NF; i++) nr[$i] = i - 1 }
		$1 == name { print $nr[column] }' "$ROOT/scripts/kernels"
}

# kernel_arch NAME|DIR: Debian's name of the architecture.
kernel_arch() {
	local arch

	arch=$(kernel_field "$1" ARCH)
	case $1 in
	*/*) [[ $(kernel_release "$(kernel_home "$1")") != *arm64* ]] || arch=arm64 ;;
	esac
	echo "${arch:-amd64}"
}

# kernel_home NAME|DIR: the folder with boot/vmlinuz-* and lib/modules/*.
kernel_home() {
	case $1 in
	*/*) realpath "$1" ;;
	*) readlink -f "$CACHE/kernels/$1" ;;
	esac
}

# kernel_release HOME: the release of the image and modules in HOME.
kernel_release() {
	local dir rel=

	for dir in "$1"/lib/modules/*/; do
		dir=${dir%/}
		[ ! -f "$1/boot/vmlinuz-${dir##*/}" ] || rel=${dir##*/}
	done
	[ -n "$rel" ] || die "$1 holds no boot/vmlinuz-RELEASE with its lib/modules/RELEASE"
	echo "$rel"
}

# kernel_image HOME REL: the file to boot, unpacked if it is there.
kernel_image() {
	local image=$1/boot/vmlinux-$2

	[ -f "$image" ] || image=$1/boot/vmlinuz-$2
	echo "$image"
}
