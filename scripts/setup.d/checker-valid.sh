#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The 7.x headers call this script but lack it: print 1 if the checker in the arguments
# supports the C dialect of these headers.
if echo 'int f(int a); int f(int a) { __typeof_unqual__(a) b = a; return b; }' |
	"$@" - 2>&1 | grep -q .; then echo 0; else echo 1; fi
