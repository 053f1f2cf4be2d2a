// SPDX-License-Identifier: GPL-2.0-only
/*
 * The feature ioctls: get offered features, set acked ones, hide some. ioctls.rst
 * lists their errnos. All need the device's mutex.
 *
 * Bits 0 to 63 have ioctls of one word. The array ioctls carry a count of words
 * given by the caller, of which VD_FEATURE_WORDS exist here: the others read as
 * 0, and must be 0 when written.
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>
#include <linux/vhost.h>
#include <linux/viaduct.h>

#include "device/features.h"
#include "device/ioctl.h"
#include "device/iommu.h"

unsigned long long vd_hidden_features[VD_FEATURE_WORDS];

/* Words between checks for a fatal signal; the count may be up to 2^64 - 1. */
#define VD_FEATURES_CHUNK	(PAGE_SIZE / sizeof(u64))

static long vd_features_apply(struct vd_device *dev, const u64 *features)
{
	bool is_running = vd_device_is_running(dev);
	int i;

	lockdep_assert_held(&dev->lock);
	for (i = 0; i < VD_FEATURE_WORDS; i++)
		if (features[i] & ~dev->offered[i])
			return -EOPNOTSUPP;
	if (is_running && (features[0] ^ dev->features[0]) & VD_LAYOUT_FEATURES)
		return -EBUSY;
	if (is_running && !vd_device_is_loggable(dev, features[0], dev->regions,
						 dev->log_base))
		return -EFAULT;
	if (features[0] & BIT_ULL(VIRTIO_F_ACCESS_PLATFORM) &&
	    vd_max_iotlb_entries <= 0)
		return -EFAULT;
	return vd_device_set_features(dev, features) ? -EFAULT : 0;
}

/* VHOST_GET_FEATURES: the first word. */
long vd_features_get(struct vd_device *dev, void __user *arg)
{
	return put_user(dev->offered[0], (u64 __user *)arg);
}

/* VHOST_SET_FEATURES: @arg is the first word; all others become 0. */
long vd_features_set(struct vd_device *dev, void __user *arg)
{
	u64 features[VD_FEATURE_WORDS] = {};

	if (get_user(features[0], (u64 __user *)arg))
		return -EFAULT;
	return vd_features_apply(dev, features);
}

/* Zero @nr words. The range must be checked before any word is written. */
static long vd_features_clear(u64 __user *word, u64 nr)
{
	if (nr > TASK_SIZE_MAX / sizeof(*word) ||
	    !access_ok(word, nr * sizeof(*word)))
		return -EFAULT;
	while (nr) {
		unsigned long part = min_t(u64, nr, VD_FEATURES_CHUNK);

		if (fatal_signal_pending(current))
			return -EINTR;
		if (clear_user(word, part * sizeof(*word)))
			return -EFAULT;
		word += part;
		nr -= part;
		cond_resched();
	}
	return 0;
}

/* VHOST_GET_FEATURES_ARRAY. */
long vd_features_get_array(struct vd_device *dev, void __user *arg)
{
	u64 __user *word = arg + offsetof(struct vhost_features_array, features);
	u64 count, nr;

	if (get_user(count, (u64 __user *)arg))
		return -EFAULT;
	nr = min_t(u64, count, VD_FEATURE_WORDS);
	if (copy_to_user(word, dev->offered, nr * sizeof(*word)))
		return -EFAULT;
	return vd_features_clear(word + nr, count - nr);
}

/*
 * Read the count of an array, and the words that exist here. Words beyond the
 * count are 0.
 */
static long vd_features_read(u64 *features, u64 *count,
			     const void __user *arg)
{
	const u64 __user *word = arg +
				 offsetof(struct vhost_features_array, features);

	memset(features, 0, VD_FEATURE_WORDS * sizeof(*features));
	if (get_user(*count, (const u64 __user *)arg))
		return -EFAULT;
	return copy_from_user(features, word,
			      min_t(u64, *count, VD_FEATURE_WORDS) *
			      sizeof(*word)) ? -EFAULT : 0;
}

/* Words that do not exist here must be 0: none of their bits is offered. */
static long vd_features_check_rest(const void __user *arg, u64 count)
{
	const u64 __user *word = arg +
				 offsetof(struct vhost_features_array, features);
	u64 i, bits;

	for (i = VD_FEATURE_WORDS; i < count; i++) {
		if (get_user(bits, word + i))
			return -EFAULT;
		if (bits)
			return -EOPNOTSUPP;
		if (i % VD_FEATURES_CHUNK)
			continue;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

/* VHOST_SET_FEATURES_ARRAY: words beyond the count become 0. */
long vd_features_set_array(struct vd_device *dev, void __user *arg)
{
	u64 features[VD_FEATURE_WORDS], count;
	long err;

	err = vd_features_read(features, &count, arg) ?:
	      vd_features_check_rest(arg, count);
	return err ?: vd_features_apply(dev, features);
}

static long vd_features_hide_words(struct vd_device *dev, const u64 *hidden)
{
	int i;

	lockdep_assert_held(&dev->lock);
	for (i = 0; i < VD_FEATURE_WORDS; i++)
		if (dev->features[i] & hidden[i])
			return -EBUSY;
	for (i = 0; i < VD_FEATURE_WORDS; i++)
		dev->offered[i] &= ~hidden[i];
	return 0;
}

/* VIADUCT_HIDE_FEATURES: bits of the first word. */
long vd_features_hide(struct vd_device *dev, void __user *arg)
{
	u64 hidden[VD_FEATURE_WORDS] = {};

	if (get_user(hidden[0], (u64 __user *)arg))
		return -EFAULT;
	return vd_features_hide_words(dev, hidden);
}

/*
 * VIADUCT_HIDE_FEATURES_ARRAY. Words that do not exist here are not read: their
 * bits are never offered.
 */
long vd_features_hide_array(struct vd_device *dev, void __user *arg)
{
	u64 hidden[VD_FEATURE_WORDS], count;

	static_assert(sizeof(struct viaduct_features_array) ==
		      sizeof(struct vhost_features_array));
	return vd_features_read(hidden, &count, arg) ?:
	       vd_features_hide_words(dev, hidden);
}
