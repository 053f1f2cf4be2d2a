// SPDX-License-Identifier: GPL-2.0-only
/* Thin wrappers over the vhost ioctls. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "dev.h"

#define VG_VHOST_NET_MINOR 238	/* of misc major 10 */

const char *vg_dev_path(void)
{
	const char *path = getenv("VD_DEVICE");

	return path && *path ? path : "/dev/viaduct-net";
}

/*
 * The well-known minor is not sufficient: viaduct can have it too, but only
 * while the in-tree module is not loaded.
 */
bool vg_dev_is_reference(void)
{
	struct stat st;

	if (stat(vg_dev_path(), &st) || major(st.st_rdev) != 10)
		return false;
	return minor(st.st_rdev) == VG_VHOST_NET_MINOR &&
	       !access("/sys/module/vhost_net", F_OK);
}

bool vg_kernel_is_rt(void)
{
	struct utsname u;

	return !uname(&u) && strstr(u.version, "PREEMPT_RT");
}

int vg_dev_open(const char *path)
{
	int fd = open(path ? path : vg_dev_path(), O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int vg_ioctl(int fd, unsigned long request, void *arg)
{
	return ioctl(fd, request, arg) < 0 ? -errno : 0;
}

int vg_get_features(int fd, uint64_t *features)
{
	return vg_ioctl(fd, VHOST_GET_FEATURES, features);
}

int vg_set_features(int fd, uint64_t features)
{
	return vg_ioctl(fd, VHOST_SET_FEATURES, &features);
}

int vg_get_features_array(int fd, uint64_t features[VG_FEATURE_WORDS])
{
	uint64_t array[1 + VG_FEATURE_WORDS] = { VG_FEATURE_WORDS };
	int ret = vg_ioctl(fd, VG_GET_FEATURES_ARRAY, array);

	memcpy(features, array + 1, sizeof(array) - sizeof(array[0]));
	return ret;
}

int vg_set_features_array(int fd, const uint64_t features[VG_FEATURE_WORDS])
{
	uint64_t array[1 + VG_FEATURE_WORDS] = { VG_FEATURE_WORDS };

	memcpy(array + 1, features, sizeof(array) - sizeof(array[0]));
	return vg_ioctl(fd, VG_SET_FEATURES_ARRAY, array);
}

int vg_get_backend_features(int fd, uint64_t *features)
{
	return vg_ioctl(fd, VHOST_GET_BACKEND_FEATURES, features);
}

int vg_set_backend_features(int fd, uint64_t features)
{
	return vg_ioctl(fd, VHOST_SET_BACKEND_FEATURES, &features);
}

int vg_fork_from_owner = -1;

int vg_set_owner(int fd)
{
	uint8_t kind = vg_fork_from_owner;
	int ret;

	/* Kernels without the ioctl have only kernel threads. */
	if (vg_fork_from_owner >= 0) {
		ret = vg_ioctl(fd, VG_SET_FORK_FROM_OWNER, &kind);
		if (ret && (kind || (ret != -EPERM && ret != -EBUSY)))
			return ret;
	}
	return vg_ioctl(fd, VHOST_SET_OWNER, NULL);
}

int vg_reset_owner(int fd)
{
	return vg_ioctl(fd, VHOST_RESET_OWNER, NULL);
}

int vg_set_mem_table(int fd, const struct vhost_memory *table)
{
	return vg_ioctl(fd, VHOST_SET_MEM_TABLE, (void *)table);
}

int vg_set_log_base(int fd, uint64_t base)
{
	return vg_ioctl(fd, VHOST_SET_LOG_BASE, &base);
}

int vg_set_log_fd(int fd, int log_fd)
{
	return vg_ioctl(fd, VHOST_SET_LOG_FD, &log_fd);
}

static int vg_vring_state(int fd, unsigned long request, unsigned int index,
			  unsigned int num)
{
	struct vhost_vring_state s = { .index = index, .num = num };

	return vg_ioctl(fd, request, &s);
}

static int vg_vring_file(int fd, unsigned long request, unsigned int index,
			 int file)
{
	struct vhost_vring_file f = { .index = index, .fd = file };

	return vg_ioctl(fd, request, &f);
}

int vg_set_vring_num(int fd, unsigned int index, unsigned int num)
{
	return vg_vring_state(fd, VHOST_SET_VRING_NUM, index, num);
}

int vg_set_vring_addr(int fd, const struct vhost_vring_addr *addr)
{
	return vg_ioctl(fd, VHOST_SET_VRING_ADDR, (void *)addr);
}

int vg_set_vring_base(int fd, unsigned int index, unsigned int base)
{
	return vg_vring_state(fd, VHOST_SET_VRING_BASE, index, base);
}

int vg_get_vring_base(int fd, unsigned int index, unsigned int *base)
{
	struct vhost_vring_state s = { .index = index };
	int ret = vg_ioctl(fd, VHOST_GET_VRING_BASE, &s);

	*base = s.num;
	return ret;
}

int vg_set_vring_kick(int fd, unsigned int index, int event_fd)
{
	return vg_vring_file(fd, VHOST_SET_VRING_KICK, index, event_fd);
}

int vg_set_vring_call(int fd, unsigned int index, int event_fd)
{
	return vg_vring_file(fd, VHOST_SET_VRING_CALL, index, event_fd);
}

int vg_set_vring_err(int fd, unsigned int index, int event_fd)
{
	return vg_vring_file(fd, VHOST_SET_VRING_ERR, index, event_fd);
}

int vg_set_backend(int fd, unsigned int index, int socket_fd)
{
	return vg_vring_file(fd, VHOST_NET_SET_BACKEND, index, socket_fd);
}
