// SPDX-License-Identifier: GPL-2.0-only
/* The states of IOTLB misses: unread, read, repeated, resolved, dropped. */
#include <linux/kernel.h>
#include <linux/poll.h>
#include <linux/vhost_types.h>

#include "guest/iotlb_miss.h"
#include "lib/unit.h"

#define RO	VHOST_ACCESS_RO
#define A	0x1000ULL
#define B	0x2000ULL
#define C	0x3000ULL
#define D	0x4000ULL

static struct vd_misses misses;
static struct vd_vq_misses vq[2];

static void begin(void)
{
	vd_misses_init(&misses);
	vd_miss_init(&vq[0]);
	vd_miss_init(&vq[1]);
	vd_misses_open(&misses, true);
}

/* Report @first and, to prefetch, up to two more; 0 for none. */
static void report(unsigned int i, u64 first, u64 second, u64 third)
{
	const struct vd_miss miss = { first, RO };
	struct vd_miss_set set = {};

	if (second)
		CHECK(vd_miss_set_add(&set, &(struct vd_miss){ second, RO }));
	if (third)
		CHECK(vd_miss_set_add(&set, &(struct vd_miss){ third, RO }));
	vd_miss_report(&misses, &vq[i], &miss, &set);
}

static void report_aside(unsigned int i, u64 iova)
{
	vd_miss_report_aside(&misses, &vq[i], &(struct vd_miss){ iova, RO });
}

/* The next miss to be read must be @want; 0 for none. */
static void check_read(u64 want)
{
	struct vd_miss miss = {};

	CHECK_EQ(vd_misses_has_unread(&misses), !!want);
	CHECK_EQ(vd_misses_read(&misses, &miss), !!want);
	CHECK_EQ(miss.iova, want);
}

static bool resolve(unsigned int i, u64 iova)
{
	return vd_miss_resolve(&misses, &vq[i], iova, iova + 0xfff);
}

TEST(miss_is_read_once)
{
	begin();
	check_read(0);
	report(0, A, 0, 0);
	CHECK_EQ(misses.wait.nr_woken, 1);
	CHECK_EQ(misses.wait.events, EPOLLIN | EPOLLRDNORM);
	check_read(A);
	check_read(0);
	/* An update may be in flight: the miss is queued again, and wakes again. */
	report(0, A, 0, 0);
	CHECK_EQ(misses.wait.nr_woken, 2);
	/* A reader that has been woken need not be woken twice. */
	report(0, B, 0, 0);
	CHECK_EQ(misses.wait.nr_woken, 2);
	check_read(B);
	check_read(0);
}

TEST(miss_is_resolved_after_read)
{
	begin();
	report(0, A, 0, 0);
	/* The update is not its answer: the client has yet to read it. */
	CHECK(!resolve(0, A));
	check_read(A);
	CHECK(!resolve(0, B));
	CHECK(!resolve(1, A));
	CHECK(resolve(0, A));
	CHECK(!resolve(0, A));
	check_read(0);
}

TEST(miss_range_ends)
{
	begin();
	report(0, A, 0, 0);
	check_read(A);
	CHECK(!vd_miss_resolve(&misses, &vq[0], 0, A - 1));
	CHECK(!vd_miss_resolve(&misses, &vq[0], A + 1, ~0ULL));
	CHECK(vd_miss_resolve(&misses, &vq[0], A, A));
	report(0, A, 0, 0);
	check_read(A);
	CHECK(vd_miss_resolve(&misses, &vq[0], 0, ~0ULL));
}

/* Any update that arrives for a miss that is queued twice resolves it. */
TEST(miss_repeated)
{
	begin();
	report(0, A, 0, 0);
	check_read(A);
	report(0, A + 8, 0, 0);
	CHECK(resolve(0, A));
	/* poll() has reported it. */
	check_read(A + 8);
	check_read(0);
	CHECK(!resolve(0, A));
}

TEST(miss_other_access_is_another)
{
	const struct vd_miss_set none = {};

	begin();
	report(0, A, 0, 0);
	check_read(A);
	vd_miss_report(&misses, &vq[0],
		       &(struct vd_miss){ A, VHOST_ACCESS_WO }, &none);
	CHECK(!resolve(0, A));
	check_read(A);
	CHECK(resolve(0, A));
}

TEST(miss_prefetch)
{
	begin();
	report(0, A, B, C);
	check_read(A);
	check_read(B);
	check_read(C);
	check_read(0);
	/* A resolved one is forgotten, so that it can be reported anew. */
	CHECK(!resolve(0, B));
	CHECK(resolve(0, A));
	report(0, B, 0, 0);
	CHECK(!resolve(0, B));
	check_read(B);
	/* The update for one that was read may be in flight. */
	report(0, C, 0, 0);
	CHECK(resolve(0, C));
}

TEST(miss_unread_prefetch_is_awaited)
{
	begin();
	report(0, A, B, C);
	check_read(A);
	report(0, C, 0, 0);
	CHECK(!resolve(0, C));
	check_read(C);
	check_read(B);
	check_read(0);
	CHECK(resolve(0, C));
}

/* A prefetched miss stays unread when its mapping arrives. */
TEST(miss_unread_prefetch_stays)
{
	begin();
	report(0, A, B, 0);
	CHECK(!resolve(0, B));
	check_read(A);
	check_read(B);
}

TEST(miss_turns)
{
	begin();
	report(0, A, B, 0);
	report(1, C, D, 0);
	check_read(A);
	check_read(C);
	check_read(B);
	check_read(D);
	check_read(0);
}

TEST(miss_aside)
{
	begin();
	/* Without another miss, it is the one to wait for. */
	report_aside(0, A);
	check_read(A);
	/* With one, the wait continues. */
	report_aside(0, B);
	check_read(B);
	CHECK(!resolve(0, B));
	report_aside(0, B);
	check_read(B);
	report_aside(0, B);
	check_read(B);
	check_read(0);
	CHECK(resolve(0, A));
}

/* The awaited miss is not queued a second time while it is unread. */
TEST(miss_aside_is_awaited)
{
	begin();
	report(0, A, 0, 0);
	report_aside(0, A);
	check_read(A);
	check_read(0);
	/* Once it was read, its update may be lost: it is queued again. */
	report_aside(0, A);
	report_aside(0, A);
	check_read(A);
	check_read(0);
	CHECK(resolve(0, A));
}

TEST(miss_bounded)
{
	struct vd_miss_set set = {};
	unsigned int i;

	for (i = 0; i < VD_MAX_PREFETCH; i++)
		CHECK(vd_miss_set_add(&set, &(struct vd_miss){ B + i * A, RO }));
	CHECK(!vd_miss_set_add(&set, &(struct vd_miss){ 0, RO }));
	CHECK_EQ(vd_miss_set_find(&set, &(struct vd_miss){ B + 5, RO }), 0);
	CHECK_EQ(vd_miss_set_find(&set, &(struct vd_miss){ 0, RO }), -1);

	begin();
	vd_miss_report(&misses, &vq[0], &(struct vd_miss){ A, RO }, &set);
	check_read(A);
	/* Full of unread ones: there is no room. */
	report_aside(0, 0x100000);
	for (i = 0; i < VD_MAX_PREFETCH; i++)
		check_read(B + i * A);
	check_read(0);
	/* Full of read ones: the oldest makes room. */
	report_aside(0, 0x100000);
	CHECK_EQ(vq[0].prefetch.nr, VD_MAX_PREFETCH);
	CHECK_EQ(vq[0].prefetch.miss[0].iova, C);
	check_read(0x100000);
	check_read(0);
}

TEST(miss_drop)
{
	begin();
	CHECK(!vd_miss_drop(&misses, &vq[0]));
	report(0, A, B, 0);
	report(1, C, 0, 0);
	CHECK(vd_miss_drop(&misses, &vq[0]));
	CHECK(!vd_miss_drop(&misses, &vq[0]));
	CHECK(!resolve(0, A));
	check_read(C);
	check_read(0);
	/* It begins anew: an update for the dropped miss does not resolve it. */
	report(0, A, 0, 0);
	CHECK(!resolve(0, A));
	check_read(A);
}

TEST(miss_open)
{
	begin();
	CHECK(vd_misses_is_open(&misses));
	CHECK_EQ(misses.wait.nr_woken, 0);
	vd_misses_open(&misses, false);
	CHECK(!vd_misses_is_open(&misses));
	CHECK_EQ(misses.wait.nr_woken, 1);
}
