/* SPDX-License-Identifier: GPL-2.0-only */
/* Sockets, and a process for each connection. */
#ifndef VDD_LISTEN_H
#define VDD_LISTEN_H

#include "options.h"

int vdd_listen(const struct vdd_options *o);

#endif
