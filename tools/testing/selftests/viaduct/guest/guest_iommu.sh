#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A guest behind an IOMMU of its own (intel-iommu, device-iotlb): the card's
# addresses are the IOMMU's, and traffic flows both ways unaltered, with the
# guest's IOMMU in strict mode (an invalidation for each buffer) and in lazy mode
# (many buffers at once).
# shellcheck source=tools/testing/selftests/viaduct/guest/common.sh
. "$(dirname "$0")/common.sh"

NET=1
NIC=virtio-net-pci,$(guest_iommu_nic $NET)
VD_IPERF_MIN=100000 VD_IPERF_SECONDS=2
plain_append=$guest_append

# The guest's driver has acked ACCESS_PLATFORM, and an IOMMU serves its card.
card_is_translated() {
	local features group

	features=$(guest_run 30 'cat /sys/bus/virtio/devices/virtio0/features')
	group=$(guest_run 30 'readlink /sys/bus/virtio/devices/virtio0/../iommu_group')
	echo "features $features, group ${group##*/}"
	[ "${features:33:1}" = 1 ] && [ -n "$group" ]
}

# Misses of the device so far, on both rings.
misses() {
	{ queue_values rx misses && queue_values tx misses; } | awk '{ sum += $1 } END { print sum + 0 }'
}

device_asked() {
	local nr

	[[ $VHOST_DEV == */viaduct-net ]] || return 0
	nr=$(misses)
	echo "$nr misses"
	[ "$nr" -gt 0 ]
}

# try_mode MODE
try_mode() {
	local mode=$1

	guest_machine_args=() guest_append=$plain_append
	guest_add_iommu "$mode" $NET
	report "$mode: a guest with an IOMMU starts" start_guest "$NET $VHOST_DEV $NIC"
	need_guest
	report "$mode: its card is behind the IOMMU" card_is_translated
	report "$mode: ping" ping_guest $NET
	report "$mode: iperf3 host to guest" iperf_guest $NET
	report "$mode: iperf3 guest to host" iperf_guest $NET -R
	report "$mode: streams are unaltered" eval "send_stream $NET && fetch_stream $NET"
	report "$mode: the device reported misses" device_asked
	guest_kill
}

plan 14
make_stream "${VD_STREAM_MB:-1}"
guest_tap $NET
try_mode strict
try_mode lazy
finish
