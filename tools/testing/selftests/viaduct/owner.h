/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VD_OWNER_H
#define VD_OWNER_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * A client in a process of its own, which owns a device and moves checked
 * packets both ways without end.
 */
struct owner {
	pid_t pid;
	int dev;		/* duplicate of its descriptor here, or -1 */
	int say, hear;		/* pipes to it and from it */
};

enum owner_command {
	OWNER_LOAD = 'l',	/* move more packets; reports the result */
	OWNER_IDLE = 'i',	/* move none, until the next command; reports, too */
	OWNER_MERGE = 'm',	/* both rings on worker 0, and no worker 1; reports, too */
	OWNER_EXIT = 'x',
	OWNER_EXEC = 'e',	/* become sleep(1) */
	OWNER_SWELL = 's',	/* allocate memory without end */
};

/* NULL or what went wrong. @kind as vg_fork_from_owner. */
const char *owner_start(struct owner *o, int kind);
/* For commands with an answer: NULL or what went wrong. */
const char *owner_ask(struct owner *o, enum owner_command command);
/* For those without. */
void owner_tell(struct owner *o, enum owner_command command);
/* Whether the process ends within the time; its status goes to @status. */
bool owner_ends(struct owner *o, unsigned int ms, int *status);
/* Kills the process, if it still runs. */
void owner_stop(struct owner *o);

/*
 * Kinds of workers: on 6.1 there are only kernel threads, and the reference has
 * no choice there.
 */
bool owner_kind_is_there(int kind);
/* For set-up and test: the harness runs a test even if its set-up was skipped. */
#define NEEDS_KIND(kind) do { \
	if (!owner_kind_is_there(kind)) \
		SKIP(return, "6.1 has kernel threads only"); \
} while (0)
/* The thread is one of the process @pid. */
bool owner_has_thread(pid_t pid, pid_t tid);
/* The state of a thread from /proc ('S', 'T', ...), or 0. */
char owner_thread_state(pid_t tid);

#endif
