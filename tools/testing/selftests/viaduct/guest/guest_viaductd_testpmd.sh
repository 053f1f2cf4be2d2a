#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# DPDK's virtio-user as a front end of viaductd, on rings of every kind.
# shellcheck source=tools/testing/selftests/viaduct/guest/viaductd.sh
. "$(dirname "$0")/viaductd.sh"
# shellcheck source=tools/testing/selftests/viaduct/guest/testpmd.sh
. "$(dirname "$0")/testpmd.sh"

# viaductd attaches to an existing tap, and keeps its queue length.
start() {
	ip tuntap add $IFACE mode tap && start_daemon --tap $IFACE
}

no_server() {
	[ -z "$(servers)" ]
}

# shellcheck disable=SC2317 # the trap calls it
end_of_test() {
	[ -z "$daemon" ] || stop_daemon KILL
	clean_up
	ip link delete $IFACE 2>/dev/null || true
}

plan 38
trap end_of_test EXIT
pmd_path=path=$scratch/daemon.sock
report "the daemon starts" start
test_layout split packed_vq=0,in_order=0
test_layout "split without mergeable buffers" packed_vq=0,in_order=0,mrg_rxbuf=0
test_layout "split in order" packed_vq=0,in_order=1
test_layout packed packed_vq=1,in_order=0
test_layout "packed without mergeable buffers" packed_vq=1,in_order=0,mrg_rxbuf=0
test_layout "packed in order" packed_vq=1,in_order=1
report "each front end's process has ended" eventually 5 no_server
show_daemon_log | sed 's/^/# /'
finish
