// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest memory in the address space of a client.
 *
 * A region can be used if the client maps one file there, shared and writable:
 * then this process can map the same pages. Which file it is comes from
 * /proc/PID/maps, and the file itself from /proc/PID/map_files. The client may
 * change its mappings meanwhile. The file that is opened must have the inode of
 * the shared and writable mapping, which the client was able to write to anyway.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kernel.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "memory.h"
#include "print.h"

#define VDC_ADVICE	"QEMU needs \"-object memory-backend-memfd,id=mem,size=SIZE,share=on -machine memory-backend=mem\""

/**
 * struct vdc_vma - a line of /proc/PID/maps
 * @start: first address
 * @end: address behind the last one
 * @perms: "rw-s" for a shared writable mapping
 * @offset: offset in the file
 * @dev: file system
 * @ino: inode, or 0 without a file
 */
struct vdc_vma {
	u64 start;
	u64 end;
	char perms[8];
	u64 offset;
	dev_t dev;
	ino_t ino;
};

static bool vdc_vma_parse(const char *line, struct vdc_vma *vma)
{
	unsigned long long start, end, offset, ino;
	unsigned int maj, min;

	if (sscanf(line, "%llx-%llx %7s %llx %x:%x %llu", &start, &end,
		   vma->perms, &offset, &maj, &min, &ino) != 7)
		return false;
	vma->start = start;
	vma->end = end;
	vma->offset = offset;
	vma->dev = makedev(maj, min);
	vma->ino = ino;
	return true;
}

static int vdc_memory_fail(const struct vdc_client *c,
			   const struct vdc_region *r, u64 at, int err,
			   const char *why)
{
	vdc_print("process %d: guest memory of %llu bytes at %#llx cannot be used: at %#llx it %s",
		  c->tgid, (unsigned long long)r->size,
		  (unsigned long long)r->uaddr, (unsigned long long)at, why);
	return err;
}

static const char *vdc_vma_fault(const struct vdc_vma *vma)
{
	if (vma->perms[3] != 's')
		return vma->ino ? "is a private mapping of a file; " VDC_ADVICE :
				  "is anonymous memory; " VDC_ADVICE;
	if (vma->perms[0] != 'r' || vma->perms[1] != 'w')
		return "is not writable";
	if (!vma->ino)
		return "is not the mapping of a file; " VDC_ADVICE;
	return NULL;
}

/*
 * Let @vma, which contains the address @next, extend the range of @r that is
 * known to be one file.
 */
static int vdc_region_extend(const struct vdc_client *c, struct vdc_region *r,
			     u64 *next, const struct vdc_vma *vma)
{
	const char *fault = vdc_vma_fault(vma);
	u64 offset = vma->offset + (*next - vma->start);

	if (fault)
		return vdc_memory_fail(c, r, *next, -EMEDIUMTYPE, fault);
	if (*next == r->uaddr) {
		r->dev = vma->dev;
		r->ino = vma->ino;
		r->offset = offset;
		r->vma_start = vma->start;
		r->vma_end = vma->end;
	} else if (vma->dev != r->dev || vma->ino != r->ino ||
		   offset != r->offset + (*next - r->uaddr)) {
		return vdc_memory_fail(c, r, *next, -EMEDIUMTYPE,
				       "is another part of a file than expected");
	}
	*next = min(vma->end, r->uaddr + r->size);
	return 0;
}

/* Lines come in the order of addresses, so that one pass is sufficient. */
static int vdc_memory_scan(const struct vdc_client *c, FILE *maps,
			   struct vdc_table *table)
{
	u64 next[VDC_MAX_REGIONS];
	struct vdc_vma vma;
	char *line = NULL;
	size_t room = 0;
	unsigned int i;
	int err = 0;

	for (i = 0; i < table->nr; i++)
		next[i] = table->region[i].uaddr;
	while (!err && getline(&line, &room, maps) > 0) {
		if (!vdc_vma_parse(line, &vma))
			continue;
		for (i = 0; i < table->nr && !err; i++) {
			struct vdc_region *r = &table->region[i];

			if (next[i] - r->uaddr < r->size &&
			    next[i] >= vma.start && next[i] < vma.end)
				err = vdc_region_extend(c, r, &next[i], &vma);
		}
	}
	free(line);
	for (i = 0; i < table->nr && !err; i++)
		if (next[i] - table->region[i].uaddr < table->region[i].size)
			err = vdc_memory_fail(c, &table->region[i], next[i],
					      -EFAULT, "is not mapped");
	return err;
}

/**
 * vdc_memory_find() - find the files that a client maps as guest memory
 * @c: the client
 * @table: addresses and sizes, which do not wrap; the rest is filled in
 *
 * Return: 0; -EFAULT if a region is not mapped; -EMEDIUMTYPE if it is not a
 * shared writable mapping of one file. A message gives the reason.
 */
int vdc_memory_find(const struct vdc_client *c, struct vdc_table *table)
{
	char path[64];
	FILE *maps;
	int err;

	snprintf(path, sizeof(path), "/proc/%d/maps", c->tid);
	maps = fopen(path, "re");
	if (!maps) {
		err = -errno;
		vdc_print("process %d: %s: %s", c->tgid, path, strerror(-err));
		return err;
	}
	err = vdc_memory_scan(c, maps, table);
	fclose(maps);
	return err;
}

/* A reason why the file cannot be guest memory, or NULL. */
static const char *vdc_file_fault(int fd, const struct vdc_region *r)
{
	struct statfs fs;
	struct stat st;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		return "is not a file";
	/* A file system that a process serves could stop each access for ever. */
	if (fstatfs(fd, &fs) || (fs.f_type != TMPFS_MAGIC &&
				 fs.f_type != HUGETLBFS_MAGIC))
		return "is a file that is not on tmpfs or hugetlbfs; " VDC_ADVICE;
	if (st.st_dev != r->dev || st.st_ino != r->ino)
		return "has become another file";
	if (st.st_size < 0 || r->offset > (u64)st.st_size ||
	    r->size > (u64)st.st_size - r->offset)
		return "is a file that is too short";
	return NULL;
}

/**
 * vdc_memory_open() - open the file of a region
 * @c: the client
 * @r: the region, from vdc_memory_find()
 *
 * The file is not opened before it is known to be memory: to open a device, for
 * one, can have effects.
 *
 * Return: a descriptor for reading and writing; -EMEDIUMTYPE or -errno after a
 * message.
 */
int vdc_memory_open(const struct vdc_client *c, const struct vdc_region *r)
{
	const char *fault;
	char path[96];
	int at, fd;

	snprintf(path, sizeof(path), "/proc/%d/map_files/%llx-%llx", c->tid,
		 (unsigned long long)r->vma_start,
		 (unsigned long long)r->vma_end);
	at = open(path, O_PATH | O_CLOEXEC);
	if (at < 0) {
		fd = -errno;
		vdc_print("process %d: %s: %s", c->tgid, path, strerror(-fd));
		return fd;
	}
	fault = vdc_file_fault(at, r);
	if (fault) {
		fd = vdc_memory_fail(c, r, r->uaddr, -EMEDIUMTYPE, fault);
	} else {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", at);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			fd = vdc_memory_fail(c, r, r->uaddr, -errno,
					     "is a file that cannot be opened");
	}
	close(at);
	return fd;
}

/* The same addresses of the same memory. */
bool vdc_memory_is_same(const struct vdc_region *a, const struct vdc_region *b)
{
	return a->gpa == b->gpa && a->size == b->size && a->uaddr == b->uaddr &&
	       a->dev == b->dev && a->ino == b->ino && a->offset == b->offset;
}

/* Whether @len bytes, not 0, lie in one region. */
bool vdc_table_covers(const struct vdc_table *table, u64 uaddr, u64 len)
{
	unsigned int i;

	for (i = 0; i < table->nr; i++) {
		const struct vdc_region *r = &table->region[i];

		if (uaddr - r->uaddr < r->size &&
		    len <= r->size - (uaddr - r->uaddr))
			return true;
	}
	return false;
}
