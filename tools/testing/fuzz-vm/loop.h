/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FZ_LOOP_H
#define FZ_LOOP_H

#include "corpus.h"
#include "cover.h"

/*
 * Both leave in @out: the last programs (last/), the addresses of all blocks reached
 * (blocks). NULL, or what is wrong.
 */

/* Runs the programs of files and folders; @keep names those that reach a new block. */
const char *fz_replay(const char *const *paths, const char *out, bool keep);
/* Fuzzes, beginning with the programs in @corpus; new ones are left in out/corpus. */
const char *fz_loop(const char *corpus, const char *out, unsigned int seconds);

#endif
