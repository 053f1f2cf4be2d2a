# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Live migration from QEMU to QEMU on this host, with taps on a bridge. Meanwhile a TCP
# connection to an echo server in the guest carries random data both ways, of which
# every byte is compared, and a ping runs. VD_NIC_OPTIONS are more properties of the
# card.
# shellcheck source=tools/testing/selftests/viaduct/guest/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

NET=1 BRIDGE=vdbr
# The in-tree driver of 6.1 lacks the feature.
NIC=virtio-net-pci,queue_reset=off${VD_NIC_OPTIONS:+,$VD_NIC_OPTIONS}
guest_mem=144M
guest_append+=' init_on_free=1'
hops=0 echo_pid='' ping_pid='' monitor='' old_pid=''

# Both QEMUs' taps are ports of a bridge, which has the host's address.
make_bridge() {
	local i

	ip link add $BRIDGE type bridge forward_delay 0 mcast_snooping 0
	echo 1 >/proc/sys/net/ipv6/conf/$BRIDGE/disable_ipv6
	ip addr add "192.168.$NET.1/24" dev $BRIDGE
	ip link set $BRIDGE up
	for i in 1 2; do
		ip tuntap add "tap$i" mode tap
		echo 1 >"/proc/sys/net/ipv6/conf/tap$i/disable_ipv6"
		ip link set "tap$i" master $BRIDGE up
	done
}

# shellcheck disable=SC2317 # the trap calls it
end_of_test() {
	[ -z "$echo_pid" ] || kill -9 "$echo_pid" 2>/dev/null || true
	[ -z "$old_pid" ] || kill -9 "$old_pid" 2>/dev/null || true
	clean_up
	ip link delete vxlan$NET 2>/dev/null || true
	ip link delete $BRIDGE 2>/dev/null || true
}

# next_qemu DEVICE [ARGUMENT...]: sets guest_qemu_args, monitor and card for
# the next QEMU; taps and monitors are used in turn.
next_qemu() {
	local device=$1 turn=$((hops % 2 + 1))

	shift
	rm -f "$scratch/mon$turn".{in,out}
	mkfifo "$scratch/mon$turn".{in,out}
	exec {monitor}<>"$scratch/mon$turn.in" {answers}<>"$scratch/mon$turn.out"
	guest_qemu_args=(-chardev "pipe,id=mon,path=$scratch/mon$turn" -mon chardev=mon "$@")
	card="$NET $device $NIC tap$turn"
	hops=$((hops + 1))
}

# Prints the state of the migration until it ends.
await_migration() {
	local to=$1 from=$2 end=$((SECONDS + 90)) line=''

	while [ $SECONDS -lt $end ]; do
		kill -0 "$old_pid" 2>/dev/null || { echo "the old QEMU is gone" && return 1; }
		echo 'info migrate' >&"$to"
		while IFS= read -r -t 5 -u "$from" line && [[ $line != *[Ss]tatus:[[:space:]]* ]]; do :; done
		case $line in
		*completed*) return 0 ;;
		*failed* | *cancel*) echo "QEMU reports: $line" && return 1 ;;
		esac
		sleep 0.1
	done
	echo "the migration does not end: $line"
	return 1
}

# qemu_state NAME PID FOLDER: possible reasons of a failed migration.
qemu_state() {
	local task pid

	echo "the $1 QEMU's messages end with:"
	tail -n 3 "$3/qemu.log" || true
	if ! kill -0 "$2" 2>/dev/null; then
		wait "$2" || echo "it has ended with status $?"
		return 0
	fi
	pid=$(pgrep -P "$2" || echo "$2")
	for task in "/proc/$pid/task"/*; do
		echo "its thread $(<"$task/comm") ($(sed -n 's/^State:\t//p' "$task/status")) is in:"
		head -n 12 "$task/stack" || true
	done
}

# Output of a guest that does not answer over the network.
guest_view() {
	qemu_state new "$guest_pid" "$guest_dir"
	guest_run 10 'grep virtio /proc/interrupts; ip -s link show eth0' ||
		echo "it does not answer over its serial port either"
}

# hop DEVICE: into a new QEMU with its card on DEVICE.
hop() {
	local from=$monitor from_answers=$answers old_to=$guest_to old_from=$guest_from old_dir=$guest_dir

	rm -f "$scratch/socket"
	next_qemu "$1" -incoming "unix:$scratch/socket"
	old_pid=$guest_pid
	guest_spawn "$card" || return 1
	until [ -S "$scratch/socket" ]; do
		kill -0 "$guest_pid" 2>/dev/null || { tail -n3 "$guest_dir/qemu.log" && return 1; }
		sleep 0.05
	done
	printf 'migrate_set_parameter downtime-limit 1500\nmigrate -d unix:%s/socket\n' "$scratch" >&"$from"
	if ! await_migration "$from" "$from_answers"; then
		qemu_state old "$old_pid" "$old_dir"
		qemu_state new "$guest_pid" "$guest_dir"
		return 1
	fi
	kill -9 "$old_pid"
	wait "$old_pid" 2>/dev/null || true
	old_pid=
	exec {from}>&- {from_answers}>&- {old_to}>&- {old_from}>&-
	rm -rf "$old_dir"
	ping -q -c 1 -W 10 "$(guest_ip $NET)" >/dev/null || { echo "no answer on $1" && guest_view && return 1; }
	kill -0 "$echo_pid" || { cat "$scratch/echo" && return 1; }
}

start_echo() {
	ping_guest $NET || { guest_view && return 1; }
	"$(dirname "$0")/echo-client" "$(guest_ip $NET)" 7 >"$scratch/echo" 2>&1 &
	echo_pid=$!
	ping -i 0.5 "$(guest_ip $NET)" >"$scratch/ping" 2>&1 &
	ping_pid=$!
	sleep 2
	kill -0 $echo_pid || { cat "$scratch/echo" && return 1; }
}

end_echo() {
	local status=0

	kill "$echo_pid"
	wait "$echo_pid" || status=$?
	echo_pid=
	cat "$scratch/echo"
	return $status
}

end_ping() {
	local got

	kill -INT "$ping_pid"
	wait "$ping_pid" || true
	tail -n 2 "$scratch/ping"
	got=$(sed -n 's/.* \([0-9]*\) received.*/\1/p' "$scratch/ping")
	[ "${got:-0}" -gt "$hops" ]
}
