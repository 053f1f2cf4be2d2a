# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Jobs of scripts/test and run-programs: one run of a test program on a device,
# written NODE:PATH, or NODE:PATH@LAYOUT for other rings than split ones. NODE is a
# name in /dev.

# job NODE PATH [LAYOUT]
job() {
	echo "$1:$2${3:+@$3}" | sed 's/@split$//'
}

job_node() {
	echo "${1%%:*}"
}

job_path() {
	local path=${1#*:}

	echo "${path%@*}"
}

job_layout() {
	case $1 in
	*@*) echo "${1##*@}" ;;
	*) echo split ;;
	esac
}

# job_program JOB: the program's name, with @LAYOUT if the job has one.
job_program() {
	basename "${1#*:}" .sh
}

# job_name JOB: the name of its log, which no other job of a run has.
job_name() {
	echo "$(job_node "$1").$(job_program "$1")"
}
