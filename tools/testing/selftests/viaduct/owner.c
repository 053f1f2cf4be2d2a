// SPDX-License-Identifier: GPL-2.0-only
/* A client in a process of its own. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "owner.h"
#include "rig.h"

#define CHUNK	(4 << 20)

static struct rig rig;

static void swell(void)
{
	for (;;) {
		void *p = mmap(NULL, CHUNK, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p != MAP_FAILED)
			memset(p, 1, CHUNK);
	}
}

static void answer(int fd, const char *why)
{
	char text[128] = "";

	if (why)
		snprintf(text, sizeof(text), "%s", why);
	if (write(fd, text, sizeof(text)) != sizeof(text))
		_exit(1);
}

static void merge(void)
{
	uint32_t tx_on_first[2] = { VG_TX, 0 }, second = 1;

	if (vg_ioctl(rig.net.fd, VG_ATTACH_VRING_WORKER, tx_on_first))
		abort();
	vg_ioctl(rig.net.fd, VG_FREE_WORKER, &second);
}

static void serve(int say, int hear)
{
	struct pollfd p = { .fd = hear, .events = POLLIN };
	struct stream s[2];
	const char *why;
	bool idle = false;
	char c;

	stream_endless(s, &rig);
	for (;;) {
		why = idle ? NULL : stream_load(s, 50);
		if (why)
			answer(say, why);
		if (poll(&p, 1, idle ? -1 : 0) <= 0)
			continue;
		if (read(hear, &c, 1) != 1 || c == OWNER_EXIT)
			_exit(0);
		if (c == OWNER_EXEC)
			execlp("sleep", "sleep", "1000", NULL);
		if (c == OWNER_SWELL)
			swell();
		if (c == OWNER_MERGE)
			merge();
		idle = c == OWNER_IDLE;
		answer(say, stream_load(s, 100));
	}
}

static void owner_main(int kind, int say, int hear)
{
	struct vg_net_opts o = {
		.features = VG_NET_F_MRG | VG_BIT(VG_F_VERSION_1) |
			    VG_BIT(VG_F_EVENT_IDX), .seed = 7,
	};
	const char *why;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	vg_fork_from_owner = kind;
	why = rig_open(&rig, RIG_TAP, &o);
	if (!why)
		why = rig_start(&rig);
	answer(say, why);
	if (why || write(say, &rig.net.fd, sizeof(int)) != sizeof(int))
		_exit(1);
	serve(say, hear);
}

static const char *wait_for_answer(struct owner *o)
{
	static char text[128];

	if (vg_wait_fd(o->hear, POLLIN, vg_deadline_ms(30000)) <= 0)
		return "the owner does not answer";
	if (read(o->hear, text, sizeof(text)) != sizeof(text))
		return "the owner is gone";
	return *text ? text : NULL;
}

const char *owner_start(struct owner *o, int kind)
{
	int up[2], down[2], fd, pidfd;
	const char *why;

	*o = (struct owner){ .dev = -1 };
	if (pipe(up) || pipe(down))
		return "pipe";
	o->pid = fork();
	if (!o->pid) {
		close(up[0]);
		close(down[1]);
		owner_main(kind, up[1], down[0]);
	}
	close(up[1]);
	close(down[0]);
	o->hear = up[0];
	o->say = down[1];
	why = wait_for_answer(o);
	if (why)
		return why;
	if (read(o->hear, &fd, sizeof(fd)) != sizeof(fd))
		return "no descriptor";
	pidfd = syscall(SYS_pidfd_open, o->pid, 0);
	o->dev = syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	close(pidfd);
	return o->dev < 0 ? "pidfd_getfd" : NULL;
}

void owner_tell(struct owner *o, enum owner_command command)
{
	char c = command;

	if (write(o->say, &c, 1) != 1)
		abort();
}

const char *owner_ask(struct owner *o, enum owner_command command)
{
	owner_tell(o, command);
	return wait_for_answer(o);
}

bool owner_ends(struct owner *o, unsigned int ms, int *status)
{
	uint64_t deadline = vg_deadline_ms(ms);

	while (waitpid(o->pid, status, WNOHANG) != o->pid) {
		if (vg_expired(deadline))
			return false;
		poll(NULL, 0, 1);
	}
	return true;
}

void owner_stop(struct owner *o)
{
	int status;

	kill(o->pid, SIGKILL);
	owner_ends(o, 10000, &status);
	close(o->dev);
	close(o->say);
	close(o->hear);
}

bool owner_kind_is_there(int kind)
{
	struct utsname u;

	return !kind || uname(&u) || strncmp(u.release, "6.1.", 4);
}

bool owner_has_thread(pid_t pid, pid_t tid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d", pid, tid);
	return tid && !access(path, F_OK);
}

char owner_thread_state(pid_t tid)
{
	char path[64], line[512] = "", *end;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	f = fopen(path, "r");
	if (!f)
		return 0;
	if (!fgets(line, sizeof(line), f))
		*line = '\0';
	fclose(f);
	end = strrchr(line, ')');
	return end ? end[2] : 0;
}
