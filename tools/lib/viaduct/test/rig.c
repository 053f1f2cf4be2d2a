// SPDX-License-Identifier: GPL-2.0-only
/* Set-up of the tests, and streams of checked frames. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "frame.h"
#include "rig.h"

#define RIG_SEED	77

static int rig_new(struct viaduct_dev *dev, void *ctx)
{
	struct rig *r = ctx;

	__atomic_store_n(&r->dev, dev, __ATOMIC_RELEASE);
	return 0;
}

static void rig_gone(struct viaduct_dev *dev, void *ctx)
{
	struct rig *r = ctx;

	snprintf(r->reason, sizeof(r->reason), "%s", viaduct_dev_reason(dev));
	pthread_mutex_lock(&r->lock);
	__atomic_store_n(&r->dev, NULL, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&r->lock);
	__atomic_add_fetch(&r->gone, 1, __ATOMIC_RELEASE);
}

static void rig_changed(struct viaduct_dev *dev, unsigned int vring, bool on,
			void *ctx)
{
	struct rig *r = ctx;

	if (on)
		__atomic_or_fetch(&r->on, 1 << vring, __ATOMIC_RELEASE);
	else
		__atomic_and_fetch(&r->on, ~(1 << vring), __ATOMIC_RELEASE);
}

static void rig_features(struct viaduct_dev *dev, uint64_t features, void *ctx)
{
	struct rig *r = ctx;

	__atomic_add_fetch(&r->features_changed, 1, __ATOMIC_RELEASE);
}

static void rig_log(const char *message, void *ctx)
{
	struct rig *r = ctx;

	snprintf(r->log, sizeof(r->log), "%s", message);
}

static const struct viaduct_ops rig_ops = {
	.size = sizeof(rig_ops),
	.new_device = rig_new,
	.destroy_device = rig_gone,
	.vring_changed = rig_changed,
	.features_changed = rig_features,
	.log = rig_log,
};

void rig_wait(int *word, int value)
{
	uint64_t end = vg_deadline_ms(RIG_MS);

	while (__atomic_load_n(word, __ATOMIC_ACQUIRE) != value) {
		if (vg_expired(end))
			FAIL("a state is %d, not %d", *word, value);
		usleep(1000);
	}
}

static int rig_connect(struct rig *r)
{
	int fds[2];

	CHECK(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
	CHECK_EQ(viaduct_session_add_fd(r->s, fds[1]), 0);
	return fds[0];
}

void rig_create(struct rig *r)
{
	memset(r, 0, sizeof(*r));
	pthread_mutex_init(&r->lock, NULL);
	r->s = viaduct_session_create(&rig_ops, r);
	CHECK(r->s);
}

void rig_serve(struct rig *r, const struct vg_net_opts *o, uint64_t proto)
{
	unsigned int i;

	for (i = 0; i < RIG_BURST; i++) {
		r->pkt[i].data = malloc(RIG_ROOM);
		r->pkt[i].room = RIG_ROOM;
	}
	CHECK_EQ(viaduct_session_start(r->s), 0);
	CHECK_EQ(fe_open(&r->fe, rig_connect(r), o), 0);
	r->fe.proto = proto;
}

void rig_open(struct rig *r, const struct vg_net_opts *o, uint64_t proto)
{
	rig_create(r);
	rig_serve(r, o, proto);
}

void rig_reconnect(struct rig *r)
{
	int gone = r->gone;
	bool is_open = __atomic_load_n(&r->dev, __ATOMIC_ACQUIRE);

	close(r->fe.sock);
	if (is_open)
		rig_wait(&r->gone, gone + 1);
	r->fe.sock = rig_connect(r);
}

void rig_close(struct rig *r)
{
	unsigned int i;

	viaduct_session_destroy(r->s);
	fe_close(&r->fe);
	for (i = 0; i < RIG_BURST; i++)
		free(r->pkt[i].data);
}

void rig_expect_closed(struct rig *r, const char *part)
{
	rig_wait(&r->gone, 1);
	if (!strstr(r->reason, part))
		FAIL("closed for '%s', not '%s'", r->reason, part);
	if (!fe_is_closed(&r->fe, RIG_MS))
		FAIL("the connection is open");
}

/* The guest sends all it can. */
static void tx_send(struct rig *r, uint64_t *sent, uint64_t end, size_t max,
		    const struct vg_layout *layout)
{
	static uint8_t frame[VG_FRAME_MAX];
	struct virtio_net_hdr hdr;

	CHECK(vg_net_reap(&r->fe.n) >= 0);
	while (*sent < end) {
		size_t len = vg_frame_len(*sent, RIG_SEED, VG_FRAME_MIN, max);
		int ret;

		vg_frame_build(frame, len, *sent, RIG_SEED,
			       len > VG_FRAME_MTU, &hdr);
		ret = vg_net_xmit(&r->fe.n, &hdr, frame, len, layout);
		if (ret == -ENOSPC)
			return;
		CHECK_EQ(ret, 0);
		++*sent;
	}
}

void rig_stream_tx(struct rig *r, uint64_t first, unsigned int nr, size_t max,
		   const struct vg_layout *layout)
{
	uint64_t sent = first, got = first, end = first + nr, seq;
	uint64_t deadline = vg_deadline_ms(60000);
	unsigned int i, n;

	while (got < end) {
		tx_send(r, &sent, end, max, layout);
		n = viaduct_dequeue_burst(r->dev, VG_TX, r->pkt, 1 + got % RIG_BURST);
		for (i = 0; i < n; i++, got++) {
			const char *bad = vg_frame_check(r->pkt[i].data,
							 r->pkt[i].len,
							 RIG_SEED, &seq);

			if (bad || seq != got)
				FAIL("frame %llu: %s, number %llu",
				     (unsigned long long)got, bad ?: "order",
				     (unsigned long long)seq);
			CHECK_EQ(r->pkt[i].hdr.gso_type != 0,
				 r->pkt[i].len > VG_FRAME_MTU);
		}
		if (vg_expired(deadline))
			FAIL("stream stands at %llu", (unsigned long long)got);
	}
	CHECK(vg_net_reap(&r->fe.n) >= 0);
	CHECK_EQ(r->fe.n.ring[VG_TX].nr_flight, 0);
}

/* Build the next packets of the stream; returns their number. */
static unsigned int rx_build(struct rig *r, uint64_t seq, uint64_t end, size_t max)
{
	unsigned int i;

	for (i = 0; i < 1 + seq % RIG_BURST && seq + i < end; i++) {
		struct viaduct_pkt *p = &r->pkt[i];
		struct virtio_net_hdr hdr;

		p->len = vg_frame_len(seq + i, RIG_SEED, VG_FRAME_MIN, max);
		vg_frame_build(p->data, p->len, seq + i, RIG_SEED,
			       p->len > VG_FRAME_MTU, &hdr);
		p->hdr = (struct viaduct_hdr){
			hdr.flags, hdr.gso_type, le16toh(hdr.hdr_len),
			le16toh(hdr.gso_size), le16toh(hdr.csum_start),
			le16toh(hdr.csum_offset),
		};
	}
	return i;
}

void rig_stream_rx(struct rig *r, uint64_t first, unsigned int nr, size_t max)
{
	uint64_t sent = first, got = first, end = first + nr, seq;
	uint64_t deadline = vg_deadline_ms(60000);
	static uint8_t frame[RIG_ROOM];
	struct virtio_net_hdr_mrg_rxbuf mrg;
	unsigned int n;

	while (got < end) {
		ssize_t len;

		vg_net_fill(&r->fe.n);
		n = rx_build(r, sent, end, max);
		sent += viaduct_enqueue_burst(r->dev, VG_RX, r->pkt, n);
		while ((len = vg_net_recv(&r->fe.n, &mrg, frame, sizeof(frame)))) {
			const char *bad = len < 0 ? "receive" :
					  vg_frame_check(frame, len, RIG_SEED,
							 &seq);

			if (bad || seq != got)
				FAIL("frame %llu: %s, number %llu",
				     (unsigned long long)got, bad ?: "order",
				     (unsigned long long)seq);
			CHECK_EQ(mrg.hdr.gso_type != 0, len > VG_FRAME_MTU);
			got++;
		}
		if (vg_expired(deadline))
			FAIL("stream stands at %llu", (unsigned long long)got);
	}
	CHECK_EQ(sent, end);
}
