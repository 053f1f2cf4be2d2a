#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# libvirt chooses the module for single interfaces (<backend vhost=...>): two domains
# on one host, one on each driver; multiqueue, packed rings, hotplug and detach,
# save and restore, also from one driver to the other. VD_LIBVIRT=newest takes the
# newest libvirt instead of that of Debian 12.
# shellcheck source=tools/testing/selftests/viaduct/guest/libvirt.sh
. "$(dirname "$0")/libvirt.sh"

BRIDGE=vdbr
guest_smp=2
MULTIQUEUE=1 PACKED=2 OTHER=3 HOT=4

make_bridge() {
	local net

	ip link add $BRIDGE type bridge forward_delay 0 mcast_snooping 0
	echo 1 >/proc/sys/net/ipv6/conf/$BRIDGE/disable_ipv6
	for net in $MULTIQUEUE $PACKED $OTHER $HOT; do
		ip addr add "192.168.$net.1/24" dev $BRIDGE
	done
	ip link set $BRIDGE up
}

need_domain() {
	[ $test_failed != 0 ] || return 0
	tail -n 20 "$scratch/libvirtd.log" | sed 's/^/# /' || true
	dmesg | grep 'apparmor="DENIED"' | tail -n 20 | sed 's/^/# /' || true
	need_guest
}

define_ours() {
	define_domain ours "$(interface_xml $MULTIQUEUE "$VHOST_DEV" "queues='2'")" \
		"$(interface_xml $PACKED "$VHOST_DEV" "packed='on'")"
}

# Its cards are on one bridge: each must answer for its own address only.
start_ours() {
	boot_domain ours || boot_domain ours || return 1
	guest_run 10 'echo 1 >/proc/sys/net/ipv4/conf/all/arp_ignore; echo 2 >/proc/sys/net/ipv4/conf/all/arp_announce'
}

start_other() {
	define_domain other "$(interface_xml $OTHER '')" && { boot_domain other || boot_domain other; }
}

# formats SPLIT PACKED: these numbers of rings of each format are running.
formats() {
	local all

	all=$(for ring in rx tx; do
		paste <(fdinfo_values "$ring-state") <(fdinfo_values "$ring-format")
	done | sort | uniq -c | awk '{ print $1, $2, $3 }')
	echo "$all"
	[ "$all" = "$2 running packed
$1 running split" ]
}

# Each of the two pairs moves packets of a program on its processor.
both_pairs() {
	local cpu before after

	guest_run 10 'ethtool -l eth0 | tail -n 1' || return 1
	for cpu in 1 2; do
		before=$(fdinfo_values tx-packets | tr '\n' ' ')
		guest_run 20 "taskset $cpu ping -q -c 5 -i 0.2 $(host_ip $MULTIQUEUE) | tail -n 2" || return 1
		after=$(fdinfo_values tx-packets | tr '\n' ' ')
		echo "packets sent by device: $before, then $after"
		paste <(tr ' ' '\n' <<<"$before") <(tr ' ' '\n' <<<"$after") |
			awk -v pair=$cpu 'NF == 2 && $2 >= $1 + 5 { print NR }' >"$scratch/pair$cpu"
		cat "$scratch/pair$cpu"
		[ "$(wc -l <"$scratch/pair$cpu")" = 1 ] || return 1
	done
	! cmp -s "$scratch/pair1" "$scratch/pair2"
}

# Traffic between the two domains, and between the host and each.
side_by_side() {
	local ping status=0

	use_domain other
	guest_run 10 'ip addr add 10.9.0.3/24 dev eth0' || return 1
	use_domain ours
	guest_run 10 "ip addr add 10.9.0.1/24 dev $(card_of $MULTIQUEUE)" || return 1
	ping -q -c 40 -i 0.1 -W 5 "$(guest_ip $OTHER)" >"$scratch/ping" &
	ping=$!
	ping_guest $MULTIQUEUE && guest_run 30 'ping -q -c 10 10.9.0.3 | tail -n 2' || status=1
	wait $ping || status=1
	tail -n 2 "$scratch/ping"
	return $status
}

# card_of NET: its name in the guest.
card_of() {
	guest_run 10 "grep -l $(guest_mac "$1") /sys/class/net/*/address | cut -d / -f 5"
}

# A process does not receive a descriptor that its profile does not permit.
refused() {
	if virsh attach-device ours "$scratch/hot.xml" --live; then
		holds 4 0 || true
		return 1
	fi
	dmesg | grep "DENIED.*name=\"$VHOST_DEV\"" | tail -n 1 | grep . && holds 3 0
}

plug() {
	local card='' end=$((SECONDS + 30))

	permit_node
	virsh attach-device ours "$scratch/hot.xml" --live || return 1
	until [ -n "$card" ]; do
		[ $SECONDS -lt $end ] || { echo "the guest sees no new card"; return 1; }
		sleep 0.5
		card=$(card_of $HOT) || true
	done
	guest_run 10 "ip addr add $(guest_ip $HOT)/24 dev $card; ip link set $card up" || return 1
	holds 4 0 && ping_guest $HOT
}

unplug() {
	local end=$((SECONDS + 30))

	virsh detach-device ours "$scratch/hot.xml" --live || return 1
	while virsh domiflist ours | grep "$(guest_mac $HOT)" >/dev/null; do
		[ $SECONDS -lt $end ] || { echo "the interface does not disappear"; return 1; }
		sleep 0.5
	done
	holds 3 0 && ping_guest $MULTIQUEUE
}

save() {
	virsh save "$domain" "/var/lib/libvirt/images/$domain.save" || return 1
	[ ! -d "/proc/$guest_pid" ] || { echo "QEMU $guest_pid still exists"; return 1; }
}

# restore [BACKEND]: with BACKEND, empty or a vhost device, its interface is
# on that one from now on.
restore() {
	local image=/var/lib/libvirt/images/$domain.save xml=()

	if [ $# = 1 ]; then
		virsh save-image-dumpxml "$image" >"$scratch/saved.xml" || return 1
		sed -i -e "/<backend /d" ${1:+-e "s|.*<driver name='vhost'.*|&\n<backend vhost='$1'/>|"} "$scratch/saved.xml"
		xml=(--xml "$scratch/saved.xml")
	fi
	virsh restore "$image" ${xml[@]+"${xml[@]}"} && find_qemu
}

save_and_restore() {
	save && restore && holds 3 0 && ping_guest $MULTIQUEUE && ping_guest $PACKED && formats 4 2
}

# move_to BACKEND VIADUCT REFERENCE
move_to() {
	save && restore "$1" && holds "$2" "$3" && ping_guest $OTHER
}

from_other_and_back() {
	use_domain other
	move_to "$VHOST_DEV" 1 0 && send_stream $OTHER && move_to '' 0 1 && fetch_stream $OTHER
}

end_domains() {
	local name left

	for name in ours other; do
		virsh destroy $name && virsh undefine $name || return 1
	done
	left=$(cat /proc/[0-9]*/fdinfo/* 2>/dev/null | grep -c '^viaduct-device:' || true)
	echo "$left descriptors of the module are left, and these taps: $(cd /sys/class/net && echo tap*)"
	[ "$left" = 0 ] && ! compgen -G '/sys/class/net/tap*' >/dev/null
}

need_libvirt
if [ ! -c /dev/vhost-net ]; then
	echo "1..0 # SKIP no /dev/vhost-net for the second domain (modprobe vhost_net)"
	exit 4
fi
plan 16
trap end_of_libvirt EXIT
make_bridge
make_root
make_stream "${VD_STREAM_MB:-4}"
report "libvirtd starts" start_libvirtd
need_domain
report "a domain with two interfaces on the module" define_ours
report "it starts" start_ours
need_domain
report "its QEMU holds the node, once for each queue pair" holds 3 0
report "its rings are split and packed" formats 4 2
report "a domain on the in-tree driver starts beside it" start_other
need_domain
report "its QEMU holds that node only" holds 0 1
report "both answer, and exchange traffic" side_by_side
report "multiqueue: both pairs are used" both_pairs
report "streams are unaltered on the packed interface" eval "send_stream $PACKED && fetch_stream $PACKED"
interface_xml $HOT "$VHOST_DEV" >"$scratch/hot.xml"
if has_apparmor; then
	report "AppArmor refuses hotplug without a rule for the node" refused
else
	report "AppArmor refuses hotplug without a rule for the node # SKIP no AppArmor" true
fi
report "hotplug of an interface" plug
report "detach" unplug
report "save and restore" save_and_restore
report "from the in-tree driver to the module and back" from_other_and_back
report "nothing is left of the domains" end_domains
finish
