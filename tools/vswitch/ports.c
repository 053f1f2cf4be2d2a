// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "ports.h"

#define BRIDGE_FORWARDING	3	/* BR_STATE_FORWARDING */

static struct mnl_socket *events, *requests;

static struct mnl_socket *open_socket(unsigned int groups)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);

	if (nl && mnl_socket_bind(nl, groups, MNL_SOCKET_AUTOPID) < 0) {
		mnl_socket_close(nl);
		nl = NULL;
	}
	return nl;
}

int ports_open(void)
{
	events = open_socket(RTMGRP_LINK);
	requests = open_socket(0);
	if (!events || !requests)
		return -errno;
	return mnl_socket_get_fd(events);
}

void ports_close(void)
{
	mnl_socket_close(events);
	mnl_socket_close(requests);
}

void ports_take_events(void)
{
	char buf[8192];

	/* ENOBUFS: messages were lost, and there may be more. */
	while (recv(mnl_socket_get_fd(events), buf, sizeof(buf), MSG_DONTWAIT) >= 0 ||
	       errno == ENOBUFS)
		;
}

/* Attributes of one message or of a nest of it. */
#define NR_ATTRS	(IFLA_MAX + 1)

struct attrs {
	const struct nlattr *by_type[NR_ATTRS];
};

static int take_attr(const struct nlattr *attr, void *data)
{
	struct attrs *attrs = data;

	if (mnl_attr_get_type(attr) < NR_ATTRS)
		attrs->by_type[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

static void take_nest(const struct nlattr *nest, struct attrs *attrs)
{
	memset(attrs, 0, sizeof(*attrs));
	if (nest)
		mnl_attr_parse_nested(nest, take_attr, attrs);
}

static bool is_kind(const struct attrs *info, int type, const char *kind)
{
	return info->by_type[type] &&
	       !strcmp(mnl_attr_get_str(info->by_type[type]), kind);
}

static unsigned int number8(const struct attrs *attrs, int type,
			    unsigned int otherwise)
{
	return attrs->by_type[type] ? mnl_attr_get_u8(attrs->by_type[type]) :
				      otherwise;
}

static unsigned int number32(const struct attrs *attrs, int type)
{
	return attrs->by_type[type] ? mnl_attr_get_u32(attrs->by_type[type]) : 0;
}

/* The ports of a bridge in a dump of all links. */
struct dump {
	unsigned int bridge;
	bool filtered;
	struct port *ports;
	int nr, max;
};

static void take_bridge(const struct attrs *info, struct dump *dump)
{
	struct attrs data;

	if (!is_kind(info, IFLA_INFO_KIND, "bridge"))
		return;
	take_nest(info->by_type[IFLA_INFO_DATA], &data);
	dump->filtered = number8(&data, IFLA_BR_VLAN_FILTERING, 0);
}

static enum port_state state_of(const struct attrs *tun,
				const struct attrs *slave)
{
	if (number8(slave, IFLA_BRPORT_STATE, 0) != BRIDGE_FORWARDING)
		return PORT_BLOCKED;
	if (number8(slave, IFLA_BRPORT_LOCKED, 0) ||
	    !number8(slave, IFLA_BRPORT_LEARNING, 1))
		return PORT_STATIC;
	if (number8(slave, IFLA_BRPORT_ISOLATED, 0))
		return PORT_ISOLATED;
	if (number32(tun, IFLA_TUN_NUM_QUEUES) > 1)
		return PORT_QUEUES;
	return PORT_OPEN;
}

static void take_port(const struct ifinfomsg *ifi, const struct attrs *link,
		      const struct attrs *info, struct dump *dump)
{
	struct port *port = &dump->ports[dump->nr];
	struct attrs tun, slave;

	if (!is_kind(info, IFLA_INFO_KIND, "tun") || dump->nr == dump->max ||
	    !link->by_type[IFLA_IFNAME])
		return;
	take_nest(info->by_type[IFLA_INFO_DATA], &tun);
	take_nest(info->by_type[IFLA_INFO_SLAVE_DATA], &slave);
	*port = (struct port){
		.ifindex = ifi->ifi_index, .mtu = number32(link, IFLA_MTU),
		.state = state_of(&tun, &slave),
	};
	strncpy(port->name, mnl_attr_get_str(link->by_type[IFLA_IFNAME]),
		IFNAMSIZ - 1);
	dump->nr++;
}

static int take_link(const struct nlmsghdr *nlh, void *arg)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct attrs link = { }, info;
	struct dump *dump = arg;

	mnl_attr_parse(nlh, sizeof(*ifi), take_attr, &link);
	take_nest(link.by_type[IFLA_LINKINFO], &info);
	if ((unsigned int)ifi->ifi_index == dump->bridge)
		take_bridge(&info, dump);
	else if (number32(&link, IFLA_MASTER) == dump->bridge)
		take_port(ifi, &link, &info, dump);
	return MNL_CB_OK;
}

/* Sends a request and handles its answers: 0 or -errno. */
static int request(struct nlmsghdr *nlh, mnl_cb_t cb, void *arg)
{
	static char buf[32768];
	static unsigned int seq;
	ssize_t len;
	int ret;

	if (!seq)
		seq = time(NULL);
	nlh->nlmsg_seq = ++seq;
	if (mnl_socket_sendto(requests, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	do {
		len = mnl_socket_recvfrom(requests, buf, sizeof(buf));
		if (len < 0)
			return -errno;
		ret = mnl_cb_run(buf, len, seq,
				 mnl_socket_get_portid(requests), cb, arg);
	} while (ret > MNL_CB_STOP);
	return ret < 0 ? -errno : 0;
}

int ports_of(const char *bridge, struct port *ports, int max)
{
	struct dump dump = { .ports = ports, .max = max };
	char buf[MNL_SOCKET_BUFFER_SIZE];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *ifi;
	int err, i;

	dump.bridge = if_nametoindex(bridge);
	if (!dump.bridge)
		return -ENODEV;
	nlh->nlmsg_type = RTM_GETLINK;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	ifi->ifi_family = AF_UNSPEC;
	err = request(nlh, take_link, &dump);
	for (i = 0; dump.filtered && i < dump.nr; i++)
		ports[i].state = PORT_FILTERED;
	return err ?: dump.nr;
}

bool port_is_closed(enum port_state state)
{
	return state == PORT_BLOCKED || state == PORT_STATIC ||
	       state == PORT_FILTERED;
}

const char *port_reason(enum port_state state)
{
	switch (state) {
	case PORT_QUEUES:
		return "several queues";
	case PORT_BLOCKED:
		return "not forwarding";
	case PORT_ISOLATED:
		return "isolated";
	case PORT_STATIC:
		return "locked or without learning";
	case PORT_FILTERED:
		return "VLAN filtering";
	default:
		return "open";
	}
}

int port_refresh(unsigned int ifindex, const uint8_t *mac)
{
	char buf[MNL_SOCKET_BUFFER_SIZE];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ndmsg *nd;

	nlh->nlmsg_type = RTM_NEWNEIGH;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE |
			   NLM_F_REPLACE;
	nd = mnl_nlmsg_put_extra_header(nlh, sizeof(*nd));
	nd->ndm_family = AF_BRIDGE;
	nd->ndm_ifindex = ifindex;
	nd->ndm_state = NUD_REACHABLE;
	nd->ndm_flags = NTF_USE | NTF_MASTER;
	mnl_attr_put(nlh, NDA_LLADDR, ETH_ALEN, mac);
	return request(nlh, NULL, NULL);
}
