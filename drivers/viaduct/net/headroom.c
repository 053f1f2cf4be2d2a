// SPDX-License-Identifier: GPL-2.0-only
/*
 * Headroom that frames need for headers added later.
 *
 * A bridge or Open vSwitch propagates the headroom of its tunnels to its ports,
 * so that encapsulation need not reallocate frames. A tap honours that value in
 * its own sendmsg(), but does not export it. The tap's master device has the
 * same value in @needed_headroom; a macvtap inherits @needed_headroom from its
 * lower device.
 *
 * The device of a descriptor is found by its name in fdinfo, or by the queue's
 * pointer in <linux/if_tap.h>. The lookup uses the namespace that the
 * descriptor was opened in, and may return a wrong device after the device
 * moved or was created anew. That is harmless: the value is a hint.
 */
#include <linux/if_tap.h>
#include <linux/minmax.h>
#include <linux/netdevice.h>
#include <linux/rcupdate.h>
#include <linux/seq_file.h>
#include <net/rtnetlink.h>
#include <net/sock.h>

#include "net/headroom.h"

/* The fdinfo line with the device's name. */
#define VD_HEADROOM_FORMAT	"iff:\t%15s"

/* As /proc/PID/fdinfo shows it; takes the RTNL. */
static bool vd_headroom_read_name(struct file *file, char name[IFNAMSIZ])
{
	char text[64] = "";
	struct seq_file seq = { .buf = text, .size = sizeof(text) - 1 };

	if (!file->f_op->show_fdinfo)
		return false;
	file->f_op->show_fdinfo(&seq, file);
	return sscanf(text, VD_HEADROOM_FORMAT, name) == 1;
}

static int vd_headroom_find_tun(const struct vd_backend *backend)
{
	struct net_device *dev;
	char name[IFNAMSIZ];
	int ifindex = 0;

	if (!vd_headroom_read_name(backend->file, name))
		return 0;
	rcu_read_lock();
	dev = dev_get_by_name_rcu(sock_net(backend->sock->sk), name);
	if (dev && dev->rtnl_link_ops && !strcmp(dev->rtnl_link_ops->kind, "tun"))
		ifindex = dev->ifindex;
	rcu_read_unlock();
	return ifindex;
}

static int vd_headroom_find_tap(const struct vd_backend *backend)
{
	struct tap_queue *queue = container_of(backend->sock, struct tap_queue,
					       sock);
	struct tap_dev *tap;
	int ifindex = 0;

	rcu_read_lock();
	tap = rcu_dereference(queue->tap);
	if (tap && net_eq(dev_net(tap->dev), sock_net(backend->sock->sk)))
		ifindex = tap->dev->ifindex;
	rcu_read_unlock();
	return ifindex;
}

/**
 * vd_headroom_find() - find the device of a tun, tap or macvtap
 * @backend: the backend, with its socket filled in
 *
 * Context: process context, takes the RTNL.
 * Return: the device's index, or 0 if unknown.
 */
int vd_headroom_find(const struct vd_backend *backend)
{
	return backend->is_tun ? vd_headroom_find_tun(backend) :
				 vd_headroom_find_tap(backend);
}

/**
 * vd_headroom_look() - read the headroom that the device and its master need
 * @backend: the backend
 *
 * Return: bytes in front of a frame.
 */
unsigned int vd_headroom_look(const struct vd_backend *backend)
{
	struct net_device *dev, *master;
	unsigned int bytes = 0;

	rcu_read_lock();
	dev = dev_get_by_index_rcu(sock_net(backend->sock->sk),
				   backend->ifindex);
	if (dev) {
		bytes = READ_ONCE(dev->needed_headroom);
		master = netdev_master_upper_dev_get_rcu(dev);
		if (master)
			bytes = max_t(unsigned int, bytes,
				      READ_ONCE(master->needed_headroom));
	}
	rcu_read_unlock();
	return bytes;
}
