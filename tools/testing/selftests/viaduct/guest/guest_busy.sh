#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# One guest with a card for each busy polling time: none, 10 and 50 us. Each
# must answer, carry TCP both ways, and report its round trip; an idle one must not poll.
# shellcheck source=tools/testing/selftests/viaduct/guest/common.sh
. "$(dirname "$0")/common.sh"

times=(0 10 50)
VD_IPERF_SECONDS=${VD_IPERF_SECONDS:-1}

round_trip() {
	ping -q -i 0.005 -c "${VD_PINGS:-200}" -W 5 "$(guest_ip "$1")" | tail -n 2
	[ "${PIPESTATUS[0]}" = 0 ]
}

# Run time of all workers so far, in nanoseconds.
workers_ran() {
	local comm

	for comm in /proc/[0-9]*/task/[0-9]*/comm; do
		[[ $(cat "$comm" 2>/dev/null) != vhost-* ]] || cut -d ' ' -f 1 "${comm%comm}schedstat"
	done | awk '{ sum += $1 } END { printf "%.0f\n", sum }'
}

# Workers may use less than a twentieth of a processor, for ARP and the like.
workers_rest() {
	local before ran

	sleep 1
	before=$(workers_ran)
	sleep 2
	ran=$(($(workers_ran) - before))
	echo "$((ran / 1000)) us of 2 s"
	[ $ran -lt 100000000 ]
}

plan $((2 + 4 * ${#times[@]}))
make_stream "${VD_STREAM_MB:-2}"
nets=()
for i in "${!times[@]}"; do
	guest_tap $((i + 1))
	[ "${times[i]}" = 0 ] || guest_netdev_args[$((i + 1))]=",poll-us=${times[i]}"
	nets+=("$((i + 1)) $VHOST_DEV virtio-net-pci")
done
report "a guest with ${#times[@]} cards starts" start_guest "${nets[@]}"
need_guest
for i in "${!times[@]}"; do
	report "${times[i]} us: round trip" round_trip $((i + 1))
	report "${times[i]} us: iperf3 host to guest" iperf_guest $((i + 1))
	report "${times[i]} us: iperf3 guest to host" iperf_guest $((i + 1)) -R
	report "${times[i]} us: streams are unaltered" eval "send_stream $((i + 1)) && fetch_stream $((i + 1))"
done
report "no worker polls when all is quiet" workers_rest
finish
