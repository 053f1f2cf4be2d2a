#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The 7.x headers call this script and do not bring it: print 1 when the checker
# in the arguments understands the C that they are written in.
if echo 'int f(int a); int f(int a) { __typeof_unqual__(a) b = a; return b; }' |
	"$@" - 2>&1 | grep -q .; then echo 0; else echo 1; fi
