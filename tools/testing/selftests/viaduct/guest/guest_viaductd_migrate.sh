#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Live migration from a viaductd to another one, to the plain device and back, as in
# guest_migrate.sh.
# shellcheck source=tools/testing/selftests/viaduct/guest/viaductd.sh
. "$(dirname "$0")/viaductd.sh"
# shellcheck source=tools/testing/selftests/viaduct/guest/migrate.sh
. "$(dirname "$0")/migrate.sh"

other=''

# The other daemon has a socket of its own.
start_daemons() {
	"$VIADUCTD" --socket "$scratch/other" --device "$VHOST_DEV" --bridge $BRIDGE \
		2>>"$scratch/daemon.log" &
	other=$!
	start_daemon --bridge $BRIDGE && eventually 5 test -S "$scratch/other"
}

# shellcheck disable=SC2317 # the trap calls it
end_of_daemons() {
	kill "$other" "$daemon" 2>/dev/null || true
	end_of_test
}

boot_guest() {
	next_qemu "user:$scratch/daemon.sock"
	start_guest "$card" && in_background 7 'nc -ll -p 7 -e cat >/dev/null 2>&1'
}

hop_to() {
	hop "$1" || { show_daemon_log && return 1; }
}

plan 8
trap end_of_daemons EXIT
guest_share_memory
make_bridge
report "two daemons start" start_daemons
report "a guest starts" boot_guest
need_guest
report "data flow both ways" start_echo
report "to the other daemon" hop_to "user:$scratch/other"
need_guest
report "to the plain device" hop_to "$VHOST_DEV"
need_guest
report "back to a daemon" hop_to "user:$scratch/daemon.sock"
report "the ping was answered" end_ping
report "no byte was altered" end_echo
finish
