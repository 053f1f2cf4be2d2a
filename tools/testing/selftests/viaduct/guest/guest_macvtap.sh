#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A guest on a macvtap: the other end of a veth pair, in a network namespace of
# its own, plays the wire and its stations.
# shellcheck source=tools/testing/selftests/viaduct/guest/common.sh
. "$(dirname "$0")/common.sh"

NET=1
WIRE=guest-wire

on_wire() {
	ip netns exec $WIRE "$@"
}

make_wire() {
	ip netns add $WIRE
	ip link add uplink type veth peer name wire netns $WIRE
	ip link set uplink up
	on_wire ip addr add "192.168.$NET.1/24" dev wire
	on_wire ip link set wire up
	ip link add link uplink name "tap$NET" address "$(guest_mac $NET)" type macvtap mode bridge
	ip link set "tap$NET" up
	# The node can appear in /dev a moment after the device.
	for _ in {1..50}; do
		[ ! -c "/dev/tap$(cat "/sys/class/net/tap$NET/ifindex")" ] || return 0
		sleep 0.1
	done
	echo "no /dev/tapN for the macvtap"
	return 1
}

drop_wire() {
	ip link delete "tap$NET" && ip link delete uplink && ip netns delete $WIRE
}

plan 7
report "a macvtap on a veth pair" make_wire
report "a guest on it starts" start_guest "$NET $VHOST_DEV virtio-net-pci"
need_guest
report "ping" ping_guest $NET
report "iperf3 to the guest" iperf_guest $NET
report "iperf3 from the guest" iperf_guest $NET -R
guest_kill
report "the macvtap is free after kill -9" drop_wire
report "no worker is left" test -z "$(cat /proc/[0-9]*/task/[0-9]*/comm 2>/dev/null | grep '^vhost-' || true)"
finish
