// SPDX-License-Identifier: GPL-2.0-only
/*
 * Coverage of a module that is built with -fsanitize-coverage=trace-pc.
 *
 * The compiler calls __sanitizer_cov_trace_pc() in each basic block. In place of the
 * kernel's KCOV, which collects for the task that enabled it, this module collects
 * the blocks of all tasks and interrupts: what a worker, a kernel thread or a softirq
 * runs counts like an ioctl. It needs a kernel without CONFIG_KCOV, which exports the
 * same function.
 *
 * debugfs: a read of vdcover returns the addresses reached since the last write, as u64
 * relative to the beginning of the module's code, vdcover_base; a write forgets them.
 */
#include <linux/atomic.h>
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/hash.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#define VDCOVER_BITS	16
#define VDCOVER_SIZE	BIT(VDCOVER_BITS)

/* Addresses by their hash, 0 for a free slot; and the slots in use. */
static unsigned long *vdcover_slot;
static u32 *vdcover_used;
static atomic_t vdcover_nr;
static struct dentry *vdcover_file, *vdcover_base_file;
/* Of the code of the module viaduct, which may be inserted again elsewhere. */
static unsigned long vdcover_base;

/* Since 6.4. */
#ifdef VDCOVER_HAVE_MOD_MEM
#define VDCOVER_CODE(mod)	((mod)->mem[MOD_TEXT].base)
#else
#define VDCOVER_CODE(mod)	((mod)->core_layout.base)
#endif

/* Called in any context, also with user access enabled. */
void notrace __sanitizer_cov_trace_pc(void);
void notrace __sanitizer_cov_trace_pc(void)
{
	unsigned long pc = (unsigned long)__builtin_return_address(0) -
			   READ_ONCE(vdcover_base), old;
	u32 i = hash_long(pc, VDCOVER_BITS), tries;

	if (!READ_ONCE(vdcover_slot))
		return;
	for (tries = 0; tries < 64; tries++, i = (i + 1) % VDCOVER_SIZE) {
		old = READ_ONCE(vdcover_slot[i]);
		if (old == pc)
			return;
		if (old || cmpxchg(&vdcover_slot[i], 0UL, pc))
			continue;
		old = atomic_inc_return(&vdcover_nr) - 1;
		if (old < VDCOVER_SIZE)
			WRITE_ONCE(vdcover_used[old], i);
		return;
	}
}
EXPORT_SYMBOL(__sanitizer_cov_trace_pc);

static ssize_t vdcover_read(struct file *file, char __user *to, size_t len, loff_t *pos)
{
	u32 nr = min_t(u32, atomic_read(&vdcover_nr), VDCOVER_SIZE);
	u32 i = *pos / sizeof(u64), first = i;
	u64 __user *at = (u64 __user *)to;

	for (; i < nr && (i - first + 1) * sizeof(u64) <= len; i++)
		if (put_user((u64)vdcover_slot[vdcover_used[i]], at++))
			return -EFAULT;
	*pos = i * sizeof(u64);
	return (i - first) * sizeof(u64);
}

/* What runs meanwhile may be lost. */
static ssize_t vdcover_write(struct file *file, const char __user *from, size_t len,
			     loff_t *pos)
{
	u32 nr = min_t(u32, atomic_xchg(&vdcover_nr, 0), VDCOVER_SIZE), i;

	for (i = 0; i < nr; i++)
		WRITE_ONCE(vdcover_slot[vdcover_used[i]], 0);
	return len;
}

static const struct file_operations vdcover_fops = {
	.owner	= THIS_MODULE,
	.read	= vdcover_read,
	.write	= vdcover_write,
	.llseek	= default_llseek,
};

static int vdcover_event(struct notifier_block *nb, unsigned long event, void *data)
{
	const struct module *mod = data;

	if (event == MODULE_STATE_COMING && !strcmp(mod->name, "viaduct"))
		WRITE_ONCE(vdcover_base, (unsigned long)VDCOVER_CODE(mod));
	return NOTIFY_DONE;
}

static struct notifier_block vdcover_notifier = { .notifier_call = vdcover_event };

static int vdcover_base_get(void *data, u64 *value)
{
	*value = vdcover_base;
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(vdcover_base_fops, vdcover_base_get, NULL, "%#llx\n");

static int __init vdcover_init(void)
{
	vdcover_used = vzalloc(array_size(VDCOVER_SIZE, sizeof(*vdcover_used)));
	if (!vdcover_used)
		return -ENOMEM;
	vdcover_slot = vzalloc(array_size(VDCOVER_SIZE, sizeof(*vdcover_slot)));
	if (!vdcover_slot) {
		vfree(vdcover_used);
		return -ENOMEM;
	}
	vdcover_file = debugfs_create_file("vdcover", 0600, NULL, NULL, &vdcover_fops);
	vdcover_base_file = debugfs_create_file("vdcover_base", 0400, NULL, NULL,
						&vdcover_base_fops);
	return register_module_notifier(&vdcover_notifier);
}

static void __exit vdcover_exit(void)
{
	unregister_module_notifier(&vdcover_notifier);
	debugfs_remove(vdcover_base_file);
	debugfs_remove(vdcover_file);
	vfree(vdcover_slot);
	vfree(vdcover_used);
}

module_init(vdcover_init);
module_exit(vdcover_exit);

MODULE_DESCRIPTION("Coverage of viaduct, for tools/testing/fuzz-vm");
MODULE_LICENSE("GPL");
