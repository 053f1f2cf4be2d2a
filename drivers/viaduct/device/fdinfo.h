/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VD_DEVICE_FDINFO_H
#define VD_DEVICE_FDINFO_H

struct file;
struct seq_file;

void vd_fdinfo_show(struct seq_file *m, struct file *file);

#endif
