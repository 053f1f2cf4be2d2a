// SPDX-License-Identifier: GPL-2.0-only
/* A program outside the tree. */
#include <stdio.h>
#include <viaduct/backend.h>

int main(void)
{
	const struct viaduct_ops ops = { .size = sizeof(ops) };
	struct viaduct_session *s = viaduct_session_create(&ops, NULL);
	int ok = s && viaduct_session_features(s) >> 32 & 1 &&
		 !viaduct_session_dispatch(s);

	viaduct_session_destroy(s);
	return !ok;
}
