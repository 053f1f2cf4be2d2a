// SPDX-License-Identifier: GPL-2.0-only
/* A folder of programs. */
#define _GNU_SOURCE
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "corpus.h"

static const char *load_file(struct fz_corpus *c, const char *path)
{
	struct fz_entry *e = calloc(1, sizeof(*e));
	static char why[512];
	const char *err;

	if (!e || c->nr == FZ_MAX_PROGS) {
		free(e);
		return "too many programs";
	}
	snprintf(e->path, sizeof(e->path), "%s", path);
	err = fz_prog_read(&e->prog, path);
	if (err) {
		snprintf(why, sizeof(why), "%s: %s", path, err);
		free(e);
		return why;
	}
	c->entry[c->nr++] = e;
	return NULL;
}

static int is_program(const struct dirent *d)
{
	size_t len = strlen(d->d_name);

	return len > 4 && !strcmp(d->d_name + len - 4, ".txt");
}

const char *fz_corpus_load(struct fz_corpus *c, const char *path)
{
	const char *err = NULL;
	struct dirent **list;
	struct stat st;
	char file[512];
	int nr, i;

	if (stat(path, &st))
		return strerrorname_np(2);
	if (!S_ISDIR(st.st_mode))
		return load_file(c, path);
	nr = scandir(path, &list, is_program, alphasort);
	for (i = 0; i < nr; i++) {
		snprintf(file, sizeof(file), "%s/%s", path, list[i]->d_name);
		if (!err)
			err = load_file(c, file);
		free(list[i]);
	}
	if (nr >= 0)
		free(list);
	return err;
}

/* FNV-1a. */
static uint32_t text_hash(const char *text, size_t len)
{
	uint32_t hash = 2166136261u;

	while (len--)
		hash = (hash ^ (uint8_t)*text++) * 16777619u;
	return hash;
}

void fz_corpus_add(struct fz_corpus *c, const struct fz_prog *p, const char *dir)
{
	struct fz_entry *e = calloc(1, sizeof(*e));
	size_t len;
	char *text;
	FILE *f;

	if (!e || c->nr == FZ_MAX_PROGS) {
		free(e);
		return;
	}
	e->prog = *p;
	f = open_memstream(&text, &len);
	fz_prog_print(p, f);
	fclose(f);
	snprintf(e->path, sizeof(e->path), "%s/%08x.txt", dir, text_hash(text, len));
	free(text);
	fz_prog_write(p, e->path);
	c->entry[c->nr++] = e;
}

const struct fz_prog *fz_corpus_pick(const struct fz_corpus *c)
{
	unsigned int i = fz_random(c->nr);

	if (fz_random(2)) {
		unsigned int j = fz_random(c->nr);

		i = j > i ? j : i;
	}
	return &c->entry[i]->prog;
}
