// SPDX-License-Identifier: GPL-2.0-only
/*
 * Eventfds of a front end.
 *
 * The kernel signals an eventfd without waiting when a request of io_submit(2)
 * completes that names it. The request here, a poll of a descriptor that is
 * readable, completes at once. Where there is no such request (a kernel without
 * AIO, a process that was forked from the one with the context), write() is left:
 * it waits if the front end has made the eventfd blocking.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "notify.h"

/* Completions are removed when there is no room for another one. */
#define VD_NOTIFY_EVENTS	64
#define VD_NOTIFY_TRIES		8

/* An address of no process. */
#define VD_NOTIFY_NOWHERE	(~0ULL & ~4095ULL)

static int vd_notify_submit(const struct vd_notify *n, struct iocb *cb)
{
	return syscall(SYS_io_submit, n->aio, 1, &cb) == 1 ? 0 : -errno;
}

/* Submit a read that fails, but not before the kernel has looked at @fd. */
static int vd_notify_probe(const struct vd_notify *n, int fd)
{
	struct iocb cb = {
		.aio_fildes = n->ready,
		.aio_lio_opcode = IOCB_CMD_PREAD,
		.aio_buf = VD_NOTIFY_NOWHERE,
		.aio_nbytes = sizeof(eventfd_t),
		.aio_flags = IOCB_FLAG_RESFD,
		.aio_resfd = fd,
	};

	return vd_notify_submit(n, &cb);
}

static ssize_t vd_notify_read(int fd, eventfd_t *count)
{
	struct iovec iov = { count, sizeof(*count) };

	return preadv2(fd, &iov, 1, -1, RWF_NOWAIT);
}

/**
 * vd_notify_init() - find out what the kernel can do
 * @n: filled in
 *
 * Return: 0 or -errno.
 */
int vd_notify_init(struct vd_notify *n)
{
	eventfd_t count;

	*n = (struct vd_notify){};
	n->ready = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	if (n->ready < 0)
		return -errno;
	if (syscall(SYS_io_setup, VD_NOTIFY_EVENTS, &n->aio))
		n->aio = 0;
	n->can_probe = n->aio && vd_notify_probe(n, n->ready) == -EFAULT;
	n->can_read = vd_notify_read(n->ready, &count) == sizeof(count);
	eventfd_write(n->ready, 1);
	return 0;
}

void vd_notify_fini(struct vd_notify *n)
{
	if (n->aio)
		syscall(SYS_io_destroy, n->aio);
	if (n->ready >= 0)
		close(n->ready);
	*n = (struct vd_notify){ .ready = -1 };
}

/**
 * vd_notify_is_eventfd() - whether a descriptor of a front end is an eventfd
 * @n: the session's
 * @fd: the descriptor
 *
 * A signal on another one can wait for a process (FUSE), or end this one (a pipe
 * without readers), and so can polling it.
 *
 * Return: true if it is; without help of the kernel also if it is another one that
 * has no file.
 */
bool vd_notify_is_eventfd(const struct vd_notify *n, int fd)
{
	struct stat st;

	if (n->can_probe && vd_notify_probe(n, fd) == -EFAULT)
		return true;
	/* -EINVAL is also the error of a context that is not this process's. */
	if (n->can_probe && vd_notify_probe(n, n->ready) == -EFAULT)
		return false;
	return !fstat(fd, &st) && !(st.st_mode & S_IFMT);
}

/**
 * vd_notify_signal() - add 1 to an eventfd
 * @n: the session's
 * @fd: the eventfd; a counter that is at its limit stays there
 *
 * Context: any thread.
 * Return: 0 or -errno.
 */
int vd_notify_signal(const struct vd_notify *n, int fd)
{
	struct iocb cb = {
		.aio_fildes = n->ready,
		.aio_lio_opcode = IOCB_CMD_POLL,
		.aio_buf = POLLIN,
		.aio_flags = IOCB_FLAG_RESFD,
		.aio_resfd = fd,
	};
	struct io_event done[VD_NOTIFY_EVENTS];
	struct timespec now = {};
	int err = -EAGAIN, tries = n->aio ? VD_NOTIFY_TRIES : 0;

	for (; tries; tries--) {
		err = vd_notify_submit(n, &cb);
		if (err != -EAGAIN)
			break;
		syscall(SYS_io_getevents, n->aio, 0, VD_NOTIFY_EVENTS, done, &now);
	}
	if (!err)
		return 0;
	return eventfd_write(fd, 1) ? -errno : 0;
}

/**
 * vd_notify_clear() - set the counter of an eventfd to 0
 * @n: the session's
 * @fd: the eventfd
 */
void vd_notify_clear(const struct vd_notify *n, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	eventfd_t count;

	if (n->can_read)
		vd_notify_read(fd, &count);
	else if (poll(&p, 1, 0) == 1)
		eventfd_read(fd, &count);
}
