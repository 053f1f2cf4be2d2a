/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between kernels, newest first. No other file of the module may
 * depend on one. Kbuild probes the target's headers and defines VD_HAVE_*;
 * macros of UAPI headers are tested directly. Kernel versions are never tested,
 * because vendor kernels carry backports.
 */
#ifndef VD_COMPAT_H
#define VD_COMPAT_H

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/capability.h>
#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/if_tun.h>
#include <linux/mm_types.h>
#include <linux/sched.h>
#include <linux/sched/coredump.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <linux/workqueue.h>
#include <net/xdp.h>
#ifdef VD_HAVE_TASK_EXEC_STATE
#include <linux/sched/exec_state.h>
#endif

/*
 * Whether dumpability permits the caller to trace @task. 7.3 moved it from the
 * mm to the task.
 */
static inline bool vd_compat_may_dump(struct task_struct *task,
				      struct mm_struct *mm)
{
#ifdef VD_HAVE_TASK_EXEC_STATE
	const struct task_exec_state *state;
	bool may;

	rcu_read_lock();
	state = rcu_dereference(task->exec_state);
	may = READ_ONCE(state->dumpable) == TASK_DUMPABLE_OWNER ||
	      ns_capable(state->user_ns, CAP_SYS_PTRACE);
	rcu_read_unlock();
	return may;
#else
	return get_dumpable(mm) == SUID_DUMP_USER ||
	       ns_capable(mm->user_ns, CAP_SYS_PTRACE);
#endif
}

/*
 * 7.3: a tap stops its queue while its ring is full; a consumer of the ring
 * must wake the queue. Context: the ring's consumer_lock is held.
 */
static inline void vd_compat_tun_wake(struct file *file, int consumed)
{
#ifdef VD_HAVE_TUN_WAKE_QUEUE
	tun_wake_queue(file, consumed);
#endif
}

/*
 * 6.17: an XDP buffer for tun or tap begins with the virtio-net header, and its
 * length is in frame_sz. Before, both were in a struct tun_xdp_hdr.
 */
static inline struct virtio_net_hdr *vd_compat_xdp_hdr(void *hard_start)
{
#ifdef VD_HAVE_TUN_XDP_HDR
	return &((struct tun_xdp_hdr *)hard_start)->gso;
#else
	return hard_start;
#endif
}

/* 6.17 renamed the workqueue that is bound to no processor. */
static inline struct workqueue_struct *vd_compat_unbound_wq(void)
{
#ifdef VD_HAVE_SYSTEM_DFL_WQ
	return system_dfl_wq;
#else
	return system_unbound_wq;
#endif
}

/*
 * 6.15: tun treats the bytes between data_meta and data as packet metadata, so
 * data_meta must be set; it equals data because there is no metadata.
 */
static inline void vd_compat_xdp_prepare(struct xdp_buff *xdp, void *hard_start,
					 u32 frame_sz, int headroom, int len)
{
	xdp_init_buff(xdp, frame_sz, NULL);
	xdp_prepare_buff(xdp, hard_start, headroom, len, true);
#ifdef VD_HAVE_TUN_XDP_HDR
	((struct tun_xdp_hdr *)hard_start)->buflen = frame_sz;
#endif
}

/*
 * 6.17: GSO of packets in UDP tunnels. A tap with a header of 24 bytes reads
 * all of them from the start of an XDP buffer.
 */
#ifndef VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO
#define VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO	65
#define VIRTIO_NET_F_HOST_UDP_TUNNEL_GSO	67

struct virtio_net_hdr_v1_hash_tunnel {
	struct virtio_net_hdr_v1_hash hash_hdr;
	__le16 outer_th_offset;
	__le16 inner_nh_offset;
};
#endif

#ifdef TUN_F_UDP_TUNNEL_GSO
#define VD_COMPAT_TUNNEL_FEATURES					\
	(BIT_ULL(VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO - 64) |		\
	 BIT_ULL(VIRTIO_NET_F_HOST_UDP_TUNNEL_GSO - 64))
#else
#define VD_COMPAT_TUNNEL_FEATURES	0ULL
#endif

static inline void vd_compat_xdp_clear_tunnel(struct virtio_net_hdr *hdr)
{
#ifdef TUN_F_UDP_TUNNEL_GSO
	struct virtio_net_hdr_v1_hash_tunnel *tunnel = (void *)hdr;

	BUILD_BUG_ON(sizeof(*tunnel) + sizeof(int) > NET_SKB_PAD);
	tunnel->outer_th_offset = 0;
	tunnel->inner_nh_offset = 0;
#endif
}

/* 6.17: feature bits 64 and up. */
#ifndef VHOST_GET_FEATURES_ARRAY
struct vhost_features_array {
	__u64 count;
	__u64 features[];
};

#define VHOST_GET_FEATURES_ARRAY	_IOR(VHOST_VIRTIO, 0x83, struct vhost_features_array)
#define VHOST_SET_FEATURES_ARRAY	_IOW(VHOST_VIRTIO, 0x83, struct vhost_features_array)
#endif

/* 6.17, and earlier stable kernels: type of the worker threads. */
#ifndef VHOST_SET_FORK_FROM_OWNER
#define VHOST_FORK_OWNER_KTHREAD	0
#define VHOST_FORK_OWNER_TASK		1
#define VHOST_SET_FORK_FROM_OWNER	_IOW(VHOST_VIRTIO, 0x84, __u8)
#define VHOST_GET_FORK_FROM_OWNER	_IOR(VHOST_VIRTIO, 0x85, __u8)
#endif

/* 6.8 dropped the count from eventfd_signal(): it was 1 everywhere. */
static inline void vd_compat_eventfd_signal(struct eventfd_ctx *ctx)
{
#ifdef VD_HAVE_EVENTFD_SIGNAL_COUNT
	eventfd_signal(ctx, 1);
#else
	eventfd_signal(ctx);
#endif
}

typedef unsigned long vd_shrink_fn(struct shrinker *shrinker,
				   struct shrink_control *sc);

/* 6.7 allocates shrinkers; before, they are registered in the caller's memory. */
static inline struct shrinker *
vd_compat_shrinker_register(const char *name, vd_shrink_fn *count,
			    vd_shrink_fn *scan)
{
#ifdef VD_HAVE_SHRINKER_ALLOC
	struct shrinker *shrinker = shrinker_alloc(0, "%s", name);
#else
	struct shrinker *shrinker = kzalloc(sizeof(*shrinker), GFP_KERNEL);
	int err;
#endif

	if (!shrinker)
		return ERR_PTR(-ENOMEM);
	shrinker->count_objects = count;
	shrinker->scan_objects = scan;
	shrinker->seeks = DEFAULT_SEEKS;
#ifdef VD_HAVE_SHRINKER_ALLOC
	shrinker_register(shrinker);
#else
	err = register_shrinker(shrinker, "%s", name);
	if (err) {
		kfree(shrinker);
		return ERR_PTR(err);
	}
#endif
	return shrinker;
}

static inline void vd_compat_shrinker_unregister(struct shrinker *shrinker)
{
#ifdef VD_HAVE_SHRINKER_ALLOC
	shrinker_free(shrinker);
#else
	unregister_shrinker(shrinker);
	kfree(shrinker);
#endif
}

/* 6.4: workers managed by user space. */
#ifndef VHOST_NEW_WORKER
struct vhost_worker_state {
	__u32 worker_id;
};

struct vhost_vring_worker {
	__u32 index;
	__u32 worker_id;
};

#define VHOST_NEW_WORKER		_IOR(VHOST_VIRTIO, 0x08, struct vhost_worker_state)
#define VHOST_FREE_WORKER		_IOW(VHOST_VIRTIO, 0x09, struct vhost_worker_state)
#define VHOST_ATTACH_VRING_WORKER	_IOW(VHOST_VIRTIO, 0x15, struct vhost_vring_worker)
#define VHOST_GET_VRING_WORKER		_IOWR(VHOST_VIRTIO, 0x16, struct vhost_vring_worker)
#endif

/* 6.2: reset of a single ring. */
#ifndef VIRTIO_F_RING_RESET
#define VIRTIO_F_RING_RESET	40
#endif

#endif
