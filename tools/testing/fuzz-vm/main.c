// SPDX-License-Identifier: GPL-2.0-only
/* The command line; in-vm runs it in the VM. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loop.h"

static int explain(void)
{
	fprintf(stderr,
		"usage: fuzz loop CORPUS OUT SECONDS SEED\n"
		"       fuzz replay OUT PROGRAM|FOLDER...\n"
		"       fuzz keep OUT PROGRAM|FOLDER...    name those that reach a new block\n"
		"       fuzz print PROGRAM                 check and print it\n"
		"       fuzz gen SEED                      print a random one\n");
	return 2;
}

static int print(const char *path)
{
	struct fz_prog p;
	const char *err = fz_prog_read(&p, path);

	if (err) {
		fprintf(stderr, "%s: %s\n", path, err);
		return 1;
	}
	fz_prog_print(&p, stdout);
	return 0;
}

static int gen(const char *seed)
{
	struct fz_prog p;

	fz_seed = strtoull(seed, NULL, 0) * 2 + 1;
	fz_random(1);
	fz_gen(&p);
	fz_prog_print(&p, stdout);
	return 0;
}

/* What an operation puts in the place of a program. */
static int idle(void)
{
	usleep(20000);
	return 0;
}

static int finish(const char *err)
{
	if (!err)
		return 0;
	fprintf(stderr, "fuzz: %s\n", err);
	return 1;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (!strcmp(what, "idle"))
		return idle();
	if (!strcmp(what, "print") && argc == 3)
		return print(argv[2]);
	if (!strcmp(what, "gen") && argc == 3)
		return gen(argv[2]);
	if (argc < 4)
		return explain();
	if (!fz_cover_open())
		fprintf(stderr, "fuzz: no /sys/kernel/debug/vdcover: coverage is not counted\n");
	if (!strcmp(what, "replay") || !strcmp(what, "keep"))
		return finish(fz_replay((const char *const *)argv + 3, argv[2],
					!strcmp(what, "keep")));
	if (strcmp(what, "loop") || argc != 6)
		return explain();
	fz_seed = strtoull(argv[5], NULL, 0) * 2 + 1;
	return finish(fz_loop(argv[2], argv[3], atoi(argv[4])));
}
