/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's interval trees as a list, sorted by start; entries with the same
 * start are in the order of their insertion.
 */
#ifndef SHIM_LINUX_INTERVAL_TREE_GENERIC_H
#define SHIM_LINUX_INTERVAL_TREE_GENERIC_H

#include <linux/rbtree.h>

#define __maybe_unused __attribute__((unused))

#define INTERVAL_TREE_DEFINE(type, rb, addr, subtree, FIRST, LAST, attr, name) \
attr void name ## _insert(type *new, struct rb_root_cached *root)	\
{									\
	struct rb_node **at = &root->first;				\
									\
	while (*at && FIRST(container_of(*at, type, rb)) <= FIRST(new)) \
		at = &(*at)->next;					\
	new->rb.next = *at;						\
	new->subtree = LAST(new);					\
	*at = &new->rb;							\
}									\
									\
attr void name ## _remove(type *old, struct rb_root_cached *root)	\
{									\
	struct rb_node **at = &root->first;				\
									\
	while (*at != &old->rb)						\
		at = &(*at)->next;					\
	*at = old->rb.next;						\
}									\
									\
attr type *name ## _iter_first(struct rb_root_cached *root, addr first,	\
			       addr last)				\
{									\
	struct rb_node *node;						\
									\
	for (node = root->first; node; node = node->next) {		\
		type *it = container_of(node, type, rb);		\
									\
		if (FIRST(it) <= last && first <= LAST(it))		\
			return it;					\
	}								\
	return NULL;							\
}

#endif
