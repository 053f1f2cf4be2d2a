# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Every quirk of an emulated host VM (QEMU's TCG), with a KVM that differs from a
# processor's: the workarounds, outside the VM and inside.
# Documentation/testing.rst describes the symptoms.

# Exit statuses (Documentation/exit-status.rst): hostvm's when the emulator broke
# the VM, and that of a guest test with a guest that the emulator killed.
# shellcheck disable=SC2034 # for the scripts that source this
EMULATOR_BROKE=123 EMULATOR_KILLED_GUEST=75

# Outside the host VM

# emulator_cpu ARCH: the processor of TCG. "max" of amd64 has AMD's nested
# virtualisation, so that KVM works inside. The architected pointer authentication
# of arm64 would cost the emulator half its speed.
emulator_cpu() {
	case $1 in
	arm64) echo max,pauth-impdef=on ;;
	*) echo max ;;
	esac
}

# emulator_boot_options: for the command line of the host VM's kernel. TCG now and
# then loses an interrupt between CPUs. A CPU that sleeps without a tick then
# sleeps for ever, and so does every task that waits for it. The kernel's test of the
# timer interrupt counts ticks in a busy loop, and panics if the machine is so busy that
# none comes in time.
emulator_boot_options() {
	echo nohz=off no_timer_check
}

# emulator_broke CONSOLE RESETS COMPLAINED: the emulator ended the VM, not the
# kernel in it. TCG of QEMU 7.2 may translate code while another CPU patches it;
# a CPU then meets a breakpoint of text patching that is no longer there. It may
# also end a CPU that runs nested guests with a triple fault for no reason, seen with
# the in-tree driver alone, too: a kernel with a fault of its own reports it.
emulator_broke() {
	if [ -n "$3" ]; then
		grep -aq 'Oops: int3' "$1" && ! grep -aqE 'RIP: .*\[viaduct\]' "$1"
	else
		grep -q 'Triple fault' "$2"
	fi
}

# Inside the host VM

# emulated: whether this host is emulated, so that nested guests sometimes die.
emulated() {
	grep -q hostvm.accel=tcg /proc/cmdline
}

# For the command line of a nested guest's kernel. Scans of hundreds of absent PCI
# buses, each probe an exit, cost seconds when the host is emulated; there, too, the
# kernel reports inconsistent XSAVE sizes.
# shellcheck disable=SC2034 # guest.sh uses it
EMULATOR_GUEST_BOOT_OPTIONS='pci=noearly,lastbus=0 noxsave'

KVM_HOLDER=/run/kvm-holder

# KVM patches code that every CPU runs when VMs come and go: __schedule() with
# the first and the last one (preempt_notifier_key), its APIC's while a vCPU has
# not enabled it (apic_sw_disabled). QEMU 7.2's TCG may then leave a CPU with a
# translated breakpoint that the kernel has long removed: the host crashes, or
# spins for ever with interrupts off; seen once in some hundred guests. Idle
# VMs that stay as long as the host keep the code as it is. Their process is no
# child of a test, and the host's init must spare it (emulator_spares).
guest_hold_kvm() {
	if [ -e $KVM_HOLDER ] || [ ! -w /dev/kvm ] || ! emulated; then return; fi
	setsid python3 -c 'import fcntl, os, signal
KVM_CREATE_VM, KVM_CREATE_VCPU, KVM_CREATE_IRQCHIP = 0xae01, 0xae41, 0xae60
kvm = os.open("/dev/kvm", os.O_RDWR)
held = []
for irqchip in True, False:
    vm = fcntl.ioctl(kvm, KVM_CREATE_VM, 0)
    if irqchip:
        fcntl.ioctl(vm, KVM_CREATE_IRQCHIP)
    held += [vm, fcntl.ioctl(vm, KVM_CREATE_VCPU, 0)]
signal.pause()' </dev/null >/dev/null 2>&1 &
	echo $! >$KVM_HOLDER
}

# emulator_spares PID: it is the process of guest_hold_kvm.
emulator_spares() {
	[ "$1" = "$(cat $KVM_HOLDER 2>/dev/null)" ]
}

# emulator_nic NIC: the device and its properties, as an emulated host needs them.
# Where an exception has been delivered to the guest, the emulator leaves its type
# in EXITINTINFO with the valid bit off. KVM from 6.14 on checks the type alone
# and refuses to emulate an access to a device "during event delivery": the first
# notification by MMIO then ends every second guest that has five cards. PIO needs
# no such emulation; the notifications go by ioeventfd as before.
emulator_nic() {
	case $1 in
	*disable-modern=on* | *modern-pio-notify=*) ;;
	virtio-net-pci*)
		if emulated && kernel_at_least 6.14; then
			echo "$1,modern-pio-notify=on"
			return
		fi
		;;
	esac
	echo "$1"
}

# kernel_at_least RELEASE: the running kernel is of this release or a later one.
kernel_at_least() {
	printf '%s\n%s\n' "$1" "$(uname -r)" | sort -VC
}
