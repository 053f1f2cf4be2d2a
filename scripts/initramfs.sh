# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Pack small initramfs images: a static busybox, kernel modules in their order
# of insertion, an init. Used for the host VM and for the guest in it.

# module_files HOME REL NAME...: the modules and all they need, in order.
# A name that the kernel has built in gives nothing.
module_files() {
	local home=$1 rel=$2 name

	shift 2
	for name in "$@"; do
		modprobe -d "$home" -S "$rel" --show-depends "$name" ||
			die "the kernel $rel in $home has no module $name"
	done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++'
}

copy_modules() {
	local root=$1 nr=100 files file name

	shift
	files=$(module_files "$@") || exit
	mkdir -p "$root/mod"
	while read -r file; do
		[ -n "$file" ] || continue
		name=$nr-${file##*/}
		case $file in
		*.xz) xz -dc "$file" >"$root/mod/${name%.xz}" ;;
		*.zst) zstd -dcq "$file" >"$root/mod/${name%.zst}" ;;
		*) cp "$file" "$root/mod/$name" ;;
		esac
		nr=$((nr + 1))
	done <<<"$files"
}

# copy_program ROOT FILE...: programs with the libraries they load.
copy_program() {
	local root=$1 file lib

	shift
	for file in "$@"; do
		install -D "$file" "$root/bin/${file##*/}"
		for lib in $(ldd "$file" | grep -o '/[^ ]*'); do
			[ -e "$root$lib" ] || install -D "$lib" "$root$lib"
		done
	done
}

# busybox_for RELEASE: the static busybox of its architecture.
busybox_for() {
	case $1 in
	*arm64*) echo "$CACHE/roots/arm64/usr/bin/busybox" ;;
	*) echo "$CACHE/busybox" ;;
	esac
}

# pack_initramfs NAME HOME INIT MODULES [PROGRAM...]: print the image's path.
# The name carries a hash of all that goes in, so a stale image is never used;
# those of other trees stay for a day.
# Not compressed: emulated decompression costs more than the larger copy.
pack_initramfs() {
	local name=$1 home=$2 init=$3 modules=$4 rel key image dir

	shift 4
	rel=$(kernel_release "$home")
	key=$({
		echo "$home $rel $modules $*"
		cat "$init" "$home/lib/modules/$rel/modules.dep" "${BASH_SOURCE[0]}" "$@"
	} | sha256sum | cut -c1-12)
	image=$CACHE/initramfs/$name-$rel-$key.cpio
	if [ ! -f "$image" ]; then
		[ -w "$CACHE" ] || die "no $name image in the cache, which is read-only here; run outside: scripts/$name build"
		cache_lock
		dir=$(cache_tmp)
		mkdir -p "$CACHE/initramfs" "$dir/root"/{bin,dev,proc,sys}
		install "$(busybox_for "$rel")" "$dir/root/bin/busybox"
		install "$init" "$dir/root/init"
		# shellcheck disable=SC2086 # a list of words
		copy_modules "$dir/root" "$home" "$rel" $modules
		copy_program "$dir/root" "$@"
		(cd "$dir/root" && find . | cpio -o -H newc --quiet -R 0:0) >"$dir/image"
		find "$CACHE/initramfs" -name "$name-*.cpio" -mmin +1440 -delete
		mv "$dir/image" "$image"
		rm -rf "$dir"
		cache_unlock
	fi
	echo "$image"
}
