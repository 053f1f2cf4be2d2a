// SPDX-License-Identifier: GPL-2.0-only
/* The driver's rings against a device in this file, which completes out of order. */
#include <sys/eventfd.h>
#include <unistd.h>

#include "port/ring.h"
#include "test.h"

#define NUM	8
#define ROUNDS	200000

/* A chain that the device has taken. */
struct taken {
	u64 addr;
	u32 len;
	u16 id;
};

struct device {
	struct vd_port_ring r;
	u16 avail, used;	/* free-running positions */
	struct taken taken[NUM];
	unsigned int nr_taken;
};

static u8 memory[4096] __attribute__((aligned(64)));

static void dev_open(struct device *d, bool packed)
{
	memset(d, 0, sizeof(*d));
	CHECK(vd_port_ring_len(NUM) <= sizeof(memory));
	CHECK_EQ(vd_port_ring_init(&d->r, memory, NUM, packed, true), 0);
	d->r.kick = eventfd(0, EFD_NONBLOCK);
}

static bool dev_take(struct device *d)
{
	struct taken *t = &d->taken[d->nr_taken];
	u16 slot = d->avail % NUM, avail = d->avail & NUM ? 0 : 1 << 7;

	if (d->r.packed) {
		const struct vring_packed_desc *p = &d->r.pdesc[slot];
		u16 flags = p->flags & (1 << 7 | 1 << 15);

		if (flags != (avail ? 1 << 7 : 1 << 15))
			return false;
		*t = (struct taken){ p->addr, p->len, p->id };
	} else {
		if (d->r.avail->idx == d->avail)
			return false;
		t->id = d->r.avail->ring[slot];
		t->addr = d->r.desc[t->id].addr;
		t->len = d->r.desc[t->id].len;
	}
	d->avail++;
	d->nr_taken++;
	return true;
}

static void dev_use(struct device *d, u32 id, u32 len)
{
	u16 slot = d->used % NUM;

	if (d->r.packed) {
		struct vring_packed_desc *p = &d->r.pdesc[slot];

		p->id = id;
		p->len = len;
		p->flags = d->used & NUM ? 0 : 1 << 7 | 1 << 15;
	} else {
		d->r.used->ring[slot] = (struct vring_used_elem){ id, len };
		d->r.used->idx = d->used + 1;
	}
	d->used++;
}

/* Request a kick at the next descriptor, or none. */
static void dev_arm(struct device *d, bool on)
{
	if (d->r.packed) {
		d->r.device_event->off_wrap = d->avail % NUM |
					      (d->avail & NUM ? 0 : 1 << 15);
		d->r.device_event->flags = on ? VRING_PACKED_EVENT_FLAG_DESC :
						VRING_PACKED_EVENT_FLAG_DISABLE;
	} else {
		*(u16 *)&d->r.used->ring[NUM] = on ? d->avail : d->avail - 1;
	}
}

/* Whether the driver's event is the position that was used last. */
static bool dev_must_call(struct device *d)
{
	u16 last = d->used - 1;

	if (!d->r.packed)
		return d->r.avail->ring[NUM] == last;
	return d->r.driver_event->flags == VRING_PACKED_EVENT_FLAG_DESC &&
	       d->r.driver_event->off_wrap ==
	       (last % NUM | (last & NUM ? 0 : 1 << 15));
}

static void add(struct device *d, u32 buf)
{
	vd_port_ring_add(&d->r, memory + buf, 100 + buf % 7, 0, buf);
}

static void check_rounds(bool packed)
{
	u32 next = 0, len, buf, got = 0;
	bool armed, busy[64] = {};
	struct device d;
	eventfd_t kicks;
	int i, n;

	dev_open(&d, packed);
	srand(packed);
	for (i = 0; i < ROUNDS; i++) {
		armed = rand() % 2;
		/* The device looks once more after that, as it must. */
		dev_arm(&d, armed);
		n = rand() % (d.r.nr_free + 1);
		for (; n; n--, next++) {
			while (busy[next % 64])
				next++;
			busy[next % 64] = true;
			add(&d, next % 64);
		}
		armed = armed && d.r.avail_idx != d.r.shown_idx;
		/* Before it is published, the device sees nothing. */
		if (d.avail == d.r.shown_idx)
			CHECK(!dev_take(&d));
		vd_port_ring_publish(&d.r);
		CHECK_EQ(!eventfd_read(d.r.kick, &kicks), armed);
		while (dev_take(&d))
			;
		for (n = rand() % (d.nr_taken + 1); n; n--) {
			struct taken *t = &d.taken[rand() % d.nr_taken];

			CHECK_EQ(t->len, 100 + (t->addr - (uintptr_t)memory) % 7);
			dev_use(&d, t->id, t->addr - (uintptr_t)memory);
			*t = d.taken[--d.nr_taken];
		}
		while ((buf = vd_port_ring_get(&d.r, &len)) != VD_PORT_NO_BUF) {
			CHECK_EQ(buf, len);
			CHECK(busy[buf]);
			busy[buf] = false;
			got++;
		}
		CHECK(!d.r.broken);
		CHECK_EQ(vd_port_ring_in_flight(&d.r), d.nr_taken);
	}
	CHECK(got > ROUNDS);
	vd_port_ring_fini(&d.r);
}

TEST(port_rounds_split)
{
	check_rounds(false);
}

TEST(port_rounds_packed)
{
	check_rounds(true);
}

static void check_arm(bool packed)
{
	struct device d;
	u32 len;
	int i, j;

	dev_open(&d, packed);
	for (i = 0; i < 5 * NUM; i++) {
		add(&d, 1);
		add(&d, 2);
		vd_port_ring_publish(&d.r);
		CHECK(!vd_port_ring_arm(&d.r, 1));
		for (j = 0; j < 2; j++) {
			CHECK(dev_take(&d));
			dev_use(&d, d.taken[0].id, 0);
			d.nr_taken = 0;
			CHECK_EQ(dev_must_call(&d), j);
			CHECK_EQ(vd_port_ring_get(&d.r, &len), 1 + j);
		}
		vd_port_ring_disarm(&d.r);
		add(&d, 1);
		vd_port_ring_publish(&d.r);
		CHECK(dev_take(&d));
		dev_use(&d, d.taken[0].id, 0);
		d.nr_taken = 0;
		CHECK(!dev_must_call(&d));
		CHECK(vd_port_ring_arm(&d.r, 0));
		CHECK_EQ(vd_port_ring_get(&d.r, &len), 1);
	}
	vd_port_ring_fini(&d.r);
}

TEST(port_arm_split)
{
	check_arm(false);
}

TEST(port_arm_packed)
{
	check_arm(true);
}

/* An identifier that is out of range, not in flight, or no longer. */
static void check_wrong_id(bool packed)
{
	static const u32 wrong[] = { 0, 1, NUM - 1, NUM, 2 * NUM, 0xffff };
	struct device d;
	u32 len, id, i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		dev_open(&d, packed);
		add(&d, 5);
		add(&d, 6);
		vd_port_ring_publish(&d.r);
		CHECK(dev_take(&d) && dev_take(&d));
		id = wrong[i];
		if (id == d.taken[0].id || id == d.taken[1].id) {
			dev_use(&d, id, 0);
			CHECK(vd_port_ring_get(&d.r, &len) != VD_PORT_NO_BUF);
			CHECK(!d.r.broken);
		}
		dev_use(&d, id, 0);
		CHECK_EQ(vd_port_ring_get(&d.r, &len), VD_PORT_NO_BUF);
		CHECK(d.r.broken);
		vd_port_ring_fini(&d.r);
		close(d.r.kick);
	}
}

TEST(port_wrong_id_split)
{
	check_wrong_id(false);
}

TEST(port_wrong_id_packed)
{
	check_wrong_id(true);
}
