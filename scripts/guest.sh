# shellcheck shell=bash disable=SC2153
# SPDX-License-Identifier: GPL-2.0-only
# Start a QEMU guest, run commands in it, end it. For use inside the host VM, by the
# demo and the tests; the image is built outside (scripts/guest build), since
# the cache is read-only there. One guest at a time for each shell.

# shellcheck source=scripts/initramfs.sh
. "$(dirname "${BASH_SOURCE[0]}")/initramfs.sh"
# shellcheck source=scripts/emulator.sh
. "$(dirname "${BASH_SOURCE[0]}")/emulator.sh"

guest_append=$EMULATOR_GUEST_BOOT_OPTIONS
guest_mem=384M guest_mem_slots='' guest_smp=1 guest_boot_limit=90 guest_machine_args=() guest_qemu_args=()
# guest_mem_slots: room for memory that is plugged in later (",slots=2,maxmem=1G").
# A ROM image that boots the guest instead of QEMU, and the machine that it supports.
guest_firmware='' guest_machine=q35
# More options of a network's -netdev, by its number: ",poll-us=10".
declare -A guest_netdev_args=()
# Queue pairs of each card. More than one needs taps with multi_queue.
guest_queues=1
guest_pid='' guest_dir='' guest_request=0

# The guest's kernel does not depend on the host's, so that figures of two
# hosts differ by the host alone. VD_GUEST_KERNEL names another one.
guest_kernel=${VD_GUEST_KERNEL:-6.1}
# More modules and programs of a guest.
guest_modules='' guest_programs=()

guest_image() {
	local programs

	# Those that this host has: scripts/guest build needs all of them.
	mapfile -t programs < <(type -P iperf3 ethtool sockperf)
	pack_initramfs guest "$(kernel_home "$guest_kernel")" "$ROOT/scripts/guest.d/init" \
		"virtio_pci virtio_net virtio_balloon e1000e $guest_modules" \
		"${programs[@]}" ${guest_programs[@]+"${guest_programs[@]}"}
}

# Network N joins host and guest over the device tapN: the host is 192.168.N.1,
# the guest 192.168.N.2, and its card carries N in the fifth byte of its MAC,
# from which the guest's init takes the address. A test that makes a tunnel on a
# network sets guest_prefix to the first two bytes of the tunnel's addresses.
guest_prefix=192.168

guest_ip() {
	echo "$guest_prefix.$1.2"
}

host_ip() {
	echo "$guest_prefix.$1.1"
}

guest_mac() {
	printf '52:54:00:00:%02x:02\n' "$1"
}

# guest_tap N: make tapN with the host's address on it.
guest_tap() {
	# shellcheck disable=SC2046 # a word or none
	ip tuntap add "tap$1" mode tap $([ "$guest_queues" = 1 ] || echo multi_queue)
	echo 1 >"/proc/sys/net/ipv6/conf/tap$1/disable_ipv6"
	ip addr add "192.168.$1.1/24" dev "tap$1"
	ip link set "tap$1" up
}

# guest_add_net N VHOST NIC [TAP]: append to QEMU's arguments. The vhost
# descriptor is opened here and inherited by QEMU, as a management program would
# do it. A VHOST of user:PATH is a socket of a vhost-user back end, which needs
# guest_share_memory.
guest_add_net() {
	local tap=${4:-tap$1} vhost=$2 nic netdev=tap,id=net$1 fd

	nic=$(emulator_nic "$3")
	if [[ $vhost == user:* ]]; then
		args+=(-chardev "socket,id=user$1,path=${vhost#user:},reconnect=1"
			-netdev "vhost-user,id=net$1,chardev=user$1,queues=$guest_queues"
			-device "$nic,netdev=net$1,mac=$(guest_mac "$1"),romfile=")
		return
	fi
	if [ "$guest_queues" != 1 ]; then
		guest_add_queues "$@"
		return
	fi
	if [ -e "/sys/class/net/$tap/macvtap" ]; then
		exec {fd}<>"/dev/tap$(cat "/sys/class/net/$tap/ifindex")"
		netdev+=,fd=$fd
	else
		netdev+=,ifname=$tap,script=no,downscript=no
	fi
	if [ "$vhost" = off ]; then
		netdev+=,vhost=off
	else
		exec {fd}<>"$vhost"
		netdev+=,vhost=on,vhostfd=$fd
	fi
	netdev+=${guest_netdev_args[$1]:-}
	args+=(-netdev "$netdev" -device "$nic,netdev=net$1,mac=$(guest_mac "$1"),romfile=")
}

# The same for a card with guest_queues queue pairs.
guest_add_queues() {
	local tap=${4:-tap$1} nic first=100 fds='' vhostfds='' fd i

	nic=$(emulator_nic "$3")
	for ((i = 0; i < guest_queues; i++)); do
		exec {fd}<>"$2"
		vhostfds+=:$fd
		fds+=:$((first + i))
	done
	qemu=("$ROOT/scripts/guest.d/with-taps" "$tap" "$first" "$guest_queues" "${qemu[@]}")
	args+=(-netdev "tap,id=net$1,fds=${fds#:},vhost=on,vhostfds=${vhostfds#:}"
		-device "$nic,netdev=net$1,mac=$(guest_mac "$1"),romfile=")
}

# guest_add_iommu MODE N...: an IOMMU for the guest, which it uses in strict mode
# (an invalidation for each buffer) or lazy mode (many buffers at once), and
# root ports for the cards of networks N. Directly on the bus a card is an
# integrated endpoint without ATS, and QEMU then passes no lazy invalidation of the
# guest on to vhost.
guest_add_iommu() {
	local mode=$1 net

	shift
	guest_machine_args+=(-device "intel-iommu,device-iotlb=on,intremap=off")
	for net in "$@"; do
		guest_machine_args+=(-device "pcie-root-port,id=rootport$net,chassis=$net,slot=$net")
	done
	guest_append+=" intel_iommu=on iommu=nopt iommu.strict=$([ "$mode" = strict ] && echo 1 || echo 0)"
}

# guest_iommu_nic N: properties of a virtio-net-pci that is behind that IOMMU.
guest_iommu_nic() {
	echo "disable-legacy=on,iommu_platform=on,ats=on,bus=rootport$1"
}

# guest_share_memory: let a vhost-user back end map the guest's memory.
guest_share_memory() {
	guest_machine=q35,memory-backend=mem
	guest_machine_args+=(-object "memory-backend-memfd,id=mem,size=$guest_mem,share=on")
}

guest_kernel_args() {
	echo "console=ttyS0 loglevel=4 panic=-1 mitigations=off $guest_append"
}

# Sets args of guest_qemu. A firmware reads commands from its console: they
# are written to firmware.in. Its output must be drained, or the pipe fills.
guest_add_boot() {
	local home rel

	if [ -n "$guest_firmware" ]; then
		mkfifo "$guest_dir/firmware.in" "$guest_dir/firmware.out"
		cat "$guest_dir/firmware.out" >/dev/null &
		args+=(-bios "$guest_firmware" -serial chardev:firmware
			-chardev "pipe,id=firmware,path=$guest_dir/firmware,logfile=$guest_dir/console")
		return
	fi
	home=$(kernel_home "$guest_kernel")
	rel=$(kernel_release "$home")
	args+=(-kernel "$(kernel_image "$home" "$rel")" -initrd "$guest_initramfs"
		-append "$(guest_kernel_args)" -serial "file:$guest_dir/console")
}

# guest_qemu_command: the words of QEMU's command, one a line: this machine's
# QEMU, or with VD_QEMU=newest that of scripts/setup root qemu.
guest_qemu_command() {
	local root=$CACHE/roots/qemu dir

	if [ "${VD_QEMU:-}" != newest ]; then
		echo qemu-system-x86_64
		return
	fi
	[ -e "$root" ] || die "the newest QEMU is missing; run: scripts/setup root qemu"
	printf '%s\n' "$root/usr/lib64/ld-linux-x86-64.so.2" --library-path \
		"$root/usr/lib/x86_64-linux-gnu" "$root/usr/bin/qemu-system-x86_64"
	for dir in qemu seabios; do
		printf '%s\n' -L "$root/usr/share/$dir"
	done
}

guest_qemu() {
	local qemu args=(-accel tcg) net pid

	mapfile -t qemu < <(guest_qemu_command)
	[ ! -w /dev/kvm ] || args=(-accel kvm -cpu host)
	# Devices that must precede the cards, such as an IOMMU.
	args+=(${guest_machine_args[@]+"${guest_machine_args[@]}"})
	for net in "$@"; do
		# shellcheck disable=SC2086 # three words, or four
		guest_add_net $net
	done
	guest_add_boot
	# The number that /proc has for this process, which becomes QEMU: not $! in a PID
	# namespace without a /proc of its own.
	read -r pid _ </proc/self/stat
	echo "$pid" >"$guest_dir/pid"
	exec "${qemu[@]}" "${args[@]}" -M "$guest_machine" -m "$guest_mem$guest_mem_slots" -smp "$guest_smp" -nodefaults \
		-no-user-config -display none -no-reboot -chardev "pipe,id=cmd,path=$guest_dir/cmd" \
		-serial chardev:cmd "${guest_qemu_args[@]}" </dev/null >"$guest_dir/qemu.log" 2>&1
}

# guest_runs: QEMU has neither ended nor stopped the guest for ever, which it does
# when KVM reports an internal error.
guest_runs() {
	kill -0 "$guest_pid" 2>/dev/null && ! grep -qs '^KVM internal error' "$guest_dir/qemu.log"
}

# guest_is_dead: QEMU has ended, or the guest's kernel has, or it hangs.
guest_is_dead() {
	[ -n "$guest_pid" ] || return 1
	! guest_runs ||
		grep -qE 'Oops|BUG:|Kernel panic|general protection' "$guest_dir/console" ||
		! guest_run 10 true >/dev/null
}

# guest_spawn NET...: start QEMU without waiting. guest_qemu_args, when set, are
# more arguments for it. Returns 1 if there is no image.
guest_spawn() {
	guest_hold_kvm
	guest_initramfs=$(guest_image) || return 1
	guest_dir=$(mktemp -d /run/guest.XXXXXX)
	mkfifo "$guest_dir/cmd.in" "$guest_dir/cmd.out"
	exec {guest_to}<>"$guest_dir/cmd.in" {guest_from}<>"$guest_dir/cmd.out"
	guest_request=0
	(guest_qemu "$@") &
	guest_pid=$!
}

# guest_start NET...: start the guest and wait until it answers. Each NET is
# "N VHOST NIC [TAP]": network number; off or the vhost node; device and
# properties; another tap than tapN.
# Returns 1, after a message with the reason, if the guest does not come up.
guest_start() {
	guest_spawn "$@" || return 1
	guest_reply "$guest_boot_limit" >/dev/null && return 0
	say "the guest ($*) did not come up; the end of its console and QEMU's messages:"
	tail -n5 "$guest_dir/console" >&2 || true
	head -n20 "$guest_dir/qemu.log" >&2 || true
	guest_kill
	return 1
}

# guest_reply LIMIT: print what the guest sends up to the end mark of the
# current request; its status is the result, 124 if the guest does not answer.
guest_reply() {
	local line part='' end=$((SECONDS + $1)) mark="@@$guest_request "

	while [ $SECONDS -le $end ]; do
		guest_runs || return 124
		# A line that is not whole within the second is in $line, and gone
		# from the pipe.
		IFS= read -r -t 1 -u "$guest_from" line || { part+=$line && continue; }
		line=$part$line part=
		case $line in
		"$mark"*)
			line=${line#"$mark"}
			return "${line%% *}"
			;;
		@@*) ;;
		'') ;;
		*) printf '%s\n' "$line" ;;
		esac
	done
	return 124
}

# guest_run LIMIT COMMAND: run COMMAND (one line of sh) in the guest. Empty
# lines of its output are dropped.
guest_run() {
	guest_request=$((guest_request + 1))
	printf '%s %s\n' "$guest_request" "$2" >&"$guest_to"
	guest_reply "$1"
}

# guest_answers N LIMIT [PREFIX...]: wait for the first answer to a ping. Not left to
# ping's own deadline: it ends with the first "host unreachable", which comes
# after three seconds without ARP, and some cards take as long to find their link.
guest_answers() {
	local ip end=$((SECONDS + $2))

	ip=$(guest_ip "$1")
	shift 2
	until "$@" ping -q -c 1 -W 2 "$ip" >/dev/null; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.2
	done
}

# guest_kill: end QEMU by kill -9, and free the resources of guest_start.
guest_kill() {
	[ -n "$guest_pid" ] || return 0
	kill -9 "$guest_pid" 2>/dev/null || true
	wait "$guest_pid" 2>/dev/null || true
	guest_pid=
	exec {guest_to}>&- {guest_from}>&-
	rm -rf "$guest_dir"
}
