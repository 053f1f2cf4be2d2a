#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# U-Boot as a guest's firmware: DHCP, ping, a kernel and an initramfs by TFTP,
# their checksums, then Linux from memory. The firmware's driver polls, in 32-bit
# mode, with one packet in flight; the kernel's driver resets the card and takes
# it over, so the rings are stopped and started at other addresses.
# shellcheck source=tools/testing/selftests/viaduct/guest/common.sh
. "$(dirname "$0")/common.sh"

NET=1
ROM=/usr/lib/u-boot/qemu-x86/u-boot.rom
KERNEL_AT=2000000 INITRD_AT=8000000
FETCH_LIMIT=${VD_FETCH_LIMIT:-200}
server='' in_firmware=''

# shellcheck disable=SC2317 # the trap calls it
end_of_test() {
	[ -z "$server" ] || kill "$server" 2>/dev/null || true
	clean_up
}

start_server() {
	local home

	home=$(kernel_home 6.1)
	mkdir "$scratch/tftp"
	ln -s "$(readlink -f "$home/boot/vmlinuz-$(kernel_release "$home")")" "$scratch/tftp/kernel"
	ln -s "$(guest_image)" "$scratch/tftp/initrd"
	dnsmasq --keep-in-foreground --conf-file=/dev/null --user=root --port=0 --no-ping --log-facility=- \
		--interface="tap$NET" --bind-interfaces --dhcp-range="$(guest_ip $NET),$(guest_ip $NET),1h" \
		--dhcp-leasefile="$scratch/leases" --pid-file="$scratch/dnsmasq" \
		--enable-tftp --tftp-root="$scratch/tftp" >"$scratch/dnsmasq.log" 2>&1 &
	server=$!
	for _ in {1..50}; do
		[ ! -e "$scratch/dnsmasq" ] || return 0
		sleep 0.1
	done
	cat "$scratch/dnsmasq.log"
	return 1
}

console_has() {
	tail -c "+$((said + 1))" "$guest_dir/console" | tr -d '\r' | grep -E "$1" >/dev/null
}

# firmware LIMIT COMMAND REGEX: give the firmware a command, and wait until
# its answer matches and the prompt is back.
firmware() {
	local end=$((SECONDS + $1)) said

	said=$(wc -c <"$guest_dir/console")
	printf '%s\n' "$2" >&"$keys"
	until console_has "$3" && console_has '^=> $'; do
		kill -0 "$guest_pid" 2>/dev/null || return 1
		[ $SECONDS -lt $end ] || { echo "no answer to: $2"; return 1; }
		sleep 0.1
	done
	tail -c "+$((said + 1))" "$guest_dir/console" | tr -d '\r' | grep -avE '^=> ' | grep -aE "$3" | tail -n 1
}

# A firmware that answers at its prompt, or shows the progress of a transfer, is alive.
guest_is_dead() {
	local said

	[ -n "$guest_pid" ] || return 1
	if [ -z "$in_firmware" ]; then
		! kill -0 "$guest_pid" 2>/dev/null || ! guest_run 10 true >/dev/null
		return
	fi
	said=$(wc -c <"$guest_dir/console")
	! firmware 20 'echo still alive' '^still alive' &&
		[ "$(wc -c <"$guest_dir/console")" = "$said" ]
}

# A line that comes before the countdown is lost, one that comes after it is an
# empty command.
start_firmware() {
	local end=$((SECONDS + 60)) said=0

	guest_spawn "$NET $VHOST_DEV virtio-net-pci" || return 1
	until [ -e "$guest_dir/console" ]; do
		kill -0 "$guest_pid" 2>/dev/null || return 1
		sleep 0.1
	done
	exec {keys}<>"$guest_dir/firmware.in"
	in_firmware=1
	until console_has '^=> $'; do
		kill -0 "$guest_pid" 2>/dev/null || return 1
		[ $SECONDS -lt $end ] || return 1
		! console_has 'autoboot' || echo >&"$keys"
		sleep 0.2
	done
	firmware 20 'pci enum; virtio scan; echo scanned' '^scanned' && firmware 20 'setenv autoload no; echo set' '^set$'
}

# fetch FILE ADDRESS: its checksum in the guest is that of the file.
fetch() {
	local sum

	sum=$(python3 -c 'import sys, zlib; print("%08x" % zlib.crc32(open(sys.argv[1], "rb").read()))' "$scratch/tftp/$1")
	firmware "$FETCH_LIMIT" "tftpboot $2 192.168.$NET.1:$1" '^Bytes transferred = ' || return 1
	# shellcheck disable=SC2016 # U-Boot expands it
	firmware 60 "crc32 $2 \$filesize" '==> [0-9a-f]{8}' || return 1
	tr -d '\r' <"$guest_dir/console" | grep -a '==> ' | tail -n 1 | grep -q "$sum" ||
		{ echo "the file's checksum is $sum"; return 1; }
}

# All of U-Boot's numbers are hexadecimal.
size_of() {
	printf '%x' "$(stat -Lc %s "$scratch/tftp/$1")"
}

boot_linux() {
	firmware 20 "setenv bootargs $(guest_kernel_args); echo set" '^set$' || return 1
	in_firmware=
	echo "zboot $KERNEL_AT $(size_of kernel) $INITRD_AT $(size_of initrd)" >&"$keys"
	guest_reply 120
}

plan 9
trap end_of_test EXIT
if [ ! -e $ROM ] || ! have dnsmasq; then
	echo "Bail out! no $ROM or no dnsmasq: scripts/setup tools vm"
	exit 1
fi
guest_firmware=$ROM guest_machine=pc
guest_tap $NET
report "a server for DHCP and TFTP" start_server
report "the firmware starts" start_firmware
report "DHCP" firmware 60 dhcp "bound to address $(guest_ip $NET)"
report "ping" firmware 60 "ping 192.168.$NET.1" "192.168.$NET.1 is alive"
report "a kernel by TFTP" fetch kernel $KERNEL_AT
report "an initramfs by TFTP" fetch initrd $INITRD_AT
need_guest
report "Linux boots from them" boot_linux
make_stream "${VD_STREAM_MB:-4}"
report "ping the guest" ping_guest $NET
report "streams are unaltered" eval "send_stream $NET && fetch_stream $NET"
finish
