/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VD_XDP_H
#define VD_XDP_H

#include <linux/bpf.h>

/*
 * Load an XDP program and attach it to an interface: a link's descriptor, which
 * is closed to detach it, or -1.
 */
int xdp_attach(unsigned int ifindex, const struct bpf_insn *insns,
	       unsigned int nr);
/* The same with a program that redirects all frames of @from to @to. */
int xdp_redirect(unsigned int from, unsigned int to);

#endif
