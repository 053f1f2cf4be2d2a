/* SPDX-License-Identifier: GPL-2.0-only */
/* A fuzzer's input, taken from the front; what is missing at its end is 0. */
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include <linux/types.h>

struct input {
	const u8 *data;
	size_t left;
};

static inline u64 input_take(struct input *in, unsigned int len)
{
	u64 val = 0;
	unsigned int i;

	for (i = 0; i < len && in->left; i++) {
		val |= (u64)*in->data++ << (8 * i);
		in->left--;
	}
	return val;
}

static inline u8 input_u8(struct input *in)
{
	return input_take(in, 1);
}

static inline u16 input_u16(struct input *in)
{
	return input_take(in, 2);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

#endif
