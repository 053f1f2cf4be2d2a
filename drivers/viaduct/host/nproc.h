/* SPDX-License-Identifier: GPL-2.0-only */
/* Counting kernel threads against a user's RLIMIT_NPROC. */
#ifndef VD_HOST_NPROC_H
#define VD_HOST_NPROC_H

struct cred;

const struct cred *vd_nproc_charge(unsigned long limit);
void vd_nproc_uncharge(const struct cred *cred);

#endif
