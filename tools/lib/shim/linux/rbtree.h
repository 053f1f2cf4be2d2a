/* SPDX-License-Identifier: GPL-2.0-only */
/* Nodes of an interval tree; here the tree is a list. */
#ifndef SHIM_LINUX_RBTREE_H
#define SHIM_LINUX_RBTREE_H

#include <linux/list.h>

struct rb_node {
	struct rb_node *next;
};

struct rb_root_cached {
	struct rb_node *first;
};

#define RB_ROOT_CACHED ((struct rb_root_cached){ NULL })

#endif
