#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# One guest with a card for each set of virtio options of split rings.
# shellcheck source=tools/testing/selftests/viaduct/guest/cards.sh
. "$(dirname "$0")/cards.sh"

names=(modern legacy mrg_rxbuf=off event_idx=off indirect_desc=off)
options=('' 'disable-modern=on,disable-legacy=off' mrg_rxbuf=off event_idx=off indirect_desc=off)
plan_cards ${#names[@]} 0
start_cards "${options[@]}"
test_cards "${names[@]}"
finish
