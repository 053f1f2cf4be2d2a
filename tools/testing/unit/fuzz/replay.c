// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: replay_TARGET [-v] FILE... runs a fuzz target on inputs, without
 * clang; -v names each before it is run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/input.h"
#include "umem.h"

static void replay(const char *path)
{
	FILE *file = fopen(path, "rb");
	size_t len, room = 1 << 20;
	u8 *data = malloc(room);

	if (!file || !data)
		umem_die("cannot read %s", path);
	len = fread(data, 1, room, file);
	fclose(file);
	/* The target gets a buffer with nothing behind it. */
	data = realloc(data, len + !len);
	LLVMFuzzerTestOneInput(data, len);
	free(data);
}

int main(int argc, char **argv)
{
	bool is_verbose = argc > 1 && !strcmp(argv[1], "-v");
	const char *name = strrchr(argv[0], '/');
	int first = 1 + is_verbose, i;

	for (i = first; i < argc; i++) {
		if (is_verbose)
			fprintf(stderr, "# %s\n", argv[i]);
		replay(argv[i]);
	}
	umem_reset();
	printf("ok - %s: %d inputs\n", name ? name + 1 : argv[0], argc - first);
	return argc > first ? 0 : 1;
}
