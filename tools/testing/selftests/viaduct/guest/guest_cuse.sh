#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A guest with the node of viaduct-cuse as its vhost device, the selftests' own driver on
# that node, and clients that end badly.
# shellcheck source=tools/testing/selftests/viaduct/guest/cuse.sh
. "$(dirname "$0")/cuse.sh"

NET=1
PROGRAMS=${VD_OUTPUT:-$REPO/build/selftests}

# moves_packets: QEMU continues without vhost if the device refuses.
moves_packets() {
	[ -n "$(find "/proc/$server/fd" -lname /dev/net/tun)" ] || { echo "the server has no tap"; return 1; }
	! grep -i vhost "$guest_dir/qemu.log"
}

start() {
	start_guest "$NET $VHOST_DEV virtio-net-pci" && moves_packets
}

has_few_rights() {
	local field

	for field in CapEff CapPrm; do
		# CAP_DAC_OVERRIDE, CAP_SYS_PTRACE, CAP_CHECKPOINT_RESTORE
		grep -q "^$field:[[:space:]]*0000010000080002$" "/proc/$server/status" ||
			{ grep Cap "/proc/$server/status" && return 1; }
	done
}

# own_driver PROGRAM: all its cases pass on the node.
own_driver() {
	VD_DEVICE=$VHOST_DEV "$PROGRAMS/$1" >"$scratch/own" 2>&1 || { grep -v '^ok' "$scratch/own" && return 1; }
	tail -n 1 "$scratch/own"
	server_runs
}

# QEMU is killed with frames in flight: the server must release all its resources.
kill_guest() {
	start_load $NET && guest_kill
	stop_load
	server_runs && eventually 5 lets_go
}

lets_go() {
	[ -z "$(find "/proc/$server/fd" -lname /dev/net/tun)" ] && ! grep -q memfd "/proc/$server/maps"
}

# Without shared memory the server must log the missing option, and QEMU runs without vhost.
private_memory() {
	local machine=$guest_machine args=(${guest_machine_args[@]+"${guest_machine_args[@]}"})

	guest_machine=q35 guest_machine_args=()
	start_guest "$NET $VHOST_DEV virtio-net-pci" || return 1
	guest_machine=$machine guest_machine_args=("${args[@]}")
	cat "$guest_dir/qemu.log"
	grep -q 'Wrong medium type' "$guest_dir/qemu.log" || { echo "QEMU was not refused"; return 1; }
	grep 'memory-backend-memfd' "$scratch/server.log" || { echo "the server does not log the missing option"; return 1; }
	server_runs
}

plan 15
make_stream "${VD_STREAM_MB:-48}"
guest_tap $NET
report "the server starts" start_server
report "it has few rights" has_few_rights
report "own driver, to the tap" own_driver net_tx
report "a guest without shared memory is refused" private_memory
guest_kill
guest_share_memory
report "a guest starts" start
need_guest
report_traffic $NET
report "QEMU is killed under load" kill_guest
report "another guest starts" start
report "ping" ping_guest $NET
show_server_log
guest_kill
report "own driver again" own_driver net_tx
report "the server stops" stop_server
finish
