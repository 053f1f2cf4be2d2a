// SPDX-License-Identifier: GPL-2.0-only
/*
 * viaduct trace: the tracepoints, readably. Events go to a trace instance of
 * their own, which is removed at the end, so that other tracers are not
 * disturbed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"

static const char tracing[] = "/sys/kernel/tracing";

static volatile sig_atomic_t must_stop;

static void on_signal(int signal)
{
	must_stop = signal;
}

static const char *errno_name(int err)
{
	const char *name = strerrorname_np(-err);

	return name ? name : "unknown error";
}

/* The text of an event, after its name. */
static void print_event(const char *name, const char *fields)
{
	const char *at = strstr(fields, "queue=");
	char reason[16] = "?";
	unsigned int packets = 0, call = 0;
	size_t len = 0;
	int err = 0;

	at = at ? strchr(at, ' ') : NULL;
	if (!at)
		printf("%s %s", name, fields);
	else if (!strcmp(name, "vd_batch") &&
		 sscanf(at, " packets=%u call=%u", &packets, &call) == 2)
		printf("batch of %u, %s", packets,
		       call ? "interrupt" : "no interrupt");
	else if (!strcmp(name, "vd_drop") &&
		 sscanf(at, " reason=%15s len=%zu", reason, &len) == 2)
		printf("packet of %zu bytes lost: %s", len, reason);
	else if (sscanf(at, " err=%d", &err) != 1)
		printf("%s %s", name, fields);
	else if (!strcmp(name, "vd_back_pressure"))
		printf("packet must wait: %s", errno_name(err));
	else if (!strcmp(name, "vd_broken"))
		printf("ring is broken: %s", errno_name(err));
	else if (!strcmp(name, "vd_miss"))
		printf("waits for the IOTLB");
	else
		printf("%s %s", name, fields);
	putchar('\n');
}

/* "vhost-9-12 [001] ..... 12.345678: vd_batch: device=1 owner=9 queue=0 ..." */
static void print_line(const char *line, pid_t pid)
{
	unsigned long long device;
	char name[32], time[32];
	const char *at, *fields;
	unsigned int queue;
	int owner;

	at = strstr(line, ": vd_");
	fields = at ? strstr(at, "device=") : NULL;
	if (!fields || sscanf(at + 2, "%31[a-z_]:", name) != 1 ||
	    sscanf(fields, "device=%llu owner=%d queue=%u", &device, &owner,
		   &queue) != 3 || (pid && owner != pid))
		return;
	while (at > line && at[-1] != ' ')
		at--;
	if (sscanf(at, "%31[0-9.]", time) != 1)
		strcpy(time, "-");
	printf("%s device %llu (owner %d) %s: ", time, device, owner,
	       queue ? "tx" : "rx");
	print_event(name, fields);
}

static void print_all(FILE *f, pid_t pid)
{
	char line[1024];

	while (!must_stop && fgets(line, sizeof(line), f) && !ferror(stdout)) {
		line[strcspn(line, "\n")] = 0;
		print_line(line, pid);
		fflush(stdout);
	}
}

static bool put(const char *dir, const char *file, const char *text)
{
	char path[PATH_MAX];
	bool done;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	done = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return done;
}

static int trace_live(const char *dir, pid_t pid)
{
	struct sigaction act = { .sa_handler = on_signal };
	char path[PATH_MAX], filter[32];
	FILE *f;

	snprintf(filter, sizeof(filter), "owner==%d", pid);
	if ((pid && !put(dir, "events/viaduct/filter", filter)) ||
	    !put(dir, "events/viaduct/enable", "1"))
		return complain("the events of viaduct cannot be enabled: %s",
				strerror(errno));
	/* Without SA_RESTART: a signal ends the read. */
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGPIPE, &act, NULL);
	snprintf(path, sizeof(path), "%s/trace_pipe", dir);
	f = fopen(path, "re");
	if (!f)
		return complain("%s: %s", path, strerror(errno));
	print_all(f, pid);
	fclose(f);
	return 0;
}

/* The tracepoints name the thread that took ownership. */
static pid_t owner_of(const struct options *o, const struct devices *found)
{
	return o->pid && found->nr ?
	       (pid_t)device_number(&found->device[0], "owner") : o->pid;
}

int cmd_trace(const struct options *o, const struct devices *found)
{
	char dir[128];
	int status;
	FILE *f;

	if (o->from) {
		f = fopen(o->from, "re");
		if (!f)
			return complain("%s: %s", o->from, strerror(errno));
		print_all(f, o->pid);
		fclose(f);
		return 0;
	}
	snprintf(dir, sizeof(dir), "%s/instances/viaduct-%d", tracing,
		 getpid());
	if (mkdir(dir, 0700))
		return complain("%s/instances: %s; trace needs root and a mounted tracefs",
				tracing, strerror(errno));
	status = trace_live(dir, owner_of(o, found));
	put(dir, "events/viaduct/enable", "0");
	if (rmdir(dir))
		complain("cannot remove %s: %s", dir, strerror(errno));
	return status;
}
