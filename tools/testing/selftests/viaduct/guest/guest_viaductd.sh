#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A guest with a card that is vhost-user over viaductd, on the device under test:
# traffic, rights of the process, kill -9 of it under checked streams VD_KILLS times
# (5), of the listening process, and another module under the running guest, VD_SWAPS
# times (2).
# shellcheck source=tools/testing/selftests/viaduct/guest/viaductd.sh
. "$(dirname "$0")/viaductd.sh"

KILLS=${VD_KILLS:-5} SWAPS=${VD_SWAPS:-2}
NET=1

start() {
	start_daemon --tap tap$NET || return 1
	start_guest "$NET user:$scratch/daemon.sock virtio-net-pci" || { show_daemon_log && return 1; }
}

# right FIELD VALUE: the process has this value, according to /proc.
right() {
	local got

	got=$(sed -n "s/^$1:[[:space:]]*\([^[:space:]]*\).*/\1/p" "/proc/$server/status")
	[ "$got" = "$2" ] || { echo "$1 is $got, not $2"; return 1; }
}

rights() {
	server=$(servers)
	right Uid "$(id -u nobody)" && right CapEff 0000000000000000 && right CapPrm 0000000000000000 &&
		right CapBnd 0000000000000000 && right NoNewPrivs 1 && right Seccomp 2
}

# killed STREAM: a stream, with the process killed in it.
killed() {
	local before

	before=$(servers)
	kill_server 0.4 &
	"$1" $NET || return 1
	! kill -0 $! 2>/dev/null || { echo "the stream had ended before" && return 1; }
	wait $! || { echo "nothing was killed" && return 1; }
	eventually 10 is_served "$before" || { echo "no front end any more" && show_daemon_log; return 1; }
}

killed_often() {
	local i

	for ((i = 0; i < KILLS; i += 2)); do
		killed send_stream || { echo "after $i kills"; return 1; }
		killed fetch_stream || { echo "after $((i + 1)) kills"; return 1; }
	done
	show_daemon_log
	echo "$i kills, $SECONDS s since the start"
}

# The front end's process continues, and a new listener does not affect it.
listener_killed() {
	local before

	before=$(servers)
	kill -9 "$daemon"
	wait "$daemon" 2>/dev/null || true
	rm -f "$scratch/daemon.sock"
	ping_guest $NET && start_daemon --tap tap$NET && send_stream $NET || return 1
	[ "$(servers)" = "$before" ] || { echo "another process serves it"; return 1; }
}

all_killed() {
	stop_daemon KILL
	start_daemon --tap tap$NET && eventually 10 is_served && send_stream $NET
}

no_server() {
	[ -z "$(servers)" ]
}

swap_module() {
	stop_daemon TERM
	eventually 5 no_server || return 1
	case $VHOST_DEV in
	*/vhost-net) rmmod vhost_net && modprobe vhost_net ;;
	*) rmmod viaduct && insmod "${VD_MODULE:-/run/hostvm/viaduct.ko}" ;;
	esac || return 1
	start_daemon --tap tap$NET && eventually 10 is_served || return 1
	# The calling shell reads it.
	echo "$daemon" >"$scratch/daemon.pid"
}

swap_often() {
	local i

	for ((i = 0; i < SWAPS; i++)); do
		{ sleep 0.4 && swap_module; } &
		send_stream $NET || return 1
		wait $! || { echo "the module could not be replaced"; return 1; }
	done
	daemon=$(<"$scratch/daemon.pid")
	echo "$SWAPS modules"
}

plan 12
make_stream "${VD_STREAM_MB:-48}"
guest_share_memory
guest_tap $NET
report "a guest starts" start
need_guest
report_traffic $NET
report "the process has no rights left" rights
report "streams are unaltered while it is killed" killed_often
report "the guest is unaffected when the listener is killed" listener_killed
report "all processes killed, and started again" all_killed
report "streams are unaltered while the module is replaced" swap_often
report "ping afterwards" ping_guest $NET
stop_daemon TERM
finish
