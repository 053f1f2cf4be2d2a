// SPDX-License-Identifier: GPL-2.0-only
/* viaductd: a vhost-user back end with a data plane in the kernel. */
#include <unistd.h>

#include "listen.h"

int main(int argc, char **argv)
{
	struct vdd_options o;
	int ret = vdd_options_parse(&o, argc, argv);

	if (ret <= 0)
		return ret ? 2 : 0;
	if (!o.user && !getuid())
		o.user = "nobody";
	return vdd_listen(&o);
}
