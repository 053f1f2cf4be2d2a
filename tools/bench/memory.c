// SPDX-License-Identifier: GPL-2.0-only
/* The memory table, and the place of buffers in it. */
#include <stdlib.h>

#include "bench.h"

#define SPARE_GPA	0x1000000000ULL

/* More regions below and above those that are used, each with a gap. */
static void add_regions(struct vg_net *n, unsigned int nr)
{
	struct vhost_memory *table;
	unsigned int i;

	if (nr <= n->mem.nr)
		return;
	for (i = n->mem.nr; i < nr; i++)
		must(vg_mem_add(&n->mem, SPARE_GPA + i * 0x10000ULL, 4096),
		     "memory");
	table = vg_mem_table(&n->mem);
	must(vg_set_mem_table(n->fd, table), "SET_MEM_TABLE");
	free(table);
}

/* Keep as many buffers in the first region as behind it, and use them in turns. */
static void alternate(struct vg_net *n, unsigned int q)
{
	struct vg_pool *p = &n->pool[q];
	unsigned int nr_low = 0, nr_high, i;

	while (nr_low < p->nr && p->buf[nr_low].gpa < n->mem.region[1].gpa)
		nr_low++;
	nr_high = p->nr - nr_low;
	p->nr_free = 2 * (nr_low < nr_high ? nr_low : nr_high);
	if (p->nr_free < n->ring[q].num)
		die("too few buffers in one of the regions");
	for (i = 0; i < p->nr_free; i++)
		p->free[i] = &p->buf[i % 2 ? nr_low + i / 2 : i / 2];
}

void bench_memory(struct vg_net *n, const struct bench_case *c)
{
	add_regions(n, c->regions);
	if (c->alternate)
		alternate(n, c->rx ? VG_RX : VG_TX);
}
