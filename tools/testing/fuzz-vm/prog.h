/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FZ_PROG_H
#define FZ_PROG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * A program is a list of operations on devices, rings, memory and interfaces. As
 * text it has one operation a line: its name, then its arguments. ops.c is the list
 * of operations, kinds.c that of the kinds of arguments.
 */
#define FZ_MAX_ARGS	7
#define FZ_MAX_OPS	80

struct fz_op {
	unsigned int code;	/* index in fz_ops */
	uint64_t arg[FZ_MAX_ARGS];
};

struct fz_prog {
	unsigned int nr;
	struct fz_op op[FZ_MAX_OPS];
};

enum fz_kind_id {
	FZ_END, FZ_DEV, FZ_RING, FZ_EVENT, FZ_NET, FZ_NET_KIND, FZ_FEATURES,
	FZ_HIGH, FZ_SIZE, FZ_BASE, FZ_TABLE, FZ_ADDR, FZ_IOCTL, FZ_PLACE, FZ_WORD,
	FZ_SHAPE, FZ_FRAME, FZ_COUNT, FZ_LEN, FZ_AREA, FZ_INDEX, FZ_PAGE, FZ_PAGES,
	FZ_PROT, FZ_MSG, FZ_PERM, FZ_XDP, FZ_MS, FZ_SECONDS, FZ_OPS, FZ_FEW, FZ_BOOL, FZ_PARAM,
	FZ_NR_KINDS
};

struct fz_name {
	const char *name;
	uint64_t value;
};

/**
 * struct fz_kind - a kind of arguments
 * @prefix: before a number, or NULL
 * @names: values with a name, up to an entry without one; or NULL
 * @is_flags: a value is a sum of names
 * @max: most random numbers are up to this one
 * @odd: values that are worth a try, up to one that is 0; or NULL
 */
struct fz_kind {
	const char *prefix;
	const struct fz_name *names;
	bool is_flags;
	uint64_t max;
	const uint64_t *odd;
};

struct fz_vm;

/**
 * struct fz_op_spec - an operation
 * @name: in the text
 * @weight: how often it is generated
 * @run: its implementation; NULL if exec.c has it
 * @kind: of its arguments
 */
struct fz_op_spec {
	const char *name;
	unsigned int weight;
	void (*run)(struct fz_vm *vm, const uint64_t *arg);
	uint8_t kind[FZ_MAX_ARGS + 1];
};

extern const struct fz_kind fz_kinds[FZ_NR_KINDS];
extern const struct fz_op_spec fz_ops[];
extern const unsigned int fz_nr_ops;

/* The index of the operation of that name, or -1. */
int fz_op_find(const char *name);
unsigned int fz_op_nr_args(unsigned int code);

/* text.c: NULL, or what is wrong with the text. */
const char *fz_prog_read(struct fz_prog *p, const char *path);
const char *fz_prog_parse_line(struct fz_prog *p, char *line);
void fz_prog_print(const struct fz_prog *p, FILE *f);
int fz_prog_write(const struct fz_prog *p, const char *path);

/* gen.c, mutate.c: random programs. */
extern uint64_t fz_seed;
uint64_t fz_random(uint64_t below);
uint64_t fz_gen_value(unsigned int kind);
void fz_gen_op(struct fz_op *op);
void fz_gen(struct fz_prog *p);
bool fz_prog_add(struct fz_prog *p, unsigned int at, const struct fz_op *op);
void fz_prog_del(struct fz_prog *p, unsigned int at, unsigned int nr);
void fz_mutate(struct fz_prog *p, const struct fz_prog *other);

#endif
