# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Shared by the guest tests: TAP output, the device under test, and transfers with
# checked content. They run in the host VM, for instance
#   scripts/hostvm --module build/6.1/viaduct.ko -- THIS-FOLDER/guest_net.sh
# VD_DEVICE names the device (default /dev/viaduct-net).
set -euo pipefail
REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../../../.." && pwd -P)
# shellcheck source=scripts/lib.sh
. "$REPO/scripts/lib.sh"
# shellcheck source=scripts/guest.sh
. "$REPO/scripts/guest.sh"

VHOST_DEV=${VD_DEVICE:-/dev/viaduct-net}
BUSYBOX=$CACHE/busybox
test_nr=0 test_failed=0 guest_died=0 scratch='' stream_server='' load=''
# Further options of the load's iperf3.
load_flags=()

plan() {
	echo TAP version 13
	echo "1..$1"
	if [ -z "${VD_HOSTVM:-}" ]; then
		echo "Bail out! runs in the host VM only: scripts/hostvm -- $0"
		exit 1
	fi
	if [ ! -c "$VHOST_DEV" ]; then
		echo "Bail out! no $VHOST_DEV: is its module inserted?"
		exit 1
	fi
	scratch=$(mktemp -d /tmp/guest-test.XXXXXX)
	trap clean_up EXIT
}

# Networks are numbered from 1; they must be free for the next test in any case.
# shellcheck disable=SC2317 # the trap calls it
clean_up() {
	local tap

	stop_load
	guest_kill
	[ -z "$stream_server" ] || kill "$stream_server" 2>/dev/null || true
	rm -rf "$scratch"
	for tap in /sys/class/net/tap[1-9]; do
		[ ! -e "$tap" ] || ip link delete "${tap##*/}"
	done
}

# Possible reasons of a failure.
guest_state() {
	local status

	[ -n "$guest_pid" ] || return 0
	if ! kill -0 "$guest_pid" 2>/dev/null; then
		wait "$guest_pid" && status=0 || status=$?
		echo "QEMU has ended with status $status; its messages end with:"
	fi
	tail -n 3 "$guest_dir/qemu.log" || true
	echo "the guest's console ends with:"
	tail -n 20 "$guest_dir/console" || true
}

# report NAME COMMAND...: one test; the output of COMMAND becomes diagnostics. A dead
# guest ends the program, since each further test would wait for it.
report() {
	local name=$1 status=0

	shift
	"$@" >"$scratch/log" 2>&1 || status=$?
	if [ $status != 0 ]; then
		guest_state >>"$scratch/log"
		! guest_is_dead || guest_died=1
	fi
	sed 's/^/# /' "$scratch/log"
	test_nr=$((test_nr + 1))
	if [ $status = 0 ]; then
		echo "ok $test_nr - $name"
	else
		echo "not ok $test_nr - $name"
		test_failed=$((test_failed + 1))
	fi
	[ $guest_died = 0 ] || { echo "Bail out! the guest is dead" && finish; }
}

# Guests that are nested in an emulated host die now and then, with any device
# and in any place: the status requests another run.
finish() {
	echo "# $((test_nr - test_failed)) of $test_nr passed on $VHOST_DEV"
	[ $test_failed != 0 ] || return 0
	[ $guest_died = 0 ] || ! emulated || exit "$EMULATOR_KILLED_GUEST"
	exit 1
}

# A nested guest under emulation hangs now and then before its driver touches
# the device (with any device, or none), so a boot is tried twice.
start_guest() {
	guest_start "$@" && return 0
	echo "the guest is started once more"
	guest_start "$@" && return 0
	guest_died=1
	return 1
}

# The remaining cases need a guest that has passed all cases so far.
need_guest() {
	[ $test_failed != 0 ] || return 0
	echo "Bail out! no guest to continue with"
	finish
}

# queue_values DIR NAME: a counter, by its heading, of all rx or tx queues, in the
# order of the devices.
queue_values() {
	awk -v dir="$1" -v name="$2" '
		NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i }
		NR > 1 && $at["q"] == dir { print $at[name] }' /sys/kernel/debug/viaduct/queues
}

# The peer of the guest: this host, unless a test provides another machine.
on_wire() {
	"$@"
}

# A nested guest may stand still for seconds: the state of the rings after an
# unanswered first ping distinguishes that from a lost wake-up.
ping_guest() {
	if ! on_wire ping -q -c 1 -W 3 "$(guest_ip "$1")" >/dev/null; then
		echo "no answer to the first ping"
		cat /sys/kernel/debug/viaduct/queues 2>/dev/null || true
		guest_run 10 'grep virtio /proc/interrupts; ip -s link show eth0' || true
		guest_answers "$1" 15 on_wire || return 1
	fi
	on_wire ping -q -c 20 -i 0.05 -W 5 "$(guest_ip "$1")" | sed -n 3,4p
}

# iperf_moved NET SECONDS [FLAG...]: prints how many bytes arrived, or why none did.
iperf_moved() {
	local net=$1 seconds=$2 json

	shift 2
	json=$(on_wire timeout 40 iperf3 -J -c "$(guest_ip "$net")" -t "$seconds" "$@") ||
		{ grep '"error"' <<<"$json" || echo "iperf3 ended with an error"; return 1; }
	awk '/"sum_received":/ { on = 1 } on && /"bytes":/ { sub(",", "", $2); print $2; exit }' <<<"$json"
}

# iperf_guest NET [FLAG...]: enough bytes must arrive. On a busy machine that can take
# longer than the first run.
iperf_guest() {
	local net=$1 seconds moved

	shift
	for seconds in "${VD_IPERF_SECONDS:-3}" 20; do
		moved=$(iperf_moved "$net" "$seconds" "$@") || { echo "$moved"; return 1; }
		echo "$moved bytes in $seconds s"
		[ "${moved:-0}" -le "${VD_IPERF_MIN:-1000000}" ] || return 0
	done
	return 1
}

# eventually SECONDS COMMAND...: until it is true, or the time is over.
eventually() {
	local end=$((SECONDS + $1))

	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.05
	done
}

# start_load NET: data flow both ways until stop_load. After an earlier load, the
# guest's server may refuse for a moment: such an iperf3 ends at once.
start_load() {
	for _ in {1..10}; do
		iperf3 -c "$(guest_ip "$1")" --bidir -t 600 ${load_flags[@]+"${load_flags[@]}"} >"$scratch/iperf" 2>&1 &
		load=$!
		sleep 2
		! kill -0 "$load" 2>/dev/null || return 0
	done
	load_runs
}

load_runs() {
	kill -0 "$load" 2>/dev/null || { tail -n 3 "$scratch/iperf"; return 1; }
}

stop_load() {
	[ -n "$load" ] || return 0
	kill "$load" 2>/dev/null || true
	wait "$load" 2>/dev/null || true
	load=''
}

# under_load NET COMMAND...: the load must not end before the command.
under_load() {
	local net=$1 status=0

	shift
	start_load "$net" || return 1
	"$@" || status=$?
	load_runs || status=1
	stop_load
	return $status
}

# open_monitor: QEMU's monitor, for guests that start afterwards; sets monitor.
open_monitor() {
	mkfifo "$scratch/monitor.in" "$scratch/monitor.out"
	# shellcheck disable=SC2034 # what QEMU prints is left in the pipe
	exec {monitor}<>"$scratch/monitor.in" {answers}<>"$scratch/monitor.out"
	guest_qemu_args=(-chardev "pipe,id=mon,path=$scratch/monitor" -mon chardev=mon)
}

# stop_and_continue NET TIMES: the guest answers afterwards.
stop_and_continue() {
	local i

	for ((i = 0; i < $2; i++)); do
		echo stop >&"$monitor"
		sleep 0.1
		echo cont >&"$monitor"
		sleep 0.2
	done
	ping -q -c 3 -i 0.2 -W 10 "$(guest_ip "$1")" >/dev/null || { echo "no answer any more"; return 1; }
	echo "$2 stops"
}

# Streams go by HTTP: its server sends by sendfile(), and its client reads pages. A
# nested guest dies now and then of an interrupt at a system call, and
# nc makes three of them a kilobyte.

# make_stream MEGABYTES: pseudo-random content; sets stream and stream_sum, and
# serves it on port 5002.
make_stream() {
	stream=$scratch/stream
	head -c "$1M" /dev/urandom >"$stream"
	stream_sum=$(sha256sum <"$stream")
	stream_sum=${stream_sum%% *}
	"$BUSYBOX" httpd -f -p 5002 -h "$scratch" &
	stream_server=$!
}

# in_background PORT COMMAND: a server in the guest, which listens on return.
in_background() {
	guest_run 15 "$2 & until grep -q '$(printf ':%04X 0.* 0A ' "$1")' /proc/net/tcp*; do usleep 50000; done"
}

# Host to guest: the guest stores the stream, and prints its length and sum.
send_stream() {
	local got

	got=$(guest_run 120 "cd /tmp; wget -q -O stream http://$(host_ip "$1"):5002/stream && wc -c <stream && sha256sum <stream") ||
		{ echo "the guest could not fetch it"; return 1; }
	same_stream "the guest" "$got"
}

# Guest to host: the guest serves what it stored.
fetch_stream() {
	guest_run 15 'pidof httpd >/dev/null || httpd -p 5003 -h /tmp' || { echo "no server in the guest"; return 1; }
	timeout 120 "$BUSYBOX" wget -q -O "$scratch/back" "http://$(guest_ip "$1"):5003/stream" ||
		{ echo "the guest could not send"; return 1; }
	same_stream "the host" "$(wc -c <"$scratch/back")
$(sha256sum <"$scratch/back")"
}

# report_traffic NET [PREFIX]: five cases.
report_traffic() {
	report "${2:-}ping" ping_guest "$1"
	report "${2:-}iperf3 host to guest" iperf_guest "$1"
	report "${2:-}iperf3 guest to host" iperf_guest "$1" -R
	report "${2:-}stream to the guest is unaltered" send_stream "$1"
	report "${2:-}stream to the host is unaltered" fetch_stream "$1"
}

# same_stream RECEIVER "LENGTH\nSUM -"
same_stream() {
	local want

	want="$(wc -c <"$stream")
$stream_sum  -"
	[ "$2" != "$want" ] || return 0
	printf 'sent:\n%s\n%s got:\n%s\n' "$want" "$1" "$2"
	return 1
}
