// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random programs. Most begin with a set-up that works, so that what follows reaches
 * the packet paths.
 */
#include <linux/virtio_config.h>
#include <string.h>

#include "exec.h"
#include "kinds.h"

#define F(bit) (1ULL << (bit))

uint64_t fz_seed = 1;

/* xorshift*: a number below @below, which is not 0. */
uint64_t fz_random(uint64_t below)
{
	fz_seed ^= fz_seed >> 12;
	fz_seed ^= fz_seed << 25;
	fz_seed ^= fz_seed >> 27;
	return (fz_seed * 0x2545f4914f6cdd1dULL >> 16) % below;
}

static bool one_in(unsigned int n)
{
	return !fz_random(n);
}

static unsigned int count_names(const struct fz_kind *kind)
{
	unsigned int nr = 0;

	while (kind->names && kind->names[nr].name)
		nr++;
	return nr;
}

static uint64_t random_flags(const struct fz_kind *kind)
{
	unsigned int i, nr = count_names(kind);
	uint64_t value = 0;

	for (i = 0; i < nr; i++)
		if (one_in(4))
			value |= kind->names[i].value;
	return one_in(30) ? value | 1ULL << fz_random(64) : value;
}

static uint64_t random_odd(const struct fz_kind *kind)
{
	unsigned int nr = 0;
	uint64_t value;

	while (kind->odd[nr])
		nr++;
	value = kind->odd[fz_random(nr)];
	if (one_in(6))
		value += fz_random(3) - 1;
	return value;
}

uint64_t fz_gen_value(unsigned int kind_id)
{
	const struct fz_kind *kind = &fz_kinds[kind_id];
	unsigned int nr = count_names(kind);

	if (kind->is_flags)
		return random_flags(kind);
	/* Most operations are on the first device and interface. */
	if ((kind_id == FZ_DEV || kind_id == FZ_NET) && !one_in(6))
		return 0;
	if (nr && (!kind->max || one_in(kind_id == FZ_RING ? 1 : 8)) &&
	    !(kind->odd && one_in(20)))
		return kind->names[fz_random(nr)].value;
	if (kind->odd && (one_in(2) || !kind->max))
		return random_odd(kind);
	return fz_random(kind->max + 1);
}

void fz_gen_op(struct fz_op *op)
{
	unsigned int i, total = 0, at;

	for (i = 0; i < fz_nr_ops; i++)
		total += fz_ops[i].weight;
	at = fz_random(total);
	for (i = 0; at >= fz_ops[i].weight; i++)
		at -= fz_ops[i].weight;
	*op = (struct fz_op){ .code = i };
	for (i = 0; fz_ops[op->code].kind[i] != FZ_END; i++)
		op->arg[i] = fz_gen_value(fz_ops[op->code].kind[i]);
}

static void add(struct fz_prog *p, const char *name, const uint64_t *arg)
{
	struct fz_op op = { .code = fz_op_find(name) };

	memcpy(op.arg, arg, fz_op_nr_args(op.code) * sizeof(*arg));
	fz_prog_add(p, p->nr, &op);
}

#define ADD(p, name, ...) add(p, name, (const uint64_t[]){ __VA_ARGS__, 0 })

/* Features, and an interface with the header that they need. */
static uint64_t add_net(struct fz_prog *p, uint64_t features, uint64_t high)
{
	uint64_t kind = FZ_TAP10;

	if (features & F(VIRTIO_F_VERSION_1) || features & 1 << 15)
		kind = FZ_TAP;
	if (high)
		kind = FZ_TAP24;
	if (features & F(27))
		kind = FZ_BARE;
	if (one_in(3))
		kind = fz_gen_value(FZ_NET_KIND);
	ADD(p, "net", 0, kind);
	return kind;
}

/* Buffers and a kick, or frames from the other side, and time to run. */
static void add_traffic(struct fz_prog *p)
{
	uint64_t q = fz_random(2), nr = 1 + fz_random(8);

	ADD(p, "post", 0, q, q ? nr : 1 + fz_random(64),
	    q ? fz_gen_value(FZ_LEN) : 1600,
	    one_in(3) ? fz_gen_value(FZ_SHAPE) : fz_random(6),
	    fz_gen_value(FZ_FRAME));
	if (!one_in(6))
		ADD(p, "kick", 0, q);
	if (!q)
		ADD(p, "inject", 0, nr, 60 + fz_random(1500), fz_gen_value(FZ_FRAME));
	ADD(p, "wait", one_in(3));
	if (one_in(2))
		ADD(p, "reap", 0, q);
}

static void add_setup(struct fz_prog *p)
{
	static const uint64_t sizes[] = { 4, 16, 64, 256, 256, 256, 1024 };
	uint64_t features = fz_gen_value(FZ_FEATURES) & ~(F(33) | F(26));
	uint64_t high = one_in(8) ? fz_gen_value(FZ_HIGH) : 0;
	bool iommu = one_in(5);

	if (!one_in(3))
		features |= F(VIRTIO_F_VERSION_1);
	if (iommu)
		features |= F(33);
	if (one_in(6))
		features |= F(26);
	add_net(p, features, high);
	if (one_in(6))
		ADD(p, "ioctl", 0, fz_kinds[FZ_IOCTL].names[10].value, FZ_AT_STACK,
		    fz_random(2));
	ADD(p, "rig", 0, features, high, sizes[fz_random(7)],
	    one_in(3) ? fz_gen_value(FZ_BASE) : 0, 0);
	if (one_in(10))
		ADD(p, "ioctl", 0, fz_kinds[FZ_IOCTL].names[28].value, FZ_AT_STACK,
		    fz_random(2) | (50 + fz_random(900)) << 32);
	if (iommu)
		ADD(p, "answer", 0, 8, 1 + fz_random(3), 3);
}

void fz_gen(struct fz_prog *p)
{
	unsigned int left = 2 + fz_random(12);
	struct fz_op op;

	p->nr = 0;
	if (!one_in(8))
		add_setup(p);
	while (left--) {
		if (one_in(3)) {
			add_traffic(p);
			continue;
		}
		fz_gen_op(&op);
		fz_prog_add(p, p->nr, &op);
	}
}
