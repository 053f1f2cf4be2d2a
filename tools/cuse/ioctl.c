// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dispatch of ioctls.
 *
 * The kernel delivers an ioctl without data. The answer gives the number of bytes at the
 * argument to read and to write, and the ioctl is delivered again with them.
 */
#include <errno.h>
#include <linux/kernel.h>
#include <string.h>

#include "ioctl.h"

/* When the owner is checked. */
enum vdc_check {
	VDC_OWNER,	/* before the data is read */
	VDC_LATE,	/* afterwards */
	VDC_ANYONE,	/* not at all */
};

/**
 * struct vdc_op - an ioctl
 * @cmd: its number
 * @in: bytes that it reads
 * @out: bytes that it writes
 * @check: how the owner is checked
 * @is_ring: the data begins with the index of a ring
 * @fn: its implementation; @out is the result
 */
struct vdc_op {
	u32 cmd;
	u8 in;
	u8 out;
	enum vdc_check check;
	bool is_ring;
	int (*fn)(struct vdc_device *d, const struct vdc_client *c,
		  const struct vdc_call *call, void *out);
};

static int vdc_op_get_features(struct vdc_device *d, const struct vdc_client *c,
			       const struct vdc_call *call, void *out)
{
	memcpy(out, &d->offered, sizeof(d->offered));
	return 0;
}

static int vdc_op_set_features(struct vdc_device *d, const struct vdc_client *c,
			       const struct vdc_call *call, void *out)
{
	u64 features;

	memcpy(&features, call->in, sizeof(features));
	return vdc_set_features(d, features);
}

/* There is no IOTLB, so that there is none of its message formats. */
static int vdc_op_get_backend_features(struct vdc_device *d,
				       const struct vdc_client *c,
				       const struct vdc_call *call, void *out)
{
	memset(out, 0, sizeof(u64));
	return 0;
}

static int vdc_op_set_backend_features(struct vdc_device *d,
				       const struct vdc_client *c,
				       const struct vdc_call *call, void *out)
{
	u64 features;

	memcpy(&features, call->in, sizeof(features));
	return features ? -EOPNOTSUPP : 0;
}

static int vdc_op_set_owner(struct vdc_device *d, const struct vdc_client *c,
			    const struct vdc_call *call, void *out)
{
	return vdc_set_owner(d, c);
}

static int vdc_op_reset_owner(struct vdc_device *d, const struct vdc_client *c,
			      const struct vdc_call *call, void *out)
{
	return vdc_reset_owner(d);
}

/* All regions have been read; see vdc_want(). */
static int vdc_op_set_mem_table(struct vdc_device *d,
				const struct vdc_client *c,
				const struct vdc_call *call, void *out)
{
	return vdc_set_mem_table(d, c, call->in);
}

static int vdc_op_set_num(struct vdc_device *d, const struct vdc_client *c,
			  const struct vdc_call *call, void *out)
{
	return vdc_set_vring_num(d, call->in);
}

static int vdc_op_set_base(struct vdc_device *d, const struct vdc_client *c,
			   const struct vdc_call *call, void *out)
{
	return vdc_set_vring_base(d, call->in);
}

static int vdc_op_get_base(struct vdc_device *d, const struct vdc_client *c,
			   const struct vdc_call *call, void *out)
{
	struct vhost_vring_state s;
	int err;

	memcpy(&s, call->in, sizeof(s));
	err = vdc_get_vring_base(d, &s);
	memcpy(out, &s, sizeof(s));
	return err;
}

static int vdc_op_set_addr(struct vdc_device *d, const struct vdc_client *c,
			   const struct vdc_call *call, void *out)
{
	return vdc_set_vring_addr(d, call->in);
}

static int vdc_op_set_fd(struct vdc_device *d, const struct vdc_client *c,
			 const struct vdc_call *call, void *out)
{
	return vdc_set_vring_fd(d, c, call->in, call->cmd);
}

static int vdc_op_set_busyloop(struct vdc_device *d, const struct vdc_client *c,
			       const struct vdc_call *call, void *out)
{
	return vdc_set_vring_busyloop(d, call->in);
}

static int vdc_op_get_busyloop(struct vdc_device *d, const struct vdc_client *c,
			       const struct vdc_call *call, void *out)
{
	struct vhost_vring_state s;

	memcpy(&s, call->in, sizeof(s));
	s.num = d->ring[s.index].busy_us;
	memcpy(out, &s, sizeof(s));
	return 0;
}

static int vdc_op_set_backend(struct vdc_device *d, const struct vdc_client *c,
			      const struct vdc_call *call, void *out)
{
	return vdc_set_backend(d, c, call->in);
}

static int vdc_op_set_log_fd(struct vdc_device *d, const struct vdc_client *c,
			     const struct vdc_call *call, void *out)
{
	int fd;

	memcpy(&fd, call->in, sizeof(fd));
	return vdc_set_log_fd(c, fd);
}

static int vdc_op_set_log_base(struct vdc_device *d, const struct vdc_client *c,
			       const struct vdc_call *call, void *out)
{
	return -EOPNOTSUPP;
}

static int vdc_op_unknown(struct vdc_device *d, const struct vdc_client *c,
			  const struct vdc_call *call, void *out)
{
	return -ENOTTY;
}

#define VDC_STATE	sizeof(struct vhost_vring_state)
#define VDC_FILE	sizeof(struct vhost_vring_file)
#define VDC_ADDR	sizeof(struct vhost_vring_addr)
#define VDC_TABLE	sizeof(struct vhost_memory)

static const struct vdc_op vdc_ops[] = {
	{ VHOST_GET_FEATURES, 0, 8, VDC_ANYONE, false, vdc_op_get_features },
	{ VHOST_SET_FEATURES, 8, 0, VDC_ANYONE, false, vdc_op_set_features },
	{ VHOST_GET_BACKEND_FEATURES, 0, 8, VDC_ANYONE, false,
	  vdc_op_get_backend_features },
	{ VHOST_SET_BACKEND_FEATURES, 8, 0, VDC_ANYONE, false,
	  vdc_op_set_backend_features },
	{ VHOST_SET_OWNER, 0, 0, VDC_ANYONE, false, vdc_op_set_owner },
	{ VHOST_RESET_OWNER, 0, 0, VDC_OWNER, false, vdc_op_reset_owner },
	{ VHOST_SET_MEM_TABLE, VDC_TABLE, 0, VDC_OWNER, false,
	  vdc_op_set_mem_table },
	{ VHOST_SET_LOG_FD, sizeof(int), 0, VDC_OWNER, false,
	  vdc_op_set_log_fd },
	{ VHOST_SET_LOG_BASE, 8, 0, VDC_OWNER, false, vdc_op_set_log_base },
	{ VHOST_SET_VRING_NUM, VDC_STATE, 0, VDC_OWNER, true, vdc_op_set_num },
	{ VHOST_SET_VRING_BASE, VDC_STATE, 0, VDC_OWNER, true, vdc_op_set_base },
	{ VHOST_GET_VRING_BASE, VDC_STATE, VDC_STATE, VDC_OWNER, true,
	  vdc_op_get_base },
	{ VHOST_SET_VRING_ADDR, VDC_ADDR, 0, VDC_OWNER, true, vdc_op_set_addr },
	{ VHOST_SET_VRING_KICK, VDC_FILE, 0, VDC_OWNER, true, vdc_op_set_fd },
	{ VHOST_SET_VRING_CALL, VDC_FILE, 0, VDC_OWNER, true, vdc_op_set_fd },
	{ VHOST_SET_VRING_ERR, VDC_FILE, 0, VDC_OWNER, true, vdc_op_set_fd },
	{ VHOST_SET_VRING_BUSYLOOP_TIMEOUT, VDC_STATE, 0, VDC_OWNER, true,
	  vdc_op_set_busyloop },
	{ VHOST_GET_VRING_BUSYLOOP_TIMEOUT, VDC_STATE, VDC_STATE, VDC_OWNER,
	  true, vdc_op_get_busyloop },
	{ VHOST_NET_SET_BACKEND, VDC_FILE, 0, VDC_LATE, true,
	  vdc_op_set_backend },
};

/* As in the kernel, an unknown ioctl is one of a ring. */
static const struct vdc_op vdc_unknown = {
	0, sizeof(u32), 0, VDC_OWNER, true, vdc_op_unknown,
};

static const struct vdc_op *vdc_op_find(u32 cmd)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(vdc_ops); i++)
		if (vdc_ops[i].cmd == cmd)
			return &vdc_ops[i];
	return &vdc_unknown;
}

/*
 * Bytes that the ioctl reads: those of a memory table are known with its head. A
 * caller that changes the head between two attempts gets -EFAULT.
 */
static int vdc_want(const struct vdc_op *op, struct vdc_call *call)
{
	const struct vhost_memory *m = call->in;

	call->want_in = op->in;
	call->want_out = op->out;
	if (op->cmd != VHOST_SET_MEM_TABLE || call->in_len < VDC_TABLE)
		return call->in_len < op->in || call->out_len < op->out;
	if (m->padding)
		return -EOPNOTSUPP;
	if (m->nregions > VDC_MAX_REGIONS)
		return -E2BIG;
	call->want_in += m->nregions * sizeof(m->regions[0]);
	if (call->in_len == call->want_in)
		return 0;
	return call->in_len == VDC_TABLE ? 1 : -EFAULT;
}

static int vdc_call_locked(struct vdc_device *d, const struct vdc_op *op,
			   struct vdc_call *call)
{
	struct vdc_client c;
	int err = vdc_client_init(&c, call->tid);
	bool is_owner;
	u32 index;

	if (err)
		return err;
	if (d->is_dead)
		return -EIO;
	is_owner = vdc_owner_is(&d->owner, &c);
	if (op->check == VDC_OWNER && !is_owner)
		return -EPERM;
	err = vdc_want(op, call);
	if (err)
		return err;
	if (op->check == VDC_LATE && !is_owner)
		return -EPERM;
	if (op->is_ring) {
		memcpy(&index, call->in, sizeof(index));
		if (index >= VDC_NR_RINGS)
			return -ENOBUFS;
	}
	return op->fn(d, &c, call, call->out);
}

/**
 * vdc_call() - process an ioctl
 * @d: the device
 * @call: the ioctl
 *
 * Return: 0 with &vdc_call.out set; 1 if another attempt must follow with
 * &vdc_call.want_in bytes of data; or -errno.
 */
int vdc_call(struct vdc_device *d, struct vdc_call *call)
{
	int ret;

	pthread_mutex_lock(&d->lock);
	ret = vdc_call_locked(d, vdc_op_find(call->cmd), call);
	pthread_mutex_unlock(&d->lock);
	return ret;
}
