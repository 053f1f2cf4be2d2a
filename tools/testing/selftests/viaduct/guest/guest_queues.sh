#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A guest with four queue pairs, a descriptor each: two carry several streams at
# once, and the guest changes their number under load, VD_SWITCHES times (10).
# shellcheck source=tools/testing/selftests/viaduct/guest/queues.sh
. "$(dirname "$0")/queues.sh"

NET=1
plan 7
make_stream "${VD_STREAM_MB:-8}"
guest_tap $NET
report "a guest with four queue pairs starts" start_guest "$NET $VHOST_DEV $NIC"
need_guest
report "ping" ping_guest $NET
report "two pairs carry several streams" two_pairs
report "four pairs" set_pairs 4
report "$SWITCHES switches under load" under_load $NET switch_queues
report "ping afterwards" ping_guest $NET
report "streams are unaltered" eval "send_stream $NET && fetch_stream $NET"
finish
