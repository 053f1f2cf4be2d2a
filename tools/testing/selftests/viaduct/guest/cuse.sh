# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Shared by the tests of viaduct-cuse, which must have been built: make cuse. The device
# under test is its node, not VD_DEVICE.
# shellcheck source=tools/testing/selftests/viaduct/guest/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

SERVER=$REPO/build/cuse/viaduct-cuse
server=''

# start_server [OPTION...]: sets server, and VHOST_DEV to its node.
start_server() {
	modprobe cuse || { echo "this kernel has no cuse" && return 1; }
	VHOST_DEV=/dev/viaduct-cuse
	"$SERVER" "$@" 2>>"$scratch/server.log" &
	server=$!
	eventually 5 test -c "$VHOST_DEV" || { show_server_log && return 1; }
}

server_runs() {
	kill -0 "$server" 2>/dev/null || { echo "the server has ended" && show_server_log && return 1; }
}

show_server_log() {
	cut -c1-300 "$scratch/server.log" | tail -n 20
}

# stop_server: it ends, and the node with it.
stop_server() {
	local status=0

	kill -TERM "$server"
	wait "$server" || status=$?
	server=''
	[ $status = 0 ] || { echo "it ended with status $status" && show_server_log && return 1; }
	eventually 5 test ! -e "$VHOST_DEV"
}
