// SPDX-License-Identifier: GPL-2.0-only
/* Fuzz target: a ring with the packed layout. */
#include "fuzz/scene.h"

#define FUZZ_LAYOUT	DRV_PACKED

#include "fuzz/verbs.h"
