// SPDX-License-Identifier: GPL-2.0-only
/* Messages of a front end, and the usual sequence of them. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fe.h"
#include "wait.h"

#define FE_GPA_LOW	0x100000ULL
#define FE_GPA_HIGH	0x100000000ULL
#define FE_TIMEOUT	10000

struct fe_msg {
	uint32_t request, flags, size;
	uint8_t payload[512];
};

int fe_raw(struct fe *fe, const void *bytes, size_t len, const int *fds,
	   unsigned int nr_fds)
{
	char control[CMSG_SPACE(64 * sizeof(int))] = {};
	struct iovec iov = { (void *)bytes, len };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;

	if (nr_fds) {
		m.msg_control = control;
		m.msg_controllen = CMSG_SPACE(nr_fds * sizeof(int));
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(nr_fds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, nr_fds * sizeof(int));
	}
	return sendmsg(fe->sock, &m, MSG_NOSIGNAL) == (ssize_t)len ? 0 : -errno;
}

static int fe_recv(struct fe *fe, void *to, size_t len)
{
	while (len) {
		ssize_t got;

		if (vg_wait_fd(fe->sock, POLLIN, vg_deadline_ms(FE_TIMEOUT)) != 1)
			return -ETIMEDOUT;
		got = recv(fe->sock, to, len, 0);
		if (got <= 0)
			return got ? -errno : -EPIPE;
		to = (char *)to + got;
		len -= got;
	}
	return 0;
}

static int fe_reply(struct fe *fe, uint32_t request, void *payload, size_t size)
{
	struct fe_msg m;
	int ret = fe_recv(fe, &m, 12);

	if (ret)
		return ret;
	if (m.request != request || m.flags != (FE_VERSION | FE_REPLY) ||
	    m.size != size)
		return -EBADMSG;
	return fe_recv(fe, payload, size);
}

static int fe_post(struct fe *fe, uint32_t request, uint32_t flags,
		   const void *payload, size_t size, const int *fds,
		   unsigned int nr_fds)
{
	struct fe_msg m = { request, FE_VERSION | flags, size, {} };

	if (size)
		memcpy(m.payload, payload, size);
	return fe_raw(fe, &m, 12 + size, fds, nr_fds);
}

int fe_send(struct fe *fe, uint32_t request, const void *payload, size_t size,
	    const int *fds, unsigned int nr_fds)
{
	bool ack = fe->proto >> 3 & 1;
	uint64_t result;
	int ret = fe_post(fe, request, ack ? FE_NEED_REPLY : 0, payload, size,
			  fds, nr_fds);

	if (ret || !ack)
		return ret;
	ret = fe_reply(fe, request, &result, sizeof(result));
	return ret ? ret : result ? -EREMOTEIO : 0;
}

int fe_send_u64(struct fe *fe, uint32_t request, uint64_t value)
{
	return fe_send(fe, request, &value, sizeof(value), NULL, 0);
}

int fe_send_state(struct fe *fe, uint32_t request, uint32_t idx, uint32_t num)
{
	uint32_t state[] = { idx, num };

	return fe_send(fe, request, state, sizeof(state), NULL, 0);
}

int fe_get(struct fe *fe, uint32_t request, void *payload, size_t size,
	   size_t send_size)
{
	int ret = fe_post(fe, request, 0, payload, send_size, NULL, 0);

	return ret ? ret : fe_reply(fe, request, payload, size);
}

int fe_get_inflight(struct fe *fe, struct fe_inflight *info)
{
	struct fe_msg m;
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr c;
	} control;
	struct iovec iov = { &m, 12 };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	int fd, ret = fe_post(fe, FE_GET_INFLIGHT_FD, 0, info, sizeof(*info),
			      NULL, 0);

	if (ret || vg_wait_fd(fe->sock, POLLIN, vg_deadline_ms(FE_TIMEOUT)) != 1)
		return ret ? ret : -ETIMEDOUT;
	if (recvmsg(fe->sock, &h, MSG_CMSG_CLOEXEC) != 12 ||
	    m.request != FE_GET_INFLIGHT_FD || m.size != sizeof(*info) ||
	    !CMSG_FIRSTHDR(&h) || control.c.cmsg_len != CMSG_LEN(sizeof(int)))
		return -EBADMSG;
	memcpy(&fd, CMSG_DATA(&control.c), sizeof(fd));
	return fe_recv(fe, info, sizeof(*info)) ?: fd;
}

int fe_set_inflight(struct fe *fe, const struct fe_inflight *info, int fd)
{
	return fe_send(fe, FE_SET_INFLIGHT_FD, info, sizeof(*info), &fd,
		       fd >= 0);
}

bool fe_is_closed(struct fe *fe, unsigned int ms)
{
	uint64_t end = vg_deadline_ms(ms);
	char byte[64];
	ssize_t got;

	while (vg_wait_fd(fe->sock, POLLIN, end) == 1) {
		got = recv(fe->sock, byte, sizeof(byte), MSG_DONTWAIT);
		if (!got || (got < 0 && errno == ECONNRESET))
			return true;
	}
	return false;
}

static unsigned int or_default(unsigned int v, unsigned int def)
{
	return v ? v : def;
}

static int fe_rings(struct fe *fe, const struct vg_net_opts *o)
{
	struct vg_net *n = &fe->n;
	uint32_t size[] = { or_default(o->rx_size, 2048),
			    or_default(o->tx_size, 2048) };
	unsigned int nr[] = { o->nr_rx, o->nr_tx }, q;
	int ret = 0;

	for (q = 0; q < 2 && !ret; q++) {
		unsigned int num = or_default(o->num[q], 256);

		n->kick[q] = vg_eventfd();
		n->call[q] = vg_eventfd();
		n->err[q] = vg_eventfd();
		ret = vg_ring_init(&n->ring[q], &n->mem, num, o->features,
				   o->seed ? o->seed + q : 0);
		if (ret)
			break;
		vg_ring_reset(&n->ring[q], o->base);
		n->ring[q].kick_fd = n->kick[q];
		n->ring[q].call_fd = n->call[q];
		ret = vg_pool_init(&n->pool[q], &n->mem,
				   or_default(nr[q], num), size[q]);
	}
	n->scratch = malloc(size[0]);
	return n->scratch ? ret : -ENOMEM;
}

int fe_open(struct fe *fe, int sock, const struct vg_net_opts *o)
{
	*fe = (struct fe){ .sock = sock };
	fe->n = (struct vg_net){
		.fd = -1, .features = o->features,
		.rx_layout = &vg_layout_plain,
		.hdr_len = o->features & (VG_NET_F_MRG | VG_BIT(VG_F_VERSION_1)) ?
			   12 : 10,
	};
	/* Rings in the first; long buffers only fit into the second. */
	return vg_mem_add(&fe->n.mem, FE_GPA_LOW, 1 << 20) ?:
	       vg_mem_add(&fe->n.mem, FE_GPA_HIGH, 96 << 20) ?:
	       fe_rings(fe, o);
}

void fe_close(struct fe *fe)
{
	unsigned int q;

	if (fe->sock >= 0)
		close(fe->sock);
	for (q = 0; q < 2; q++) {
		vg_ring_fini(&fe->n.ring[q]);
		vg_pool_fini(&fe->n.pool[q]);
		close(fe->n.kick[q]);
		close(fe->n.call[q]);
		close(fe->n.err[q]);
	}
	free(fe->n.scratch);
	vg_mem_fini(&fe->n.mem);
}

int fe_negotiate(struct fe *fe)
{
	uint64_t proto = fe->proto, offered;
	int ret = fe_get(fe, FE_GET_FEATURES, &fe->n.offered, 8, 0);

	if (ret)
		return ret;
	fe->proto = 0;
	if (proto) {
		fe->n.features |= VG_BIT(FE_PROTO);
		ret = fe_get(fe, FE_GET_PROTOCOL_FEATURES, &offered, 8, 0);
		if (!ret && proto & ~offered)
			return -EOPNOTSUPP;
		ret = ret ?: fe_send_u64(fe, FE_SET_PROTOCOL_FEATURES, proto);
		fe->proto = proto;
	}
	ret = ret ?: fe_send(fe, FE_SET_OWNER, NULL, 0, NULL, 0);
	return ret ?: fe_send_u64(fe, FE_SET_FEATURES, fe->n.features);
}

int fe_set_memory(struct fe *fe)
{
	struct {
		uint32_t nr, padding;
		struct fe_region r[8];
	} table = { .nr = fe->n.mem.nr };
	struct {
		uint64_t padding;
		struct fe_region r;
	} one = {};
	int fds[8], ret = 0;
	unsigned int i;

	for (i = 0; i < fe->n.mem.nr; i++) {
		const struct vg_region *r = &fe->n.mem.region[i];

		table.r[i] = (struct fe_region){ r->gpa, r->size,
						 (uintptr_t)r->hva, 0 };
		fds[i] = r->fd;
		one.r = table.r[i];
		if (fe->slots)
			ret = ret ?: fe_send(fe, FE_ADD_MEM_REG, &one,
					     sizeof(one), &fds[i], 1);
	}
	if (fe->slots)
		return ret;
	return fe_send(fe, FE_SET_MEM_TABLE, &table, 8 + i * sizeof(one.r),
		       fds, i);
}

int fe_set_addr(struct fe *fe, unsigned int q)
{
	const struct vg_ring *r = &fe->n.ring[q];
	struct vhost_vring_addr addr = {
		.index = q,
		.flags = fe->log,
		.desc_user_addr = (uintptr_t)r->desc,
		.avail_user_addr = (uintptr_t)r->avail,
		.used_user_addr = (uintptr_t)r->used,
		.log_guest_addr = r->used_gpa,
	};

	return fe_send(fe, FE_SET_VRING_ADDR, &addr, sizeof(addr), NULL, 0);
}

static int fe_send_fd(struct fe *fe, uint32_t request, uint64_t idx, int fd)
{
	return fe_send(fe, request, &idx, sizeof(idx), &fd, 1);
}

int fe_start_ring(struct fe *fe, unsigned int q, uint32_t base)
{
	struct vg_net *n = &fe->n;

	return fe_send_state(fe, FE_SET_VRING_NUM, q, n->ring[q].num) ?:
	       fe_send_state(fe, FE_SET_VRING_BASE, q, base) ?:
	       fe_set_addr(fe, q) ?:
	       fe_send_fd(fe, FE_SET_VRING_CALL, q, n->call[q]) ?:
	       fe_send_fd(fe, FE_SET_VRING_ERR, q, n->err[q]) ?:
	       fe_send_fd(fe, FE_SET_VRING_KICK, q, n->kick[q]) ?:
	       (fe->proto ? fe_send_state(fe, FE_SET_VRING_ENABLE, q, 1) : 0);
}

int fe_start(struct fe *fe)
{
	return fe_negotiate(fe) ?: fe_set_memory(fe) ?:
	       fe_start_ring(fe, VG_RX, vg_ring_base(&fe->n.ring[VG_RX])) ?:
	       fe_start_ring(fe, VG_TX, vg_ring_base(&fe->n.ring[VG_TX]));
}

int64_t fe_stop_ring(struct fe *fe, unsigned int q)
{
	uint32_t state[] = { q, 0 };
	int ret = fe_get(fe, FE_GET_VRING_BASE, state, sizeof(state),
			 sizeof(state));

	return ret ? ret : state[0] == q ? (int64_t)state[1] : -EBADMSG;
}
