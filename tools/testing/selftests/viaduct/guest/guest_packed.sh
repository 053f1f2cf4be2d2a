#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# One guest with a card for each set of virtio options of packed rings. Then it is
# stopped and continued VD_STOPS times (10) under load, so that its rings are stopped
# and started at arbitrary positions.
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

plan_cards ${#names[@]} 3
open_monitor
start_cards "${options[@]}"
report "RING_PACKED is negotiated" features_are_acked
test_cards "${names[@]}"
report "stopped and continued $STOPS times" under_load 1 stop_and_continue 1 "$STOPS"
report "streams are unaltered afterwards" eval "send_stream 1 && fetch_stream 1"
finish
