#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Memory is plugged into a guest under traffic and taken out again: on a card of the
# device under test, and on one of viaductd, which uses the device as well. The guest
# holds each stream in a file that only fits into the new memory, and sends it from there.
# shellcheck source=tools/testing/selftests/viaduct/guest/viaductd.sh
. "$(dirname "$0")/viaductd.sh"

CARD=1 USER=2
MB=${VD_STREAM_MB:-64}
# After boot about 32 MB are free, so the stream does not fit.
guest_mem=192M
# shellcheck disable=SC2034 # guest.sh uses it
guest_mem_slots=,slots=2,maxmem=1G
# What is plugged in must be removable.
guest_append+=' memhp_default_state=online_movable'

start() {
	start_daemon --tap tap$USER || return 1
	start_guest "$CARD $VHOST_DEV virtio-net-pci" "$USER user:$scratch/daemon.sock virtio-net-pci" ||
		{ show_daemon_log && return 1; }
}

guest_kb() {
	guest_run 30 'grep MemTotal /proc/meminfo' | awk '{ print $2 }'
}

# regions PID: the memory regions of the process's device. The in-tree driver does not
# show them.
regions() {
	cat "/proc/$1"/fdinfo/* 2>/dev/null | awk '$1 == "viaduct-mem-regions:" { print $2 }'
}

show_regions() {
	echo "regions: QEMU $(regions "$(<"$guest_dir/pid")"), viaductd $(regions "$(servers | grep -vx "$(<"$guest_dir/pid")")")"
}

has_more_than() {
	[ "$(guest_kb)" -gt "$1" ]
}

has_at_most() {
	[ "$(guest_kb)" -le "$1" ]
}

plug() {
	kb=$(guest_kb)
	show_regions
	echo "object_add memory-backend-memfd,id=more,size=384M,share=on" >&"$monitor"
	echo "device_add pc-dimm,id=dimm,memdev=more" >&"$monitor"
	eventually 20 has_more_than $((kb + 300000)) || { echo "the guest has $(guest_kb) kB, as before"; return 1; }
	show_regions
}

unplug() {
	echo "device_del dimm" >&"$monitor"
	eventually 60 has_at_most "$kb" || { echo "the guest still has $(guest_kb) kB"; return 1; }
	show_regions
}

# The file must not fit without the new memory.
does_not_fit() {
	local free

	free=$(guest_run 30 'grep MemFree /proc/meminfo' | awk '{ print $2 }')
	echo "$free kB free"
	[ "$free" -lt $((MB * 1024)) ]
}

grow_tmp() {
	guest_run 30 'mount -o remount,size=320m /tmp'
}

streams() {
	send_stream "$1" && fetch_stream "$1"
}

forget_stream() {
	guest_run 30 'rm /tmp/stream'
}

# shellcheck disable=SC2317 # the trap calls it
end_of_test() {
	[ -z "$daemon" ] || stop_daemon KILL
	clean_up
}

plan 11
trap end_of_test EXIT
make_stream "$MB"
guest_share_memory
open_monitor
guest_tap $CARD
guest_tap $USER
report "a guest with both cards starts" start
need_guest
report "the stream does not fit into its memory" does_not_fit
report "memory is plugged in under load" under_load $CARD plug
need_guest
report "room for the stream" grow_tmp
report "streams in the new memory are unaltered" streams $CARD
report "viaductd: streams in the new memory are unaltered" streams $USER
report "the stream is removed" forget_stream
report "memory is taken out under load" under_load $CARD unplug
report "ping afterwards" ping_guest $CARD
report "viaductd: ping afterwards" ping_guest $USER
report "viaductd: memory is plugged in again under load" under_load $USER plug
finish
