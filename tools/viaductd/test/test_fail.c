// SPDX-License-Identifier: GPL-2.0-only
/* Errors of the kernel. */
#include <errno.h>
#include <string.h>

#include "daemon.h"

/*
 * Let the @nth ioctl fail: before the connection it is reported; during it the front
 * end is disconnected with a reason, and the kernel keeps no ring. False if there are
 * fewer ioctls.
 */
static bool fail_one(unsigned int nth, unsigned int pairs)
{
	const struct vdd_options o = { .tap = "tap0", .pairs = pairs, .max = 1,
				       .device = "/dev/viaduct-net" };
	static struct vdd_port port;
	struct daemon d;
	int err;

	kernel_reset();
	kernel.fail_at = nth;
	memset(&port, 0, sizeof(port));
	err = vdd_port_open(&port, &o);
	vdd_port_close(&port);
	/* A set of offloads that the tap does not support is no error. */
	if (err) {
		CHECK(kernel.failed);
		CHECK(strstr(port.error, strerror(ENOMEM)) ||
		      strstr(port.error, "TUNSETQUEUE"));
		return true;
	}
	if (kernel.failed)
		return true;
	nth -= kernel.calls;
	kernel_reset();
	daemon_open_as(&d, &o, MODERN);
	kernel.fail_at = kernel.calls + nth;
	err = fe_start(&d.fe) ?: set_log(&d, memfd(LOG_SIZE), LOG_SIZE, 0) ?:
	      set_log_all(&d) ?: fe_set_memory(&d.fe) ?:
	      (fe_stop_ring(&d.fe, 0) < 0 ? -1 : 0) ?:
	      fe_send(&d.fe, FE_RESET_DEVICE, NULL, 0, NULL, 0);
	if (kernel.failed) {
		if (!err)
			FAIL("ioctl %lx failed, and no request did", kernel.failed);
		expect_closed(&d, strerror(ENOMEM));
	} else {
		CHECK_EQ(err, 0);
	}
	kernel.fail_at = 0;
	err = kernel.failed != 0;
	/* SET_BACKEND of -1 is what failed: the kernel's ring stays attached. */
	if (kernel.failed == VHOST_NET_SET_BACKEND)
		memset(kernel.pair, -1, sizeof(kernel.pair));
	daemon_close(&d);
	return err;
}

TEST(each_ioctl_fails)
{
	unsigned int nth = 1;

	while (fail_one(nth, 1))
		nth++;
	CHECK(nth > 40);
	for (nth = 1; fail_one(nth, 2); nth++)
		;
	CHECK(nth > 40);
}
