# SPDX-License-Identifier: GPL-2.0-only
# `make help` lists the targets.

V ?= 0
Q := $(if $(filter 1,$(V)),,@)

# The kernel to build for: KVER=, a name of scripts/kernels, selects Debian's headers in
# the cache (fetched if absent), KDIR=... any build folder. The default is the running
# kernel, or else the newest installed headers. It is looked up once, if needed.
ifdef KVER
KDIR = $(eval KDIR := $(shell scripts/kdir $(KVER)))$(KDIR)
else ifndef KDIR
KDIR = $(eval KDIR := $(shell scripts/pick-headers))$(KDIR)
endif
kname = $(or $(KVER),$(notdir $(patsubst %/,%,$(patsubst %/build,%,$(KDIR)))))
out = build/$(kname)

.PHONY: all module load unload install uninstall demo test bench unit fuzz fuzz-vm coverage models check docs figures help clean vswitch tools deb rpm lib check-lib viaductd check-viaductd cuse check-cuse

all: module
	$(Q)cp $(out)/viaduct.ko viaduct.ko
	@echo "viaduct.ko is built for $$(modinfo -F vermagic viaduct.ko | cut -d' ' -f1)"

# The kernel's build leaves its files beside the sources, so it works on copies: the tree
# stays clean, and each kernel has its own folder.
module:
	$(Q)k="$(KDIR)"; [ -n "$$k" ] || exit 1; \
	mkdir -p $(out) && cp -pru Kbuild drivers include $(out)/ && \
	$(MAKE) --no-print-directory -s -C "$$k" M=$(CURDIR)/$(out) $(if $(W),W=$(W)) $(if $(C),C=$(C)) \
	CONFIG_DEBUG_INFO_BTF_MODULES= modules

load: viaduct.ko
	modprobe -a tun tap
	insmod ./viaduct.ko

viaduct.ko: all

unload:
	rmmod viaduct

# Through DKMS, for the kernels of later updates, too.
install:
	$(Q)scripts/install

uninstall:
	$(Q)scripts/install --remove

demo:
	$(Q)scripts/demo $(ARGS)

# Without ARGS, the in-tree driver and most guest tests run on one kernel only. DEBUG=1
# runs on the debug kernel (built on first use: half an hour), which is slower and needs
# longer deadlines.
test:
	$(Q)scripts/test $(if $(filter 1,$(DEBUG)),-k debug -d viaduct $(ARGS),$(or $(ARGS),-q -j 2))

# QUICK=1: the rows that are compared with kept figures, in a few minutes. NATIVE=1:
# time on this machine's processor, in a kernel that is a process.
# HOST=1: on this machine itself, no host VM. A module that is loaded is the one measured.
ifeq ($(HOST),1)
bench:
	$(Q)[ -e /usr/include/bpf/bpf.h ] || \
		{ echo "libbpf's headers are missing; run: apt-get install gcc libbpf-dev" >&2; exit 1; }
	$(Q)$(MAKE) --no-print-directory -s -C tools/bench
	$(Q)[ -d /sys/module/viaduct ] || $(MAKE) --no-print-directory all
	$(Q)tools/bench/host $$([ -d /sys/module/viaduct ] || echo --module viaduct.ko) \
		$(if $(filter 1,$(QUICK)),--quick) $(ARGS)
else
bench:
	$(Q)$(if $(filter 1,$(NATIVE)),tools/bench/native/native,tools/bench/bench) \
	$(if $(filter 1,$(QUICK)),--quick) $(ARGS)
endif

# Guest memory and ring engine in user space; no root, no VM.
unit:
	$(Q)$(MAKE) --no-print-directory -C tools/testing/unit run

fuzz coverage:
	$(Q)$(MAKE) --no-print-directory -C tools/testing/unit $@

# The whole device, in User Mode Linux with KASAN. REPLAY=1: only the programs that are
# kept; KERNEL=: of scripts/kernels, in the host VM; ARGS=-h: more options.
fuzz-vm:
	$(Q)tools/testing/fuzz-vm/run $(if $(filter 1,$(REPLAY)),--replay) \
	$(if $(SECONDS),--seconds $(SECONDS)) $(if $(KERNEL),--kernel $(KERNEL)) $(ARGS)

# Protocols as Promela models: every state, and deliberate faults that must be found.
models:
	$(Q)scripts/setup tools models
	$(Q)tools/testing/models/run $(ARGS)

check:
	$(Q)scripts/check $(ARGS)

# Pages with the kernel-doc of the sources; a warning is an error.
docs:
	$(Q)scripts/setup tools docs
	$(Q)scripts/setup sources
	$(Q)sphinx-build -q -W --keep-going -b html Documentation build/docs
	@echo "build/docs/index.html"

# The XDP switch, into build/vswitch.
vswitch:
	$(Q)scripts/setup tools vswitch
	$(Q)$(MAKE) --no-print-directory -s -C tools/vswitch

# The command `viaduct`, into build/tools.
tools:
	$(Q)scripts/setup tools tool
	$(Q)$(MAKE) --no-print-directory -s -C tools/viaduct

# The library for vhost-user back ends, into build/libviaduct; its tests need no root.
lib:
	$(Q)$(MAKE) --no-print-directory -C tools/lib/viaduct

check-lib:
	$(Q)$(MAKE) --no-print-directory -C tools/lib/viaduct check

# The vhost-user back end on the kernel's data plane, into build/viaductd; its tests need
# no root and no module.
viaductd:
	$(Q)$(MAKE) --no-print-directory -s -C tools/viaductd

check-viaductd:
	$(Q)$(MAKE) --no-print-directory -s -C tools/viaductd check

# libviaduct behind a character device of vhost ioctls, into build/cuse; experimental.
# Without libfuse3-dev, a line says that it is not built.
cuse:
	$(Q)$(MAKE) --no-print-directory -s -C tools/cuse

# Needs root and /dev/net/tun, and no libfuse.
check-cuse:
	$(Q)scripts/setup sources
	$(Q)$(MAKE) --no-print-directory -s -C tools/cuse check

# Packages of the committed state, into build/.
deb rpm:
	$(Q)scripts/package $@

figures:
	$(Q)scripts/house $(ARGS)

help:
	@echo 'Targets:'
	@echo '  all            build viaduct.ko (default); KVER=... (one of scripts/kernels:'
	@echo '                 $(shell scripts/kdir -l)) or KDIR=... choose the kernel,'
	@echo '                 W=1 and C=1 turn on more warnings and sparse'
	@echo '  load, unload   insert viaduct.ko with what it needs, remove it (as root)'
	@echo '  install        build and install it through DKMS, load it at boot (as root);'
	@echo '                 uninstall takes it away'
	@echo '  demo           boot a guest through viaduct in a host VM and compare; ARGS="-k 6.12"'
	@echo '  test           the tests, on $(shell scripts/kdir -l whole); ARGS="-k 6.1 net_tx" for a part;'
	@echo '                 DEBUG=1: on a kernel with KASAN, lockdep and kmemleak'
	@echo '  bench          instructions per packet and packet rates, beside the in-tree driver;'
	@echo '                 QUICK=1: few rows, held against the figures that are kept;'
	@echo '                 HOST=1: rates on this machine itself, with a report (as root);'
	@echo '                 NATIVE=1: time on this processor, in User Mode Linux'
	@echo '  unit           unit and model tests of layers 1 and 2, in user space'
	@echo '  fuzz           libFuzzer on them; T="chain iotlb message ..." SECONDS=60'
	@echo '  fuzz-vm        coverage-guided fuzzing of the whole device; SECONDS=600; REPLAY=1: the'
	@echo '                 programs that are kept, and the lines that they reach'
	@echo '  coverage       lines of layers 1 and 2 that unit tests and seeds reach'
	@echo '  models         kicks and calls, workers, IOTLB misses: all states of their models'
	@echo '  check          style, sparse, W=1, kernel-doc, layers, pages, commit messages'
	@echo '  docs           Documentation/ as HTML in build/docs'
	@echo '  vswitch        the XDP switch for taps, in build/vswitch'
	@echo '  tools          the command viaduct, in build/tools'
	@echo '  lib            libviaduct, the library for vhost-user back ends, in build/libviaduct'
	@echo '  check-lib      its tests, with a front end of their own, under ASan and UBSan'
	@echo '  viaductd       the daemon viaductd: vhost-user front ends on the kernel'"'"'s data plane'
	@echo '  check-viaductd its tests, against a stand-in for the kernel, under ASan and UBSan'
	@echo '  cuse           viaduct-cuse, libviaduct behind a vhost character device (experimental)'
	@echo '  check-cuse     its tests, with a stand-in for the kernel, under ASan and UBSan (as root)'
	@echo '  deb, rpm       packages of the committed state, in build/deb and build/rpm'
	@echo '  figures        sizes, comments, words, locks of the source; ARGS="--base COMMIT"'
	@echo '  clean          remove what was built here (the cache of downloads stays)'

clean:
	$(Q)rm -rf build viaduct.ko
