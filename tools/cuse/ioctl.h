/* SPDX-License-Identifier: GPL-2.0-only */
/* Dispatch of ioctls. */
#ifndef VDC_IOCTL_H
#define VDC_IOCTL_H

#include "device.h"

/* The longest result. */
#define VDC_OUT_MAX	8

/**
 * struct vdc_call - an ioctl, or a further attempt with data of the caller
 * @cmd: its number
 * @tid: the calling thread
 * @in: data that the kernel has read at the argument
 * @in_len: bytes of it; 0 in the first attempt
 * @out_len: bytes that may be written there
 * @want_in: bytes to read there, if another attempt is needed
 * @want_out: bytes to write there
 * @out: the result, of @want_out bytes
 */
struct vdc_call {
	u32 cmd;
	pid_t tid;
	const void *in;
	size_t in_len;
	size_t out_len;
	size_t want_in;
	size_t want_out;
	u8 out[VDC_OUT_MAX];
};

int vdc_call(struct vdc_device *d, struct vdc_call *call);

#endif
