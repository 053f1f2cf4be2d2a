# shellcheck shell=bash disable=SC2153
# SPDX-License-Identifier: GPL-2.0-only
# Start a QEMU guest, talk to it, end it. For use inside the host VM, by the
# demo and the tests; the image is built outside (scripts/guest build), since
# the cache is read-only there. One guest at a time for each shell.

. "$(dirname "${BASH_SOURCE[0]}")/initramfs.sh"

GUEST_IP=192.168.77.2
GUEST_HOST_IP=192.168.77.1
GUEST_MAC=52:54:00:77:00:02
# Scans of hundreds of absent PCI buses, each probe an exit, cost seconds when
# the host is emulated; there, too, the kernel finds fault with XSAVE.
guest_append='pci=noearly,lastbus=0 noxsave'
guest_pid='' guest_dir='' guest_request=0

# The guest's kernel is 6.1 whatever the host runs, so that figures of two
# hosts differ by the host alone.
guest_image() {
	pack_initramfs guest "$(kernel_home 6.1)" "$ROOT/scripts/guest.d/init" \
		"virtio_pci virtio_net e1000e" "$(command -v iperf3)"
}

# guest_tap NAME: a tap device with the host's address on it.
guest_tap() {
	ip tuntap add "$1" mode tap
	echo 1 >"/proc/sys/net/ipv6/conf/$1/disable_ipv6"
	ip addr add "$GUEST_HOST_IP/24" dev "$1"
	ip link set "$1" up
}

# Sets netdev. The vhost descriptor is opened here and inherited by QEMU, as a
# management program would do it; number 30 and up keeps clear of bash's own.
guest_open_netdev() {
	local vhost=$1 tap=$2

	netdev=tap,id=net
	if [ -e "/sys/class/net/$tap/macvtap" ]; then
		exec 31<>"/dev/tap$(cat "/sys/class/net/$tap/ifindex")"
		netdev+=,fd=31
	else
		netdev+=,ifname=$tap,script=no,downscript=no
	fi
	if [ "$vhost" = off ]; then
		netdev+=,vhost=off
	else
		exec 30<>"$vhost"
		netdev+=,vhost=on,vhostfd=30
	fi
}

guest_qemu() {
	local nic=$1 vhost=$2 tap=$3 mac=$4 ip=$5 home rel netdev accel=(-accel tcg)

	[ ! -w /dev/kvm ] || accel=(-accel kvm -cpu host)
	home=$(kernel_home 6.1)
	rel=$(kernel_release "$home")
	guest_open_netdev "$vhost" "$tap"
	exec qemu-system-x86_64 "${accel[@]}" -M q35 -m 384M -smp 1 -nodefaults -no-user-config \
		-display none -no-reboot -kernel "$(kernel_image "$home" "$rel")" -initrd "$guest_initramfs" \
		-append "console=ttyS0 loglevel=4 panic=-1 mitigations=off $guest_append guest.ip=$ip/24" \
		-serial "file:$guest_dir/console" -chardev "pipe,id=cmd,path=$guest_dir/cmd" \
		-serial chardev:cmd -netdev "$netdev" -device "$nic,netdev=net,mac=$mac,romfile=" \
		</dev/null >"$guest_dir/qemu.log" 2>&1
}

# guest_start [nic=DEVICE,PROPERTY...] [vhost=off|NODE] [tap=NAME] [mac=MAC]
# [ip=ADDRESS]: start the guest and wait until it answers. tap may name a
# macvtap device. Returns 1, having said why, when it does not come up.
guest_start() {
	local nic=virtio-net-pci vhost=off tap=tap0 mac=$GUEST_MAC ip=$GUEST_IP arg

	for arg in "$@"; do
		local "$arg"
	done
	guest_initramfs=$(guest_image)
	guest_dir=$(mktemp -d /run/guest.XXXXXX)
	mkfifo "$guest_dir/cmd.in" "$guest_dir/cmd.out"
	exec {guest_to}<>"$guest_dir/cmd.in" {guest_from}<>"$guest_dir/cmd.out"
	(guest_qemu "$nic" "$vhost" "$tap" "$mac" "$ip") &
	guest_pid=$!
	guest_request=0
	guest_reply "${GUEST_BOOT_LIMIT:-90}" >/dev/null && return 0
	say "the guest ($nic vhost=$vhost) did not come up:"
	tail -n5 "$guest_dir/qemu.log" "$guest_dir/console" >&2 || true
	guest_kill
	return 1
}

# guest_reply LIMIT: print what the guest sends up to the end mark of the
# current request; its status is the result, 124 when the guest is silent.
guest_reply() {
	local line end=$((SECONDS + $1)) mark="@@$guest_request "

	while [ $SECONDS -le $end ]; do
		kill -0 "$guest_pid" 2>/dev/null || return 124
		IFS= read -r -t 1 -u "$guest_from" line || continue
		case $line in
		"$mark"*)
			line=${line#"$mark"}
			return "${line%% *}"
			;;
		@@*) ;;
		'') ;;
		*) printf '%s\n' "$line" ;;
		esac
	done
	return 124
}

# guest_run LIMIT COMMAND: run COMMAND (one line of sh) in the guest. Empty
# lines of its output are dropped.
guest_run() {
	guest_request=$((guest_request + 1))
	printf '%s %s\n' "$guest_request" "$2" >&"$guest_to"
	guest_reply "$1"
}

# guest_kill: end QEMU as kill -9 does and give back what guest_start took.
guest_kill() {
	[ -n "$guest_pid" ] || return 0
	kill -9 "$guest_pid" 2>/dev/null || true
	wait "$guest_pid" 2>/dev/null || true
	guest_pid=
	exec {guest_to}>&- {guest_from}>&-
	rm -rf "$guest_dir"
}
