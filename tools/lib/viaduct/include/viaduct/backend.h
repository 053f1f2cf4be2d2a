/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libviaduct: a vhost-user back end for network devices.
 *
 * A session serves any number of sockets. Each front end that is connected to
 * one of them (QEMU, for example) is a device, with a receive and a transmit
 * ring per queue pair: ring 2n carries packets to the guest, ring 2n+1 packets
 * from the guest.
 *
 * Messages of front ends are processed by viaduct_session_dispatch(), which the
 * caller's event loop calls when viaduct_session_fd() is readable, or by a
 * thread of the session's own. Callbacks come from there. Packets are sent
 * and received by any thread, one at a time for each ring.
 */
#ifndef VIADUCT_BACKEND_H
#define VIADUCT_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <viaduct/packet.h>

#ifdef __cplusplus
extern "C" {
#endif

struct viaduct_session;
struct viaduct_dev;

#define VIADUCT_MAX_PAIRS	128

/**
 * struct viaduct_ops - callbacks of a session
 * @size: sizeof(struct viaduct_ops), for compatibility with later versions
 * @new_device: a front end is connected; negotiation has not begun. A non-zero
 *		result closes the connection, without @destroy_device
 * @destroy_device: a front end is gone, or its connection was closed;
 *		    viaduct_dev_reason() is the reason. All use of the device
 *		    must end before the callback returns
 * @vring_changed: a ring can be used (@on), or no longer; bursts on it are then
 *		   empty
 * @features_changed: features were negotiated
 * @log: a message, without newline; NULL prints to standard error. Also called
 *	 by threads that send and receive packets, when a ring breaks
 *
 * Each may be NULL. They must not call functions on the session.
 */
struct viaduct_ops {
	size_t size;
	int (*new_device)(struct viaduct_dev *dev, void *ctx);
	void (*destroy_device)(struct viaduct_dev *dev, void *ctx);
	void (*vring_changed)(struct viaduct_dev *dev, unsigned int vring,
			      bool on, void *ctx);
	void (*features_changed)(struct viaduct_dev *dev, uint64_t features,
				 void *ctx);
	void (*log)(const char *message, void *ctx);
};

/**
 * struct viaduct_stats - counters of a ring since the device was connected
 * @packets: packets sent or received
 * @bytes: bytes of their frames
 * @short_drops: packets of a guest that have no room for an Ethernet header
 * @long_drops: packets too long for the caller's buffer, or the guest's
 * @header_drops: packets whose offload fields contradict the frame, or ask for
 *		  an offload that the guest lacks
 * @calls: interrupts
 * @bursts: bursts of at least one packet
 */
struct viaduct_stats {
	uint64_t packets;
	uint64_t bytes;
	uint64_t short_drops;
	uint64_t long_drops;
	uint64_t header_drops;
	uint64_t calls;
	uint64_t bursts;
};

struct viaduct_session *viaduct_session_create(const struct viaduct_ops *ops,
					       void *ctx);
void viaduct_session_destroy(struct viaduct_session *s);
int viaduct_session_set_pairs(struct viaduct_session *s, unsigned int pairs);
int viaduct_session_set_max_devices(struct viaduct_session *s,
				    unsigned int max);
void viaduct_session_set_any_memory(struct viaduct_session *s, bool on);
uint64_t viaduct_session_features(const struct viaduct_session *s);
int viaduct_session_enable(struct viaduct_session *s, uint64_t features);
void viaduct_session_disable(struct viaduct_session *s, uint64_t features);
int viaduct_session_listen(struct viaduct_session *s, const char *path);
int viaduct_session_listen_fd(struct viaduct_session *s, int fd);
int viaduct_session_connect(struct viaduct_session *s, const char *path);
int viaduct_session_add_fd(struct viaduct_session *s, int fd);
int viaduct_session_remove(struct viaduct_session *s, const char *path);
int viaduct_session_fd(const struct viaduct_session *s);
int viaduct_session_dispatch(struct viaduct_session *s);
int viaduct_session_start(struct viaduct_session *s);

void viaduct_dev_close(struct viaduct_dev *dev, const char *reason);
const char *viaduct_dev_reason(const struct viaduct_dev *dev);
const char *viaduct_dev_path(const struct viaduct_dev *dev);
void viaduct_dev_set_data(struct viaduct_dev *dev, void *data);
void *viaduct_dev_data(const struct viaduct_dev *dev);
void viaduct_dev_disable(struct viaduct_dev *dev, uint64_t features);
uint64_t viaduct_dev_features(const struct viaduct_dev *dev);
unsigned int viaduct_dev_nr_vrings(const struct viaduct_dev *dev);
uint16_t viaduct_dev_mtu(const struct viaduct_dev *dev);

bool viaduct_vring_is_on(const struct viaduct_dev *dev, unsigned int vring);
unsigned int viaduct_enqueue_burst(struct viaduct_dev *dev, unsigned int vring,
				   struct viaduct_pkt *pkt, unsigned int nr);
unsigned int viaduct_dequeue_burst(struct viaduct_dev *dev, unsigned int vring,
				   struct viaduct_pkt *pkt, unsigned int nr);
int viaduct_vring_arm(struct viaduct_dev *dev, unsigned int vring);
int viaduct_vring_wait(struct viaduct_dev *dev, unsigned int vring,
		       int timeout);
void viaduct_vring_stats(const struct viaduct_dev *dev, unsigned int vring,
			 struct viaduct_stats *stats);

#ifdef __cplusplus
}
#endif

#endif
