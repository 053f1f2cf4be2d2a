// SPDX-License-Identifier: GPL-2.0-only
/* Programs as text. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "prog.h"

static char why[160];

static bool parse_number(const char *word, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(word, &end, 0);
	return end != word && !*end && !errno;
}

static bool parse_name(const struct fz_kind *kind, const char *word, uint64_t *value)
{
	const struct fz_name *n = kind->names;

	for (; n && n->name; n++) {
		if (strcmp(n->name, word))
			continue;
		*value = n->value;
		return true;
	}
	return false;
}

static bool parse_value(const struct fz_kind *kind, const char *word, uint64_t *value)
{
	size_t len = kind->prefix ? strlen(kind->prefix) : 0;

	if (parse_name(kind, word, value))
		return true;
	if (len && strncmp(word, kind->prefix, len))
		return false;
	return parse_number(word + len, value);
}

static bool parse_flags(const struct fz_kind *kind, char *word, uint64_t *value)
{
	char *save, *name = strtok_r(word, "+", &save);
	uint64_t flag;

	for (*value = 0; name; name = strtok_r(NULL, "+", &save)) {
		if (!parse_value(kind, name, &flag))
			return false;
		*value |= flag;
	}
	return true;
}

static const char *parse_args(struct fz_op *op)
{
	const struct fz_op_spec *spec = &fz_ops[op->code];
	unsigned int i;
	char *word;

	for (i = 0; spec->kind[i] != FZ_END; i++) {
		const struct fz_kind *kind = &fz_kinds[spec->kind[i]];

		word = strtok(NULL, " \t\n");
		if (!word) {
			snprintf(why, sizeof(why), "%s has fewer than %u arguments",
				 spec->name, fz_op_nr_args(op->code));
			return why;
		}
		if (kind->is_flags ? parse_flags(kind, word, &op->arg[i]) :
				     parse_value(kind, word, &op->arg[i]))
			continue;
		snprintf(why, sizeof(why), "%s: argument %u cannot be %.40s", spec->name,
			 i + 1, word);
		return why;
	}
	return strtok(NULL, " \t\n") ? "more arguments than the operation has" : NULL;
}

const char *fz_prog_parse_line(struct fz_prog *p, char *line)
{
	struct fz_op op = { 0 };
	const char *err;
	char *name;
	int code;

	line[strcspn(line, "#")] = '\0';
	name = strtok(line, " \t\n");
	if (!name)
		return NULL;
	code = fz_op_find(name);
	if (code < 0) {
		snprintf(why, sizeof(why), "no operation %.40s", name);
		return why;
	}
	op.code = code;
	err = parse_args(&op);
	if (err)
		return err;
	return fz_prog_add(p, p->nr, &op) ? NULL : "too many operations";
}

const char *fz_prog_read(struct fz_prog *p, const char *path)
{
	FILE *f = fopen(path, "re");
	const char *err = NULL;
	char line[256];

	p->nr = 0;
	if (!f)
		return strerror(errno);
	while (!err && fgets(line, sizeof(line), f))
		err = fz_prog_parse_line(p, line);
	fclose(f);
	return err;
}

static void print_number(const struct fz_kind *kind, uint64_t value, FILE *f)
{
	fprintf(f, value < 10000 ? "%s%" PRIu64 : "%s%#" PRIx64,
		kind->prefix && !kind->is_flags ? kind->prefix : "", value);
}

static void print_value(const struct fz_kind *kind, uint64_t value, FILE *f)
{
	const struct fz_name *n = kind->names;

	for (; n && n->name; n++)
		if (n->value == value) {
			fputs(n->name, f);
			return;
		}
	print_number(kind, value, f);
}

static void print_flags(const struct fz_kind *kind, uint64_t value, FILE *f)
{
	const struct fz_name *n = kind->names;
	const char *plus = "";

	for (; n->name; n++) {
		if (!(value & n->value))
			continue;
		fprintf(f, "%s%s", plus, n->name);
		value &= ~n->value;
		plus = "+";
	}
	if (value || !*plus) {
		fputs(plus, f);
		print_number(kind, value, f);
	}
}

void fz_prog_print(const struct fz_prog *p, FILE *f)
{
	unsigned int i, j;

	for (i = 0; i < p->nr; i++) {
		const struct fz_op_spec *spec = &fz_ops[p->op[i].code];

		fputs(spec->name, f);
		for (j = 0; spec->kind[j] != FZ_END; j++) {
			const struct fz_kind *kind = &fz_kinds[spec->kind[j]];

			fputc(' ', f);
			if (kind->is_flags)
				print_flags(kind, p->op[i].arg[j], f);
			else
				print_value(kind, p->op[i].arg[j], f);
		}
		fputc('\n', f);
	}
}

int fz_prog_write(const struct fz_prog *p, const char *path)
{
	FILE *f = fopen(path, "we");

	if (!f)
		return -errno;
	fz_prog_print(p, f);
	return fclose(f) ? -errno : 0;
}
