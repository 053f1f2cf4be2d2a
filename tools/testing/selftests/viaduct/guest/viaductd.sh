# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Shared by the guest tests of viaductd: the daemon, on the socket $scratch/daemon.sock. It
# must have been built: make viaductd.
# shellcheck source=tools/testing/selftests/viaduct/guest/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

VIADUCTD=$REPO/build/viaductd/viaductd
daemon=''

# start_daemon OPTION...
start_daemon() {
	"$VIADUCTD" --socket "$scratch/daemon.sock" --device "$VHOST_DEV" "$@" 2>>"$scratch/daemon.log" &
	daemon=$!
	eventually 5 test -S "$scratch/daemon.sock" || { cat "$scratch/daemon.log" && return 1; }
}

# Ends the listening process and those of front ends by signal $1.
stop_daemon() {
	local servers

	mapfile -t servers < <(servers)
	kill "-$1" "$daemon" ${servers[@]+"${servers[@]}"} 2>/dev/null || true
	wait "$daemon" 2>/dev/null || true
	daemon=''
	rm -f "$scratch/daemon.sock"
}

# Processes that serve front ends: those that hold a device.
servers() {
	find /proc/[0-9]*/fd -maxdepth 1 -lname "$VHOST_DEV" 2>/dev/null | cut -d/ -f3 | sort -u
}

# is_served [NOT]: a front end is served, by another process than NOT.
is_served() {
	local now

	now=$(servers)
	[ -n "$now" ] && [ "$now" != "${1:-}" ]
}

show_daemon_log() {
	cut -c1-200 "$scratch/daemon.log" | sed 's/front end [0-9]*/front end N/' | sort | uniq -c
}

# kill_server DELAY: kill -9 of the process that serves the front end.
kill_server() {
	sleep "$1"
	kill -9 "$(servers)"
}
