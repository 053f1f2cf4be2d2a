# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# A real libvirtd in the host VM, in a root of its own (scripts/setup root libvirt),
# confined by AppArmor where the kernel has it, unless VD_APPARMOR=no. It runs after a
# pivot_root(), so that AppArmor sees the paths of a usual host. The shell's functions
# for guests work on its domains: one at a time is the current guest.
# shellcheck source=tools/testing/selftests/viaduct/guest/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

libvirt_root=libvirt${VD_LIBVIRT:+-$VD_LIBVIRT}
libvirt_home='' libvirt_pid=''
declare -A domain_state=()
domain=''

need_libvirt() {
	[ -e "$CACHE/roots/$libvirt_root" ] && return
	echo "1..0 # SKIP libvirt is missing (scripts/setup root $libvirt_root)"
	exit 4
}

# make_root: sets libvirt_home, a writable copy of the root, with the folders and
# owners that the packages' scripts would make.
make_root() {
	local dir user=64055

	libvirt_home=$scratch/root
	chmod 755 "$scratch"
	mkdir "$scratch/upper" "$scratch/work" "$libvirt_home"
	mount -t overlay -o "lowerdir=$CACHE/roots/$libvirt_root,upperdir=$scratch/upper,workdir=$scratch/work" \
		libvirt "$libvirt_home"
	mountpoint -q /sys/kernel/security || mount -t securityfs securityfs /sys/kernel/security
	mountpoint -q /sys/fs/cgroup || mount -t cgroup2 cgroup2 /sys/fs/cgroup
	for dir in dev proc sys; do
		mount --rbind "/$dir" "$libvirt_home/$dir"
	done
	mount -t tmpfs tmpfs "$libvirt_home/run"
	mkdir -p "$libvirt_home/mnt" "$libvirt_home$scratch" "$libvirt_home"/var/lib/libvirt/{qemu,images} \
		"$libvirt_home"/var/{log,cache}/libvirt/qemu "$libvirt_home/etc/apparmor.d/local/abstractions"
	mount --bind "$scratch" "$libvirt_home$scratch"
	chown -R $user:$user "$libvirt_home"/var/{lib,cache}/libvirt/qemu
	tr -d - </proc/sys/kernel/random/uuid >"$libvirt_home/etc/machine-id"
	cp "$(kernel_image "$(kernel_home "$guest_kernel")" "$(kernel_release "$(kernel_home "$guest_kernel")")")" \
		"$libvirt_home/var/lib/libvirt/images/kernel"
	cp "$(guest_image)" "$libvirt_home/var/lib/libvirt/images/initrd"
	ln -sf /proc/self/mounts "$libvirt_home/etc/mtab"
	# A folder in the package: its maintainer script makes the link.
	rm -rf "$libvirt_home/var/run"
	ln -s /run "$libvirt_home/var/run"
	# As udev would.
	chgrp 61 /dev/kvm
	chmod 660 /dev/kvm
	chmod 666 /dev/net/tun
}

has_apparmor() {
	[ "${VD_APPARMOR:-}" != no ] && [ -e /sys/kernel/security/apparmor/profiles ]
}

# load_profiles: of libvirtd and its helper; those of domains include local files.
load_profiles() {
	local profile

	# The same rules in a larger automaton, in a third of the time: libvirt compiles
	# a domain's profile again for each file that the domain may use.
	echo 'Optimize=no-expr-simplify' >>"$libvirt_home/etc/apparmor/parser.conf"
	for profile in abstractions/libvirt-qemu usr.sbin.libvirtd usr.lib.libvirt.virt-aa-helper; do
		touch "$libvirt_home/etc/apparmor.d/local/$profile"
	done
	for profile in usr.sbin.libvirtd usr.lib.libvirt.virt-aa-helper; do
		chroot "$libvirt_home" /sbin/apparmor_parser -r "/etc/apparmor.d/$profile"
	done
}

# permit_node: the rule for domains, where the packages put it; the abstraction of
# Debian 12 includes its local file only.
permit_node() {
	local dir=$libvirt_home/etc/apparmor.d rule=$REPO/packaging/libvirt/libvirt-qemu.d/viaduct

	if grep -q libvirt-qemu.d "$dir/abstractions/libvirt-qemu"; then
		mkdir -p "$dir/abstractions/libvirt-qemu.d"
		cp "$rule" "$dir/abstractions/libvirt-qemu.d/"
	else
		cat "$rule" >>"$dir/local/abstractions/libvirt-qemu"
	fi
}

# start_libvirtd: its settings are Debian's, but for programs that this root lacks:
# polkit, and virtlogd, which would own the consoles.
start_libvirtd() {
	local end=$((SECONDS + 60))

	printf '%s\n' 'auth_unix_rw = "none"' 'auth_unix_ro = "none"' "log_outputs = \"2:file:$scratch/libvirtd.log\"" \
		>>"$libvirt_home/etc/libvirt/libvirtd.conf"
	echo 'stdio_handler = "file"' >>"$libvirt_home/etc/libvirt/qemu.conf"
	if has_apparmor; then
		load_profiles || return 1
	else
		echo 'security_driver = "none"' >>"$libvirt_home/etc/libvirt/qemu.conf"
	fi
	guest_hold_kvm
	# shellcheck disable=SC2016 # the inner shell expands it
	unshare -m --propagation private sh -c 'cd "$1" && pivot_root . mnt && exec /usr/sbin/libvirtd' \
		sh "$libvirt_home" >"$scratch/libvirtd.out" 2>&1 &
	libvirt_pid=$!
	until virsh version 2>/dev/null | grep -E 'library|hypervisor'; do
		kill -0 $libvirt_pid || { cat "$scratch/libvirtd.out" && return 1; }
		[ $SECONDS -lt $end ] || { virsh version; return 1; }
		sleep 0.5
	done
	echo "libvirtd is confined by AppArmor: $(tr -d '\0' <"/proc/$libvirt_pid/attr/current" 2>/dev/null || echo no)"
}

virsh() {
	LC_ALL=C timeout 280 nsenter -t "$libvirt_pid" -m -r -w /usr/bin/virsh -q -c qemu:///system "$@"
}

# interface_xml NET BACKEND DRIVER: an interface on the bridge. BACKEND is a vhost
# device, empty for libvirt's default; DRIVER more attributes of the driver.
interface_xml() {
	local backend=''

	[ -z "$2" ] || backend="<backend vhost='$2'/>"
	cat <<X
<interface type='bridge'>
  <mac address='$(guest_mac "$1")'/>
  <source bridge='$BRIDGE'/>
  <target dev='tap$1'/>
  <model type='virtio'/>
  <driver name='vhost'${3:+ $3}/>
  $backend
  <rom enabled='no'/>
</interface>
X
}

# domain_xml NAME INTERFACE...
domain_xml() {
	local dir=$scratch/$1

	cat <<X
<domain type='kvm'>
<name>$1</name>
<memory unit='MiB'>176</memory>
<vcpu>$guest_smp</vcpu>
<os>
  <type arch='x86_64' machine='q35'>hvm</type>
  <kernel>/var/lib/libvirt/images/kernel</kernel>
  <initrd>/var/lib/libvirt/images/initrd</initrd>
  <cmdline>$(guest_kernel_args)</cmdline>
</os>
<features><acpi/></features>
<cpu mode='host-passthrough' check='none'/>
<on_poweroff>destroy</on_poweroff>
<on_reboot>destroy</on_reboot>
<on_crash>destroy</on_crash>
<devices>
  <emulator>/usr/bin/qemu-system-x86_64</emulator>
  <controller type='usb' model='none'/>
  <controller type='pci' model='pcie-root'/>
$(for _ in 1 2 3 4 5; do echo "  <controller type='pci' model='pcie-root-port'/>"; done)
  <serial type='file'><source path='$dir/console'/><target port='0'/></serial>
  <serial type='pipe'><source path='$dir/cmd'/><target port='1'/></serial>
$(shift && printf '%s\n' "$@")
  <memballoon model='none'/>
</devices>
</domain>
X
}

# use_domain NAME: it is the guest of guest_run.
use_domain() {
	[ -z "$domain" ] || domain_state[$domain]="$guest_pid $guest_to $guest_from $guest_request"
	domain=$1 guest_dir=$scratch/$1
	read -r guest_pid guest_to guest_from guest_request <<<"${domain_state[$1]}"
}

# define_domain NAME INTERFACE...
define_domain() {
	local dir=$scratch/$1 to from

	mkdir -p "$dir"
	mkfifo "$dir/cmd.in" "$dir/cmd.out"
	: >"$dir/console"
	chmod 755 "$dir"
	domain_xml "$@" >"$dir.xml"
	virsh define "$dir.xml" || return 1
	exec {to}<>"$dir/cmd.in" {from}<>"$dir/cmd.out"
	domain_state[$1]="0 $to $from 0"
}

# boot_domain NAME: start it, and wait until the guest answers.
boot_domain() {
	virsh destroy "$1" 2>/dev/null || true
	if ! virsh start "$1"; then
		tail -n 5 "$libvirt_home/var/log/libvirt/qemu/$1.log"
		tail -n 20 "$scratch/libvirtd.log"
		dmesg | grep apparmor= | tail -n 20
		return 1
	fi
	use_domain "$1"
	guest_request=0
	find_qemu && guest_reply 100
}

# find_qemu: sets guest_pid for the domain, which has a new process.
find_qemu() {
	guest_pid=$(cat "$libvirt_home/run/libvirt/qemu/$domain.pid" 2>/dev/null ||
		nsenter -t "$libvirt_pid" -m -r cat "/run/libvirt/qemu/$domain.pid")
	[ -n "$guest_pid" ] && [ -d "/proc/$guest_pid" ]
}

# nodes_held NODE: how many descriptors of the node the domain's QEMU has.
nodes_held() {
	find -L "/proc/$guest_pid/fd" -samefile "$1" 2>/dev/null | wc -l
}

# holds VIADUCT REFERENCE: the domain's QEMU has this many descriptors of each node;
# those of this module show themselves as such in fdinfo.
holds() {
	local ours theirs shown

	ours=$(nodes_held "$VHOST_DEV") theirs=$(nodes_held /dev/vhost-net)
	shown=$(grep -l '^viaduct-device:' "/proc/$guest_pid"/fdinfo/* | wc -l)
	echo "$domain: QEMU $guest_pid holds $ours of $VHOST_DEV, $theirs of /dev/vhost-net; fdinfo of $shown"
	[ "$ours $theirs $shown" = "$1 $2 $1" ]
}

# fdinfo_values KEY: of each descriptor of this module that the domain's QEMU has.
fdinfo_values() {
	sed -n "s/^viaduct-$1:\t//p" "/proc/$guest_pid"/fdinfo/*
}

# shellcheck disable=SC2317 # the trap calls it
end_of_libvirt() {
	local name

	for name in "${!domain_state[@]}"; do
		virsh destroy "$name" >/dev/null 2>&1 || true
	done
	guest_pid=
	[ -z "$libvirt_pid" ] || kill "$libvirt_pid" 2>/dev/null || true
	[ -z "$libvirt_pid" ] || wait "$libvirt_pid" 2>/dev/null || true
	[ -z "$libvirt_home" ] || umount -l "$libvirt_home" 2>/dev/null || true
	clean_up
	ip link delete "$BRIDGE" 2>/dev/null || true
}
