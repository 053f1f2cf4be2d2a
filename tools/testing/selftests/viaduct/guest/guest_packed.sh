#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The same with packed rings; then the guest is stopped and continued VD_STOPS
# times (10) under load, so that its rings are stopped and started at arbitrary
# positions.
# shellcheck source=tools/testing/selftests/viaduct/guest/cards.sh
. "$(dirname "$0")/cards.sh"

STOPS=${VD_STOPS:-10}
names=(packed mrg_rxbuf=off event_idx=off indirect_desc=off)
options=("${names[@]/#/packed=on,}")
options[0]=packed=on

# Bit 34 of every card, as sysfs shows it: a character each.
features_are_acked() {
	local all features n=0

	all=$(guest_run 30 'cat /sys/bus/virtio/devices/*/features') || return 1
	while read -r features; do
		echo "features $features"
		[ "${features:34:1}" = 1 ] || return 1
		n=$((n + 1))
	done <<<"$all"
	[ $n = ${#options[@]} ]
}

stop_and_continue() {
	local load status=0 i

	iperf3 -c "$(guest_ip 1)" --bidir -t 600 >"$scratch/iperf" 2>&1 &
	load=$!
	sleep 1
	for ((i = 0; i < STOPS; i++)); do
		echo stop >&"$monitor"
		sleep 0.1
		echo cont >&"$monitor"
		sleep 0.2
	done
	ping -q -c 3 -i 0.2 -W 10 "$(guest_ip 1)" >/dev/null || { echo "no answer any more"; status=1; }
	kill -0 $load || { tail -n 3 "$scratch/iperf"; status=1; }
	kill $load 2>/dev/null || true
	wait $load || true
	echo "$STOPS stops"
	return $status
}

plan_cards ${#names[@]} 3
mkfifo "$scratch/monitor.in" "$scratch/monitor.out"
# shellcheck disable=SC2034 # what QEMU says is left in the pipe
exec {monitor}<>"$scratch/monitor.in" {answers}<>"$scratch/monitor.out"
guest_qemu_args=(-chardev "pipe,id=mon,path=$scratch/monitor" -mon chardev=mon)
start_cards "${options[@]}"
report "RING_PACKED is negotiated" features_are_acked
test_cards "${names[@]}"
report "stopped and continued $STOPS times" stop_and_continue
report "streams are unaltered afterwards" eval "send_stream 1 && fetch_stream 1"
finish
