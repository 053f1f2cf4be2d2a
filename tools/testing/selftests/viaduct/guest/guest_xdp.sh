#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A guest with memory that moves under load: VD_ROUNDS times (3) its balloon is inflated
# and deflated while this host merges pages (KSM), unmerges them, makes huge pages
# and compacts. Then VD_XDPS times (40) an XDP program is attached to its card and
# detached, which stops and starts its rings' users and changes offloads, under
# load. At the end streams must be unaltered, and the guest must be alive:
# QEMU runs with -no-reboot, so a guest that resets ends it.
# shellcheck source=tools/testing/selftests/viaduct/guest/common.sh
. "$(dirname "$0")/common.sh"

ROUNDS=${VD_ROUNDS:-3}
XDPS=${VD_XDPS:-40}
BALLOON_LIMIT=${VD_BALLOON_LIMIT:-15}
NET=1
PROGRAM=${VD_XDP_CYCLE:-$REPO/build/selftests/guest/xdp-cycle}
KSM=/sys/kernel/mm/ksm THP=/sys/kernel/mm/transparent_hugepage
SMALL=176 LARGE=384

# shellcheck disable=SC2317 # the trap calls it
end_of_test() {
	echo 2 >$KSM/run
	echo madvise >$THP/enabled
	clean_up
}

# balloon_is: the guest's memory in MiB.
balloon_is() {
	local line=''

	echo 'info balloon' >&"$monitor"
	while IFS= read -r -t 10 -u "$answers" line && [[ $line != *actual=* ]]; do :; done
	line=${line##*actual=}
	echo "${line%%[!0-9]*}"
}

# balloon MIB: a guest under load on a busy machine may not reach the size in time,
# but must approach it.
balloon() {
	local end=$((SECONDS + BALLOON_LIMIT)) from now

	from=$(balloon_is)
	echo "balloon $1" >&"$monitor"
	until now=$(balloon_is) && [ "$now" = "$1" ]; do
		[ $SECONDS -lt $end ] || break
		sleep 0.2
	done
	moved=$((moved + (now > from ? now - from : from - now)))
}

move_memory() {
	local i merged=0 moved=0

	echo 20 >$KSM/sleep_millisecs
	echo 2000 >$KSM/pages_to_scan
	for ((i = 0; i < ROUNDS; i++)); do
		echo 1 >$KSM/run
		echo always >$THP/enabled
		balloon $SMALL
		sleep 2
		merged=$((merged + $(cat $KSM/pages_shared)))
		echo 1 >/proc/sys/vm/compact_memory
		balloon $LARGE
		echo 3 >/proc/sys/vm/drop_caches
		echo 2 >$KSM/run
		echo never >$THP/enabled
		echo 1 >/proc/sys/vm/compact_memory
		load_runs || return 1
	done
	echo madvise >$THP/enabled
	echo "$ROUNDS rounds, $merged pages were merged, the balloon moved $moved MiB, $SECONDS s since the start"
	[ "$merged" -gt 0 ] && [ "$moved" -gt 0 ]
}

attach_under_load() {
	guest_run 120 "xdp-cycle eth0 $XDPS" || return 1
	load_runs
}

fetch_program() {
	cp "$PROGRAM" "$scratch/xdp-cycle"
	guest_run 30 "cd /bin && wget -q http://192.168.$NET.1:5002/xdp-cycle && chmod +x xdp-cycle"
}

same_streams() {
	stop_load
	send_stream $NET && fetch_stream $NET
}

plan 7
trap end_of_test EXIT
make_stream "${VD_STREAM_MB:-8}"
open_monitor
guest_qemu_args+=(-device virtio-balloon-pci)
guest_tap $NET
report "a guest with a balloon starts" start_guest "$NET $VHOST_DEV virtio-net-pci"
need_guest
report "it has the XDP program" fetch_program
report "data flow both ways" start_load $NET
report "its memory moves under load" move_memory
need_guest
report "an XDP program is attached $XDPS times under load" attach_under_load
report "ping" ping_guest $NET
report "streams are unaltered" same_streams
finish
