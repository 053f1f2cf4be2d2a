/* SPDX-License-Identifier: GPL-2.0-only */
/* Detection of each kind of backend; private to layer 4. */
#ifndef VD_NET_BACKEND_KINDS_H
#define VD_NET_BACKEND_KINDS_H

#include "net/backend.h"

int vd_backend_tap_find(struct vd_backend *backend);
int vd_backend_packet_find(struct vd_backend *backend);

#endif
