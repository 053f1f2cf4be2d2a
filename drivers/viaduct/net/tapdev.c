// SPDX-License-Identifier: GPL-2.0-only
/*
 * The network device behind a tun or tap descriptor.
 *
 * Who takes packets out of a tap's ring without its recvmsg() has to count
 * them in its place, and a tap does not say to which device it belongs. Its
 * packets do, but not reliably: those that were put back into the ring may
 * be older than the device. So their word is only compared with the devices
 * that there are, and a device is only ours until it leaves.
 *
 * No reference is held, which would keep a device from leaving for as long as
 * a guest does not take its packets: between the notice of leaving and its
 * end there is a grace period.
 */
#include <linux/rtnetlink.h>
#include <linux/spinlock.h>
#include <net/net_namespace.h>
#include <net/rtnetlink.h>

#include "net/tapdev.h"

static LIST_HEAD(vd_tapdevs);
static DEFINE_SPINLOCK(vd_tapdevs_lock);
/*
 * Number of devices that were registered. A search that found nothing stands
 * until the next one: a device that moves to another network namespace is in
 * no list for a while, and an address can be another device's later.
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

/* A move to another network namespace is both, in this order. */
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

/**
 * vd_tapdev_register() - begin to watch devices leave
 *
 * Context: process context, takes the RTNL.
 * Return: 0 or -ENOMEM.
 */
int vd_tapdev_register(void)
{
	return register_netdevice_notifier(&vd_tapdev_notifier);
}

/**
 * vd_tapdev_unregister() - the opposite
 *
 * Context: process context, takes the RTNL.
 */
void vd_tapdev_unregister(void)
{
	unregister_netdevice_notifier(&vd_tapdev_notifier);
}

/**
 * vd_tapdev_init() - make an object that knows no device
 * @tapdev: the object
 */
void vd_tapdev_init(struct vd_tapdev *tapdev)
{
	INIT_LIST_HEAD(&tapdev->link);
	RCU_INIT_POINTER(tapdev->dev, NULL);
	tapdev->tried = NULL;
	tapdev->tried_at = 0;
}

/* A tun or tap has the counters that we want to write to. */
static bool vd_tapdev_is_tun(const struct net_device *dev)
{
	return dev->rtnl_link_ops && !strcmp(dev->rtnl_link_ops->kind, "tun");
}

/* The caller is in an RCU read section, as long as it uses the device. */
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
 * vd_tapdev_learn() - find out which device it is
 * @tapdev: the object; what it knows stays when @maybe is no tun or tap
 * @maybe: what may be the address of a device; it is not looked at
 *
 * Goes through all devices, but only once for each @maybe, unless a device has
 * been registered since.
 *
 * Context: process context.
 */
void vd_tapdev_learn(struct vd_tapdev *tapdev, const struct net_device *maybe)
{
	struct net_device *dev;
	unsigned int at;

	/* Pairs with vd_tapdev_event(): read before the lists are. */
	at = smp_load_acquire(&vd_tapdevs_registered);
	if (vd_tapdev_is(tapdev, maybe) ||
	    (READ_ONCE(tapdev->tried) == maybe && tapdev->tried_at == at))
		return;
	/* A device that is found here gives its notice after this section. */
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
 * vd_tapdev_forget() - know no device any more
 * @tapdev: the object
 *
 * Context: process context.
 */
void vd_tapdev_forget(struct vd_tapdev *tapdev)
{
	spin_lock(&vd_tapdevs_lock);
	vd_tapdev_forget_locked(tapdev);
	spin_unlock(&vd_tapdevs_lock);
}

/**
 * vd_tapdev_count() - count packets as the tap's recvmsg() does
 * @tapdev: the object; without a device nothing is counted
 * @packets: how many
 * @bytes: their length
 *
 * Context: bottom halves are off, which is a read section of RCU, too.
 */
void vd_tapdev_count(struct vd_tapdev *tapdev, unsigned int packets,
		     unsigned int bytes)
{
	struct net_device *dev = rcu_dereference_bh(tapdev->dev);

	if (dev)
		dev_sw_netstats_tx_add(dev, packets, bytes);
}
