// SPDX-License-Identifier: GPL-2.0-only
/*
 * Header sizes, checks and fields.
 *
 * The header has 10 bytes; 12, with num_buffers, if MRG_RXBUF or VERSION_1 is
 * acked; 24 if a UDP tunnel feature is acked, regardless of the others. By
 * default the socket handles the header, and only num_buffers is written here.
 * With VHOST_NET_F_VIRTIO_NET_HDR the socket carries bare frames, so the header
 * is stripped and supplied here.
 */
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/uaccess.h>
#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <net/checksum.h>

#include "net/vnet_hdr.h"

void vd_vnet_set_features(struct vd_vnet *vnet, const u64 *features)
{
	bool mergeable = features[0] & BIT_ULL(VIRTIO_NET_F_MRG_RXBUF);
	u8 len = VD_VNET_BASE_LEN;

	if (features[1] & VD_COMPAT_TUNNEL_FEATURES)
		len = VD_VNET_TUNNEL_LEN;
	else if (mergeable || features[0] & BIT_ULL(VIRTIO_F_VERSION_1))
		len = sizeof(struct virtio_net_hdr_mrg_rxbuf);
	vnet->mergeable = mergeable;
	vnet->len = len;
	vnet->own_len = 0;
	vnet->sock_len = 0;
	if (features[0] & BIT_ULL(VHOST_NET_F_VIRTIO_NET_HDR))
		vnet->own_len = len;
	else
		vnet->sock_len = len;
}

/* vd_vnet_check_csum() for a header with NEEDS_CSUM. */
bool vd_vnet_fit_csum(struct virtio_net_hdr *hdr, size_t frame_len)
{
	unsigned int end;

	end = le16_to_cpu((__force __le16)hdr->csum_start) +
	      le16_to_cpu((__force __le16)hdr->csum_offset) + sizeof(__sum16);
	if (end > frame_len)
		return false;
	if (end > le16_to_cpu((__force __le16)hdr->hdr_len))
		hdr->hdr_len = (__force __virtio16)
			       cpu_to_le16(min_t(unsigned int, end, U16_MAX));
	return true;
}

/**
 * vd_vnet_complete_csum() - complete the checksum that a TX header asks for
 * @hdr: private copy of the header, accepted by vd_vnet_check_csum() and not of
 *	 a GSO packet; NEEDS_CSUM is cleared
 * @frame: private copy of the frame
 * @frame_len: its length
 *
 * Virtio 1.2, 5.1.6.2.1.
 */
void vd_vnet_complete_csum(struct virtio_net_hdr *hdr, void *frame,
			   size_t frame_len)
{
	unsigned int start = le16_to_cpu((__force __le16)hdr->csum_start);
	unsigned int field = start +
			     le16_to_cpu((__force __le16)hdr->csum_offset);
	__sum16 sum;

	sum = csum_fold(csum_partial(frame + start, frame_len - start, 0));
	if (!sum)
		sum = CSUM_MANGLED_0;
	memcpy(frame + field, &sum, sizeof(sum));
	hdr->flags &= ~VIRTIO_NET_HDR_F_NEEDS_CSUM;
}

/* Write to the packet's first bytes, across segments if needed. */
static int vd_vnet_write(const struct iovec *seg, unsigned int nr_seg,
			 size_t offset, const void *src, size_t len)
{
	for (; nr_seg && len; seg++, nr_seg--) {
		size_t piece;

		if (offset >= seg->iov_len) {
			offset -= seg->iov_len;
			continue;
		}
		piece = min(len, seg->iov_len - offset);
		if (copy_to_user(seg->iov_base + offset, src, piece))
			return -EFAULT;
		src += piece;
		len -= piece;
		offset = 0;
	}
	return len ? -EFAULT : 0;
}

/* Write the RX header that the socket does not write. Returns 0 or -EFAULT. */
int vd_vnet_supply(const struct vd_vnet *vnet, const struct iovec *seg,
		   unsigned int nr_seg)
{
	static const u8 zero[VD_VNET_TUNNEL_LEN];

	return vd_vnet_write(seg, nr_seg, 0, zero, vnet->own_len);
}

/**
 * vd_vnet_set_num_buffers() - write the number of chains that a packet fills
 * @seg: segments of the packet's buffers, which must hold a 12-byte header
 * @nr_seg: number of segments
 * @nr: number of chains; 1 without MRG_RXBUF (virtio 1.2, 5.1.6.4.1)
 *
 * Context: on the owner's mm, may fault.
 * Return: 0 or -EFAULT.
 */
int vd_vnet_set_num_buffers(const struct iovec *seg, unsigned int nr_seg,
			    u16 nr)
{
	const size_t offset = offsetof(struct virtio_net_hdr_mrg_rxbuf,
				       num_buffers);
	__le16 val = cpu_to_le16(nr);

	if (likely(seg->iov_len >= offset + sizeof(val)))
		return put_user(val, (__le16 __user *)(seg->iov_base + offset));
	return vd_vnet_write(seg, nr_seg, offset, &val, sizeof(val));
}
