#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Live migration, from QEMU to QEMU on this host: VD_MIGRATIONS times (2) between
# two devices under test, then to the in-tree vhost-net and back, and to QEMU's
# own virtio-net and back. Meanwhile a TCP connection to an echo server in the guest
# carries random data both ways, of which every byte is compared, and a ping runs.
# VD_NIC_OPTIONS are more properties of the card; with packed=on the in-tree driver,
# which lacks packed rings, is left out, and so is QEMU's own device if it would abort
# (qemu_knows_used_idx). With VD_TUNNEL=1 the data goes through a VXLAN tunnel, in segments of up
# to 64 KiB (see guest_tunnel.sh).
# shellcheck source=tools/testing/selftests/viaduct/guest/migrate.sh
. "$(dirname "$0")/migrate.sh"
# shellcheck source=tools/testing/selftests/viaduct/guest/tunnel.sh
. "$(dirname "$0")/tunnel.sh"

MIGRATIONS=${VD_MIGRATIONS:-2}

boot_guest() {
	next_qemu "$VHOST_DEV"
	start_guest "$card" || return 1
	if [ -n "${VD_TUNNEL:-}" ]; then
		make_tunnel $NET $BRIDGE || return 1
		guest_prefix=10.42
	fi
	in_background 7 'nc -ll -p 7 -e cat >/dev/null 2>&1'
}

hop_often() {
	local i

	for ((i = 1; i <= MIGRATIONS; i++)); do
		hop "$VHOST_DEV" || { echo "migration $i"; return 1; }
	done
	echo "$MIGRATIONS migrations, $SECONDS s since the start"
}

there_and_back() {
	hop "$1" && hop "$VHOST_DEV"
}

# QEMU before 8.1 stores the used half of a packed ring's base with the wrap counter.
# Another vhost device gets it back unchanged; QEMU's own fails an assertion, in every
# other lap.
qemu_knows_used_idx() {
	local version qemu

	mapfile -t qemu < <(guest_qemu_command)
	version=$("${qemu[@]}" --version | sed -n 's/.*version \([0-9]*\)\.\([0-9]*\).*/\1 \2/p')
	[ "${version% *}" -gt 8 ] || [ "$version" = "8 1" ] || [ "$version" = "8 2" ]
}

if [ -n "${VD_TUNNEL:-}" ]; then
	VD_QEMU=newest
	guest_for_tunnel
	guest_mem=256M
fi
plan 7
trap end_of_test EXIT
make_bridge
report "a guest starts" boot_guest
need_guest
report "data flow both ways" start_echo
report "$MIGRATIONS migrations" hop_often
need_guest
if [[ $NIC == *packed=on* ]]; then
	report "to the in-tree driver and back # SKIP it has no packed rings" true
elif [ -c /dev/vhost-net ]; then
	report "to the in-tree driver and back" there_and_back /dev/vhost-net
else
	report "to the in-tree driver and back # SKIP no /dev/vhost-net" true
fi
need_guest
if [[ $NIC == *packed=on* ]] && ! qemu_knows_used_idx; then
	report "to QEMU's own device and back # SKIP QEMU before 8.1 takes the wrap counter for a part of used_idx" true
else
	report "to QEMU's own device and back" there_and_back off
fi
report "the ping was answered" end_ping
report "no byte was altered" end_echo
finish
