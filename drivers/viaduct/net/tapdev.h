/* SPDX-License-Identifier: GPL-2.0-only */
/* The network device behind a tun or tap descriptor, for its counters. */
#ifndef VD_NET_TAPDEV_H
#define VD_NET_TAPDEV_H

#include <linux/netdevice.h>
#include <linux/rcupdate.h>

/**
 * struct vd_tapdev - the device behind a descriptor, if found
 * @link: entry in the list of found devices, empty if @dev is NULL
 * @dev: the device, until it is unregistered; NULL if not found
 * @tried: argument of the last search
 * @tried_at: number of devices registered before the last search [q]
 *
 * Changed under a lock of tapdev.c, except for @tried_at.
 */
struct vd_tapdev {
	struct list_head link;
	struct net_device __rcu *dev;
	const struct net_device *tried;
	unsigned int tried_at;
};

int vd_tapdev_register(void);
void vd_tapdev_unregister(void);

void vd_tapdev_init(struct vd_tapdev *tapdev);
void vd_tapdev_learn(struct vd_tapdev *tapdev, const struct net_device *maybe);
void vd_tapdev_learn_index(struct vd_tapdev *tapdev, struct net *net,
			   int ifindex);
void vd_tapdev_forget(struct vd_tapdev *tapdev);
void vd_tapdev_count(struct vd_tapdev *tapdev, unsigned int packets,
		     unsigned int bytes);
void vd_tapdev_count_rx(struct net_device *dev, unsigned int packets,
			unsigned int bytes);

/* Compares addresses only; @maybe must not be dereferenced. */
static inline bool vd_tapdev_is(const struct vd_tapdev *tapdev,
				const struct net_device *maybe)
{
	return maybe && rcu_access_pointer(tapdev->dev) == maybe;
}

static inline bool vd_tapdev_is_known(const struct vd_tapdev *tapdev)
{
	return rcu_access_pointer(tapdev->dev);
}

#endif
