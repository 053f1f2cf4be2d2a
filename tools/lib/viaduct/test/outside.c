// SPDX-License-Identifier: GPL-2.0-only
/* A program outside the tree. */
#include <stdio.h>
#include <string.h>
#include <viaduct/backend.h>
#include <viaduct/port.h>

static char message[256];

static void keep(const char *text, void *ctx)
{
	strncpy(message, text, sizeof(message) - 1);
}

/* A port that cannot be opened reports the reason. */
static int refuses_port(void)
{
	const struct viaduct_port_opts opts = {
		.size = sizeof(opts), .name = "outside", .ring_size = 3, .log = keep,
	};

	return !viaduct_port_open(&opts) && strstr(message, "ring size 3");
}

int main(void)
{
	const struct viaduct_ops ops = { .size = sizeof(ops) };
	struct viaduct_session *s = viaduct_session_create(&ops, NULL);
	int ok = s && viaduct_session_features(s) >> 32 & 1 &&
		 !viaduct_session_dispatch(s);

	viaduct_session_destroy(s);
	return !(ok && refuses_port());
}
