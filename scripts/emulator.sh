# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# What the scripts do differently where the host VM is emulated (QEMU's TCG) and
# the emulator's KVM is not quite a processor's.

# emulated: this host is, so that guests which are nested in it now and then die.
emulated() {
	grep -q hostvm.accel=tcg /proc/cmdline
}

# KVM patches code that every CPU runs when VMs come and go: __schedule() with
# the first and the last one (preempt_notifier_key), its APIC's while a vCPU has
# not enabled it (apic_sw_disabled). QEMU 7.2's TCG may then leave a CPU with a
# translated breakpoint that the kernel has long removed: the host dies of it,
# or spins for ever with interrupts off; seen once in some hundred guests. Idle
# VMs that stay as long as the host keep the code as it is: their process is no
# child of a test, and the host's init spares it.
guest_hold_kvm() {
	if [ -e /run/kvm-holder ] || [ ! -w /dev/kvm ] || ! emulated; then return; fi
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
	echo $! >/run/kvm-holder
}

# emulator_nic NIC: the device and its properties, as an emulated host needs them.
# Where an exception has been delivered to the guest, the emulator leaves its type
# in EXITINTINFO with the valid bit off. KVM from 6.14 on looks at the type alone
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
