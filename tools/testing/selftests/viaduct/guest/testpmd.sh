# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# DPDK's testpmd as the driver, without a guest: its virtio-user device opens the back end
# that the test names. VD_FRAMES frames (3000) each way. virtio-user sets the base of a
# packed ring as 16 bits.
# shellcheck source=tools/testing/selftests/viaduct/guest/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

FRAMES=${VD_FRAMES:-3000}
HERE=$(dirname "${BASH_SOURCE[0]}")
# The tap on which the frames are counted.
IFACE=tapdpdk
# Options of the device that lead to the back end.
pmd_path=''
pmd_pid=''

if ! have dpdk-testpmd; then
	echo "1..0 # SKIP no dpdk-testpmd: run scripts/setup tools dpdk"
	exit 4
fi

# await PATTERN: wait until testpmd has printed it since the last command.
await() {
	local i

	for ((i = 0; i < 600; i++)); do
		! tail -c "+$((said + 1))" "$scratch/pmd.log" | grep "$1" >/dev/null || return 0
		kill -0 "$pmd_pid" 2>/dev/null || break
		sleep 0.1
	done
	echo "testpmd does not print '$1'; its last lines are:"
	tail -n 20 "$scratch/pmd.log"
	return 1
}

# tell COMMAND: write it to the prompt; said is the offset of the answer.
tell() {
	said=$(stat -c %s "$scratch/pmd.log")
	echo "$1" >&"$prompt"
}

# start_pmd OPTIONS: with these options of the device.
start_pmd() {
	said=0
	: >"$scratch/pmd.log"
	rm -f "$scratch/prompt"
	mkfifo "$scratch/prompt"
	exec {prompt}<>"$scratch/prompt"
	stdbuf -oL dpdk-testpmd -l 0,1 --no-huge -m 256 --no-pci --iova-mode=va --no-telemetry \
		--vdev="net_virtio_user0,$pmd_path,queues=1,queue_size=256,$1" \
		-- -i --port-topology=loop --total-num-mbufs=4096 \
		<"$scratch/prompt" >"$scratch/pmd.log" 2>&1 &
	pmd_pid=$!
	await '^testpmd>' || return 1
	# Only the test's own frames must reach the tap.
	echo 1 >"/proc/sys/net/ipv6/conf/$IFACE/disable_ipv6"
	ip link set "$IFACE" txqueuelen 10000 up
}

stop_pmd() {
	local status=0

	tell quit
	wait "$pmd_pid" || status=$?
	pmd_pid=''
	exec {prompt}>&-
	[ "$status" = 0 ] || echo "testpmd ended with status $status"
	return "$status"
}

# forwards MODE COMMAND...: run COMMAND while testpmd forwards in MODE.
forwards() {
	local status=0

	tell "set fwd $1"
	await 'Set .* packet forwarding mode' || return 1
	tell start
	await 'packet forwarding - ports=1' || return 1
	shift
	"$HERE/far-frames" "$@" || status=1
	sleep 0.5
	tell stop
	await 'Done' || return 1
	tail -c "+$((said + 1))" "$scratch/pmd.log" | grep -m 2 '[RT]X-packets:' || true
	return "$status"
}

# A tap drops frames while its queue is full, but this one's queue has room for all of
# them.
receives() {
	local got

	forwards rxonly send $IFACE "$FRAMES" || return 1
	got=$(tail -c "+$((said + 1))" "$scratch/pmd.log" | sed -n 's/.*RX-packets: \([0-9]*\).*/\1/p;T;q')
	[ "${got:-0}" = "$FRAMES" ] || { echo "testpmd received ${got:-no} frames"; return 1; }
}

# The port is stopped and started: the driver begins anew, at slot 0.
restarts() {
	tell "port stop 0"
	await '^Done' || return 1
	tell "port start 0"
	await '^Done' || return 1
	ip link set "$IFACE" up
	forwards io echo $IFACE "$FRAMES"
}

test_layout() {
	report "$1: testpmd starts" start_pmd "$2"
	report "$1: $FRAMES frames are received" receives
	report "$1: $FRAMES frames are transmitted" forwards txonly receive $IFACE "$FRAMES"
	report "$1: $FRAMES frames are echoed" forwards io echo $IFACE "$FRAMES"
	report "$1: echoed after a restart of the port" restarts
	report "$1: testpmd ends" stop_pmd
}
