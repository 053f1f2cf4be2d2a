// SPDX-License-Identifier: GPL-2.0-only
/* The owner is an address space: callers that pass, and callers that do not. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <limits.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "../../../lib/vguest/worker.h"
#include "abi.h"

/* Runs @fn in a child and returns its result, 0 or -errno; 1 if that fails. */
static int in_child(int (*fn)(int fd), int fd)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(-fn(fd));
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return 1;
	return -WEXITSTATUS(status);
}

static int do_num(int fd)
{
	return vg_set_vring_num(fd, 0, 256);
}

static int do_reset(int fd)
{
	return vg_reset_owner(fd);
}

static int do_own(int fd)
{
	return vg_set_owner(fd);
}

static int do_features(int fd)
{
	uint64_t f;

	return vg_get_features(fd, &f);
}

TEST(twice)
{
	int fd = abi_open();

	EXPECT_RET(0, vg_set_owner(fd));
	EXPECT_RET(-EBUSY, vg_set_owner(fd));
}

TEST(two_descriptors)
{
	int a = abi_owned(), b = abi_open();

	EXPECT_RET(-EPERM, do_num(b));
	EXPECT_RET(0, vg_set_owner(b));
	EXPECT_RET(0, do_num(a));
	EXPECT_RET(0, do_num(b));
}

static void *thread_num(void *arg)
{
	return (void *)(long)do_num(*(int *)arg);
}

TEST(thread_passes)
{
	int fd = abi_owned();
	pthread_t t;
	void *ret;

	ASSERT_EQ(0, pthread_create(&t, NULL, thread_num, &fd));
	ASSERT_EQ(0, pthread_join(t, &ret));
	EXPECT_EQ(NULL, ret);
}

static int clone_num(void *arg)
{
	_exit(-do_num(*(int *)arg));
}

/* A process of its own in the same address space. */
TEST(clone_vm_passes)
{
	static char stack[65536] __attribute__((aligned(16)));
	int fd = abi_owned(), status;
	pid_t pid;

	pid = clone(clone_num, stack + sizeof(stack), CLONE_VM | SIGCHLD, &fd);
	ASSERT_LT(0, pid);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

TEST(fork_child_is_eperm)
{
	int fd = abi_owned();

	EXPECT_RET(-EPERM, in_child(do_num, fd));
	EXPECT_RET(-EPERM, in_child(do_reset, fd));
	EXPECT_RET(-EBUSY, in_child(do_own, fd));
	EXPECT_RET(0, in_child(do_features, fd));
	EXPECT_RET(0, do_num(fd));
}

/*
 * The child becomes the owner of the device that the parent opened, reports that,
 * and stays until the parent ends it.
 */
static int own_and_hold(int fd, int say, int hear)
{
	char c = vg_set_owner(fd) || do_num(fd) ? 'n' : 'y';

	if (write(say, &c, 1) != 1 || read(hear, &c, 1) < 0)
		return 1;
	return 0;
}

TEST(other_process_is_eperm)
{
	int fd = abi_open(), up[2], down[2], status;
	pid_t pid;
	char c;

	ASSERT_EQ(0, pipe(up));
	ASSERT_EQ(0, pipe(down));
	pid = fork();
	if (!pid)
		_exit(own_and_hold(fd, up[1], down[0]));
	ASSERT_EQ(1, read(up[0], &c, 1));
	ASSERT_EQ('y', c);
	EXPECT_RET(-EPERM, do_num(fd));
	EXPECT_RET(-EBUSY, vg_set_owner(fd));
	EXPECT_RET(0, do_features(fd));
	ASSERT_EQ(1, write(down[1], &c, 1));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	/* The process has ended; its address space is still the owner. */
	EXPECT_RET(-EPERM, do_num(fd));
	EXPECT_RET(-EBUSY, vg_set_owner(fd));
}

/* Executes this program again, in a new address space. */
static int exec_self(int fd)
{
	char arg[16];

	snprintf(arg, sizeof(arg), "%d", fd);
	if (vg_set_owner(fd) || fcntl(fd, F_SETFD, 0))
		return -EIO;
	setenv("VD_OWNER_FD", arg, 1);
	execl("/proc/self/exe", "abi_owner", NULL);
	return -EIO;
}

static void __attribute__((constructor)) exec_image(void)
{
	const char *arg = getenv("VD_OWNER_FD");

	if (arg)
		_exit(-do_num(atoi(arg)));
}

TEST(exec_image_is_eperm)
{
	EXPECT_RET(-EPERM, in_child(exec_self, abi_open()));
}

TEST(reset_gives_up)
{
	int fd = abi_owned();

	EXPECT_RET(0, vg_reset_owner(fd));
	EXPECT_RET(-EPERM, do_num(fd));
	EXPECT_RET(-EPERM, vg_reset_owner(fd));
	/* Now another process can become the owner. */
	EXPECT_RET(0, in_child(do_own, fd));
	EXPECT_RET(-EBUSY, vg_set_owner(fd));
}

TEST(worker_lives_with_the_owner)
{
	int fd = abi_open();

	EXPECT_EQ(0, vg_worker_settle(gettid(), 0));
	ASSERT_EQ(0, vg_set_owner(fd));
	EXPECT_EQ(1, vg_worker_settle(gettid(), 1));
	ASSERT_EQ(0, vg_reset_owner(fd));
	EXPECT_EQ(0, vg_worker_settle(gettid(), 0));
	ASSERT_EQ(0, vg_set_owner(fd));
	EXPECT_EQ(1, vg_worker_settle(gettid(), 1));
	close(fd);
	EXPECT_EQ(0, vg_worker_settle(gettid(), 0));
}

/* The cgroups of a thread, from /proc. */
static void read_cgroups(pid_t tid, char *text, size_t room)
{
	char path[64];
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", tid);
	fd = open(path, O_RDONLY);
	len = fd < 0 ? 0 : read(fd, text, room - 1);
	text[len > 0 ? len : 0] = '\0';
	close(fd);
}

/* 0 if the worker is in this process's cgroups, which must include @group. */
static int has_my_cgroups(const char *group)
{
	char mine[4096], its[4096];
	int fd = abi_owned();

	read_cgroups(gettid(), mine, sizeof(mine));
	read_cgroups(vg_worker_find(gettid()), its, sizeof(its));
	if (!strstr(mine, group) || strcmp(mine, its)) {
		printf("# here: %s# the worker: %s", mine, its);
		return -EXDEV;
	}
	close(fd);
	return vg_worker_settle(gettid(), 0) ? -EBUSY : 0;
}

static const char *cgroup_of_test;

/* Enters the cgroup, into which the worker must follow. */
static int worker_in_cgroup(int fd)
{
	char path[PATH_MAX];
	int procs;

	(void)fd;
	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup_of_test);
	procs = open(path, O_WRONLY);
	if (procs < 0 || write(procs, "0", 1) != 1)
		return -EIO;
	return has_my_cgroups("/vd-test");
}

static void check_cgroups(struct __test_metadata *_metadata)
{
	char dir[] = "/tmp/abi_owner.XXXXXX", path[64];

	ASSERT_NE(NULL, mkdtemp(dir));
	ASSERT_EQ(0, mount("none", dir, "cgroup2", 0, NULL));
	snprintf(path, sizeof(path), "%s/vd-test", dir);
	ASSERT_EQ(0, mkdir(path, 0755));
	cgroup_of_test = path;
	EXPECT_RET(0, in_child(worker_in_cgroup, -1));
	EXPECT_RET(0, has_my_cgroups("/"));
	/* The cgroup must be empty. */
	EXPECT_EQ(0, rmdir(path));
	umount(dir);
	rmdir(dir);
}

TEST(worker_is_in_the_owners_cgroups)
{
	check_cgroups(_metadata);
}

TEST(kernel_thread_is_in_the_owners_cgroups)
{
	vg_fork_from_owner = 0;
	check_cgroups(_metadata);
}

TEST(many_times)
{
	int fd = abi_open(), i;

	for (i = 0; i < 50; i++) {
		ASSERT_EQ(0, vg_set_owner(fd));
		ASSERT_EQ(0, abi_set_table(fd));
		ASSERT_EQ(0, vg_reset_owner(fd));
	}
}

VD_TEST_MAIN
