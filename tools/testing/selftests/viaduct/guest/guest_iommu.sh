#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A guest behind an IOMMU of its own (intel-iommu, device-iotlb): the card's
# addresses are the IOMMU's, and traffic flows both ways unaltered.
#
# Each packet then costs the guest an invalidation, which QEMU carries out, so
# little moves under emulation. The IOMMU's lazy mode is not tried: there, TCP
# comes to a halt after some packets with the in-tree driver just the same.
# shellcheck source=tools/testing/selftests/viaduct/guest/common.sh
. "$(dirname "$0")/common.sh"

NIC=virtio-net-pci,disable-legacy=on,iommu_platform=on,ats=on
NET=1
IPERF_MIN=100000 IPERF_SECONDS=2
guest_machine_args=(-device "intel-iommu,device-iotlb=on,intremap=off")

# The guest's driver has acked ACCESS_PLATFORM, and an IOMMU serves its card.
card_is_translated() {
	local features group

	features=$(guest_run 5 'cat /sys/bus/virtio/devices/virtio0/features')
	group=$(guest_run 5 'readlink /sys/bus/virtio/devices/virtio0/../iommu_group')
	echo "features $features, group ${group##*/}"
	[ "${features:33:1}" = 1 ] && [ -n "$group" ]
}

# Questions that the device asked so far, on both rings.
misses() {
	awk '$2 == "rx" || $2 == "tx" { sum += $(NF - 1) } END { print sum + 0 }' \
		/sys/kernel/debug/viaduct/queues
}

device_asked() {
	local nr

	[[ $VHOST_DEV == */viaduct-net ]] || return 0
	nr=$(misses)
	echo "$nr questions"
	[ "$nr" -gt 0 ]
}

plan 7
make_stream "${STREAM_MB:-1}"
guest_append+=" intel_iommu=on iommu=nopt iommu.strict=1"
guest_tap $NET
report "a guest with an IOMMU starts" start_guest "$NET $VHOST_DEV $NIC"
need_guest
report "its card is behind the IOMMU" card_is_translated
report "ping" ping_guest $NET
report "iperf3 host to guest" iperf_guest $NET
report "iperf3 guest to host" iperf_guest $NET -R
report "streams are unaltered" eval "send_stream $NET && fetch_stream $NET"
report "the device asked for addresses" device_asked
finish
