// SPDX-License-Identifier: GPL-2.0-only
/* Recovery from SIGBUS on shared memory. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "sigbus.h"

#define VD_GUARDS	128U

/**
 * struct vd_guard - a mapping that may raise SIGBUS
 * @start: its address
 * @len: its size; 0 if the entry is free. Written last
 * @faulted: flag to set
 */
struct vd_guard {
	uintptr_t start;
	size_t len;
	int *faulted;
};

/**
 * struct vd_guards - entries, which the handler reads without a lock
 * @next: more of them; entries are never freed
 * @guard: the entries
 */
struct vd_guards {
	struct vd_guards *next;
	struct vd_guard guard[VD_GUARDS];
};

static struct vd_guards vd_guards;
static pthread_mutex_t vd_guards_lock = PTHREAD_MUTEX_INITIALIZER;
static struct sigaction vd_old_action;
static bool vd_is_installed;

static struct vd_guard *vd_guard_find(uintptr_t addr)
{
	struct vd_guards *gs;
	unsigned int i;

	for (gs = &vd_guards; gs;
	     gs = __atomic_load_n(&gs->next, __ATOMIC_ACQUIRE))
		for (i = 0; i < VD_GUARDS; i++) {
			struct vd_guard *g = &gs->guard[i];
			size_t len = __atomic_load_n(&g->len, __ATOMIC_ACQUIRE);

			if (len && addr - g->start < len)
				return g;
		}
	return NULL;
}

/* mmap() may be called in a handler: it is a plain system call on Linux. */
static bool vd_guard_replace(struct vd_guard *g)
{
	void *p = mmap((void *)g->start, g->len, PROT_READ | PROT_WRITE,
		       MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		       -1, 0);

	if (p == MAP_FAILED)
		return false;
	__atomic_store_n(g->faulted, 1, __ATOMIC_RELEASE);
	return true;
}

/* Not memory of a front end: act as if this handler did not exist. */
static void vd_sigbus_pass_on(int sig, siginfo_t *info, void *context)
{
	if (vd_old_action.sa_flags & SA_SIGINFO) {
		vd_old_action.sa_sigaction(sig, info, context);
	} else if (vd_old_action.sa_handler != SIG_DFL &&
		   vd_old_action.sa_handler != SIG_IGN) {
		vd_old_action.sa_handler(sig);
	} else {
		signal(sig, SIG_DFL);
		raise(sig);
	}
}

static void vd_sigbus(int sig, siginfo_t *info, void *context)
{
	struct vd_guard *g = NULL;
	int saved = errno;

	if (info->si_code > 0)
		g = vd_guard_find((uintptr_t)info->si_addr);
	if (!g || !vd_guard_replace(g))
		vd_sigbus_pass_on(sig, info, context);
	errno = saved;
}

/**
 * vd_sigbus_install() - install the handler, once per process
 *
 * Return: 0 or -errno.
 */
int vd_sigbus_install(void)
{
	struct sigaction action = {
		.sa_sigaction = vd_sigbus,
		.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK,
	};
	int err = 0;

	pthread_mutex_lock(&vd_guards_lock);
	if (!vd_is_installed && sigaction(SIGBUS, &action, &vd_old_action))
		err = -errno;
	vd_is_installed |= !err;
	pthread_mutex_unlock(&vd_guards_lock);
	return err;
}

static struct vd_guard *vd_guard_get(void)
{
	struct vd_guards *gs = &vd_guards;
	unsigned int i;

	for (;;) {
		for (i = 0; i < VD_GUARDS; i++)
			if (!gs->guard[i].len)
				return &gs->guard[i];
		if (!gs->next) {
			struct vd_guards *more = calloc(1, sizeof(*more));

			if (!more)
				return NULL;
			__atomic_store_n(&gs->next, more, __ATOMIC_RELEASE);
		}
		gs = gs->next;
	}
}

/**
 * vd_sigbus_guard() - survive SIGBUS on a mapping
 * @start: its address
 * @len: its size; a multiple of the page size of its file
 * @faulted: set to 1 when the mapping was replaced
 *
 * Return: 0 or -ENOMEM.
 */
int vd_sigbus_guard(void *start, size_t len, int *faulted)
{
	struct vd_guard *g;

	pthread_mutex_lock(&vd_guards_lock);
	g = vd_guard_get();
	if (g) {
		g->start = (uintptr_t)start;
		g->faulted = faulted;
		__atomic_store_n(&g->len, len, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&vd_guards_lock);
	return g ? 0 : -ENOMEM;
}

/**
 * vd_sigbus_unguard() - forget a mapping
 * @start: its address; no thread may access it any more
 */
void vd_sigbus_unguard(void *start)
{
	struct vd_guard *g;

	pthread_mutex_lock(&vd_guards_lock);
	g = vd_guard_find((uintptr_t)start);
	if (g)
		__atomic_store_n(&g->len, 0, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&vd_guards_lock);
}
