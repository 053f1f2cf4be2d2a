// SPDX-License-Identifier: GPL-2.0-only
/* Names of VMs and of their interfaces. */
#define _GNU_SOURCE
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "vm.h"

/* From the value of -name: "NAME", "guest=NAME", each with more behind commas. */
static void copy_guest(char *name, size_t room, const char *value)
{
	const char *at = strstr(value, "guest=");
	size_t len, i;

	/* The key begins the value or follows a comma. */
	if (at && (at == value || at[-1] == ','))
		value = at + strlen("guest=");
	text_copy(name, room, value);
	/* In QEMU's options a comma in a value is written twice. */
	len = strlen(name);
	for (i = 0; i < len; i++) {
		if (name[i] != ',')
			continue;
		if (name[i + 1] != ',') {
			name[i] = 0;
			return;
		}
		memmove(name + i, name + i + 1, len-- - i);
	}
}

void vm_name(const char *root, pid_t pid, char *name, size_t room)
{
	static char cmdline[65536];
	ssize_t len = text_read(cmdline, sizeof(cmdline), "%s/proc/%d/cmdline",
				root, pid);
	const char *arg, *end = cmdline + (len > 0 ? len : 0);

	for (arg = cmdline; arg < end; arg += strlen(arg) + 1) {
		if (strcmp(arg, "-name") && strcmp(arg, "--name"))
			continue;
		arg += strlen(arg) + 1;
		if (arg < end && *arg) {
			copy_guest(name, room, arg);
			return;
		}
	}
	if (text_read(cmdline, sizeof(cmdline), "%s/proc/%d/comm", root,
		      pid) <= 0)
		strcpy(cmdline, "?");
	cmdline[strcspn(cmdline, "\n")] = 0;
	text_copy(name, room, cmdline);
}

static uint64_t index_of(const char *root, const char *iface)
{
	char text[32];

	text_read(text, sizeof(text), "%s/sys/class/net/%s/ifindex", root,
		  iface);
	return strtoull(text, NULL, 10);
}

/*
 * An index says nothing outside its network namespace: the name is taken from
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
