// SPDX-License-Identifier: GPL-2.0-only
/* The character device: each open file is a device. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/string.h>
#include <linux/viaduct.h>

#include "device/chardev.h"
#include "device/device.h"
#include "device/fdinfo.h"
#include "device/ioctl.h"
#include "device/iommu.h"

static int vd_chardev_open(struct inode *inode, struct file *file)
{
	file->private_data = vd_device_create();
	return file->private_data ? 0 : -ENOMEM;
}

static int vd_chardev_release(struct inode *inode, struct file *file)
{
	vd_device_destroy(file->private_data);
	return 0;
}

static long vd_chardev_ioctl(struct file *file, unsigned int cmd,
			     unsigned long arg)
{
	return vd_ioctl(file->private_data, cmd, (void __user *)arg);
}

static ssize_t vd_chardev_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct file *file = iocb->ki_filp;

	return vd_iommu_read(file->private_data, to,
			     file->f_flags & O_NONBLOCK ||
			     iocb->ki_flags & IOCB_NOWAIT);
}

static ssize_t vd_chardev_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	return vd_iommu_write(iocb->ki_filp->private_data, from);
}

static __poll_t vd_chardev_poll(struct file *file, poll_table *wait)
{
	struct vd_device *dev = file->private_data;

	poll_wait(file, &dev->misses.wait, wait);
	return vd_misses_has_unread(&dev->misses) ? EPOLLIN | EPOLLRDNORM : 0;
}

static const struct file_operations vd_chardev_fops = {
	.owner		= THIS_MODULE,
	.open		= vd_chardev_open,
	.release	= vd_chardev_release,
	.unlocked_ioctl	= vd_chardev_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.read_iter	= vd_chardev_read_iter,
	.write_iter	= vd_chardev_write_iter,
	.poll		= vd_chardev_poll,
	.llseek		= noop_llseek,
	.show_fdinfo	= vd_fdinfo_show,
};

static struct miscdevice vd_chardev = {
	.fops	= &vd_chardev_fops,
	.mode	= 0600,
};

/**
 * vd_chardev_register() - register the device node
 * @node: %VIADUCT_NODE, or "vhost-net" to stand in for the in-tree module
 *	  under its name and number
 *
 * Return: 0; -EINVAL for another name; -EBUSY if the in-tree module has the
 * number; or another error of misc_register().
 */
int vd_chardev_register(const char *node)
{
	bool stand_in = !strcmp(node, "vhost-net");
	int err;

	if (!stand_in && strcmp(node, VIADUCT_NODE)) {
		pr_err("node=%s: must be " VIADUCT_NODE " or vhost-net\n",
		       node);
		return -EINVAL;
	}
	vd_chardev.name = node;
	vd_chardev.minor = stand_in ? VHOST_NET_MINOR : MISC_DYNAMIC_MINOR;
	err = misc_register(&vd_chardev);
	if (err == -EBUSY && stand_in)
		pr_err("/dev/vhost-net is in use: unload vhost_net first\n");
	else if (err)
		pr_err("cannot register /dev/%s: error %d\n", node, err);
	return err;
}

/* No file is open: open files hold a reference to the module. */
void vd_chardev_unregister(void)
{
	misc_deregister(&vd_chardev);
}
