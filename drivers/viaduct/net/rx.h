/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VD_NET_RX_H
#define VD_NET_RX_H

struct vd_work;

void vd_rx_run(struct vd_work *work);

#endif
