// SPDX-License-Identifier: GPL-2.0-only
/* A veth pair over rtnetlink: one message, no helper program. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tap.h"

struct link_msg {
	struct nlmsghdr nh;
	struct ifinfomsg info;
	char attrs[512];
};

static struct rtattr *attr_put(struct link_msg *m, int type, const void *data,
			       size_t len)
{
	struct rtattr *a = (void *)((char *)m + NLMSG_ALIGN(m->nh.nlmsg_len));

	a->rta_type = type;
	a->rta_len = RTA_LENGTH(len);
	if (len)
		memcpy(RTA_DATA(a), data, len);
	m->nh.nlmsg_len = NLMSG_ALIGN(m->nh.nlmsg_len) + RTA_ALIGN(a->rta_len);
	return a;
}

static void attr_end(struct link_msg *m, struct rtattr *a)
{
	a->rta_len = (char *)m + m->nh.nlmsg_len - (char *)a;
}

static void veth_fill(struct link_msg *m, const char *a, const char *b)
{
	struct rtattr *info, *data, *peer;
	struct ifinfomsg none = { 0 };

	attr_put(m, IFLA_IFNAME, a, strlen(a) + 1);
	info = attr_put(m, IFLA_LINKINFO, NULL, 0);
	attr_put(m, IFLA_INFO_KIND, "veth", 5);
	data = attr_put(m, IFLA_INFO_DATA, NULL, 0);
	peer = attr_put(m, VETH_INFO_PEER, &none, sizeof(none));
	attr_put(m, IFLA_IFNAME, b, strlen(b) + 1);
	attr_end(m, peer);
	attr_end(m, data);
	attr_end(m, info);
}

int vg_veth_create(const char *a, const char *b)
{
	struct link_msg m = { .nh = {
		.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)),
		.nlmsg_type = RTM_NEWLINK,
		.nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL |
			       NLM_F_ACK,
	} };
	struct {
		struct nlmsghdr nh;
		struct nlmsgerr err;
		char echo[512];
	} reply;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	int ret = 0;

	if (fd < 0)
		return -errno;
	veth_fill(&m, a, b);
	if (send(fd, &m, m.nh.nlmsg_len, 0) < 0 ||
	    recv(fd, &reply, sizeof(reply), 0) < 0)
		ret = -errno;
	else if (reply.nh.nlmsg_type == NLMSG_ERROR)
		ret = reply.err.error;
	close(fd);
	if (ret)
		return ret;
	ret = vg_link_set_up(a, true);
	return ret ? ret : vg_link_set_up(b, true);
}
