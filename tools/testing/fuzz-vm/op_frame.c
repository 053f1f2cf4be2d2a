// SPDX-License-Identifier: GPL-2.0-only
/* Frames and their virtio-net headers. */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/virtio_net.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <string.h>

#include "exec.h"
#include "kinds.h"

/* Dropped by the host's stack after the packet sockets have seen it. */
#define TYPE_NOBODYS	0x88b5

static void put_type(uint8_t *frame, uint16_t type)
{
	frame[12] = type >> 8;
	frame[13] = type & 0xff;
}

static void put_ip(uint8_t *frame, size_t len, uint8_t protocol)
{
	struct iphdr ip = {
		.version = 4, .ihl = 5, .ttl = 64, .protocol = protocol,
		.tot_len = htons(len - ETH_HLEN > 0xffff ? 0xffff : len - ETH_HLEN),
		.saddr = htonl(0x0a000001), .daddr = htonl(0x0a000002),
	};
	const uint16_t *word = (const uint16_t *)&ip;
	uint32_t sum = 0;
	unsigned int i;

	for (i = 0; i < sizeof(ip) / 2; i++)
		sum += word[i];
	sum = (sum & 0xffff) + (sum >> 16);
	ip.check = ~(sum + (sum >> 16));
	put_type(frame, ETH_P_IP);
	memcpy(frame + ETH_HLEN, &ip, sizeof(ip));
}

static void put_tcp(uint8_t *frame)
{
	struct tcphdr tcp = { .source = htons(1), .dest = htons(2), .doff = 5, .ack = 1 };

	memcpy(frame + ETH_HLEN + sizeof(struct iphdr), &tcp, sizeof(tcp));
}

/* A header that requests a checksum and, for some kinds, segmentation. */
static void put_hdr(struct virtio_net_hdr *hdr, size_t len, uint64_t kind)
{
	const unsigned int l4 = ETH_HLEN + sizeof(struct iphdr);

	hdr->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	hdr->csum_start = l4;
	hdr->csum_offset = kind == FZ_FRAME_CSUM || kind == FZ_FRAME_NULL_CSUM ? 6 : 16;
	if (kind == FZ_FRAME_BAD_CSUM)
		hdr->csum_start = len > 2 ? len - 1 : 0xffff;
	if (kind == FZ_FRAME_TSO || kind == FZ_FRAME_BAD_GSO) {
		hdr->gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
		hdr->gso_size = 1000;
		hdr->hdr_len = l4 + sizeof(struct tcphdr);
	}
	if (kind == FZ_FRAME_BAD_GSO)
		hdr->gso_type = 0x7f;
}

void fz_frame(uint8_t *frame, size_t len, uint64_t kind, uint8_t raw[24])
{
	struct virtio_net_hdr hdr = { 0 };

	memset(raw, 0, 24);
	if (len < ETH_HLEN)
		return;
	memset(frame, 0, len < 128 ? len : 128);
	memset(frame, 0xff, ETH_ALEN);
	frame[ETH_ALEN] = 2;
	put_type(frame, TYPE_NOBODYS);
	if (kind == FZ_FRAME_VLAN)
		put_type(frame, ETH_P_8021Q);
	if (kind >= FZ_FRAME_UDP && kind <= FZ_FRAME_BAD_GSO && len >= 60) {
		put_ip(frame, len, kind <= FZ_FRAME_CSUM ? IPPROTO_UDP : IPPROTO_TCP);
		if (kind > FZ_FRAME_CSUM)
			put_tcp(frame);
	}
	/* The sum of all words is that of none, which a UDP header must not have. */
	if (kind == FZ_FRAME_NULL_CSUM && len >= 60)
		memset(frame + 50, 0xff, 2);
	if ((kind >= FZ_FRAME_CSUM && kind <= FZ_FRAME_BAD_GSO) || kind == FZ_FRAME_NULL_CSUM)
		put_hdr(&hdr, len, kind);
	memcpy(raw, &hdr, sizeof(hdr));
}
