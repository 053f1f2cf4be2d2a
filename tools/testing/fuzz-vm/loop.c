// SPDX-License-Identifier: GPL-2.0-only
/*
 * The loop: change a program of the corpus, run it, and keep it, as short as possible,
 * if it reaches a block of the module that no program has reached before.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../lib/vguest/wait.h"
#include "exec.h"
#include "loop.h"

/* Programs that are kept in files, so that a report of the kernel has its cause. */
#define NR_LAST		16
#define REPORT_MS	5000
/* The limit of a program when it is replayed. */
#define REPLAY_MS	10000

static struct fz_corpus corpus;
static struct fz_set seen;
static uint64_t pc[FZ_MAX_BLOCKS];
static const char *out;
static uint64_t nr_runs, nr_unsure;
/* Where the time goes: of all runs, of the slowest since the last report, of the last. */
static struct fz_time total, slowest, last;

/* The files are read from outside when the kernel has died. */
static void note(const struct fz_prog *p)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/last/%02" PRIu64 ".txt", out, nr_runs % NR_LAST);
	fz_prog_write(p, path);
	snprintf(path, sizeof(path), "%s/last/now", out);
	FILE *f = fopen(path, "we");

	if (!f)
		return;
	fprintf(f, "%" PRIu64 "\n", nr_runs);
	fclose(f);
}

static unsigned int sum(const struct fz_time *time)
{
	return time->run + time->end + time->rest;
}

static int run(const struct fz_prog *p)
{
	const char *why;
	int nr;

	note(p);
	nr = fz_cover_run(p, pc, &last, &why);
	if (nr < 0) {
		printf("@left %s\n", why);
		fflush(stdout);
		exit(3);
	}
	nr_runs++;
	total.run += last.run;
	total.end += last.end;
	total.rest += last.rest;
	if (sum(&last) > sum(&slowest))
		slowest = last;
	return nr;
}

/* Whether a run of @p reaches all of @want again. */
static bool reaches(const struct fz_prog *p, const uint64_t *want, unsigned int nr_want)
{
	static struct fz_set here;
	unsigned int i;
	int nr = run(p);

	memset(&here, 0, sizeof(here));
	while (nr-- > 0)
		fz_set_add(&here, pc[nr]);
	for (i = 0; i < nr_want; i++)
		if (!fz_set_has(&here, want[i]))
			return false;
	return true;
}

/* Those of @want that a second run reaches, too. */
static unsigned int confirm(const struct fz_prog *p, uint64_t *want, unsigned int nr)
{
	unsigned int i, j, kept = 0;
	int nr_pc = run(p);

	for (i = 0; i < nr; i++) {
		for (j = 0; j < (unsigned int)nr_pc && pc[j] != want[i]; j++)
			;
		if (j < (unsigned int)nr_pc)
			want[kept++] = want[i];
	}
	return kept;
}

/* Leaves out what is not needed to reach @want. */
static void shrink(struct fz_prog *p, const uint64_t *want, unsigned int nr)
{
	unsigned int step, at;
	struct fz_prog less;

	for (step = 8; step; step /= 2)
		for (at = p->nr; at-- > 0;) {
			if (at + step > p->nr)
				continue;
			less = *p;
			fz_prog_del(&less, at, step);
			if (reaches(&less, want, nr))
				*p = less;
		}
}

static unsigned int take_new(uint64_t *fresh, int nr)
{
	unsigned int nr_fresh = 0;
	int i;

	for (i = 0; i < nr; i++)
		if (fz_set_add(&seen, pc[i]))
			fresh[nr_fresh++] = pc[i];
	return nr_fresh;
}

static void try(struct fz_prog *p)
{
	static uint64_t fresh[FZ_MAX_BLOCKS];
	unsigned int nr = take_new(fresh, run(p));
	char dir[300];

	if (!nr)
		return;
	nr = confirm(p, fresh, nr);
	if (!nr) {
		nr_unsure++;
		return;
	}
	shrink(p, fresh, nr);
	snprintf(dir, sizeof(dir), "%s/corpus", out);
	fz_corpus_add(&corpus, p, dir);
}

static void report(uint64_t start)
{
	uint64_t ms = (vg_now_ns() - start) / 1000000 + 1;

	printf("@progress %" PRIu64 " runs, %.1f a second, %u blocks, %u programs, %" PRIu64
	       " unsure; ms to run, end and be gone: %u + %u + %u of %" PRIu64
	       ", slowest %u + %u + %u\n", nr_runs, nr_runs * 1000.0 / ms, seen.nr, corpus.nr,
	       nr_unsure, total.run, total.end, total.rest, ms, slowest.run, slowest.end,
	       slowest.rest);
	fflush(stdout);
	slowest = (struct fz_time){ 0 };
}

static void write_seen(void)
{
	char path[300];
	unsigned int i;
	FILE *f;

	snprintf(path, sizeof(path), "%s/blocks", out);
	f = fopen(path, "we");
	if (!f)
		return;
	for (i = 0; i < FZ_MAX_BLOCKS; i++)
		if (seen.slot[i])
			fprintf(f, "%#" PRIx64 "\n", seen.slot[i]);
	fclose(f);
}

/* What the corpus reaches is not new. */
static void replay(uint64_t start, bool keep)
{
	static uint64_t fresh[FZ_MAX_BLOCKS];
	unsigned int i, nr;
	int status;

	take_new(fresh, fz_cover_take(pc));
	for (i = 0; i < corpus.nr; i++) {
		status = run(&corpus.entry[i]->prog);
		nr = take_new(fresh, status);
		if (keep && nr)
			printf("@keep %s\n", corpus.entry[i]->path);
		printf("%s: %u + %u + %u ms\n", corpus.entry[i]->path, last.run, last.end,
		       last.rest);
		fflush(stdout);
		write_seen();
		if (i % 100 == 99)
			report(start);
	}
}

const char *fz_replay(const char *const *paths, const char *to, bool keep)
{
	uint64_t start = vg_now_ns();
	const char *err = NULL;

	/* The lines reached must not depend on how busy the machine is. */
	fz_run_limit = REPLAY_MS;
	out = to;
	while (*paths && !err)
		err = fz_corpus_load(&corpus, *paths++);
	if (err)
		return err;
	replay(start, keep);
	report(start);
	return NULL;
}

/* A program of the corpus may need seconds; there is no time for its variants. */
static void drop_sleeps(struct fz_prog *p)
{
	unsigned int i = p->nr;

	while (i-- > 0)
		if (fz_ops[p->op[i].code].run == fz_op_sleep)
			fz_prog_del(p, i, 1);
}

const char *fz_loop(const char *dir, const char *to, unsigned int seconds)
{
	uint64_t start = vg_now_ns(), end = vg_deadline_ms(seconds * 1000), next;
	const char *err = fz_corpus_load(&corpus, dir);
	struct fz_prog p;

	out = to;
	if (err)
		return err;
	replay(start, false);
	report(start);
	next = vg_deadline_ms(REPORT_MS);
	while (!vg_expired(end)) {
		if (!corpus.nr || !fz_random(10)) {
			fz_gen(&p);
		} else {
			p = *fz_corpus_pick(&corpus);
			fz_mutate(&p, fz_corpus_pick(&corpus));
			drop_sleeps(&p);
		}
		try(&p);
		if (vg_expired(next)) {
			report(start);
			write_seen();
			next = vg_deadline_ms(REPORT_MS);
		}
	}
	report(start);
	write_seen();
	return NULL;
}
