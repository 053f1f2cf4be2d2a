// SPDX-License-Identifier: GPL-2.0-only
/*
 * /proc/PID/fdinfo/FD: state and counters of a device. The keys are ABI, see
 * Documentation/fdinfo.rst.
 *
 * No mutex is taken, so that a reader neither delays a handler nor waits for
 * one that is blocked. Each value is read atomically; values may belong to
 * different moments. Objects that can be freed must be read under the info
 * lock. Addresses of host or guest must not be printed.
 */
#include <linux/fs.h>
#include <linux/minmax.h>
#include <linux/pid.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>

#include "device/device.h"
#include "device/fdinfo.h"

static const char * const vd_fdinfo_ring[VD_NR_QUEUES] = {
	[VD_RX] = "rx",
	[VD_TX] = "tx",
};

static void vd_fdinfo_ring_str(struct seq_file *m, const char *key,
			       const struct vd_queue *q, const char *value)
{
	seq_printf(m, "viaduct-%s-%s:\t%s\n", vd_fdinfo_ring[q->dir], key,
		   value);
}

static void vd_fdinfo_ring_u64(struct seq_file *m, const char *key,
			       const struct vd_queue *q, u64 value)
{
	seq_printf(m, "viaduct-%s-%s:\t%llu\n", vd_fdinfo_ring[q->dir], key,
		   value);
}

static void vd_fdinfo_words(struct seq_file *m, const char *key,
			    const u64 *words)
{
	seq_printf(m, "viaduct-%s:\t0x%016llx 0x%016llx\n", key,
		   READ_ONCE(words[0]), READ_ONCE(words[1]));
}

/*
 * Read kind and thread id of worker @id, in the reader's PID namespace: 0 before
 * the thread has run. Returns false without such a worker.
 */
static bool vd_fdinfo_ids(struct vd_device *dev, u32 id,
			  struct pid_namespace *ns, const char **kind,
			  pid_t *tid)
{
	const struct vd_worker *worker;

	spin_lock(&dev->info_lock);
	worker = dev->worker[id];
	if (worker) {
		*tid = pid_nr_ns(READ_ONCE(worker->thread.id), ns);
		*kind = READ_ONCE(worker->is_dead) ? "dead" :
			vd_thread_is_task(&worker->thread) ? "thread" :
							     "kthread";
	}
	spin_unlock(&dev->info_lock);
	return worker;
}

static void vd_fdinfo_threads(struct seq_file *m, struct vd_device *dev)
{
	struct pid_namespace *ns = proc_pid_ns(file_inode(m->file)->i_sb);
	const char *kind;
	pid_t tid;
	u32 id;

	spin_lock(&dev->info_lock);
	tid = pid_nr_ns(dev->owner.id, ns);
	spin_unlock(&dev->info_lock);
	seq_printf(m, "viaduct-owner:\t%d\n", tid);
	for (id = 0; id < VD_MAX_WORKERS; id++)
		if (vd_fdinfo_ids(dev, id, ns, &kind, &tid))
			seq_printf(m, "viaduct-worker-%u:\t%d %s\n", id, tid,
				   kind);
}

static void vd_fdinfo_device(struct seq_file *m, struct vd_device *dev)
{
	seq_printf(m, "viaduct-device:\t%llu\n", dev->id);
	vd_fdinfo_threads(m, dev);
	vd_fdinfo_words(m, "offered-features", dev->offered);
	vd_fdinfo_words(m, "features", dev->features);
	seq_printf(m, "viaduct-backend-features:\t0x%016llx\n",
		   READ_ONCE(dev->backend_features));
	seq_printf(m, "viaduct-mem-regions:\t%u\n", READ_ONCE(dev->nr_regions));
	seq_printf(m, "viaduct-mem-bytes:\t%llu\n", READ_ONCE(dev->mem_len));
	seq_printf(m, "viaduct-iotlb-entries:\t%u\n", READ_ONCE(dev->iotlb.nr));
}

/* The id of the worker that runs a ring, or -1. */
static int vd_fdinfo_worker(struct vd_device *dev, const struct vd_queue *q)
{
	const struct vd_worker *worker = READ_ONCE(q->work.worker);
	int id = VD_MAX_WORKERS - 1;

	spin_lock(&dev->info_lock);
	while (id >= 0 && (!worker || dev->worker[id] != worker))
		id--;
	spin_unlock(&dev->info_lock);
	return id;
}

static void vd_fdinfo_state(struct seq_file *m, struct vd_device *dev,
			    struct vd_queue *q)
{
	const struct vd_ring *ring = &q->ring;
	u16 used, next, num = READ_ONCE(ring->num);

	/* Read at two moments: the difference may exceed the ring's size. */
	used = READ_ONCE(ring->published);
	next = READ_ONCE(ring->next_avail);
	vd_fdinfo_ring_str(m, "state", q, vd_queue_state(q));
	vd_fdinfo_ring_u64(m, "error", q, -READ_ONCE(q->broken_err));
	seq_printf(m, "viaduct-%s-worker:\t%d\n", vd_fdinfo_ring[q->dir],
		   vd_fdinfo_worker(dev, q));
	vd_fdinfo_ring_u64(m, "in-run", q, mutex_is_locked(&q->lock));
	vd_fdinfo_ring_u64(m, "ifindex", q, READ_ONCE(q->backend.ifindex));
	vd_fdinfo_ring_str(m, "format", q, READ_ONCE(ring->is_packed) ?
			   "packed" : "split");
	vd_fdinfo_ring_u64(m, "size", q, num);
	vd_fdinfo_ring_u64(m, "next-avail", q, next);
	vd_fdinfo_ring_u64(m, "used", q, used);
	vd_fdinfo_ring_u64(m, "chains-in-hand", q,
			   min_t(u16, next - used, num));
	vd_fdinfo_ring_u64(m, "kicks-enabled", q, READ_ONCE(q->is_armed));
}

static void vd_fdinfo_packets(struct seq_file *m, const struct vd_queue *q)
{
	const struct vd_stats *s = &q->stats;

	vd_fdinfo_ring_u64(m, "packets", q, READ_ONCE(s->done));
	vd_fdinfo_ring_u64(m, "bytes", q, READ_ONCE(s->bytes));
	vd_fdinfo_ring_u64(m, "drop-short", q,
			   READ_ONCE(s->drop[VD_DROP_SHORT]));
	vd_fdinfo_ring_u64(m, "drop-oversize", q,
			   READ_ONCE(s->drop[VD_DROP_OVERSIZE]));
	vd_fdinfo_ring_u64(m, "drop-header", q,
			   READ_ONCE(s->drop[VD_DROP_HEADER]));
	vd_fdinfo_ring_u64(m, "drop-fault", q,
			   READ_ONCE(s->drop[VD_DROP_FAULT]));
	vd_fdinfo_ring_u64(m, "drop-socket", q,
			   READ_ONCE(s->drop[VD_DROP_SOCKET]));
	vd_fdinfo_ring_u64(m, "back-pressure", q, READ_ONCE(s->back_pressure));
	vd_fdinfo_ring_u64(m, "direct", q, READ_ONCE(s->direct));
	if (q->dir == VD_TX)
		return;
	vd_fdinfo_ring_u64(m, "direct-xdp", q, READ_ONCE(s->direct_xdp));
	vd_fdinfo_ring_u64(m, "recvmsg", q, READ_ONCE(s->recvmsg));
	vd_fdinfo_ring_u64(m, "packets-in-hand", q, READ_ONCE(s->held));
}

/*
 * @nr batches, of which @nr_signalled needed a kick or raised an interrupt. The
 * two are read at different moments.
 */
static u64 vd_fdinfo_suppressed(u64 nr, u64 nr_signalled)
{
	return nr - min(nr, nr_signalled);
}

static void vd_fdinfo_events(struct seq_file *m, const struct vd_queue *q)
{
	const struct vd_stats *s = &q->stats;
	u64 calls = READ_ONCE(s->calls), armed = READ_ONCE(s->armed_runs);
	u64 batch[VD_NR_BATCH_SIZES], nr = 0;
	int i;

	for (i = 0; i < VD_NR_BATCH_SIZES; i++) {
		batch[i] = READ_ONCE(s->batch[i]);
		nr += batch[i];
	}
	vd_fdinfo_ring_u64(m, "kicks", q, READ_ONCE(q->kick_poll.wakeups));
	vd_fdinfo_ring_u64(m, "kicks-suppressed", q,
			   vd_fdinfo_suppressed(nr, armed));
	vd_fdinfo_ring_u64(m, "interrupts", q, calls);
	vd_fdinfo_ring_u64(m, "interrupts-suppressed", q,
			   vd_fdinfo_suppressed(nr, calls));
	vd_fdinfo_ring_u64(m, "wakeups", q, READ_ONCE(q->socket_poll.wakeups));
	vd_fdinfo_ring_u64(m, "runs", q, READ_ONCE(s->runs));
	vd_fdinfo_ring_u64(m, "iotlb-misses", q, READ_ONCE(s->misses));
	vd_fdinfo_ring_u64(m, "log-lost", q, READ_ONCE(s->log_lost));
	vd_fdinfo_ring_u64(m, "breaks", q, READ_ONCE(s->broken));
	seq_printf(m, "viaduct-%s-batches:\t", vd_fdinfo_ring[q->dir]);
	for (i = 0; i < VD_NR_BATCH_SIZES; i++)
		seq_printf(m, "%s%llu", i ? " " : "", batch[i]);
	seq_putc(m, '\n');
}

/* The reader is any process that may inspect the holder of @file. */
void vd_fdinfo_show(struct seq_file *m, struct file *file)
{
	struct vd_device *dev = file->private_data;
	int i;

	vd_fdinfo_device(m, dev);
	for (i = 0; i < VD_NR_QUEUES; i++) {
		struct vd_queue *q = &dev->queue[i];

		vd_fdinfo_state(m, dev, q);
		vd_fdinfo_packets(m, q);
		vd_fdinfo_events(m, q);
	}
}
