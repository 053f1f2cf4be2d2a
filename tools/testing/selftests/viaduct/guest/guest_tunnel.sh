#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# GSO in UDP tunnels: a guest of the newest QEMU sends and receives through VXLAN,
# with and without the outer checksum. Its segments of up to 64 KiB must cross the
# tap whole in both directions: seen by the mean length of the tap's frames.
# shellcheck source=tools/testing/selftests/viaduct/guest/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tools/testing/selftests/viaduct/guest/tunnel.sh
. "$(dirname "$0")/tunnel.sh"

NET=1
VD_QEMU=newest
VD_IPERF_SECONDS=${VD_IPERF_SECONDS:-2}

# The features of the first card, bits 65 to 68, which the tap must have.
has_features() {
	local bits

	bits=$(guest_run 15 'cat /sys/class/net/eth0/device/features') || return 1
	echo "features ${bits:65:4} from bit 65 on"
	[ "${bits:65:4}" = 1111 ]
}

# frames_of DIRECTION: bytes and frames of the tap.
frames_of() {
	cat "/sys/class/net/tap$NET/statistics/$1_bytes" "/sys/class/net/tap$NET/statistics/$1_packets" | paste -sd ' '
}

# carry_long DIRECTION [FLAG...]: iperf3 through the tunnel. The tap's frames in
# DIRECTION must be longer than any that is not GSO, in the mean.
carry_long() {
	local direction=$1 before after mean

	shift
	before=$(frames_of "$direction")
	iperf_guest $NET "$@" || return 1
	after=$(frames_of "$direction")
	mean=$(awk '{ print int(($3 - $1) / ($4 - $2)) }' <<<"$before $after")
	echo "mean length of a frame: $mean bytes"
	[ "$mean" -gt 3000 ]
}

# through_tunnel OPTION: all tests of one kind of tunnel.
through_tunnel() {
	report "$1: a tunnel" make_tunnel $NET tap$NET "$1"
	report "$1: ping" ping_guest $NET
	report "$1: long segments from the guest" carry_long rx -R
	report "$1: long segments to the guest" carry_long tx
	report "$1: stream to the guest is unaltered" send_stream $NET
	report "$1: stream to the host is unaltered" fetch_stream $NET
}

if [ ! -e "$CACHE/roots/qemu" ]; then
	echo "1..0 # SKIP the newest QEMU is missing (scripts/setup root qemu)"
	exit 4
fi
if ! kernel_at_least 6.17; then
	echo "1..0 # SKIP taps have no tunnel offload before Linux 6.17"
	exit 4
fi
guest_for_tunnel
plan 14
make_stream "${VD_STREAM_MB:-8}"
guest_tap $NET
report "a guest starts" start_guest "$NET $VHOST_DEV virtio-net-pci"
need_guest
report "it has the features for GSO in tunnels" has_features
guest_prefix=10.42
through_tunnel udpcsum
through_tunnel noudpcsum
ip link del "vxlan$NET"
finish
