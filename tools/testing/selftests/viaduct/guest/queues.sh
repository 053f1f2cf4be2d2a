# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# A guest with several queue pairs on network NET; VD_SWITCHES (10) is how often it
# changes their number under load.
# shellcheck source=tools/testing/selftests/viaduct/guest/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

SWITCHES=${VD_SWITCHES:-10}
guest_queues=4
# shellcheck disable=SC2034 # for start_load
load_flags=(-P 2)
# shellcheck disable=SC2034 # the tests use it
NIC=virtio-net-pci,mq=on,vectors=10

set_pairs() {
	guest_run 20 "ethtool -L eth0 combined $1 && ethtool -l eth0 | tail -n 2 | grep Combined" |
		grep -qw "$1" || { echo "the guest does not use $1 pairs"; return 1; }
}

# Packets of all transmit or receive queues, in the order of the pairs.
packets() {
	queue_values "$1" "done"
}

# moved DIR BEFORE: queues of that direction that have been busy since.
moved() {
	packets "$1" | awk -v before="$2" '
		BEGIN { split(before, old) }
		$1 > old[NR] + 100 { nr++ }
		END { print nr + 0 }'
}

# Streams are spread by their hashes: even eight may all share a pair, but not
# repeatedly.
two_pairs() {
	local tx rx

	set_pairs 2 || return 1
	tx=$(packets tx) rx=$(packets rx)
	for _ in 1 2 3 4 5; do
		iperf_guest "$NET" -P 4 && iperf_guest "$NET" -P 4 -R || return 1
		[[ $VHOST_DEV == */viaduct-net ]] || return 0
		echo "queues in use: $(moved tx "$tx") transmit, $(moved rx "$rx") receive"
		[ "$(moved tx "$tx")" = 2 ] && [ "$(moved rx "$rx")" = 2 ] && return
	done
	return 1
}

switch_queues() {
	guest_run 280 "for i in \$(seq $((SWITCHES / 2))); do ethtool -L eth0 combined 4 && ethtool -L eth0 combined 1 || exit 1; usleep 200000; done" ||
		return 1
	echo "$SWITCHES switches, $SECONDS s since the start"
}
