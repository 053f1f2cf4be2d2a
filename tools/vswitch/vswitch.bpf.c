// SPDX-License-Identifier: GPL-2.0-only
/*
 * A learning switch for the taps of a bridge.
 *
 * Unicast frames whose destination is known go straight to its tap. All others
 * pass to the bridge, which floods and learns as without the switch: the
 * guests see one network in either case.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <stdbool.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "vswitch.h"

#define NSEC_PER_SEC	1000000000ULL
#define VLAN_ID_MASK	0x0fff

struct vlan_hdr {
	__be16 tci;
	__be16 proto;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct vswitch_key);
	__type(value, struct vswitch_entry);
} fdb SEC(".maps");

/* Taps that are attached; the command adds and removes them. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct vswitch_port);
} ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct vswitch_counters);
} counters SEC(".maps");

/* Those that frames may be redirected to. */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct bpf_devmap_val);
} open_ports SEC(".maps");

/* Not 0: frames with this VLAN ID are switched. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, __u8);
} vlans SEC(".maps");

/* Set by the command before the program is loaded. */
const volatile __u64 max_age;	/* ns */
const volatile __u32 max_macs;	/* of a port */

/* Workers of several queues may send on one tap. */
static __always_inline int count(struct vswitch_counters *from, int what,
				 int action)
{
	__sync_fetch_and_add(&from->count[what], 1);
	return action;
}

/* Another processor may have stored a later time since @now was read. */
static __always_inline bool is_older(const struct vswitch_entry *entry, __u64 now,
				     __u64 ns)
{
	return (__s64)(now - entry->seen) > (__s64)ns;
}

static __always_inline bool is_group(const __u8 *mac)
{
	return mac[0] & 1;
}

/* A guest must not fill the table of all others. */
static __always_inline bool may_learn(struct vswitch_counters *from,
				      __u32 ifindex)
{
	struct vswitch_port *port = bpf_map_lookup_elem(&ports, &ifindex);

	if (!port || port->nr_macs >= max_macs)
		return count(from, VSWITCH_REFUSED, false);
	__sync_fetch_and_add(&port->nr_macs, 1);
	return true;
}

static __always_inline void learn(struct vswitch_counters *from, __u32 ifindex,
				  const struct vswitch_key *key, __u64 now)
{
	struct vswitch_entry *entry = bpf_map_lookup_elem(&fdb, key);
	struct vswitch_entry new = { .ifindex = ifindex, .seen = now };

	if (!entry) {
		if (may_learn(from, ifindex) &&
		    !bpf_map_update_elem(&fdb, key, &new, BPF_NOEXIST))
			count(from, VSWITCH_LEARNED, 0);
		return;
	}
	if (is_older(entry, now, NSEC_PER_SEC))
		entry->seen = now;
	if (entry->ifindex != ifindex && may_learn(from, ifindex)) {
		entry->ifindex = ifindex;
		count(from, VSWITCH_MOVED, 0);
	}
}

static __always_inline int forward(struct xdp_md *ctx,
				   struct vswitch_counters *from,
				   const struct vswitch_key *dst, __u64 now)
{
	struct vswitch_entry *entry;
	struct vswitch_port *to;
	__u32 ifindex;

	if (is_group(dst->mac))
		return count(from, VSWITCH_GROUP, XDP_PASS);
	entry = bpf_map_lookup_elem(&fdb, dst);
	if (!entry || is_older(entry, now, max_age + NSEC_PER_SEC))
		return count(from, VSWITCH_UNKNOWN, XDP_PASS);
	ifindex = entry->ifindex;
	if (ifindex == ctx->ingress_ifindex)
		return count(from, VSWITCH_CLOSED, XDP_PASS);
	to = bpf_map_lookup_elem(&ports, &ifindex);
	if (!to)
		return count(from, VSWITCH_CLOSED, XDP_PASS);
	/* A redirect of such a frame fails, and the frame would be lost. */
	if (bpf_xdp_get_buff_len(ctx) > to->max_len)
		return count(from, VSWITCH_LONG, XDP_PASS);
	if (bpf_redirect_map(&open_ports, ifindex, XDP_PASS) != XDP_REDIRECT)
		return count(from, VSWITCH_CLOSED, XDP_PASS);
	return count(from, VSWITCH_SWITCHED, XDP_REDIRECT);
}

/* The VLAN of a frame: 0 without a tag, -1 if it must take the bridge. */
static __always_inline int vlan_of(const struct ethhdr *eth, const void *end)
{
	const struct vlan_hdr *tag = (const void *)(eth + 1);
	__u32 id;
	__u8 *known;

	if (eth->h_proto == bpf_htons(ETH_P_8021AD))
		return -1;
	if (eth->h_proto != bpf_htons(ETH_P_8021Q))
		return 0;
	if ((const void *)(tag + 1) > end)
		return -1;
	id = bpf_ntohs(tag->tci) & VLAN_ID_MASK;
	known = bpf_map_lookup_elem(&vlans, &id);
	return known && *known ? (int)id : -1;
}

SEC("xdp.frags")
int vswitch(struct xdp_md *ctx)
{
	const void *end = (const void *)(long)ctx->data_end;
	const struct ethhdr *eth = (const void *)(long)ctx->data;
	__u32 ifindex = ctx->ingress_ifindex;
	struct vswitch_key src, dst;
	struct vswitch_counters *from;
	__u64 now;
	int vlan;

	if ((const void *)(eth + 1) > end)
		return XDP_PASS;
	from = bpf_map_lookup_elem(&counters, &ifindex);
	if (!from)
		return XDP_PASS;
	vlan = vlan_of(eth, end);
	if (vlan < 0)
		return count(from, VSWITCH_TAGGED, XDP_PASS);
	__builtin_memcpy(src.mac, eth->h_source, ETH_ALEN);
	__builtin_memcpy(dst.mac, eth->h_dest, ETH_ALEN);
	src.vlan = vlan;
	dst.vlan = vlan;
	now = bpf_ktime_get_coarse_ns();
	if (!is_group(src.mac))
		learn(from, ifindex, &src, now);
	return forward(ctx, from, &dst, now);
}

char _license[] SEC("license") = "GPL";
