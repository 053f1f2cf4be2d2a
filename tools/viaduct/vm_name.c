// SPDX-License-Identifier: GPL-2.0-only
/* Names of VMs, from the command lines of their monitors. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "text.h"
#include "vm_name.h"

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
