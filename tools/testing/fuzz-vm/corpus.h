/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FZ_CORPUS_H
#define FZ_CORPUS_H

#include "prog.h"

#define FZ_MAX_PROGS	8192

struct fz_entry {
	struct fz_prog prog;
	char path[256];
};

/* Programs of a folder, by name; they are never removed. */
struct fz_corpus {
	struct fz_entry *entry[FZ_MAX_PROGS];
	unsigned int nr;
};

/* Adds the programs of a file or folder. NULL, or what is wrong. */
const char *fz_corpus_load(struct fz_corpus *c, const char *path);
/* Adds a program, and writes it to @dir under a name made of its text. */
void fz_corpus_add(struct fz_corpus *c, const struct fz_prog *p, const char *dir);
/* One of them, later ones more often. There must be one. */
const struct fz_prog *fz_corpus_pick(const struct fz_corpus *c);

#endif
