#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# kill -9 of QEMU while traffic runs both ways, VD_KILLS times (50): each time the
# worker must end, the tap must be free, and the module removable.
#
# A guest that boots costs ten seconds under emulation, so it boots once, its
# state is saved as for a migration, and each round starts from that file. It is saved
# without vhost, which may refuse to migrate, and started with it.
# shellcheck source=tools/testing/selftests/viaduct/guest/common.sh
. "$(dirname "$0")/common.sh"

KILLS=${VD_KILLS:-50}
NET=1
# Little memory, and freed pages cleared, make a small file.
guest_mem=144M
guest_append+=' init_on_free=1'
declare -A bad=()
stalls=0

# fail CHECK MESSAGE: counts against CHECK.
fail() {
	bad[$1]=$((${bad[$1]:-0} + 1))
	echo "# round $round: $2"
}

save_guest() {
	local line

	mkfifo "$scratch/mon.in" "$scratch/mon.out"
	exec 8<>"$scratch/mon.in" 9<>"$scratch/mon.out"
	guest_qemu_args=(-chardev "pipe,id=mon,path=$scratch/mon" -mon chardev=mon)
	start_guest "$NET off virtio-net-pci" || return 1
	printf 'migrate "exec:cat >%s/state"\ninfo migrate\n' "$scratch" >&8
	while IFS= read -r -t 60 -u 9 line; do
		[[ $line != *"Migration status: "* ]] || break
	done
	guest_kill
	[[ $line == *completed* ]] || { echo "the guest's state was not saved: $line"; return 1; }
}

# Output to the serial port before the state is loaded is lost, so a ping shows that
# the guest runs.
resume_guest() {
	local end=$((SECONDS + 25))

	exec 7<"$scratch/state"
	guest_qemu_args=(-incoming fd:7)
	guest_spawn "$NET $VHOST_DEV virtio-net-pci" || return 1
	while [ $SECONDS -lt $end ] && kill -0 "$guest_pid" 2>/dev/null; do
		! ping -q -c 1 -W 1 "$(guest_ip $NET)" >/dev/null || return 0
	done
	sed 's/^/# /' "$guest_dir/qemu.log"
	guest_kill
	return 1
}

# Polling forks nothing: under emulation that would be most of the load.
counters() {
	read -r rx <"/sys/class/net/tap$NET/statistics/rx_bytes"
	read -r tx <"/sys/class/net/tap$NET/statistics/tx_bytes"
}

# A megabyte each way since the round began.
both_ways_flow() {
	counters
	[ $((rx - rx0)) -gt 1000000 ] && [ $((tx - tx0)) -gt 1000000 ]
}

workers() {
	local comm name nr=0

	for comm in /proc/[0-9]*/task/[0-9]*/comm; do
		{ read -r name <"$comm"; } 2>/dev/null || continue
		[[ $name != vhost-* ]] || nr=$((nr + 1))
	done
	echo $nr
}

no_worker() {
	[ "$(workers)" = 0 ]
}

kill_under_load() {
	local load

	counters
	rx0=$rx tx0=$tx
	iperf3 -c "$(guest_ip $NET)" --bidir -t 60 >"$scratch/iperf" 2>&1 &
	load=$!
	eventually 20 both_ways_flow ||
		fail traffic "$((rx - rx0)) and $((tx - tx0)) bytes: $(tail -n1 "$scratch/iperf")"
	no_worker && fail traffic "no worker to be seen under load"
	guest_kill
	kill -9 $load 2>/dev/null || true
	wait $load 2>/dev/null || true
}

check_tap() {
	{ ip link delete "tap$NET" && guest_tap $NET; } || fail tap "tap$NET is not released"
}

# hostvm --module keeps the inserted file in the control folder.
check_module() {
	case $VHOST_DEV in
	*/vhost-net) rmmod vhost_net && modprobe vhost_net ;;
	*) rmmod viaduct && insmod "${VD_MODULE:-/run/hostvm/viaduct.ko}" ;;
	esac 2>&1 || fail module "the module could not be removed and inserted"
}

one_round() {
	resume_guest || {
		stalls=$((stalls + 1))
		resume_guest || { fail start "the guest does not start" && return; }
	}
	kill_under_load
	eventually 10 no_worker || fail worker "$(workers) workers are left"
	check_tap
	check_module
}

verdict() {
	[ "${bad[$1]:-0}" = 0 ]
}

plan 7
guest_tap $NET
report "a guest boots and its state is saved" save_guest
need_guest
for ((round = 1; round <= KILLS; round++)); do
	one_round
done
echo "# $KILLS rounds in $SECONDS s, $stalls of them at the second try"
report "the guest starts each time" verdict start
report "traffic flows both ways each time" verdict traffic
report "the worker is gone after each of $KILLS kills" verdict worker
report "the tap is free after each" verdict tap
report "the module can be removed after each" verdict module
report "few starts need a second try" test $stalls -le $((KILLS / 5 + 1))
finish
