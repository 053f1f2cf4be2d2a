/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Notification suppression: kicks (driver to device) and calls (device to
 * driver) over one virtqueue, under the memory orders of x86 and arm64.
 *
 * Properties: neither side waits for ever while the other has work for it, and
 * neither side reads a descriptor or a used entry that is not written yet. A lost
 * kick or call is found as an invalid end state: the driver waits for chains, and
 * no process can move.
 *
 * Steps and the functions that they stand for:
 *   fetch()		vd_split_read_chains(), vd_packed_read_window()
 *   peek()		vd_split_peek(), vd_packed_peek()
 *   publish()		vd_split_publish_window(), vd_packed_write_pending(),
 *			vd_packed_publish_window()
 *   should_call()	vd_split_should_call(), vd_packed_should_call(),
 *			vd_event_is_passed()
 *   set_kick_flags()	vd_split_set_kick_flags(), vd_packed_set_kick_flags()
 *   set_event()	vd_split_set_event(), vd_packed_set_event()
 *   arm()		vd_split_arm(), vd_packed_arm()
 *   disarm()		vd_split_disarm(), vd_packed_disarm()
 *   suppress()		vd_split_suppress(), vd_packed_suppress()
 *   proctype device	vd_worker_run_jobs(), vd_queue_enter(), vd_tx_step(),
 *			vd_queue_publish(), vd_ring_rewind(), vd_tx_idle(),
 *			vd_busy_poll_ring(), vd_queue_arm(), vd_rx_starve(),
 *			vd_queue_leave()
 *   proctype rx	vd_busy_poll_socket(): vd_busy_borrow(), vd_busy_return()
 *   kick, call		vd_poll_wake() with vd_work_queue(); eventfd of q->call
 *   proctype driver	virtio 1.2, sections 2.7.13, 2.7.14 and 2.8.21
 *
 * Variants: PACKED or split; EVENT (event index) or flags; WEAK or TSO. NEED: the
 * packets of RX may need this many chains; chains that do not suffice are
 * rewound. Without NEED every chain is a packet, as in TX.
 *
 * LEAN leaves out what multiplies the states of the largest variant: rewinding,
 * fetching less than there is, and calls for a later chain than the next.
 *
 * Memory. Each side has a view of all locations, from which it loads. TSO: stores
 * reach the other view through a FIFO of DEPTH entries; smp_mb() waits until it
 * is empty. WEAK: stores to different locations reach memory in any order,
 * except across smp_wmb(); and a load takes the present value of a location, or
 * one that is as old as the last smp_rmb() or smp_mb(), or the last load from it. A
 * store does not become visible before an earlier load: such pairs depend on each
 * other here.
 *
 * Positions are modulo twice the ring size, which is the smallest modulus of a
 * 16-bit index: that of a split ring of 32768 entries, and that of every packed
 * ring.
 *
 * RX's poll shares the store buffer of the device: it takes and returns the ring
 * under the queue's mutex, which orders the stores of both.
 */
#ifndef NUM
#define NUM	2
#endif
#ifndef DEPTH
#define DEPTH	2
#endif
#define MOD	(2 * NUM)
#define ADD(a, b)	(((a) + (b)) % MOD)
#define SUB(a, b)	(((a) + MOD - (b)) % MOD)
/* Whether an index that moved from @old to @new passed @event. */
#define PASSED(event, new, since)	(SUB(SUB(new, event), 1) < (since))

#define DRV	0
#define DEV	1

/* Locations. Flags and event of the driver suppress calls, those of the device kicks. */
#define FLAGS(side)	(side)
#define EVENT_AT(side)	(2 + (side))
#define AVAIL_IDX	4
#define USED_IDX	5
#define SLOT(pos)	(4 + (pos) % NUM)	/* packed: flags of the descriptor */
#ifdef PACKED
#define NR_PLAIN	(4 + NUM)
#else
#define NR_PLAIN	6
#endif
/* What must be visible before the index or the flags, if WITH_DATA. */
#define DATA(side, pos)	(NR_PLAIN + (side) * NUM + (pos) % NUM)
#ifdef WITH_DATA
#define NR_LOC	(NR_PLAIN + 2 * NUM)
#else
#define NR_LOC	NR_PLAIN
#endif

/* Of FLAGS(); a split ring has the first two. */
#define ENABLE	0
#define DISABLE	1
#define DESC	2

/* Of SLOT(), 2.8.1; WORD: id and flags were written by one store. */
#define F_AVAIL	1
#define F_USED	2
#define F_WORD	4
#define IS_ODD(pos)	((pos) >= NUM)
#define MADE_AVAIL(pos)	(IS_ODD(pos) -> F_USED : F_AVAIL)
#define MADE_USED(pos)	(IS_ODD(pos) -> 0 : F_AVAIL + F_USED)
#define IS_AVAIL(pos)	((LOAD(DEV, SLOT(pos)) & 3) == MADE_AVAIL(pos))
#define IS_USED(pos)	((LOAD(DRV, SLOT(pos)) & 3) == MADE_USED(pos))

typedef view {
	byte at[NR_LOC]
};
view v[2];
#define LOAD(side, loc)	v[side].at[loc]

#ifdef WEAK

byte mem[NR_LOC];
short pend[2];	/* locations that wait in the store buffer, a bit each */
short old[2];	/* those of them from before the last smp_wmb() */
#define BIT(loc)	(1 << (loc))

inline store(side, loc, val)
{
	/* Values before and after a barrier must not be merged. */
	atomic {
		!(old[side] & BIT(loc));
		v[side].at[loc] = val;
		pend[side] = pend[side] | BIT(loc)
	}
}

inline refresh(side)
{
	d_step {
		i = 0;
		do
		:: i < NR_LOC ->
			if
			:: !(pend[side] & BIT(i)) -> v[side].at[i] = mem[i]
			:: else
			fi;
			i++
		:: else -> break
		od;
		i = 0
	}
}

#define smp_wmb(side)	atomic { old[side] == 0; old[side] = pend[side] }
#define smp_rmb(side)	refresh(side)
#define smp_mb(side)	atomic { pend[side] == 0; refresh(side) }

/* The next load from @loc takes the present value, or one as old as the last barrier. */
inline see(side, loc)
{
	atomic {
		if
		:: !(pend[side] & BIT(loc)) && v[side].at[loc] != mem[loc] ->
			v[side].at[loc] = mem[loc]
		:: true
		fi
	}
}

#define COMMIT(side, loc) \
	:: d_step { (pend[side] & BIT(loc)) && (old[side] == 0 || (old[side] & BIT(loc))) -> \
		mem[loc] = v[side].at[loc]; pend[side] = pend[side] & ~BIT(loc); \
		old[side] = old[side] & ~BIT(loc) }
#define EACH(loc)	COMMIT(DRV, loc) COMMIT(DEV, loc)

active proctype memory()
{
end:	do
	EACH(0) EACH(1) EACH(2) EACH(3) EACH(4) EACH(5)
#ifdef WITH_DATA
	EACH(6) EACH(7) EACH(8) EACH(9)
#endif
	od
}

#else /* TSO */

chan buffer[2] = [DEPTH] of { byte, byte };

inline store(side, loc, val)
{
	atomic {
		nfull(buffer[side]);
		v[side].at[loc] = val;
		buffer[side]!loc, val
	}
}

#define smp_wmb(side)	skip
#define smp_rmb(side)	skip
#define smp_mb(side)	empty(buffer[side])
#define see(side, loc)	skip

active proctype memory()
{
	byte loc, val;

end:	do
	:: atomic { buffer[DRV]?loc, val -> v[DEV].at[loc] = val; loc = 0; val = 0 }
	:: atomic { buffer[DEV]?loc, val -> v[DRV].at[loc] = val; loc = 0; val = 0 }
	od
}

#endif

/* The queue's job, and the call eventfd. */
bool queued, call;

/* The queue's mutex, and what is under it: vd_queue.is_armed and struct vd_ring. */
#ifdef BUSY
#define SHARED
#else
#define SHARED	local
#endif
SHARED bool locked, is_armed;
SHARED byte next_avail, seen_avail, kick_flags;
local byte used_idx, published, signalled;
local bool signalled_valid;

#ifdef FAULT_NO_MB_C
#define mb_C	skip
#else
#define mb_C	smp_mb(DEV)
#endif
#ifdef FAULT_NO_MB_D
#define mb_D	skip
#else
#define mb_D	smp_mb(DEV)
#endif
#ifdef FAULT_NO_RMB_A
#define rmb_A	skip
#else
#define rmb_A	smp_rmb(DEV)
#endif
#ifdef FAULT_NO_WMB_B
#define wmb_B	skip
#else
#define wmb_B	smp_wmb(DEV)
#endif

inline set_kick_flags(val)
{
	kick_flags = val;
	store(DEV, FLAGS(DEV), val)
}

#if defined(PACKED) && defined(EVENT)
#ifdef FAULT_NO_WMB_EVENT
#define wmb_event	skip
#else
#define wmb_event	smp_wmb(DEV)
#endif
inline set_event(pos)
{
	store(DEV, EVENT_AT(DEV), pos);
	if
	:: kick_flags == DESC
	:: else ->
		wmb_event;
		set_kick_flags(DESC)
	fi
}
#else
inline set_event(pos)
{
	store(DEV, EVENT_AT(DEV), pos)
}
#endif

#ifdef FAULT_EVENT_AT_NEXT
#define EVENT_POS	next_avail
#else
#define EVENT_POS	seen_avail
#endif

/* Leaves 1 in @ret if chains have arrived. */
inline peek(ret)
{
	atomic {
#ifdef PACKED
		see(DEV, SLOT(seen_avail));
		ret = IS_AVAIL(seen_avail)
#else
		see(DEV, AVAIL_IDX);
		ret = LOAD(DEV, AVAIL_IDX) != seen_avail
#endif
	}
}

inline arm(ret)
{
#ifdef EVENT
	set_event(EVENT_POS);
#else
	if
	:: kick_flags != ENABLE -> set_kick_flags(ENABLE)
	:: else
	fi;
#endif
	mb_D;
#ifdef FAULT_NO_RECHECK
	ret = 0
#else
	peek(ret)
#endif
}

inline suppress()
{
#if defined(EVENT) && !defined(PACKED)
	set_event(SUB(seen_avail, 1))
#else
	set_kick_flags(DISABLE)
#endif
}

inline disarm()
{
#if defined(EVENT) && !defined(PACKED)
	skip
#else
	if
	:: kick_flags == ENABLE -> set_kick_flags(DISABLE)
	:: else
	fi
#endif
}

/* Takes up to @nr chains, any number of those that are available. */
inline fetch()
{
#ifdef PACKED
	atomic { nr = 0; seen_avail = next_avail };
	do
	:: atomic {
		see(DEV, SLOT(seen_avail));
		if
		:: nr == NUM || !IS_AVAIL(seen_avail) -> break
#ifndef LEAN
		:: nr > 0 -> break
#endif
		:: else
		fi
	   };
		rmb_A;
		atomic { check_data(DEV, seen_avail); nr++; seen_avail = ADD(seen_avail, 1) }
	od;
	next_avail = seen_avail
#else
	atomic {
		see(DEV, AVAIL_IDX);
		seen_avail = LOAD(DEV, AVAIL_IDX);
		nr = SUB(seen_avail, next_avail);
		assert(nr <= NUM);
		if
		:: nr > 1 -> nr = 1
		:: true
		fi
	};
	rmb_A;
#ifdef WITH_DATA
	do
	:: atomic { k < nr -> check_data(DEV, ADD(next_avail, k)); k++ }
	:: else -> break
	od;
#endif
	atomic { k = 0; next_avail = ADD(next_avail, nr) }
#endif
}

/* A side reads what the other wrote for position @pos. */
inline check_data(side, pos)
{
#ifdef WITH_DATA
	see(side, DATA(1 - side, pos));
	assert(LOAD(side, DATA(1 - side, pos)) == pos + 1)
#else
	skip
#endif
}

inline write_data(side, pos)
{
#ifdef WITH_DATA
	store(side, DATA(side, pos), pos + 1)
#else
	skip
#endif
}

/* Reads the driver's event suppression, after (C). */
inline should_call(ret)
{
#ifdef EVENT
#ifdef PACKED
	atomic { see(DEV, FLAGS(DRV)); flags = LOAD(DEV, FLAGS(DRV)) };
#ifndef FAULT_NO_RMB_EVENT
	smp_rmb(DEV);
#endif
#endif
	atomic {
		see(DEV, EVENT_AT(DRV));
		ret = !signalled_valid ||
		      PASSED(LOAD(DEV, EVENT_AT(DRV)), published, SUB(published, signalled));
		signalled = published;
		signalled_valid = true;
#ifdef PACKED
		ret = (flags == DISABLE -> 0 : (flags == DESC -> ret : 1));
		flags = 0
#endif
	}
#else
	atomic { see(DEV, FLAGS(DRV)); ret = LOAD(DEV, FLAGS(DRV)) == ENABLE }
#endif
}

/* Publishes the chains from @published up to @used_idx. */
inline publish()
{
#ifdef PACKED
	write_data(DEV, published);
	k = ADD(published, 1);
	do
	:: k != used_idx -> store(DEV, SLOT(k), MADE_USED(k) + F_WORD); k = ADD(k, 1)
	:: else -> break
	od;
	k = 0;
	wmb_B;
	store(DEV, SLOT(published), MADE_USED(published));
#else
#ifdef WITH_DATA
	k = published;
	do
	:: k != used_idx -> write_data(DEV, k); k = ADD(k, 1)
	:: else -> break
	od;
	k = 0;
#endif
	wmb_B;
	store(DEV, USED_IDX, used_idx);
#endif
	mb_C;
	published = used_idx;
	should_call(ret);
	if
	:: ret -> call = true
	:: else
	fi;
	ret = 0
}

/* The worker that runs the queue: TX, or RX with NEED. */
active proctype device()
{
	byte nr, done, k, i, flags;
	bool ret;

end:	atomic { queued -> queued = false };
	smp_mb(DEV);
	atomic { !locked -> locked = true; is_armed = false };
	disarm();
step:	fetch();
	if
	:: nr == 0 -> goto idle
	:: else
	fi;
#ifdef NEED
	if
	:: true -> done = 1
	:: nr < NEED && seen_avail == next_avail -> goto starve
	:: nr >= NEED -> done = NEED
	fi;
#else
	/* The chains from the first one on that the socket does not take are rewound. */
	if
	:: done = nr
#ifndef LEAN
	:: done = nr - 1
#endif
	fi;
#endif
	atomic { next_avail = SUB(next_avail, nr - done); used_idx = ADD(used_idx, done) };
	if
	:: used_idx != published -> publish()
	:: else
	fi;
	atomic { nr = 0; done = 0 };
	if
	:: goto step
	:: true	/* the budget is spent, or the socket is ready later */
	fi;
yield:	atomic { queued = true; locked = false; goto end };
#ifdef NEED
starve:	/* Kicks are enabled for what follows the chains that were seen. */
	next_avail = SUB(next_avail, nr);
	goto enable;
#endif
idle:
#ifdef BUSY
	do
	:: peek(ret);
		if
		:: ret -> ret = 0; goto step
		:: else
		fi
	:: goto yield
	:: break
	od;
#endif
enable:	arm(ret);
	if
	:: ret -> ret = 0; nr = 0; disarm(); goto step
	:: else
	fi;
	atomic { nr = 0; is_armed = true; locked = false; goto end }
}

#ifdef BUSY
/* The handler of RX polls the ring of TX, any number of times. */
active proctype rx()
{
	byte i;
	bool ret;

	do
	:: atomic { !locked && is_armed -> locked = true };
		suppress();
		/* The time to poll is over, the ring has chains, or RX has a packet. */
#ifdef FAULT_NO_RETURN
		skip;
#else
		arm(ret);
#endif
		if
		:: ret -> queued = true
		:: else
		fi;
		atomic { ret = 0; locked = false }
	:: break
	od
}
#endif

/* The driver must not wait for a packet that has too few chains. */
#ifdef NEED
#define WAITS_AT	NEED
#else
#define WAITS_AT	1
#endif

active proctype driver()
{
	byte avail, last, old_avail, i, wait, flags;
	bool waits, ret;
#define OUT	SUB(avail, last)
#ifdef PACKED
#define HAS_USED(pos)	IS_USED(pos)
#define see_used(pos)	see(DRV, SLOT(pos))
#else
#define see_used(pos)	see(DRV, USED_IDX)
#define HAS_USED(pos)	(SUB(LOAD(DRV, USED_IDX), last) > SUB(pos, last))
#endif

	do
	:: OUT < NUM ->	/* add one or more chains */
		old_avail = avail;
		do
		:: OUT < NUM ->
			write_data(DRV, avail);
			smp_wmb(DRV);
#ifdef PACKED
			store(DRV, SLOT(avail), MADE_AVAIL(avail));
			avail = ADD(avail, 1)
#else
			avail = ADD(avail, 1);
			store(DRV, AVAIL_IDX, avail)
#endif
		:: old_avail != avail -> break
		od;
		smp_mb(DRV);
#ifdef EVENT
#ifdef PACKED
		atomic { see(DRV, FLAGS(DEV)); flags = LOAD(DRV, FLAGS(DEV)) };
		smp_rmb(DRV);
#else
		flags = DESC;
#endif
		atomic {
			see(DRV, EVENT_AT(DEV));
			ret = PASSED(LOAD(DRV, EVENT_AT(DEV)), avail, SUB(avail, old_avail));
			ret = (flags == DISABLE -> 0 : (flags == DESC -> ret : 1));
			flags = 0;
#else
		atomic {
			see(DRV, FLAGS(DEV));
			ret = LOAD(DRV, FLAGS(DEV)) == ENABLE;
#endif
			if
			:: ret -> queued = true	/* kick */
			:: else
			fi;
			ret = 0;
			old_avail = 0
		}
	:: !waits && OUT > 0 ->	/* poll */
		see_used(last);
		if
		:: HAS_USED(last) ->
			smp_rmb(DRV);
			atomic {
#ifdef PACKED
				if
				:: LOAD(DRV, SLOT(last)) & F_WORD
				:: else -> check_data(DRV, last)
				fi;
#else
				check_data(DRV, last);
#endif
				last = ADD(last, 1)
			}
		:: else
		fi
	:: !waits && OUT > 0 ->	/* enable calls, then look again */
#ifdef EVENT
		/* 2.7.10.1: a call for the next chain, or for a later one */
		wait = last;
		do
#if !defined(LEAN) && !defined(NEED)
		:: SUB(avail, wait) > 1 -> wait = ADD(wait, 1)
#endif
		:: break
		od;
		store(DRV, EVENT_AT(DRV), wait);
#ifdef PACKED
		smp_wmb(DRV);
		if
		:: LOAD(DRV, FLAGS(DRV)) != DESC -> store(DRV, FLAGS(DRV), DESC)
		:: else
		fi;
#endif
#else
		wait = last;
		store(DRV, FLAGS(DRV), ENABLE);
#endif
		smp_mb(DRV);
		see_used(wait);
		if
		:: HAS_USED(wait) -> wait = 0; goto disable
		:: else -> wait = 0; waits = true
		fi
	:: call ->
		atomic { call = false; waits = false };
disable:	if
#if !defined(EVENT) || defined(PACKED)
		:: store(DRV, FLAGS(DRV), DISABLE)
#endif
		:: true
		fi
	:: waits && OUT >= WAITS_AT -> call -> atomic { call = false; waits = false }
	:: OUT == 0 -> break
	od
}
