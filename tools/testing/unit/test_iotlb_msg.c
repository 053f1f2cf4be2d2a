// SPDX-License-Identifier: GPL-2.0-only
/* Messages of the client's IOMMU: parsed and refused ones. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/kernel.h>
#include <linux/vhost_types.h>

#include "guest/iotlb_msg.h"
#include "lib/unit.h"
#include "umem.h"

#define BODY	8

static struct vd_iotlb_msg msg;

/* Parse a message's first @len bytes, behind which there is nothing. */
static int parse(u32 version, const struct vhost_iotlb_msg *body, size_t len)
{
	u8 whole[256] = {}, *raw = malloc(len);
	int ret;

	memcpy(whole, &version, sizeof(version));
	memcpy(whole + BODY, body, sizeof(*body));
	memcpy(raw, whole, len);
	ret = vd_iotlb_msg_parse(&msg, raw, len);
	free(raw);
	return ret;
}

static int parse_body(struct vhost_iotlb_msg body)
{
	return parse(VHOST_IOTLB_MSG_V2, &body, VD_IOTLB_MSG_LEN);
}

#define UPDATE(iova_, size_, uaddr_, perm_) ((struct vhost_iotlb_msg){ \
	.iova = iova_, .size = size_, .uaddr = uaddr_, .perm = perm_, \
	.type = VHOST_IOTLB_UPDATE })

static const struct vhost_iotlb_msg good = {
	.iova = 0x10000, .size = 0x3000, .uaddr = UMEM_BASE,
	.perm = VHOST_ACCESS_RW, .type = VHOST_IOTLB_UPDATE,
};

TEST(message_update)
{
	u32 version;

	for (version = 1; version <= 2; version++) {
		CHECK_EQ(parse(version, &good, VD_IOTLB_MSG_LEN), 0);
		CHECK(msg.is_update);
		CHECK_EQ(msg.perm, VHOST_ACCESS_RW);
		CHECK_EQ(msg.region.gpa, 0x10000);
		CHECK_EQ(msg.region.span, 0x2fff);
		CHECK_EQ(msg.region.hva, UMEM_BASE);
		umem_reset();
	}
}

TEST(message_version)
{
	CHECK_EQ(parse(0, &good, VD_IOTLB_MSG_LEN), -EINVAL);
	umem_reset();
	CHECK_EQ(parse(3, &good, VD_IOTLB_MSG_LEN), -EINVAL);
	umem_reset();
	CHECK_EQ(parse(1U << 31, &good, VD_IOTLB_MSG_LEN), -EINVAL);
}

TEST(message_length)
{
	static const size_t short_ones[] = { 0, 3, 4, 8, 39 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(short_ones); i++) {
		CHECK_EQ(parse(2, &good, short_ones[i]), -EINVAL);
		umem_reset();
	}
	CHECK_EQ(parse(2, &good, 40), 0);
	umem_reset();
	CHECK_EQ(parse(2, &good, 200), 0);
}

TEST(message_type)
{
	struct vhost_iotlb_msg m = good;
	unsigned int type;

	for (type = 0; type < 256; type++) {
		m.type = type;
		CHECK_EQ(parse_body(m), type == VHOST_IOTLB_UPDATE ||
			 type == VHOST_IOTLB_INVALIDATE ? 0 : -EFAULT);
		umem_reset();
	}
}

TEST(message_range)
{
	CHECK_EQ(parse_body(UPDATE(0, 0, UMEM_BASE, 3)), -EINVAL);
	umem_reset();
	/* A mapping may end with the address space, and not go beyond. */
	CHECK_EQ(parse_body(UPDATE(-0x1000ULL, 0x1000, UMEM_BASE, 3)), 0);
	umem_reset();
	CHECK_EQ(parse_body(UPDATE(-0x1000ULL, 0x1001, UMEM_BASE, 3)), -EFAULT);
	umem_reset();
	CHECK_EQ(parse_body(UPDATE(0, 0x1000, UMEM_TOP - 0x1000, 1)), 0);
	umem_reset();
	CHECK_EQ(parse_body(UPDATE(0, 0x1000, UMEM_TOP - 0xfff, 2)), -EFAULT);
	umem_reset();
	CHECK_EQ(parse_body(UPDATE(0, 0x1000, -1ULL, 1)), -EFAULT);
	umem_reset();
	/* A mapping without permissions may have any address. */
	CHECK_EQ(parse_body(UPDATE(0, 0x1000, -1ULL, 4)), 0);
	CHECK_EQ(msg.perm, 0);
}

TEST(message_invalidate)
{
	struct vhost_iotlb_msg m = {
		.iova = 0x5000, .size = 0, .type = VHOST_IOTLB_INVALIDATE,
	};

	CHECK_EQ(parse_body(m), 0);
	CHECK(!msg.is_update);
	CHECK_EQ(msg.region.span, ~0ULL);
	umem_reset();
	m.size = 0x1000;
	m.uaddr = ~0ULL;
	CHECK_EQ(parse_body(m), 0);
	CHECK_EQ(msg.region.gpa, 0x5000);
	CHECK_EQ(msg.region.span, 0xfff);
}

/* No byte of the message may be left as it was. */
TEST(msg_of_a_miss)
{
	const struct vd_miss miss = { 0x123456789000, VHOST_ACCESS_WO };
	union vd_iotlb_msg_raw raw;
	u8 want[VD_IOTLB_MSG_LEN] = {};
	unsigned int v;

	memcpy(want + BODY, &miss.iova, sizeof(miss.iova));
	want[BODY + 24] = VHOST_ACCESS_WO;
	want[BODY + 25] = VHOST_IOTLB_MISS;
	for (v = 1; v <= 2; v++) {
		want[0] = v;
		memset(&raw, 0x5a, sizeof(raw));
		vd_iotlb_msg_format(&raw, &miss, v == 2);
		CHECK_EQ(sizeof(raw), VD_IOTLB_MSG_LEN);
		CHECK(!memcmp(&raw, want, sizeof(want)));
	}
}
