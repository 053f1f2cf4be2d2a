# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# A VXLAN tunnel between guest and host on network N: its addresses are 10.42.N.2
# and 10.42.N.1. Both ends may hand segments of up to 64 KiB to it; with the
# features for GSO in UDP tunnels they cross the ring as one frame.

# make_tunnel N DEVICE [OPTION...]: DEVICE has the host's address; the options are
# those of `ip link add type vxlan` at both ends.
make_tunnel() {
	local net=$1 dev=$2 vxlan

	shift 2
	vxlan="type vxlan id 42 dstport 4789 $*"
	# By its full name: the ip of the guest's shell lacks VXLAN.
	guest_run 15 "/bin/ip link del vxlan$net 2>/dev/null; /bin/ip link add vxlan$net $vxlan local 192.168.$net.2 remote 192.168.$net.1 dev eth0 && /bin/ip addr add 10.42.$net.2/24 dev vxlan$net && /bin/ip link set vxlan$net up" ||
		return 1
	[ ! -e "/sys/class/net/vxlan$net" ] || ip link del "vxlan$net"
	# shellcheck disable=SC2086 # words
	ip link add "vxlan$net" $vxlan local "192.168.$net.1" remote "192.168.$net.2" dev "$dev"
	ip addr add "10.42.$net.1/24" dev "vxlan$net"
	ip link set "vxlan$net" up
}

# The guest of these tests.
guest_for_tunnel() {
	# shellcheck disable=SC2034 # for guest.sh
	guest_kernel=7.3 guest_modules=vxlan guest_programs=("$(type -P ip)")
}
