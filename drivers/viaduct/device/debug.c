// SPDX-License-Identifier: GPL-2.0-only
/* debugfs: viaduct/queues, one line per queue that has an owner. */
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/seq_file.h>

#include "device/debug.h"
#include "device/device.h"

static struct dentry *vd_debug_dir;

/* Read without locks: the counters may belong to different moments. */
static void vd_debug_show_queue(struct vd_queue *q, struct seq_file *m)
{
	const struct vd_stats *s = &q->stats;
	int i;

	seq_printf(m, "%-8llu %-8d %-2s %-8s %12llu %15llu %10llu",
		   q->device, q->owner,
		   q->dir == VD_TX ? "tx" : "rx",
		   vd_queue_state(q),
		   READ_ONCE(s->done), READ_ONCE(s->bytes),
		   READ_ONCE(s->back_pressure));
	for (i = 0; i < VD_NR_DROPS; i++)
		seq_printf(m, " %9llu", READ_ONCE(s->drop[i]));
	seq_printf(m, " %7llu %10llu %10llu %8llu %12llu %12llu %8llu\n",
		   READ_ONCE(s->broken), READ_ONCE(s->calls),
		   READ_ONCE(s->runs), READ_ONCE(s->misses),
		   READ_ONCE(s->direct), READ_ONCE(s->recvmsg),
		   READ_ONCE(s->log_lost));
}

static void vd_debug_show_device(struct vd_device *dev, void *data)
{
	int i;

	for (i = 0; i < VD_NR_QUEUES; i++)
		if (READ_ONCE(dev->queue[i].owner))
			vd_debug_show_queue(&dev->queue[i], data);
}

static int vd_debug_queues_show(struct seq_file *m, void *unused)
{
	seq_puts(m, "device   owner    q  state            done           bytes   pressure     short  oversize    header     fault    socket  broken      calls       runs   misses       direct      recvmsg log_lost\n");
	vd_device_for_each(vd_debug_show_device, m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(vd_debug_queues);

/* Does nothing without debugfs. */
void vd_debug_create(void)
{
	vd_debug_dir = debugfs_create_dir("viaduct", NULL);
	debugfs_create_file("queues", 0400, vd_debug_dir, NULL,
			    &vd_debug_queues_fops);
}

/* Waits for readers of the files. */
void vd_debug_destroy(void)
{
	debugfs_remove(vd_debug_dir);
}
