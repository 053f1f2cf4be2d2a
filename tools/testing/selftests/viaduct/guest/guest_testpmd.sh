#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# DPDK's virtio-user as the driver of the device: it makes the tap itself.
# shellcheck source=tools/testing/selftests/viaduct/guest/testpmd.sh
. "$(dirname "$0")/testpmd.sh"

pmd_path=path=$VHOST_DEV,iface=$IFACE
plan 19
test_layout packed packed_vq=1,in_order=0
test_layout "packed in order" packed_vq=1,in_order=1
test_layout "split in order" packed_vq=0,in_order=1
report "no worker is left" test -z "$(cat /proc/[0-9]*/comm 2>/dev/null | grep '^vhost-' || true)"
finish
