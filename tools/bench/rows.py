# SPDX-License-Identifier: GPL-2.0-only
"""The rows of the benchmark: what each moves, and how."""
from typing import NamedTuple


class Row(NamedTuple):
    """One measurement; only: of one device; loose: it depends on the order of tasks."""
    name: str
    args: str
    layout: str = "split"
    quick: bool = False
    only: str = ""
    loose: bool = False


LAYOUTS = "packed", "in-order", "packed-in-order"

COSTS = [
    Row("TX 64 B", "", quick=True),
    Row("TX 256 B", "--len 256"),
    Row("TX 1500 B", "--len 1500 --count 8000", quick=True, loose=True),
    Row("TX 64 KiB GSO", "--len 65535 --count 1500"),
    # The longest that a Linux guest makes of segments of 1448 bytes.
    Row("TX 65226 B GSO", "--len 65226 --count 1500", quick=True),
    Row("TX 64 B indirect", "--indirect", quick=True),
    Row("TX 1500 B indirect", "--len 1500 --indirect --count 8000"),
    Row("TX 64 B mergeable", "--mergeable"),
    Row("TX 64 B notified", "--notify", quick=True, loose=True),
    Row("TX 64 B notified, kernel thread", "--notify --kernel-thread", loose=True),
    Row("TX 64 B ring of 1024", "--ring 1024"),
    Row("TX 64 B two regions", "--alternate"),
    Row("TX 64 B 500 regions", "--regions 500"),
    Row("TX 64 B dropped by XDP", "--xdp"),
    Row("TX 64 B VXLAN over IPv6", "--tunnel --count 8000"),
    Row("TX 1500 B VXLAN over IPv6", "--tunnel --len 1500 --count 8000"),
    Row("TX 60000 B VXLAN over IPv6", "--tunnel --len 60000 --count 1500"),
    Row("TX 1400 B held", "--hold 1000 --len 1400 --count 8000"),
    Row("TX 60000 B GSO held", "--hold 100 --len 60000 --count 1500", loose=True),
    Row("RX 64 B", "--rx --len 60", quick=True),
    Row("RX 256 B", "--rx --len 256"),
    Row("RX 1500 B", "--rx --len 1500 --count 8000", quick=True),
    Row("RX 64 KiB GSO", "--rx --len 65535 --count 4500"),
    Row("RX 64 KiB GSO mergeable", "--rx --len 65535 --mergeable --count 4500", quick=True),
    Row("RX 64 B mergeable", "--rx --len 60 --mergeable", quick=True),
    Row("RX 1500 B mergeable", "--rx --len 1500 --mergeable --count 8000"),
    Row("RX 64 B notified", "--rx --len 60 --notify", loose=True),
    Row("RX 64 B wake-up each", "--rx --len 60 --wake", quick=True, loose=True),
    Row("RX 64 B wake-up, kernel thread", "--rx --len 60 --wake --kernel-thread", loose=True),
    Row("RX 64 B ring of 1024", "--rx --len 60 --ring 1024"),
    Row("RX 64 B two regions", "--rx --len 60 --alternate"),
    Row("RX 64 B 500 regions", "--rx --len 60 --regions 500"),
]
# Both workers; the reported ratio is that of a switch to the in-tree driver's bridge.
PAIRS = [
    Row("VM to VM 64 B, bridge", "--pair", loose=True),
    Row("VM to VM 64 B, switch", "--pair-switch", loose=True),
    Row("VM to VM 1500 B, bridge", "--pair --len 1500 --count 8000", loose=True),
    Row("VM to VM 1500 B, switch", "--pair-switch --len 1500 --count 8000", loose=True),
]
COSTS += PAIRS
for _layout in LAYOUTS:
    COSTS += [
        Row(f"TX 64 B {_layout}", "", _layout, _layout == "packed", "viaduct"),
        Row(f"TX 64 B indirect {_layout}", "--indirect", _layout, only="viaduct"),
        Row(f"RX 64 B {_layout}", "--rx --len 60", _layout, _layout == "packed", "viaduct"),
        Row(f"RX 64 B mergeable {_layout}", "--rx --len 60 --mergeable", _layout, only="viaduct"),
    ]

GROWTH = [Row(f"TX 64 B {n} device{'s'[:n > 1]}", f"--devices {n} --count 40000")
          for n in (1, 16, 64, 200)]

RATES = [
    Row("TX 64 B", "--count 100000"),
    Row("TX 64 B indirect", "--indirect --count 100000"),
    Row("TX 1500 B", "--len 1500 --count 50000"),
    Row("RX 64 B as pktgen sends", "--rx --len 60 --count 100000"),
    Row("RX 64 B gathered", "--rx --len 60 --gather --count 100000"),
    Row("RX 1500 B as pktgen sends", "--rx --len 1500 --count 50000"),
    Row("RX 1500 B gathered", "--rx --len 1500 --gather --count 50000"),
    Row("both ways 64 B", "--both --count 100000"),
    Row("both ways 64 B, two workers", "--both --workers 2 --count 100000", only="viaduct"),
]

# In time, in User Mode Linux: one processor, so that frames come in turns.
NATIVE = [
    Row("TX 64 B", ""),
    Row("TX 256 B", "--len 256"),
    Row("TX 600 B", "--len 600"),
    Row("TX 1500 B", "--len 1500"),
    Row("TX 64 B indirect", "--indirect"),
    Row("RX 64 B", "--rx --len 60 --turns"),
    Row("RX 64 B mergeable", "--rx --len 60 --turns --mergeable"),
    Row("RX 600 B", "--rx --len 600 --turns"),
    Row("RX 1500 B", "--rx --len 1500 --turns"),
]

# The tap's own read() and write(), without any vhost device.
FLOOR = [
    Row("TX 64 B", "--floor"),
    Row("TX 1500 B", "--floor --len 1500"),
    Row("RX 64 B", "--floor --rx --len 60"),
    Row("RX 1500 B", "--floor --rx --len 1500"),
]

# These print other keys than a stream does.
PROBES = [
    Row("KiB of an idle device", "--idle --devices 100 --len 60000 --ring 16 --hold 200"),
    Row("us from open to the first frame", "--first --count 20"),
    Row("us from kick to wire", "--latency --count 500"),
    Row("us from wire to call", "--latency --rx --len 60 --count 500"),
]
