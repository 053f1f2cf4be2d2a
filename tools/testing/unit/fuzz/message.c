// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzz target: messages as a client writes them to the descriptor.
 *
 * The input is a series of messages, each a u8 length and that many raw bytes.
 * The result of the parser is compared with the bytes at their offsets; accepted
 * messages change an IOTLB, which must stay consistent.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/kernel.h>
#include <linux/slab.h>

#include "fuzz/input.h"
#include "guest/iotlb.h"
#include "guest/iotlb_msg.h"
#include "lib/drv.h"
#include "umem.h"

#define ROOM		256U
#define MAX_MAPS	64U

/* Offsets in a message, whatever its version. */
#define IOVA		8
#define SIZE		16
#define UADDR		24
#define PERM		32
#define TYPE		33
#define NEEDED		40U

#define MESSAGE_CHECK(cond) do {				\
	if (!(cond))						\
		umem_die("%s:%d: %s", __FILE__, __LINE__, #cond); \
} while (0)

static u64 message_word(const u8 *bytes, unsigned int at)
{
	u64 val;

	memcpy(&val, bytes + at, sizeof(val));
	return val;
}

static bool message_is_user(u64 addr, u64 size)
{
	return addr <= UMEM_TOP && size <= UMEM_TOP - addr;
}

/* What the parser must return for a message. */
static int message_verdict(const u8 *bytes, size_t len)
{
	u64 size = message_word(bytes, SIZE);
	u32 version = (u32)message_word(bytes, 0);

	if (len < NEEDED || version < 1 || version > 2)
		return -EINVAL;
	if (bytes[TYPE] == VHOST_IOTLB_INVALIDATE)
		return 0;
	if (bytes[TYPE] != VHOST_IOTLB_UPDATE)
		return -EFAULT;
	if (!size)
		return -EINVAL;
	if (message_word(bytes, IOVA) > ~0ULL - (size - 1))
		return -EFAULT;
	if (bytes[PERM] & 3 &&
	    !message_is_user(message_word(bytes, UADDR), size))
		return -EFAULT;
	return 0;
}

static void message_update(struct vd_iotlb *iotlb, const struct vd_iotlb_msg *msg)
{
	u64 first = msg->region.gpa, last = first + msg->region.span;

	MESSAGE_CHECK(last >= first && !(msg->perm & ~VHOST_ACCESS_RW));
	drv_iotlb_add(iotlb, &msg->region, msg->perm);
	MESSAGE_CHECK(vd_iotlb_find(iotlb, first, first));
	MESSAGE_CHECK(vd_iotlb_find(iotlb, last, last));
	if (iotlb->nr > MAX_MAPS)
		vd_iotlb_del(iotlb, vd_iotlb_oldest(iotlb));
}

static void message_invalidate(struct vd_iotlb *iotlb,
			       const struct vd_iotlb_msg *msg)
{
	u64 first = msg->region.gpa, last = first + msg->region.span;
	struct vd_iotlb_map *map;
	unsigned int nr = 0;

	while ((map = vd_iotlb_find(iotlb, first, last))) {
		vd_iotlb_del(iotlb, map);
		MESSAGE_CHECK(++nr <= MAX_MAPS);
	}
	if (!first && last == ~0ULL)
		MESSAGE_CHECK(!iotlb->nr);
	if (first <= last)
		MESSAGE_CHECK(!vd_iotlb_find(iotlb, first, first) &&
			      !vd_iotlb_find(iotlb, last, last));
}

static void message_one(struct vd_iotlb *iotlb, struct input *in)
{
	size_t len = input_u8(in), i;
	struct vd_iotlb_msg msg;
	u8 bytes[ROOM] = {}, *raw;
	int ret;

	for (i = 0; i < len; i++)
		bytes[i] = input_u8(in);
	/* A buffer of that length, so that ASan sees an access beyond it. */
	raw = malloc(len);
	memcpy(raw, bytes, len);
	ret = vd_iotlb_msg_parse(&msg, raw, len);
	free(raw);
	MESSAGE_CHECK(ret == message_verdict(bytes, len));
	if (ret)
		return;
	MESSAGE_CHECK(msg.is_update == (bytes[TYPE] == VHOST_IOTLB_UPDATE));
	MESSAGE_CHECK(msg.region.gpa == message_word(bytes, IOVA));
	MESSAGE_CHECK(msg.region.span == message_word(bytes, SIZE) - 1);
	if (msg.is_update)
		message_update(iotlb, &msg);
	else
		message_invalidate(iotlb, &msg);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = { data, size };
	struct vd_iotlb iotlb;

	slab_reset();
	vd_iotlb_init(&iotlb);
	while (in.left)
		message_one(&iotlb, &in);
	while (iotlb.nr)
		vd_iotlb_del(&iotlb, vd_iotlb_oldest(&iotlb));
	MESSAGE_CHECK(!slab_nr_live());
	return 0;
}
