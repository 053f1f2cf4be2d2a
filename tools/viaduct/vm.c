// SPDX-License-Identifier: GPL-2.0-only
/* Interfaces of VMs. */
#define _GNU_SOURCE
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "vm.h"

static uint64_t index_of(const char *root, const char *iface)
{
	char text[32];

	text_read(text, sizeof(text), "%s/sys/class/net/%s/ifindex", root,
		  iface);
	return strtoull(text, NULL, 10);
}

/*
 * An index is meaningless outside its network namespace: the name is taken from
 * the taps that the process holds.
 */
void vm_interface(const char *root, struct device *d)
{
	uint64_t index = ring_number(d, 0, "ifindex");
	char path[PATH_MAX], text[4096], name[32];
	bool is_only = true;
	struct dirent *e;
	DIR *dir;

	strcpy(d->iface, "-");
	snprintf(path, sizeof(path), "%s/proc/%d/fdinfo", root, d->pid);
	dir = index ? opendir(path) : NULL;
	if (!dir)
		return;
	while ((e = readdir(dir))) {
		text_read(text, sizeof(text), "%s/%s", path, e->d_name);
		text_line(name, sizeof(name), text, "iff");
		if (!*name)
			continue;
		if (index_of(root, name) == index) {
			strcpy(d->iface, name);
			is_only = true;
			break;
		}
		if (strcmp(d->iface, "-") && strcmp(d->iface, name))
			is_only = false;
		strcpy(d->iface, name);
	}
	closedir(dir);
	if (!is_only)
		snprintf(d->iface, sizeof(d->iface), "#%llu",
			 (unsigned long long)index);
}
