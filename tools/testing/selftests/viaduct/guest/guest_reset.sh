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

# reset_ring RING: half of the resets.
reset_ring() {
	guest_run 280 "for i in \$(seq $((RESETS / 4))); do ethtool -G eth0 $1 128 && ethtool -G eth0 $1 256 || exit 1; done; ethtool -g eth0 | grep -i ^$1: | tail -n 1" ||
		return 1
	echo "$((RESETS / 2)) resets, $SECONDS s since the start"
}

plan 6
make_stream "${VD_STREAM_MB:-8}"
guest_tap $NET
report "a guest starts" start_guest "$NET $VHOST_DEV $NIC"
need_guest
report "RING_RESET is negotiated" feature_is_acked
report "$((RESETS / 2)) resets of the transmit ring" under_load $NET reset_ring tx
report "$((RESETS / 2)) resets of the receive ring" under_load $NET reset_ring rx
report "ping afterwards" ping_guest $NET
report "streams are unaltered" eval "send_stream $NET && fetch_stream $NET"
finish
