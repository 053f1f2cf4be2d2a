/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VIADUCT_COMMAND_H
#define VIADUCT_COMMAND_H

#include "device.h"

struct options {
	const char *roots[2];	/* "" for the running system */
	unsigned int nr_roots;	/* recorded trees; for top, one per sample */
	pid_t pid;		/* 0: all */
	bool json;
	double delay;		/* seconds between samples */
	unsigned int count;	/* samples, 0: without end */
	const char *from;	/* recorded trace, or NULL */
	const char *rx, *tx;	/* processors for their workers, or NULL */
	const char *all;	/* processors for all workers, or NULL */
	uint64_t device;	/* number of the only device to pin, 0: all */
};

/* Each prints to stdout and returns the exit status. */
int cmd_list(const struct options *o, const struct devices *found);
int cmd_show(const struct options *o, const struct devices *found);
int cmd_workers(const struct options *o, const struct devices *found);
int cmd_pin(const struct options *o, const struct devices *found);
int cmd_metrics(const struct options *o, const struct devices *found);
int cmd_top(const struct options *o, struct devices *found);
int cmd_trace(const struct options *o, const struct devices *found);

/* All keys and counters, as a JSON document. */
int print_json(const struct devices *found);
/* "viaduct: " and the message to stderr; returns 1. */
int complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same, with advice for a system without devices. */
int complain_none(const struct options *o, const struct devices *found);

#endif
