/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VD_DEVICE_DEBUG_H
#define VD_DEVICE_DEBUG_H

void vd_debug_create(void);
void vd_debug_destroy(void);

#endif
