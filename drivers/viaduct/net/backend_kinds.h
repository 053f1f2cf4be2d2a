/* SPDX-License-Identifier: GPL-2.0-only */
/* How each kind of backend is told from the others; inside floor 4. */
#ifndef VD_NET_BACKEND_KINDS_H
#define VD_NET_BACKEND_KINDS_H

#include "net/backend.h"

int vd_backend_tap_find(struct vd_backend *backend);
int vd_backend_packet_find(struct vd_backend *backend);

#endif
