/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_STDDEF_H
#define SHIM_LINUX_STDDEF_H

#include <stddef.h>

/* What the UAPI headers take from theirs. */
#include_next <linux/stddef.h>

#endif
