/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VD_NET_TX_H
#define VD_NET_TX_H

struct vd_work;

void vd_tx_run(struct vd_work *work);

#endif
