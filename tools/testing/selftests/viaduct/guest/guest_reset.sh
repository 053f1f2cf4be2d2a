#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The guest's driver resets one ring at a time, to change its size, under load:
# VD_RESETS times (20).
# shellcheck source=tools/testing/selftests/viaduct/guest/common.sh
. "$(dirname "$0")/common.sh"

RESETS=${VD_RESETS:-20}
NET=1
NIC=virtio-net-pci,disable-legacy=on,rx_queue_size=256,tx_queue_size=256

feature_is_acked() {
	local features

	features=$(guest_run 30 'cat /sys/bus/virtio/devices/virtio0/features')
	echo "features $features"
	[ "${features:40:1}" = 1 ]
}

# Until the guest's server is ready again, an iperf3 ends at once.
start_load() {
	local tries

	for tries in {1..10}; do
		iperf3 -c "$(guest_ip $NET)" --bidir -t 300 >"$scratch/iperf" 2>&1 &
		load=$!
		sleep 2
		! kill -0 "$load" 2>/dev/null || return 0
	done
	echo "no load after $tries tries"
	tail -n 3 "$scratch/iperf"
	return 1
}

# reset_under_load RING: half of the resets.
reset_under_load() {
	local load status=0

	start_load || return 1
	guest_run 280 "for i in \$(seq $((RESETS / 4))); do ethtool -G eth0 $1 128 && ethtool -G eth0 $1 256 || exit 1; done; ethtool -g eth0 | grep -i ^$1: | tail -n 1" ||
		status=$?
	kill -0 "$load" || { tail -n 3 "$scratch/iperf"; status=1; }
	kill "$load" 2>/dev/null || true
	wait "$load" || true
	echo "$((RESETS / 2)) resets, $SECONDS s since the start"
	return $status
}

plan 6
make_stream "${VD_STREAM_MB:-8}"
guest_tap $NET
report "a guest starts" start_guest "$NET $VHOST_DEV $NIC"
need_guest
report "RING_RESET is negotiated" feature_is_acked
report "$((RESETS / 2)) resets of the transmit ring" reset_under_load tx
report "$((RESETS / 2)) resets of the receive ring" reset_under_load rx
report "ping afterwards" ping_guest $NET
report "streams are unaltered" eval "send_stream $NET && fetch_stream $NET"
finish
