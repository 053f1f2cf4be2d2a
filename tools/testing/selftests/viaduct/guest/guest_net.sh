#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# One guest with a card for each set of virtio options: each must answer ping,
# move TCP both ways, and carry a stream both ways without altering a byte.
# shellcheck source=tools/testing/selftests/viaduct/guest/common.sh
. "$(dirname "$0")/common.sh"

IPERF_SECONDS=${IPERF_SECONDS:-2}

names=(modern legacy mrg_rxbuf=off event_idx=off indirect_desc=off)
options=('' 'disable-modern=on,disable-legacy=off' mrg_rxbuf=off event_idx=off indirect_desc=off)
plan $((1 + 5 * ${#names[@]}))
make_stream "${STREAM_MB:-8}"

nets=()
for i in "${!names[@]}"; do
	guest_tap $((i + 1))
	nets+=("$((i + 1)) $VHOST_DEV virtio-net-pci${options[i]:+,${options[i]}}")
done
report "a guest with ${#names[@]} cards starts" start_guest "${nets[@]}"
if [ -z "$guest_pid" ]; then
	echo "Bail out! no guest"
	exit 1
fi
for i in "${!names[@]}"; do
	net=$((i + 1))
	report "${names[i]}: ping" ping_guest $net
	report "${names[i]}: iperf3 host to guest" iperf_guest $net
	report "${names[i]}: iperf3 guest to host" iperf_guest $net -R
	report "${names[i]}: stream to the guest is unaltered" send_stream $net
	report "${names[i]}: stream to the host is unaltered" fetch_stream $net
done
finish
