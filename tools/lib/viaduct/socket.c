// SPDX-License-Identifier: GPL-2.0-only
/* Registered sockets: listening, or connecting again and again. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "session.h"

/* Time between attempts to connect. */
#define VD_RETRY_MS	250

static int vd_socket_addr(struct sockaddr_un *addr, const char *path)
{
	size_t len = strlen(path);

	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (!len || len >= sizeof(addr->sun_path))
		return -ENAMETOOLONG;
	memcpy(addr->sun_path, path, len);
	return 0;
}

static int vd_socket_new(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 ? -errno : fd;
}

/* Connect once: a descriptor or -errno. */
static int vd_socket_try(const char *path)
{
	struct sockaddr_un addr;
	int fd, err = vd_socket_addr(&addr, path);

	if (err)
		return err;
	fd = vd_socket_new();
	if (fd < 0 || !connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

/* A socket that a process left behind refuses connections: remove it. */
static void vd_socket_unlink_stale(const char *path)
{
	struct stat st;
	int fd;

	if (lstat(path, &st) || !S_ISSOCK(st.st_mode))
		return;
	fd = vd_socket_try(path);
	if (fd == -ECONNREFUSED)
		unlink(path);
	else if (fd >= 0)
		close(fd);
}

/**
 * vd_socket_listen() - listen at a path
 * @path: the path; a socket that a process left behind there is replaced
 *
 * Return: a descriptor or -errno.
 */
int vd_socket_listen(const char *path)
{
	struct sockaddr_un addr;
	int fd, err = vd_socket_addr(&addr, path);

	if (err)
		return err;
	vd_socket_unlink_stale(path);
	fd = vd_socket_new();
	if (fd < 0)
		return fd;
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		err = -errno;
	} else if (listen(fd, SOMAXCONN)) {
		err = -errno;
		unlink(path);
	} else {
		return fd;
	}
	close(fd);
	return err;
}

/*
 * No descriptor is left for a connection: close it with the help of the spare
 * one, or the listening socket would stay readable, and dispatch would spin.
 */
static void vd_socket_refuse(struct vd_socket *socket)
{
	struct viaduct_session *s = socket->s;
	int fd;

	close(s->spare);
	fd = accept4(socket->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0)
		close(fd);
	s->spare = fcntl(s->wake, F_DUPFD_CLOEXEC, 0);
	vd_session_log(s, "connection refused: no descriptors left");
}

static void vd_socket_accept(struct vd_event *event, u32 events)
{
	struct vd_socket *socket = container_of(event, struct vd_socket, event);
	struct viaduct_session *s = socket->s;
	int fd, err;

	(void)events;
	fd = accept4(socket->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE)
			vd_socket_refuse(socket);
		return;
	}
	err = vd_session_add_device(s, socket, fd);
	if (!err)
		return;
	vd_session_log(s, "%s: connection refused: %s", socket->path,
		       strerror(-err));
	close(fd);
}

static s64 vd_socket_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Try to connect in @ms, less than 1000. */
static void vd_socket_set_timer(struct vd_socket *socket, unsigned int ms)
{
	const struct itimerspec at = {
		.it_value.tv_nsec = ms * 1000000L ?: 1,
	};

	timerfd_settime(socket->fd, 0, &at, NULL);
}

/* Connect now, or set the timer for another attempt. */
static void vd_socket_connect(struct vd_socket *socket)
{
	int fd = vd_socket_try(socket->path);

	if (fd >= 0) {
		socket->since = vd_socket_now_ms();
		if (!vd_session_add_device(socket->s, socket, fd))
			return;
		close(fd);
	}
	vd_socket_set_timer(socket, VD_RETRY_MS);
}

static void vd_socket_timer(struct vd_event *event, u32 events)
{
	struct vd_socket *socket = container_of(event, struct vd_socket, event);
	u64 count;

	(void)events;
	if (read(socket->fd, &count, sizeof(count)) == sizeof(count))
		vd_socket_connect(socket);
}

/* A connection of @socket has ended. */
void vd_socket_lost(struct vd_socket *socket)
{
	/* Not at once if it was short: the next one may end in the same way. */
	if (socket->is_client)
		vd_socket_set_timer(socket, vd_socket_now_ms() - socket->since <
					    VD_RETRY_MS ? VD_RETRY_MS : 0);
}

/*
 * Register a socket: @fd, or if that is -1 the socket that @path and @is_client
 * describe. Returns 0 or -errno.
 */
int vd_socket_add(struct viaduct_session *s, const char *path, int fd,
		  bool is_client)
{
	struct vd_socket *socket = calloc(1, sizeof(*socket));
	int err = -ENOMEM;

	if (!socket)
		return err;
	socket->s = s;
	socket->path = path ? strdup(path) : NULL;
	socket->is_client = is_client;
	socket->event.fn = is_client ? vd_socket_timer : vd_socket_accept;
	socket->fd = fd;
	if (is_client)
		socket->fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC |
					    TFD_NONBLOCK);
	else if (fd < 0)
		socket->fd = vd_socket_listen(path);
	else
		/* Another process may accept a connection first. */
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	if (socket->fd < 0) {
		err = is_client ? -errno : socket->fd;
		goto err_free;
	}
	if (path && !socket->path)
		goto err_close;
	if (vd_session_watch(s, socket->fd, &socket->event, EPOLLIN)) {
		err = -errno;
		goto err_close;
	}
	socket->next = s->sockets;
	s->sockets = socket;
	if (is_client)
		vd_socket_set_timer(socket, 0);
	return 0;

err_close:
	if (fd < 0)
		close(socket->fd);
	if (fd < 0 && !is_client)
		unlink(path);
err_free:
	free(socket->path);
	free(socket);
	return err;
}

/* Unregister a socket; its devices are destroyed. */
void vd_socket_remove(struct vd_socket *socket)
{
	struct viaduct_session *s = socket->s;
	struct vd_socket **at = &s->sockets;
	struct viaduct_dev *dev;

	while (*at != socket)
		at = &(*at)->next;
	*at = socket->next;
	for (dev = s->devices; dev; dev = dev->next)
		if (dev->socket == socket)
			vd_dev_fail(dev, "the socket was unregistered");
	vd_session_close_dead(s);
	vd_session_unwatch(s, socket->fd);
	close(socket->fd);
	if (!socket->is_client && socket->path)
		unlink(socket->path);
	free(socket->path);
	free(socket);
}

static int vd_socket_add_locked(struct viaduct_session *s, const char *path,
				int fd, bool is_client)
{
	int err;

	pthread_mutex_lock(&s->lock);
	err = vd_socket_add(s, path, fd, is_client);
	pthread_mutex_unlock(&s->lock);
	return err;
}

/**
 * viaduct_session_listen() - register a socket that front ends connect to
 * @s: the session
 * @path: path of the socket; a socket left behind there by another process is
 *	  replaced
 *
 * Context: not in a callback.
 * Return: 0 or -errno: -EADDRINUSE if a process listens there.
 */
int viaduct_session_listen(struct viaduct_session *s, const char *path)
{
	return vd_socket_add_locked(s, path, -1, false);
}

/**
 * viaduct_session_listen_fd() - register a listening socket
 * @s: the session
 * @fd: the socket, from a service manager for example; the session takes
 *	ownership
 *
 * Context: not in a callback.
 * Return: 0 or -errno.
 */
int viaduct_session_listen_fd(struct viaduct_session *s, int fd)
{
	return fd < 0 ? -EBADF : vd_socket_add_locked(s, NULL, fd, false);
}

/**
 * viaduct_session_connect() - register a socket of a listening front end
 * @s: the session
 * @path: path of the socket
 *
 * The session connects as soon as there is a front end, and again when the
 * connection has ended.
 *
 * Context: not in a callback.
 * Return: 0 or -errno.
 */
int viaduct_session_connect(struct viaduct_session *s, const char *path)
{
	return vd_socket_add_locked(s, path, -1, true);
}

/**
 * viaduct_session_add_fd() - take a connection
 * @s: the session
 * @fd: a connected socket; the session takes ownership unless there is an error
 *
 * Context: not in a callback.
 * Return: 0; -EUSERS if there are too many devices; -errno.
 */
int viaduct_session_add_fd(struct viaduct_session *s, int fd)
{
	int err;

	pthread_mutex_lock(&s->lock);
	err = vd_session_add_device(s, NULL, fd);
	vd_session_close_dead(s);
	pthread_mutex_unlock(&s->lock);
	return err;
}

/**
 * viaduct_session_remove() - unregister a socket
 * @s: the session
 * @path: its path; its devices are destroyed
 *
 * Context: not in a callback.
 * Return: 0 or -ENOENT.
 */
int viaduct_session_remove(struct viaduct_session *s, const char *path)
{
	struct vd_socket *socket;

	pthread_mutex_lock(&s->lock);
	for (socket = s->sockets; socket; socket = socket->next)
		if (socket->path && !strcmp(socket->path, path))
			break;
	if (socket)
		vd_socket_remove(socket);
	pthread_mutex_unlock(&s->lock);
	return socket ? 0 : -ENOENT;
}
