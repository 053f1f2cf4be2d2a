// SPDX-License-Identifier: GPL-2.0-only
/* The character device: files and ioctls, as libfuse delivers them. */
#define FUSE_USE_VERSION 31
#include <cuse_lowlevel.h>
#include <errno.h>
#include <getopt.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ioctl.h"
#include "print.h"

static const char vdc_usage[] =
"usage: viaduct-cuse [OPTION]...\n"
"\n"
"EXPERIMENTAL. A vhost-net character device that this process serves: no kernel\n"
"module but cuse. Guest memory must be file-backed and shared. As root.\n"
"\n"
"  -n, --name NAME    the node is /dev/NAME (viaduct-cuse)\n"
"  -m, --max N        files that may be open at a time (64)\n"
"  -h, --help         show this text\n"
"\n"
"Example:\n"
"  modprobe cuse; viaduct-cuse &\n"
"  qemu-system-x86_64 ... -M q35,memory-backend=mem \\\n"
"      -object memory-backend-memfd,id=mem,size=1G,share=on \\\n"
"      -netdev tap,id=n,ifname=tap0,script=no,downscript=no,vhost=on,vhostfd=9 \\\n"
"      -device virtio-net-pci,netdev=n  9<>/dev/viaduct-cuse\n";

static unsigned int vdc_max = 64;
static unsigned int vdc_nr;

static void vdc_open(fuse_req_t req, struct fuse_file_info *fi)
{
	struct vdc_device *d = NULL;
	int err = -EUSERS;

	if (__atomic_add_fetch(&vdc_nr, 1, __ATOMIC_RELAXED) <= vdc_max)
		d = vdc_device_create(&err);
	if (!d) {
		__atomic_sub_fetch(&vdc_nr, 1, __ATOMIC_RELAXED);
		fuse_reply_err(req, -err);
		return;
	}
	fi->fh = (uintptr_t)d;
	/* An error means that the caller was killed: there is no release then. */
	if (fuse_reply_open(req, fi)) {
		vdc_device_destroy(d);
		__atomic_sub_fetch(&vdc_nr, 1, __ATOMIC_RELAXED);
	}
}

static void vdc_release(fuse_req_t req, struct fuse_file_info *fi)
{
	vdc_device_destroy((struct vdc_device *)(uintptr_t)fi->fh);
	__atomic_sub_fetch(&vdc_nr, 1, __ATOMIC_RELAXED);
	fuse_reply_err(req, 0);
}

static void vdc_ioctl(fuse_req_t req, int cmd, void *arg,
		      struct fuse_file_info *fi, unsigned int flags,
		      const void *in, size_t in_len, size_t out_len)
{
	struct vdc_call call = {
		.cmd = cmd,
		.tid = fuse_req_ctx(req)->pid,
		.in = in,
		.in_len = in_len,
		.out_len = out_len,
	};
	int ret = vdc_call((struct vdc_device *)(uintptr_t)fi->fh, &call);
	struct iovec in_iov = { arg, call.want_in };
	struct iovec out_iov = { arg, call.want_out };

	(void)flags;
	if (ret < 0)
		fuse_reply_err(req, -ret);
	else if (ret > 0)
		fuse_reply_ioctl_retry(req, &in_iov, !!call.want_in, &out_iov,
				       !!call.want_out);
	else
		fuse_reply_ioctl(req, 0, call.out, call.want_out);
}

static const struct cuse_lowlevel_ops vdc_ops = {
	.open = vdc_open,
	.release = vdc_release,
	.ioctl = vdc_ioctl,
};

static int vdc_serve(const char *name)
{
	char devname[128];
	const char *info[] = { devname };
	struct cuse_info ci = {
		.dev_info_argc = 1,
		.dev_info_argv = info,
		.flags = CUSE_UNRESTRICTED_IOCTL,
	};
	char *argv[] = { "viaduct-cuse", "-f", NULL };

	snprintf(devname, sizeof(devname), "DEVNAME=%s", name);
	return cuse_lowlevel_main(2, argv, &ci, &vdc_ops, NULL);
}

#define VDC_CAP(n)	(1ULL << (n))

/*
 * Keep what reaching into clients needs: descriptors and maps, map_files, and memory
 * files of other users. Threads that libfuse starts inherit it.
 */
static int vdc_drop_rights(void)
{
	const u64 keep = VDC_CAP(CAP_SYS_PTRACE) | VDC_CAP(CAP_DAC_OVERRIDE) |
			 VDC_CAP(CAP_CHECKPOINT_RESTORE);
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3];
	unsigned int i;

	if (syscall(SYS_capget, &head, caps))
		return -errno;
	for (i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		caps[i].permitted &= keep >> 32 * i;
		caps[i].effective = caps[i].permitted;
		caps[i].inheritable = 0;
	}
	if (syscall(SYS_capset, &head, caps) ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	return 0;
}

/* A device has up to 16 descriptors. */
static void vdc_raise_files(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files))
		return;
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

/* Without SA_RESTART: it must end a system call that waits. */
static void vdc_interrupt(int sig)
{
	(void)sig;
}

static int vdc_set_max(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || !n || n > 4096) {
		vdc_print("--max %s: not a number from 1 to 4096", text);
		return -1;
	}
	vdc_max = n;
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "name", required_argument, NULL, 'n' },
		{ "max", required_argument, NULL, 'm' },
		{ "help", no_argument, NULL, 'h' },
		{}
	};
	const struct sigaction action = { .sa_handler = vdc_interrupt };
	const char *name = "viaduct-cuse";
	int opt;

	while ((opt = getopt_long(argc, argv, "n:m:h", options, NULL)) != -1) {
		if (opt == 'h') {
			fputs(vdc_usage, stdout);
			return 0;
		}
		if (opt == 'n')
			name = optarg;
		else if (opt != 'm' || vdc_set_max(optarg))
			return 2;
	}
	if (optind != argc || !*name || strlen(name) > 64 || strchr(name, '/')) {
		fputs(vdc_usage, stderr);
		return 2;
	}
	if (access("/dev/cuse", R_OK | W_OK)) {
		vdc_print("/dev/cuse: %s (as root: modprobe cuse)",
			  strerror(errno));
		return 1;
	}
	vdc_raise_files();
	opt = vdc_drop_rights();
	if (opt) {
		vdc_print("capabilities cannot be dropped: %s", strerror(-opt));
		return 1;
	}
	sigaction(VDC_SIGNAL, &action, NULL);
	return vdc_serve(name) ? 1 : 0;
}
