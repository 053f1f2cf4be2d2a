// SPDX-License-Identifier: GPL-2.0-only
/* The module: parameters, init and exit. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/viaduct.h>

#include "device/chardev.h"
#include "device/debug.h"
#include "device/features.h"
#include "device/ioctl.h"
#include "device/iommu.h"
#include "device/workers.h"
#include "net/frag.h"
#include "net/tap_rx.h"
#include "net/tap_tx.h"
#include "net/tapdev.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

static char *vd_node = VIADUCT_NODE;
module_param_named(node, vd_node, charp, 0444);
MODULE_PARM_DESC(node, "Device node: viaduct-net (default), or vhost-net to take the in-tree module's place");

module_param_named(max_mem_regions, vd_max_mem_regions, ushort, 0444);
MODULE_PARM_DESC(max_mem_regions, "Maximum number of regions in a memory table (default: 512)");

module_param_named(max_iotlb_entries, vd_max_iotlb_entries, int, 0444);
MODULE_PARM_DESC(max_iotlb_entries, "Maximum number of mappings in an IOTLB (default: 2048)");

module_param_array_named(hide_features, vd_hidden_features, ullong, NULL, 0444);
MODULE_PARM_DESC(hide_features, "Feature bits not to offer, so that guests can migrate to hosts that lack them: bits 0-63[,bits 64-127] (default: 0,0)");

module_param_named(worker_per_ring, vd_worker_per_ring, bool, 0444);
MODULE_PARM_DESC(worker_per_ring, "One worker per ring instead of one for both (default: no)");

module_param_named(fork_from_owner_default, vd_fork_from_owner_default, bool, 0444);
MODULE_PARM_DESC(fork_from_owner_default, "Workers are threads of the owner, not kernel threads (default: yes where the kernel supports it)");

/* Fast paths, each of which can be disabled while guests run. */
module_param_named(rx_direct, vd_rx_direct, bool, 0644);
MODULE_PARM_DESC(rx_direct, "Write plain packets to the guest without the tap's recvmsg() (default: yes)");

module_param_named(rx_direct_xdp, vd_rx_direct_xdp, bool, 0644);
MODULE_PARM_DESC(rx_direct_xdp, "Write frames redirected by XDP programs without the tap's recvmsg() (default: yes)");

module_param_named(tx_direct, vd_tx_direct, bool, 0644);
MODULE_PARM_DESC(tx_direct, "Pass plain frames to the stack without the tap's sendmsg() (default: yes)");

static int __init vd_main_init(void)
{
	int err;

	if (vd_fork_from_owner_default && !VD_THREAD_CAN_FORK) {
		pr_info("fork_from_owner_default: not on this kernel; workers are kernel threads\n");
		vd_fork_from_owner_default = false;
	}
	err = vd_tapdev_register();
	if (err)
		return err;
	err = vd_reclaim_register();
	if (err)
		goto err_tapdev;
	vd_debug_create();
	err = vd_chardev_register(vd_node);
	if (err)
		goto err_reclaim;
	return 0;

err_reclaim:
	vd_debug_destroy();
	vd_reclaim_unregister();
err_tapdev:
	vd_tapdev_unregister();
	return err;
}

static void __exit vd_main_exit(void)
{
	vd_chardev_unregister();
	vd_debug_destroy();
	vd_reclaim_unregister();
	vd_tapdev_unregister();
}

module_init(vd_main_init);
module_exit(vd_main_exit);

MODULE_DESCRIPTION("Viaduct: a virtio-net data plane behind the vhost ABI");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1");
