// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sockets, and a process for each connection. This process maps no memory of a front
 * end and reads none of its messages.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "listen.h"
#include "print.h"
#include "serve.h"
#include "session.h"
#include "vm_name.h"

/* systemd's protocol: the first descriptor, and how many are used here. */
#define VDD_FIRST_FD	3
#define VDD_MAX_SOCKETS	16

/**
 * struct vdd_listener - the process that listens
 * @o: options
 * @poll: signals, then listening sockets
 * @nr: entries of @poll
 * @child: processes of front ends
 * @nr_children: their number
 * @stop: a signal has ended the loop
 */
struct vdd_listener {
	const struct vdd_options *o;
	struct pollfd poll[1 + VDD_MAX_SOCKETS];
	unsigned int nr;
	pid_t *child;
	unsigned int nr_children;
	bool stop;
};

static void vdd_listen_add(struct vdd_listener *l, int fd)
{
	l->poll[l->nr++] = (struct pollfd){ .fd = fd, .events = POLLIN };
}

/* Only the group may connect besides this user. */
static int vdd_listen_own(const struct vdd_options *o)
{
	struct group *gr;

	if (!o->group)
		return 0;
	errno = 0;
	gr = getgrnam(o->group);
	if (!gr) {
		vdd_print("--group %s: no such group", o->group);
		return -1;
	}
	if (!chown(o->socket, -1, gr->gr_gid) && !chmod(o->socket, 0660))
		return 0;
	vdd_print("--group %s: %s", o->group, strerror(errno));
	return -1;
}

static int vdd_listen_path(struct vdd_listener *l)
{
	const struct vdd_options *o = l->o;
	int fd;

	umask(0177);
	fd = vd_socket_listen(o->socket);
	if (fd < 0) {
		vdd_print("--socket %s: %s", o->socket, strerror(-fd));
		return -1;
	}
	vdd_listen_add(l, fd);
	return vdd_listen_own(o);
}

/* Sockets of the service manager: sd_listen_fds(3). */
static int vdd_listen_inherit(struct vdd_listener *l)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	int i, nr = pid && fds && atoi(pid) == getpid() ? atoi(fds) : 0;

	if (nr <= 0 || nr > VDD_MAX_SOCKETS) {
		vdd_print("--socket is missing, and there is no socket of systemd");
		return -1;
	}
	for (i = VDD_FIRST_FD; i < VDD_FIRST_FD + nr; i++) {
		fcntl(i, F_SETFD, FD_CLOEXEC);
		fcntl(i, F_SETFL, O_NONBLOCK);
		vdd_listen_add(l, i);
	}
	return 0;
}

static int vdd_listen_signals(struct vdd_listener *l)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0) {
		vdd_print("signalfd: %s", strerror(errno));
		return -1;
	}
	vdd_listen_add(l, fd);
	return 0;
}

static void vdd_reap(struct vdd_listener *l)
{
	unsigned int i;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (i = 0; i < l->nr_children; i++)
			if (l->child[i] == pid)
				l->child[i] = l->child[--l->nr_children];
		if (WIFSIGNALED(status))
			vdd_print("process %d of a front end was killed: %s", pid,
				  strsignal(WTERMSIG(status)));
	}
}

static void vdd_signalled(struct vdd_listener *l)
{
	struct signalfd_siginfo info;

	while (read(l->poll[0].fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			vdd_reap(l);
		else
			l->stop = true;
	}
}

/* The child keeps the connection only. */
static void vdd_child(struct vdd_listener *l, int fd)
{
	struct ucred peer = {};
	socklen_t len = sizeof(peer);
	char from[96], name[32];
	sigset_t none;
	unsigned int i;

	for (i = 0; i < l->nr; i++)
		close(l->poll[i].fd);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len);
	/* By this name, `viaduct list` shows the front end's VM. */
	vm_name("", peer.pid, name, sizeof(name));
	prctl(PR_SET_NAME, name);
	snprintf(from, sizeof(from), "%s (front end %d of user %d)", name,
		 peer.pid, peer.uid);
	exit(vdd_serve(l->o, fd, from));
}

static void vdd_accept(struct vdd_listener *l, int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	pid_t pid;

	if (fd < 0) {
		if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
			return;
		/* The connection still waits: poll() would return at once. */
		vdd_print("accept: %s", strerror(errno));
		sleep(1);
		return;
	}
	if (l->nr_children == l->o->max) {
		vdd_print("connection refused: %u front ends are connected (--max)",
			  l->o->max);
		close(fd);
		return;
	}
	pid = fork();
	if (!pid)
		vdd_child(l, fd);
	if (pid < 0)
		vdd_print("connection refused: fork: %s", strerror(errno));
	else
		l->child[l->nr_children++] = pid;
	close(fd);
}

static int vdd_listen_run(struct vdd_listener *l)
{
	unsigned int i;

	while (!l->stop) {
		if (poll(l->poll, l->nr, -1) < 0 && errno != EINTR) {
			vdd_print("poll: %s", strerror(errno));
			return 1;
		}
		/* Signals first: they may make room for a connection. */
		vdd_signalled(l);
		for (i = 1; i < l->nr && !l->stop; i++)
			if (l->poll[i].revents)
				vdd_accept(l, l->poll[i].fd);
	}
	for (i = 0; i < l->nr_children; i++)
		kill(l->child[i], SIGTERM);
	if (l->o->socket)
		unlink(l->o->socket);
	return 0;
}

/**
 * vdd_listen() - accept front ends until a signal ends it
 * @o: options
 *
 * Return: status of the process.
 */
int vdd_listen(const struct vdd_options *o)
{
	static struct vdd_listener l;

	l.o = o;
	l.child = calloc(o->max, sizeof(l.child[0]));
	if (!l.child || vdd_listen_signals(&l))
		return 1;
	if (o->socket ? vdd_listen_path(&l) : vdd_listen_inherit(&l))
		return 1;
	return vdd_listen_run(&l);
}
