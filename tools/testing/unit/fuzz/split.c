// SPDX-License-Identifier: GPL-2.0-only
/* Fuzz target: a ring with the split layout. */
#include "fuzz/scene.h"

#define FUZZ_LAYOUT	0

#include "fuzz/verbs.h"
