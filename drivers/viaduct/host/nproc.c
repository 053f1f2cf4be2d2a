// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counting kernel threads against a user's RLIMIT_NPROC.
 *
 * A kernel thread belongs to root, so the kernel does not count it for the user
 * that it was created for. It is counted here as fork() counts: in the user's
 * own count and in those of the user namespaces above, each of which has its
 * limit. A reference on the credentials keeps the counts alive.
 */
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/minmax.h>
#include <linux/sched/signal.h>
#include <linux/sched/user.h>
#include <linux/user_namespace.h>

#include "host/nproc.h"

/* Returns whether a count exceeds its limit; @limit is that of the user. */
static bool vd_nproc_add(const struct cred *cred, long nr, unsigned long limit)
{
	long max = min_t(unsigned long, limit, LONG_MAX);
	struct ucounts *u;
	bool is_over = false;
	long count;

	for (u = cred->ucounts; u; u = u->ns->ucounts) {
		count = atomic_long_add_return(nr,
					       &u->rlimit[UCOUNT_RLIMIT_NPROC]);
		is_over |= count > max;
		max = get_userns_rlimit_max(u->ns, UCOUNT_RLIMIT_NPROC);
	}
	return is_over;
}

/* The exemptions of fork(). */
static bool vd_nproc_is_exempt(const struct cred *cred)
{
	return uid_eq(cred->user->uid, GLOBAL_ROOT_UID) ||
	       capable(CAP_SYS_RESOURCE) || capable(CAP_SYS_ADMIN);
}

/**
 * vd_nproc_charge() - count one more thread of the user with current's credentials
 * @limit: RLIMIT_NPROC of the process for which the thread is created
 *
 * Return: the credentials for vd_nproc_uncharge(), or ERR_PTR(-EAGAIN) if the
 * limit is reached and the user is subject to it.
 */
const struct cred *vd_nproc_charge(unsigned long limit)
{
	const struct cred *cred = get_current_cred();

	if (!vd_nproc_add(cred, 1, limit) || vd_nproc_is_exempt(cred))
		return cred;
	vd_nproc_uncharge(cred);
	return ERR_PTR(-EAGAIN);
}

/* The caller need not be the user that was charged. */
void vd_nproc_uncharge(const struct cred *cred)
{
	vd_nproc_add(cred, -1, RLIM_INFINITY);
	put_cred(cred);
}
