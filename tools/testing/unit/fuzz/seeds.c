// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: seeds DIR writes the inputs from which fuzzing starts into DIR/chain,
 * DIR/split, DIR/packed, DIR/regions, DIR/iotlb, DIR/miss and DIR/message: one small
 * scene of each kind. fuzz/scene.h and the targets define the meaning of the bytes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>
#include <linux/virtio_ring.h>

#define NEXT		VRING_DESC_F_NEXT
#define WRITE		VRING_DESC_F_WRITE
#define INDIRECT	VRING_DESC_F_INDIRECT
/* Flags of the compact form: length in units of 16, repetitions. */
#define X16		8
#define REPEAT(log)	((log) << 4)

/* Places: the start of a region, or its end with END. */
#define REGION(n)	((n) << 1)
#define END		1
#define A		REGION(0)
#define C		REGION(2)
#define D		REGION(3)

struct desc {
	u8 place;
	s16 off;
	u16 len;
	u8 flags;
	s8 step;
};

/**
 * struct seed - a scene and, for the split and packed targets, steps
 * @name: file name
 * @log_num: log2 of the ring size
 * @features: acked
 * @idx: first index
 * @nr_heads: available chains
 * @heads: their heads
 * @ring: descriptors of the ring, up to one with length 0
 * @table: the same for region C
 */
struct seed {
	const char *name;
	u8 log_num;
	u8 features;
	u16 idx;
	u8 nr_heads;
	u8 heads[8];
	struct desc ring[6];
	struct desc table[6];
};

static const struct seed seeds[] = {
	{ "direct", 3, 0, 0, 2, { 0, 2 },
	  { { A, 0, 12, NEXT, 1 }, { A, 64, 60, WRITE, 0 },
	    { C, 0, 1514, 0, 0 } }, {} },
	{ "event_idx_wrap", 2, 1, 0xfffe, 4, { 0, 1, 2, 3 },
	  { { A, 0, 64, REPEAT(2), 0 } }, {} },
	{ "logged", 2, 5, 0, 4, { 0, 1, 2, 3 },
	  { { A, 0, 64, REPEAT(2), 0 } }, {} },
	{ "on_empty", 2, 2, 5, 2, { 0, 1 }, { { A, 0, 64, REPEAT(2), 0 } }, {} },
	{ "across", 3, 0, 0, 1, { 0 },
	  { { A | END, -8, 16, NEXT, 1 }, { A | END, -1, 2, WRITE, 0 } }, {} },
	{ "end_of_space", 3, 0, 0, 2, { 0, 1 },
	  { { D | END, -64, 64, 0, 0 }, { D | END, -64, 65, 0, 0 } }, {} },
	{ "hole", 3, 0, 0, 1, { 0 }, { { C | END, -1, 2, 0, 0 } }, {} },
	{ "loop", 3, 0, 0, 1, { 0 },
	  { { A, 0, 8, NEXT, 1 }, { A, 0, 8, NEXT, -1 } }, {} },
	{ "next_too_far", 2, 0, 0, 1, { 0 }, { { A, 0, 8, NEXT, 100 } }, {} },
	{ "read_after_write", 3, 0, 0, 1, { 0 },
	  { { A, 0, 8, NEXT | WRITE, 1 }, { A, 0, 8, 0, 0 } }, {} },
	{ "indirect", 3, 1, 0, 1, { 0 }, { { C, 0, 3, INDIRECT | X16, 0 } },
	  { { A, 0, 12, NEXT, 2 }, { A, 64, 4, WRITE, 0 },
	    { A, 0, 99, NEXT, -1 } } },
	{ "direct_indirect", 3, 0, 0, 1, { 0 },
	  { { A, 0, 12, NEXT, 1 }, { C, 0, 2, INDIRECT | X16, 0 } },
	  { { A, 0, 12, NEXT, 1 }, { A, 64, 4, WRITE, 0 } } },
	{ "nested", 3, 0, 0, 1, { 0 }, { { C, 0, 2, INDIRECT | X16, 0 } },
	  { { C, 0, 1, INDIRECT | X16, 0 } } },
	{ "table_across", 3, 0, 0, 2, { 0, 1 },
	  { { A | END, -24, 4, INDIRECT | X16, 0 },
	    { C | END, -24, 4, INDIRECT | X16, 0 } }, {} },
	{ "table_16_entries_and_more", 3, 0, 0, 1, { 0 },
	  { { C, 0, 40, INDIRECT | X16, 0 } },
	  { { A, 0, 7, NEXT | REPEAT(5), 1 }, { A, 0, 7, 0, 0 } } },
	{ "many_pieces", 10, 0, 0, 1, { 0 },
	  { { A, 0, 1, NEXT | REPEAT(10), 1 } }, {} },
	{ "too_many_pieces", 11, 0, 0, 2, { 0 },
	  { { A, 0, 1, NEXT | REPEAT(10), 1 }, { A, 0, 1, NEXT | REPEAT(9), 1 },
	    { A, 0, 1, 0, 0 } }, {} },
};

/* Every verb once or more, in the order of a handler, then disturbances. */
static const u8 steps[] = {
	6, 0, 0, 63, 3, 63, 4, 1, 5, 0, 8, 1, 0, 3, 2, 1, 0, 3, 3, 1, 3, 1,
	4, 1, 4, 1, 5, 0, 9, 3, 0, 63, 1, 0, 0, 1, 3, 9, 5, 0, 0, 0, 7, 3,
	10, 2, 0, 9, 10, 1, 4, 1, 10, 1, 5, 0, 3, 9, 4, 0, 8, 200, 0, 63,
};

struct out {
	u8 byte[512];
	size_t len;
};

static void put(struct out *out, u64 val, unsigned int len)
{
	for (; len; len--, val >>= 8)
		out->byte[out->len++] = val;
}

static void put_descs(struct out *out, const struct desc *d, bool end)
{
	unsigned int i;

	for (i = 0; i < 6 && d[i].len; i++) {
		put(out, d[i].place, 1);
		put(out, d[i].off, 2);
		put(out, d[i].len, 2);
		put(out, d[i].flags, 1);
		put(out, d[i].step, 1);
	}
	if (end)
		put(out, 0xff, 1);
}

static void put_scene(struct out *out, const struct seed *s)
{
	unsigned int i;

	put(out, s->log_num, 1);
	put(out, s->features, 1);
	put(out, 0xff, 1);
	put(out, s->idx, 2);
	put(out, s->nr_heads, 1);
	for (i = 0; i < s->nr_heads; i++)
		put(out, s->heads[i], s->log_num > 7 ? 2 : 1);
	put(out, s->log_num > 7 ? 128 : 1U << s->log_num, 1);
	/* A full ring ends the descriptors by itself. */
	put_descs(out, s->ring, true);
	put_descs(out, s->table, true);
}

static void save(const char *dir, const char *target, const char *name,
		 const struct out *out)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s/%s", dir, target, name);
	file = fopen(path, "wb");
	if (!file || fwrite(out->byte, out->len, 1, file) != 1 ||
	    fclose(file)) {
		perror(path);
		exit(1);
	}
}

static void save_scenes(const char *dir)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(seeds); i++) {
		struct out out = {};

		put_scene(&out, &seeds[i]);
		save(dir, "chain", seeds[i].name, &out);
		memcpy(out.byte + out.len, steps, sizeof(steps));
		out.len += sizeof(steps);
		save(dir, "split", seeds[i].name, &out);
		save(dir, "packed", seeds[i].name, &out);
	}
}

/* An entry of 8 bytes. */
static void put_region(struct out *out, u8 shift, s16 start, s16 size)
{
	put(out, shift, 1);
	put(out, start, 2);
	put(out, shift, 1);
	put(out, size, 2);
	put(out, out->len, 2);
}

/* Lookups at both ends of each entry, and beside them. */
static void put_lookups(struct out *out, u8 nr)
{
	int i, d;

	for (i = 0; i < nr; i++) {
		for (d = -1; d <= 1; d++) {
			put(out, i, 1);
			put(out, d, 1);
			put(out, 40, 2);
			put(out, 7, 1);
			put(out, i + 0x80, 1);
			put(out, d, 1);
			put(out, 0, 2);
			put(out, 0, 1);
		}
	}
}

static void save_table(const char *dir, const char *name, u8 shift,
		       const s16 *v, u8 nr)
{
	struct out out = {};
	int i;

	put(&out, nr, 1);
	for (i = 0; i < nr; i++)
		put_region(&out, shift, v[2 * i], v[2 * i + 1]);
	put_lookups(&out, nr);
	save(dir, "regions", name, &out);
}

/* Commands: update, invalidate, evict, translate. */
static void save_commands(const char *dir, const char *name, u8 shift)
{
	static const u8 commands[][5] = {
		{ 0, 1, 3, 3, 0 }, { 0, 4, 1, 1, 0 }, { 0, 5, 9, 2, 0 },
		{ 3, 1, 4, 1, 7 }, { 3, 2, 1, 2, 0 }, { 3, 5, 0, 1, 0 },
		{ 0, 4, 0, 3, 0 }, { 3, 4, 2, 2, 3 }, { 1, 2, 0, 0, 0 },
		{ 3, 1, 4, 1, 7 }, { 2, 0, 0, 0, 0 }, { 3, 4, 3, 1, 7 },
		{ 0, 255, 255, 3, 0 }, { 3, 255, 0, 1, 1 },
		{ 1, 0, 255, 0, 0 }, { 3, 4, 0, 1, 0 },
	};
	struct out out = {};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		put(&out, commands[i][0], 1);
		put(&out, shift, 1);
		put(&out, commands[i][1], 1);
		put(&out, commands[i][2], 1);
		put(&out, commands[i][3], 1);
		put(&out, commands[i][4], 1);
	}
	save(dir, "iotlb", name, &out);
}

/* Two updates, an invalidation, nonsense; in either version. */
static void save_messages(const char *dir, const char *name, u32 version)
{
	static const u64 body[][4] = {
		{ 0x1000, 0x2000, 0x10000000000, 2 << 8 | 3 },
		{ 0x8000, 0x1000, 0x10000004000, 2 << 8 | 1 },
		{ 0x2000, 0x1000, 0, 3 << 8 },
		{ 0, 0, 0, 3 << 8 },
		{ -4096ULL, 0x1001, 0, 2 << 8 },
		{ 0x1000, 0x1000, -1ULL, 2 << 8 | 2 },
		{ 0, 0, 0, 1 << 8 },
	};
	struct out out = {};
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(body); i++) {
		put(&out, 40, 1);
		put(&out, version, 8);
		for (j = 0; j < 4; j++)
			put(&out, body[i][j], 8);
	}
	save(dir, "message", name, &out);
}

/* Reports with misses to prefetch, reads, updates and a drop. */
static void save_misses(const char *dir, const char *name, u8 nr_prefetch)
{
	static const u8 commands[][4] = {
		{ 0, 10, 0, 0 }, { 6, 10, 0, 0 }, { 3, 0, 0, 0 }, { 0, 10, 0, 0 },
		{ 6, 10, 0, 0 }, { 2, 40, 0, 0 }, { 0, 80, 1, 1 }, { 3, 0, 0, 0 },
		{ 3, 0, 0, 0 }, { 3, 0, 0, 0 }, { 0, 14, 3, 0 }, { 6, 0, 31, 0 },
		{ 3, 0, 0, 0 }, { 7, 0, 0, 0 }, { 3, 0, 0, 0 }, { 2, 80, 0, 1 },
	};
	struct out out = {};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		put(&out, commands[i][0], 1);
		put(&out, commands[i][1], 1);
		put(&out, commands[i][0] ? commands[i][2] : nr_prefetch, 1);
		put(&out, commands[i][3], 1);
	}
	save(dir, "miss", name, &out);
}

int main(int argc, char **argv)
{
	static const s16 apart[] = { 64, 8, 1, 4, 16, 16 };
	static const s16 touch[] = { 8, 8, 0, 8, 16, 1 };
	static const s16 overlap[] = { 4, 8, 0, 16, 0, 4, 14, 8 };
	static const s16 ends[] = { -16, 16, 0, 16, -20, 8 };
	static const s16 wraps[] = { -16, 17 };
	static const s16 empty[] = { 16, 0 };

	if (argc != 2) {
		fprintf(stderr, "usage: %s DIR\n", argv[0]);
		return 2;
	}
	save_scenes(argv[1]);
	save_table(argv[1], "none", 0, NULL, 0);
	save_table(argv[1], "apart", 12, apart, 3);
	save_table(argv[1], "touch", 3, touch, 3);
	save_table(argv[1], "overlap", 0, overlap, 4);
	save_table(argv[1], "ends", 0, ends, 3);
	save_table(argv[1], "wraps", 12, wraps, 1);
	save_table(argv[1], "empty", 12, empty, 1);
	save_commands(argv[1], "bytes", 0);
	save_commands(argv[1], "pages", 12);
	save_commands(argv[1], "end_of_space", 56);
	save_messages(argv[1], "v1", 1);
	save_messages(argv[1], "v2", 2);
	save_messages(argv[1], "v3", 3);
	save_misses(argv[1], "single", 0);
	save_misses(argv[1], "few", 3);
	save_misses(argv[1], "full", 39);
	return 0;
}
