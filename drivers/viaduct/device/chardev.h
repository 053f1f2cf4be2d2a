/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VD_DEVICE_CHARDEV_H
#define VD_DEVICE_CHARDEV_H

int vd_chardev_register(const char *node);
void vd_chardev_unregister(void);

#endif
