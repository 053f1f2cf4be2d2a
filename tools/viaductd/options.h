/* SPDX-License-Identifier: GPL-2.0-only */
/* The command line. */
#ifndef VDD_OPTIONS_H
#define VDD_OPTIONS_H

#include <stdbool.h>

/**
 * struct vdd_options - what the command line sets
 * @socket: path to listen at, or NULL with sockets of the service manager
 * @group: group that may connect to @socket, or NULL
 * @tap: name of the tap, or NULL
 * @bridge: bridge for a new tap of each front end, or NULL
 * @pairs: queue pairs
 * @max: limit on front ends at a time
 * @device: node of the data plane
 * @user: user to run as once devices are open, or NULL
 */
struct vdd_options {
	const char *socket;
	const char *group;
	const char *tap;
	const char *bridge;
	unsigned int pairs;
	unsigned int max;
	const char *device;
	const char *user;
};

int vdd_options_parse(struct vdd_options *o, int argc, char **argv);

#endif
