// SPDX-License-Identifier: GPL-2.0-only
/* Changes of programs. */
#include <string.h>

#include "prog.h"

/* Inserts @op before the operation @at; false if there is no room. */
bool fz_prog_add(struct fz_prog *p, unsigned int at, const struct fz_op *op)
{
	if (p->nr == FZ_MAX_OPS)
		return false;
	memmove(&p->op[at + 1], &p->op[at], (p->nr - at) * sizeof(*op));
	p->op[at] = *op;
	p->nr++;
	return true;
}

void fz_prog_del(struct fz_prog *p, unsigned int at, unsigned int nr)
{
	memmove(&p->op[at], &p->op[at + nr], (p->nr - at - nr) * sizeof(p->op[0]));
	p->nr -= nr;
}

static void insert(struct fz_prog *p)
{
	struct fz_op op;

	fz_gen_op(&op);
	fz_prog_add(p, fz_random(p->nr + 1), &op);
}

static void change_arg(struct fz_prog *p)
{
	struct fz_op *op = &p->op[fz_random(p->nr)];
	unsigned int nr = fz_op_nr_args(op->code), i;

	if (!nr)
		return;
	i = fz_random(nr);
	op->arg[i] = fz_gen_value(fz_ops[op->code].kind[i]);
}

/* A small step away from a value. */
static void shift_arg(struct fz_prog *p)
{
	struct fz_op *op = &p->op[fz_random(p->nr)];
	unsigned int nr = fz_op_nr_args(op->code), i;
	const struct fz_kind *kind;

	if (!nr)
		return;
	i = fz_random(nr);
	kind = &fz_kinds[fz_ops[op->code].kind[i]];
	if (kind->is_flags)
		op->arg[i] ^= kind->names[fz_random(2)].value;
	else if (kind->max)
		op->arg[i] += fz_random(2) ? 1 : -1;
}

static void repeat(struct fz_prog *p)
{
	unsigned int at = fz_random(p->nr), nr = 1 + fz_random(4), i;
	struct fz_op op;

	for (i = 0; i < nr && at + i < p->nr; i++) {
		op = p->op[at + i];
		fz_prog_add(p, p->nr, &op);
	}
}

static void swap(struct fz_prog *p)
{
	unsigned int a = fz_random(p->nr), b = fz_random(p->nr);
	struct fz_op op = p->op[a];

	p->op[a] = p->op[b];
	p->op[b] = op;
}

/* The end of another program, behind this one or in place of its end. */
static void splice(struct fz_prog *p, const struct fz_prog *other)
{
	unsigned int from = fz_random(other->nr), i;

	if (fz_random(2))
		p->nr = 1 + fz_random(p->nr);
	for (i = from; i < other->nr; i++)
		fz_prog_add(p, p->nr, &other->op[i]);
}

/* Some operations run beside the others. */
static void run_beside(struct fz_prog *p)
{
	struct fz_op op = {
		.code = fz_op_find(fz_random(2) ? "thread" : "fork"),
		.arg = { 1 + fz_random(4) },
	};

	fz_prog_add(p, fz_random(p->nr), &op);
}

void fz_mutate(struct fz_prog *p, const struct fz_prog *other)
{
	unsigned int times = 1 + fz_random(4);

	while (times--) {
		if (!p->nr) {
			insert(p);
			continue;
		}
		switch (fz_random(16)) {
		case 0 ... 4:
			insert(p);
			break;
		case 5 ... 8:
			change_arg(p);
			break;
		case 9 ... 10:
			shift_arg(p);
			break;
		case 11:
			fz_prog_del(p, fz_random(p->nr), 1);
			break;
		case 12:
			repeat(p);
			break;
		case 13:
			swap(p);
			break;
		case 14:
			run_beside(p);
			break;
		default:
			if (other->nr)
				splice(p, other);
		}
	}
}
