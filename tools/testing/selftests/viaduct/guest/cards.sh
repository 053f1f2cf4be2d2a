# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# A guest with several cards: each must answer ping, move TCP both ways, and
# carry a stream both ways without altering a byte. Card I is on network I + 1.
# shellcheck source=tools/testing/selftests/viaduct/guest/common.sh
. "$(dirname "$0")/common.sh"

VD_IPERF_SECONDS=${VD_IPERF_SECONDS:-2}
# plan_cards CARDS MORE: the plan of a test with CARDS cards, and MORE cases than
# those of test_cards.
plan_cards() {
	plan $((1 + 5 * $1 + $2))
	make_stream "${VD_STREAM_MB:-8}"
}

# start_cards OPTIONS...: a guest with a card for each set of virtio options.
# guest_qemu_args, when set, are more arguments for QEMU.
start_cards() {
	local i=0 card nets=()

	for card in "$@"; do
		i=$((i + 1))
		guest_tap $i
		nets+=("$i $VHOST_DEV virtio-net-pci${card:+,$card}")
	done
	report "a guest with $# cards starts" start_guest "${nets[@]}"
	need_guest
}

# test_cards NAME...: the cards that were started.
test_cards() {
	local net=0 name

	for name in "$@"; do
		net=$((net + 1))
		report_traffic $net "$name: "
	done
}
