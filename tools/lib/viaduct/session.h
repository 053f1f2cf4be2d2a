/* SPDX-License-Identifier: GPL-2.0-only */
/* Sessions and their sockets. */
#ifndef VD_SESSION_H
#define VD_SESSION_H

#include <pthread.h>

#include "dev.h"
#include "notify.h"

/**
 * struct vd_socket - a registered socket
 * @s: the session
 * @next: next socket of the session
 * @path: its path, or NULL for a descriptor
 * @is_client: connect to @path, again when the connection ends
 * @since: when the last connection began, in milliseconds
 * @fd: listening socket, or a timer until the next attempt to connect; -1
 * @event: events of @fd
 */
struct vd_socket {
	struct viaduct_session *s;
	struct vd_socket *next;
	char *path;
	bool is_client;
	s64 since;
	int fd;
	struct vd_event event;
};

/**
 * struct viaduct_session - a session
 * @ops: callbacks
 * @ctx: their last argument
 * @features: features offered to new devices
 * @pairs: queue pairs of new devices
 * @max_devices: limit on @nr_devices
 * @any_memory: accept memory of any file system
 * @epoll: all descriptors
 * @wake: eventfd, part of @epoll
 * @spare: a descriptor to close when none is left
 * @notify: for eventfds of front ends
 * @wake_event: a device is dead or has a broken ring, or the thread must end
 * @devices: connected devices
 * @nr_devices: their number
 * @sockets: registered sockets
 * @has_thread: @thread runs
 * @stop: @thread must end [atomic]
 * @thread: thread that dispatches
 * @lock: held by dispatch and by changes of @sockets
 */
struct viaduct_session {
	struct viaduct_ops ops;
	void *ctx;
	u64 features;
	unsigned int pairs;
	unsigned int max_devices;
	bool any_memory;
	int epoll;
	int wake;
	int spare;
	struct vd_notify notify;
	struct vd_event wake_event;
	struct viaduct_dev *devices;
	unsigned int nr_devices;
	struct vd_socket *sockets;
	bool has_thread;
	int stop;
	pthread_t thread;
	pthread_mutex_t lock; /* dispatch, or one change */
};

void vd_session_log(struct viaduct_session *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
int vd_session_watch(struct viaduct_session *s, int fd, struct vd_event *event,
		     u32 events);
void vd_session_unwatch(struct viaduct_session *s, int fd);
void vd_session_wake(struct viaduct_session *s);
int vd_session_add_device(struct viaduct_session *s, struct vd_socket *socket,
			  int fd);
void vd_session_close_dead(struct viaduct_session *s);

int vd_socket_listen(const char *path);
int vd_socket_add(struct viaduct_session *s, const char *path, int fd,
		  bool is_client);
void vd_socket_remove(struct vd_socket *socket);
void vd_socket_lost(struct vd_socket *socket);

#endif
