/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VD_PORT_FIXTURE_H
#define VD_PORT_FIXTURE_H

/* A port that a test opens, in a network namespace of its own. */

#include "../../../lib/vguest/tap.h"
#include "port_rig.h"
#include "vd_test.h"

FIXTURE(port)
{
	struct port_rig rig;
	struct viaduct_port_opts o;
};

FIXTURE_SETUP(port)
{
	ASSERT_EQ(0, vg_netns_enter());
	self->rig.far = -1;
	self->o = port_opts(&self->rig);
}

FIXTURE_TEARDOWN(port)
{
	port_rig_close(&self->rig);
}

#endif
