/* SPDX-License-Identifier: GPL-2.0-only */
/* Headroom that frames need for headers added later. */
#ifndef VD_NET_HEADROOM_H
#define VD_NET_HEADROOM_H

#include "net/backend.h"

int vd_headroom_find(const struct vd_backend *backend);
unsigned int vd_headroom_look(const struct vd_backend *backend);

#endif
