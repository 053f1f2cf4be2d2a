# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Packages of Debian: tools, which are installed, and packages of any release and
# architecture, which are downloaded and unpacked, never installed. The latter
# come by an apt configuration in the cache; the machine's own lists and sources
# stay as they are.

have_candidate() {
	[[ $(apt-cache policy "$1" 2>/dev/null) == *"Candidate: "[!\(]* ]]
}

apt_update() {
	[ -z "${APT_UPDATED:-}" ] || return 1
	APT_UPDATED=1
	say "refreshing the package lists (apt-get update)"
	as_root apt-get update -qq || say "apt-get update had errors; continuing with the lists that it fetched"
}

# Package lists that are absent or name versions the mirror no longer has are
# refreshed once; usable lists are left alone.
apt_install() {
	local opts=(-y -qq --no-install-recommends -o DPkg::Lock::Timeout=300
		-o Dpkg::Use-Pty=0)

	say "installing through apt: $*"
	have_candidate "$1" || apt_update || true
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install "${opts[@]}" "$@" >&2 ||
		{ apt_update && as_root env DEBIAN_FRONTEND=noninteractive \
			apt-get install "${opts[@]}" "$@" >&2; } ||
		die "apt could not install: $* (see above; then run: apt-get install $*)"
}

# mirror_of SUFFIX: the address from which this machine takes the suite of its
# own release with this suffix ('' or -security). apt reads both formats of sources.
mirror_of() {
	local codename

	# shellcheck source=/dev/null
	codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	# shellcheck disable=SC2016 # apt expands them
	apt-get indextargets --no-release-info --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' \
		'Created-By: Packages' 2>/dev/null |
		awk -v own="$codename$1" -v alias="^(stable|oldstable|testing)$1\$" '
			$3 == "main" && ($2 == own || $2 ~ alias) { print $1; exit }'
}

# suite_sources SUITE: the lines of a sources.list for SUITE and what it builds on.
suite_sources() {
	local release=${1%-backports} keyring main security

	main=$(mirror_of '')
	security=$(mirror_of -security)
	[ -n "$main" ] || die "apt's sources name no suite of this machine's own Debian release (see /etc/apt/sources.list*)"
	for keyring in /usr/share/keyrings/debian-archive-keyring.{pgp,gpg} ''; do
		[ ! -f "$keyring" ] || break
	done
	[ -n "$keyring" ] || die "no archive keys in /usr/share/keyrings; run: apt-get install debian-archive-keyring"
	echo "deb [signed-by=$keyring] $main $release main"
	[ "$1" = "$release" ] || echo "deb [signed-by=$keyring] $main $1 main"
	[ -z "$security" ] || echo "deb [signed-by=$keyring] $security $release-security main"
}

# use_suite SUITE ARCH: make suite_apt work on SUITE, seen by a machine of ARCH.
# The lists are fetched once in a run.
use_suite() {
	local dir=$CACHE/apt/$1-$2 sources

	suite=$1 suite_config=$dir/apt.conf
	[[ " ${SUITES_READ:-} " != *" $1-$2 "* ]] || return 0
	sources=$(suite_sources "$1")
	mkdir -p "$dir"/state/lists/partial "$dir"/cache/archives/partial
	: >"$dir/status"
	printf '%s\n' "$sources" >"$dir/sources.list"
	cat >"$suite_config" <<-C
		Dir::State "$dir/state";
		Dir::State::status "$dir/status";
		Dir::Cache "$dir/cache";
		Dir::Etc::sourcelist "$dir/sources.list";
		Dir::Etc::sourceparts "/dev/null";
		Dir::Etc::preferencesparts "/dev/null";
		APT::Architecture "$2";
		APT::Architectures { "$2"; };
		APT::Sandbox::User "root";
		Acquire::Languages "none";
	C
	say "reading the package lists of $1 ($2)"
	suite_apt apt-get update -qq --error-on=any >&2 ||
		die "cannot read the package lists of $1 (see above; NO_PUBKEY means that debian-archive-keyring is too old: apt-get install debian-archive-keyring)"
	SUITES_READ+=" $1-$2"
}

suite_apt() {
	APT_CONFIG=$suite_config "$@"
}

# fetch_deb DIR PACKAGE...: download packages of the suite and unpack them in DIR.
# Symbolic links of DIR to folders are followed, as dpkg does it.
fetch_deb() {
	local dir=$1 debs pkg file

	shift
	debs=$(mktemp -d "$dir/debs.XXXXXX")
	for pkg in "$@"; do
		say "downloading $pkg"
		(cd "$debs" && suite_apt apt-get download -qq "$pkg") >&2 ||
			die "cannot download the package $pkg of $suite (check the network)"
	done
	for file in "$debs"/*.deb; do
		dpkg-deb --fsys-tarfile "$file" | tar -x -C "$dir" --keep-directory-symlink ||
			die "cannot unpack ${file##*/}"
	done
	rm -rf "$debs"
}

# dep_of PACKAGE PREFIX: the first dependency that starts with PREFIX.
dep_of() {
	suite_apt apt-cache depends --important "$1" 2>/dev/null |
		sed -n "s/^ *|\?Depends: \($2.*\)/\1/p" | head -n1
}

# suite_has PACKAGE: the suite has it, in any version.
suite_has() {
	[ -n "$(suite_apt apt-cache madison "$1" 2>/dev/null)" ]
}

# source_version RELEASE: the newest version of its source package in the suite.
source_version() {
	suite_apt apt-cache policy "linux-source-$1" | sed -n 's/^ *Candidate: //p'
}

# fetch_source RELEASE DIR: the unpacked source.
fetch_source() {
	local tmp
	tmp=$(mktemp -d "$2.XXXXXX")

	fetch_deb "$tmp" "linux-source-$1"
	mkdir -p "$2"
	xz -T0 -dc "$tmp/usr/src/linux-source-$1.tar.xz" |
		tar -x -C "$2" --strip-components=1 --no-same-owner
	rm -rf "$tmp"
}
