/* SPDX-License-Identifier: GPL-2.0-only */
/* Giving up rights before the first message of a front end. */
#ifndef VDD_RIGHTS_H
#define VDD_RIGHTS_H

int vdd_rights_drop(const char *user, unsigned int nr_fds);
int vdd_rights_filter(void);

#endif
