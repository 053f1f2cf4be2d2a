// SPDX-License-Identifier: GPL-2.0-only
/*
 * Giving up rights before the first message of a front end.
 *
 * A process that serves a front end has all its descriptors: it needs no name of a
 * file, no other process and no capability any more.
 */
#include <errno.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/kernel.h>
#include <linux/seccomp.h>
#include <pwd.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "rights.h"

#if defined(__x86_64__)
#define VDD_AUDIT_ARCH	AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define VDD_AUDIT_ARCH	AUDIT_ARCH_AARCH64
#endif

/* Become @user; root's other groups are given up in any case. */
static int vdd_set_user(const char *user)
{
	struct passwd *pw;

	if (!user)
		return 0;
	errno = 0;
	pw = getpwnam(user);
	if (!pw)
		return errno ? -errno : -ENOENT;
	if (setgroups(0, NULL) || setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid))
		return -errno;
	return 0;
}

/* Needs CAP_SETPCAP; without it, only no_new_privs is set. */
static void vdd_drop_bounding(void)
{
	int cap;

	for (cap = 0; !prctl(PR_CAPBSET_DROP, cap, 0, 0, 0); cap++)
		;
}

static int vdd_drop_capabilities(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};

	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	return syscall(SYS_capset, &head, none) ? -errno : 0;
}

/**
 * vdd_rights_drop() - give up rights
 * @user: user to become, or NULL
 * @nr_fds: limit on descriptors
 *
 * Return: 0 or -errno.
 */
int vdd_rights_drop(const char *user, unsigned int nr_fds)
{
	const struct rlimit files = { nr_fds, nr_fds }, none = { 0, 0 };
	int err;

	if (setrlimit(RLIMIT_NOFILE, &files) || setrlimit(RLIMIT_CORE, &none))
		return -errno;
	vdd_drop_bounding();
	err = vdd_set_user(user);
	if (!err)
		err = vdd_drop_capabilities();
	if (!err && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
		     prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)))
		err = -errno;
	return err;
}

#ifdef VDD_AUDIT_ARCH

/* Messages, maps, ioctls of open descriptors, and what libc does on its own. */
static const unsigned int vdd_allowed[] = {
	__NR_recvmsg,
	__NR_sendmsg,
	__NR_ioctl,
	__NR_read,
	__NR_pread64,
	__NR_write,
	__NR_io_submit,
	__NR_io_getevents,
	__NR_writev,
	__NR_close,
	__NR_fcntl,
	__NR_fstat,
	__NR_newfstatat,
	__NR_fstatfs,
	__NR_epoll_ctl,
	__NR_epoll_pwait,
	__NR_ppoll,
	__NR_mmap,
	__NR_munmap,
	__NR_mremap,
	__NR_madvise,
	__NR_brk,
	__NR_futex,
	__NR_sched_yield,
	__NR_getrandom,
	__NR_rt_sigaction,
	__NR_rt_sigprocmask,
	__NR_rt_sigreturn,
	__NR_restart_syscall,
	__NR_getpid,
	__NR_gettid,
	__NR_tgkill,
	__NR_exit,
	__NR_exit_group,
#ifdef __NR_epoll_wait
	__NR_epoll_wait,
	__NR_poll,
#endif
};

#define VDD_NR_ALLOWED	ARRAY_SIZE(vdd_allowed)

static const struct sock_filter vdd_filter_head[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, VDD_AUDIT_ARCH, 1, 0),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
};

#define VDD_NR_HEAD	ARRAY_SIZE(vdd_filter_head)

/**
 * vdd_rights_filter() - allow only the system calls that serving needs
 *
 * Any other one kills the process.
 *
 * Return: 0 or -errno.
 */
int vdd_rights_filter(void)
{
	const struct sock_filter allow =
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	const struct sock_filter kill =
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	struct sock_filter filter[VDD_NR_HEAD + 2 * VDD_NR_ALLOWED + 1];
	struct sock_fprog prog = { .filter = filter };
	unsigned int i;

	for (i = 0; i < VDD_NR_HEAD; i++)
		filter[prog.len++] = vdd_filter_head[i];
	for (i = 0; i < VDD_NR_ALLOWED; i++) {
		const struct sock_filter is = BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
						       vdd_allowed[i], 0, 1);

		filter[prog.len++] = is;
		filter[prog.len++] = allow;
	}
	filter[prog.len++] = kill;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) ? -errno : 0;
}

#else

int vdd_rights_filter(void)
{
	return 0;
}

#endif
