// SPDX-License-Identifier: GPL-2.0-only
/*
 * The network device behind a tun or tap descriptor.
 *
 * Packets consumed from a tap's ring without its recvmsg() must be counted
 * here, but a tap does not export its device. skb->dev has it, but may be
 * stale: packets that were put back into the ring can outlive the device. So
 * skb->dev must only be compared with the registered devices, and a device
 * must be forgotten when it is unregistered.
 *
 * No reference is held: it would block the unregistration for as long as the
 * guest does not take its packets. RCU protects the device instead: a grace
 * period separates NETDEV_UNREGISTER from its release.
 */
#include <linux/rtnetlink.h>
#include <linux/spinlock.h>
#include <net/net_namespace.h>
#include <net/rtnetlink.h>

#include "net/tapdev.h"

static LIST_HEAD(vd_tapdevs);
static DEFINE_SPINLOCK(vd_tapdevs_lock);
/*
 * Number of registrations so far. A failed search must be repeated after the
 * next one: a device that moves to another network namespace is temporarily in
 * no list, and its address can be reused by another device.
 */
static unsigned int vd_tapdevs_registered; /* written under the lock */

static void vd_tapdev_forget_locked(struct vd_tapdev *tapdev)
{
	list_del_init(&tapdev->link);
	RCU_INIT_POINTER(tapdev->dev, NULL);
	WRITE_ONCE(tapdev->tried, NULL);
}

static void vd_tapdev_left(const struct net_device *dev)
{
	struct vd_tapdev *tapdev, *next;

	lockdep_assert_held(&vd_tapdevs_lock);
	list_for_each_entry_safe(tapdev, next, &vd_tapdevs, link)
		if (vd_tapdev_is(tapdev, dev))
			vd_tapdev_forget_locked(tapdev);
}

/* A move to another network namespace sends both events, in this order. */
static int vd_tapdev_event(struct notifier_block *nb, unsigned long event,
			   void *info)
{
	spin_lock(&vd_tapdevs_lock);
	if (event == NETDEV_UNREGISTER)
		vd_tapdev_left(netdev_notifier_info_to_dev(info));
	else if (event == NETDEV_REGISTER)
		/* Pairs with vd_tapdev_learn(): the device is in its list. */
		smp_store_release(&vd_tapdevs_registered,
				  vd_tapdevs_registered + 1);
	spin_unlock(&vd_tapdevs_lock);
	return NOTIFY_DONE;
}

static struct notifier_block vd_tapdev_notifier = {
	.notifier_call = vd_tapdev_event,
};

int vd_tapdev_register(void)
{
	return register_netdevice_notifier(&vd_tapdev_notifier);
}

void vd_tapdev_unregister(void)
{
	unregister_netdevice_notifier(&vd_tapdev_notifier);
}

void vd_tapdev_init(struct vd_tapdev *tapdev)
{
	INIT_LIST_HEAD(&tapdev->link);
	RCU_INIT_POINTER(tapdev->dev, NULL);
	tapdev->tried = NULL;
	tapdev->tried_at = 0;
}

/* Only a tun or tap has the counters that vd_tapdev_count() updates. */
static bool vd_tapdev_is_tun(const struct net_device *dev)
{
	return dev->rtnl_link_ops && !strcmp(dev->rtnl_link_ops->kind, "tun");
}

/* The caller must be in an RCU read section while it uses the device. */
static struct net_device *vd_tapdev_find(const struct net_device *maybe)
{
	struct net_device *dev;
	struct net *net;

	for_each_net_rcu(net)
		for_each_netdev_rcu(net, dev)
			if (dev == maybe)
				return vd_tapdev_is_tun(dev) ? dev : NULL;
	return NULL;
}

/**
 * vd_tapdev_learn() - look up the device of a packet
 * @tapdev: the object, unchanged if @maybe is not a registered tun or tap
 * @maybe: a possibly stale device address, which must not be dereferenced
 *
 * Searches all devices, but only once for each @maybe, unless a device has been
 * registered since.
 */
void vd_tapdev_learn(struct vd_tapdev *tapdev, const struct net_device *maybe)
{
	struct net_device *dev;
	unsigned int at;

	/* Pairs with vd_tapdev_event(): must be read before the lists. */
	at = smp_load_acquire(&vd_tapdevs_registered);
	if (vd_tapdev_is(tapdev, maybe) ||
	    (READ_ONCE(tapdev->tried) == maybe && tapdev->tried_at == at))
		return;
	/* NETDEV_UNREGISTER of a listed device comes after this section. */
	rcu_read_lock();
	dev = vd_tapdev_find(maybe);
	spin_lock(&vd_tapdevs_lock);
	WRITE_ONCE(tapdev->tried, maybe);
	tapdev->tried_at = at;
	if (dev) {
		list_move(&tapdev->link, &vd_tapdevs);
		rcu_assign_pointer(tapdev->dev, dev);
	}
	spin_unlock(&vd_tapdevs_lock);
	rcu_read_unlock();
}

/**
 * vd_tapdev_learn_index() - look up a device by index
 * @tapdev: the object, unchanged if there is no such tun or tap
 * @net: a network namespace
 * @ifindex: index in @net, or 0
 *
 * Context: process context.
 */
void vd_tapdev_learn_index(struct vd_tapdev *tapdev, struct net *net,
			   int ifindex)
{
	const struct net_device *dev;

	rcu_read_lock();
	dev = dev_get_by_index_rcu(net, ifindex);
	if (dev)
		vd_tapdev_learn(tapdev, dev);
	rcu_read_unlock();
}

void vd_tapdev_forget(struct vd_tapdev *tapdev)
{
	spin_lock(&vd_tapdevs_lock);
	vd_tapdev_forget_locked(tapdev);
	spin_unlock(&vd_tapdevs_lock);
}

/*
 * Count packets as the tap's recvmsg() does; without a device nothing is
 * counted. Bottom halves must be disabled, which is an RCU read section.
 */
void vd_tapdev_count(struct vd_tapdev *tapdev, unsigned int packets,
		     unsigned int bytes)
{
	struct net_device *dev = rcu_dereference_bh(tapdev->dev);

	if (dev)
		dev_sw_netstats_tx_add(dev, packets, bytes);
}

/* Count packets as the tap's sendmsg() does. Bottom halves must be disabled. */
void vd_tapdev_count_rx(struct net_device *dev, unsigned int packets,
			unsigned int bytes)
{
	struct pcpu_sw_netstats *stats = this_cpu_ptr(dev->tstats);

	u64_stats_update_begin(&stats->syncp);
	u64_stats_add(&stats->rx_bytes, bytes);
	u64_stats_add(&stats->rx_packets, packets);
	u64_stats_update_end(&stats->syncp);
}
