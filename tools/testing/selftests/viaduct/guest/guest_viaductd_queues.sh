#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Guests over viaductd with --bridge: one that changes the number of its queue pairs,
# up to four, under load, then one with packed rings, which is stopped and continued.
# shellcheck source=tools/testing/selftests/viaduct/guest/viaductd.sh
. "$(dirname "$0")/viaductd.sh"
# shellcheck source=tools/testing/selftests/viaduct/guest/queues.sh
. "$(dirname "$0")/queues.sh"

NET=1 BRIDGE=vdbr STOPS=${VD_STOPS:-10}

make_bridge() {
	ip link add $BRIDGE type bridge forward_delay 0 mcast_snooping 0
	echo 1 >/proc/sys/net/ipv6/conf/$BRIDGE/disable_ipv6
	ip addr add "$(host_ip $NET)/24" dev $BRIDGE
	ip link set $BRIDGE up
}

# shellcheck disable=SC2317 # the trap calls it
end_of_test() {
	[ -z "$daemon" ] || stop_daemon KILL
	clean_up
	ip link delete $BRIDGE 2>/dev/null || true
}

start() {
	start_guest "$NET user:$scratch/daemon.sock $1" || { show_daemon_log && return 1; }
}

# Each front end has a tap of its own, which is removed with it.
no_tap() {
	! compgen -G '/sys/class/net/vdu*' >/dev/null
}

tap_is_gone() {
	guest_kill
	eventually 5 no_tap
}

is_packed() {
	local features

	features=$(guest_run 30 'cat /sys/bus/virtio/devices/*/features') || return 1
	echo "features $features"
	[ "${features:34:1}" = 1 ]
}

plan 14
trap end_of_test EXIT
make_stream "${VD_STREAM_MB:-8}"
make_bridge
guest_share_memory
report "the daemon starts" start_daemon --bridge $BRIDGE --queues $guest_queues
report "a guest with four queue pairs starts" start "$NIC"
need_guest
report "ping" ping_guest $NET
report "two pairs carry several streams" two_pairs
report "four pairs" set_pairs 4
report "$SWITCHES switches under load" under_load $NET switch_queues
report "streams are unaltered" eval "send_stream $NET && fetch_stream $NET"
report "its tap is removed with it" tap_is_gone
guest_queues=1
open_monitor
report "a guest with packed rings starts" start virtio-net-pci,packed=on
need_guest
report "they are negotiated" is_packed
report "packed: ping" ping_guest $NET
report "packed: streams are unaltered" eval "send_stream $NET && fetch_stream $NET"
report "packed: stopped and continued $STOPS times" under_load $NET stop_and_continue $NET "$STOPS"
report "packed: streams are unaltered afterwards" eval "send_stream $NET && fetch_stream $NET"
finish
