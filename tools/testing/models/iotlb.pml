/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * IOTLB misses of two queues on two workers: a handler that misses an address
 * reports it and stops; the client reads the misses, and answers each by a
 * mapping, in any order; meanwhile mappings are invalidated, kicks make the
 * handlers run again, rings are attached anew, misses are dropped, and in the end
 * the device is stopped.
 *
 * Properties: a queue that waits for a miss runs again; no handler uses a mapping
 * after the write() of its INVALIDATE has returned; no address
 * has two unread misses of one queue; a queue is in the list of unread misses while it has some; read(),
 * write() and the stop end. Whatever does not end is found as an invalid end
 * state.
 *
 * Steps and the functions that they stand for:
 *   await()		vd_miss_await()
 *   add_prefetch()	vd_miss_add_prefetch()
 *   remove_prefetch()	vd_miss_remove_prefetch()
 *   list()		vd_miss_queue()
 *   report()		vd_queue_fail(), vd_miss_report()
 *   report_aside()	vd_queue_ask_to_attach(), vd_miss_report_aside()
 *   read_miss()	vd_misses_read()
 *   resolve()		vd_iommu_resolve(), vd_miss_resolve()
 *   drop()		vd_iommu_drop_misses(), vd_miss_drop()
 *   wake_reader()	vd_misses_wake()
 *   look_up()		vd_translate(), vd_mem_look_up(), vd_mem_prefetch()
 *   BOTH_FREE		vd_iommu_lock(), vd_iommu_unlock()
 *   proctype handler	vd_queue_enter() with vd_ring_map(), vd_tx_step() or
 *			vd_rx_step(), vd_queue_leave()
 *   proctype client	vd_iommu_read(); vd_iommu_write() of an answer:
 *			vd_iommu_update()
 *   proctype guest	vd_iommu_write() of INVALIDATE: vd_iommu_remove(),
 *			vd_iommu_evict(), vd_mem_forget(), vd_ring_forget();
 *			kicks: vd_work_queue()
 *   proctype control	vd_vring_set_backend(), vd_queue_attach_locked(),
 *			vd_queue_detach(), vd_device_stop(), vd_misses_open()
 *
 * Page 0 holds the areas of both rings, translated once; the others a buffer
 * each, translated by the hint of the last one or by a lookup.
 *
 * What is under a lock is one step, where nothing else changes without that lock:
 * the spinlock of the misses; the mutexes of the queues, for mappings, hints and
 * areas. All accesses are under locks, but for the check before a reader sleeps:
 * memory is sequentially consistent.
 */
#ifndef NR_PAGES
#define NR_PAGES	3
#endif
#ifndef MAX_PREFETCH
#define MAX_PREFETCH	1
#endif

mtype = { MISS_NONE, MISS_UNREAD, MISS_READ };

typedef queue {
	bool locked, queued, has_backend;	/* struct vd_queue */
	bool is_mapped;				/* page 0 */
	byte hint;				/* a page, or 0 */
	bool is_stale;				/* one of them is of an invalidated mapping */
	byte miss, nr_found, found[MAX_PREFETCH];	/* struct vd_mem */
	mtype state;				/* struct vd_vq_misses */
	bool is_repeated;
	byte awaited, nr_read, nr, prefetch[MAX_PREFETCH];
	bool is_listed;
	bool has_run				/* since the last kick */
};
queue queues[2];
#define Q	queues[q]

byte first_listed;	/* of vd_misses.unread, if both are listed */
bool is_open = true, reader_sleeps, dev_locked;
bool is_mapping[NR_PAGES];	/* struct vd_iotlb */

#define HAS_UNREAD(q)	(queues[q].state == MISS_UNREAD || queues[q].nr_read < queues[q].nr)

inline wake_reader()
{
	reader_sleeps = false
}

/* Leaves the index of @page in @i, or Q.nr. */
inline find(page)
{
	i = 0;
	do
	:: i < Q.nr && Q.prefetch[i] != page -> i++
	:: else -> break
	od
}

/* The entry at @i. */
inline remove_prefetch()
{
	Q.nr--;
	if
	:: i < Q.nr_read -> Q.nr_read--
	:: else
	fi;
	do
	:: i < Q.nr -> Q.prefetch[i] = Q.prefetch[i + 1]; i++
	:: else -> break
	od;
	Q.prefetch[Q.nr] = 0
}

inline add_prefetch(page)
{
	find(page);
	if
	:: i < Q.nr
	:: else ->
		if
		:: Q.nr == MAX_PREFETCH && Q.nr_read -> i = 0; remove_prefetch()
		:: else
		fi;
		if
		:: Q.nr < MAX_PREFETCH -> Q.prefetch[Q.nr] = page; Q.nr++
		:: else
		fi
	fi
}

#define CAN_BE_RESOLVED	(Q.state == MISS_READ || (Q.state == MISS_UNREAD && Q.is_repeated))

inline await(page)
{
	find(page);
#ifdef FAULT_NO_REPEAT
	Q.is_repeated = false;
#else
	Q.is_repeated = (i < Q.nr && i < Q.nr_read) || (CAN_BE_RESOLVED && Q.awaited == page);
#endif
	Q.awaited = page;
	Q.state = MISS_UNREAD;
	if
	:: i < Q.nr -> remove_prefetch()
	:: else
	fi
}

/* Leaves in @is_new whether readers must be woken. */
inline list()
{
	is_new = HAS_UNREAD(q) && !Q.is_listed;
	if
	:: is_new ->
		Q.is_listed = true;
		first_listed = (queues[1 - q].is_listed -> 1 - q : q)
	:: else
	fi
}

inline check_misses()
{
	assert(Q.is_listed == HAS_UNREAD(q));
	assert(Q.nr_read <= Q.nr);
	i = 0;
	do
	:: i < Q.nr ->
		assert(Q.state != MISS_UNREAD || Q.prefetch[i] != Q.awaited || i < Q.nr_read);
		i++
	:: else -> break
	od;
	i = 0
}

inline report()
{
	d_step {
		await(Q.miss);
		do
		:: Q.nr_found -> Q.nr_found--; add_prefetch(Q.found[Q.nr_found]); Q.found[Q.nr_found] = 0
		:: else -> break
		od;
		Q.miss = 0;
		list();
		check_misses()
	};
	if
	:: is_new -> wake_reader()
	:: else
	fi;
	is_new = false
}

inline report_aside()
{
	d_step {
		if
		:: Q.state == MISS_NONE -> await(0)
		:: else ->
#ifdef OLD_ASIDE
			true;
#else
			if
			:: Q.state == MISS_UNREAD && Q.awaited == 0 -> skip
			:: else ->
#endif
			find(0);
			if
			:: i < Q.nr_read -> remove_prefetch()
			:: else
			fi;
			add_prefetch(0)
#ifndef OLD_ASIDE
			fi
#endif
		fi;
		list();
		check_misses()
	};
	if
	:: is_new -> wake_reader()
	:: else
	fi;
	is_new = false
}

/* Takes an unread miss; leaves its page in @page and its queue in @q, or 2. */
inline read_miss()
{
	d_step {
		q = (queues[0].is_listed && queues[1].is_listed -> first_listed :
		     (queues[0].is_listed -> 0 : (queues[1].is_listed -> 1 : 2)));
		if
		:: q < 2 ->
			if
			:: Q.state == MISS_UNREAD -> Q.state = MISS_READ; page = Q.awaited
			:: else -> assert(Q.nr_read < Q.nr); page = Q.prefetch[Q.nr_read]; Q.nr_read++
			fi;
			/* To the end of the list, or out of it. */
			first_listed = 1 - q;
			Q.is_listed = HAS_UNREAD(q);
			check_misses()
		:: else
		fi
	}
}

/* A mapping of @page was added. */
inline resolve(page)
{
	q = 0;
	do
	:: q < 2 ->
		d_step {
			is_new = CAN_BE_RESOLVED && Q.awaited == page;
			if
			:: is_new ->
				if
				:: Q.state == MISS_UNREAD -> add_prefetch(Q.awaited)
				:: else
				fi;
				Q.state = MISS_NONE;
				Q.awaited = 0;
				Q.is_repeated = false
			:: else
			fi;
			find(page);
			if
			:: i < Q.nr_read -> remove_prefetch()
			:: else
			fi;
			check_misses()
		};
#ifdef FAULT_NO_RESOLVE
		skip;
#else
		if
		:: is_new -> Q.queued = true
		:: else
		fi;
#endif
		atomic { is_new = false; q++ }
	:: else -> break
	od;
	q = 0
}

inline drop()
{
	d_step {
		is_new = Q.state != MISS_NONE;
		Q.is_listed = false;
		Q.state = MISS_NONE;
		Q.awaited = 0;
		Q.is_repeated = false;
		do
		:: Q.nr -> Q.nr--; Q.prefetch[Q.nr] = 0
		:: else -> break
		od;
		Q.nr_read = 0
	}
}

/* vd_iommu_lock(): no run is in progress. */
#define BOTH_FREE	(!queues[0].locked && !queues[1].locked)

/* Makes buffer @page the hint, or collects the misses and leaves true in @missed. */
inline look_up(page)
{
	d_step {
		if
		:: Q.hint == page && page
		:: else ->
			if
			:: is_mapping[page] ->
				if
				:: page -> Q.hint = page
				:: else
				fi
			:: else ->
				missed = true;
				Q.miss = page;
				/* Other buffers of the batch. */
				i = (page -> 1 : NR_PAGES);
				do
				:: i < NR_PAGES && Q.nr_found < MAX_PREFETCH ->
					if
					:: !is_mapping[i] && i != page ->
						Q.found[Q.nr_found] = i; Q.nr_found++
					:: else
					fi;
					i++
				:: else -> break
				od;
				i = 0
			fi
		fi
	}
}

proctype handler(bit q)
{
	bool missed, is_new;
	byte i, n;

end:	atomic { Q.queued -> Q.queued = false };
	atomic {
		!Q.locked;
		if
		:: !Q.has_backend -> goto end
		:: Q.has_backend && Q.is_mapped -> skip
		:: else ->
			look_up(0);
			if
			:: missed -> goto fail
			:: else -> Q.is_mapped = true
			fi
		fi;
		n = 1;
		do
		:: n < NR_PAGES ->
			look_up(n);
			if
			:: missed -> goto fail
			:: else
			fi;
			/* Read the ring, and write the buffer. */
			assert(is_mapping[0] && is_mapping[n] && !Q.is_stale);
			n++
		:: else -> break
		od;
		n = 0;
		Q.has_run = true;
		goto end;
fail:		missed = false;
		n = 0;
#ifndef FAULT_LATE_REPORT
		Q.locked = true
#endif
	};
	report();
	Q.locked = false;
	goto end
}

#define HAS_LISTED	(queues[0].is_listed || queues[1].is_listed)
#if NR_PAGES == 2
#define HAS_ASKED	(asked[0] || asked[1])
#else
#define HAS_ASKED	(asked[0] || asked[1] || asked[2])
#endif

inline answer(page)
{
	if
	:: atomic { !dev_locked && is_open && BOTH_FREE ->
			dev_locked = true;
			is_mapping[page] = true
		};
		resolve(page)
	:: atomic { !dev_locked && !is_open -> dev_locked = true }	/* -EFAULT */
	fi;
	atomic { asked[page] = false; dev_locked = false }
}

active proctype client()
{
	bool asked[NR_PAGES], is_new;
	byte q, i, page;

	do
	:: asked[0] -> answer(0)
	:: asked[1] -> answer(1)
#if NR_PAGES > 2
	:: asked[2] -> answer(2)
#endif
	:: HAS_LISTED || !HAS_ASKED ->
		read_miss();
		if
		:: q < 2 -> atomic { asked[page] = true; page = 0; q = 0 }
		:: else ->
			q = 0;
			if
			:: !is_open -> break	/* -EBADFD */
			:: HAS_ASKED -> skip
			:: else ->
#ifdef FAULT_SLEEP_LATE
				if
				:: HAS_LISTED || !is_open -> skip
				:: else -> reader_sleeps = true; !reader_sleeps
				fi
#else
				reader_sleeps = true;
				if
				:: HAS_LISTED || !is_open -> reader_sleeps = false
				:: else -> !reader_sleeps
				fi
#endif
			fi
		fi
	od
}

/* Changes its mappings, and kicks. */
active proctype guest()
{
	byte page, q;

	do
	:: atomic {
			!dev_locked && BOTH_FREE;
			if
			:: page = 0
			:: page = 1
#if NR_PAGES > 2
			:: page = 2
#endif
			fi;
			q = 0;
			do
			:: q < 2 ->
#ifndef FAULT_KEEP_HINT
				if
				:: Q.hint == page -> Q.hint = 0
				:: else
				fi;
#endif
#ifndef FAULT_KEEP_AREA
				if
				:: page == 0 -> Q.is_mapped = false
				:: else
				fi;
#endif
				Q.is_stale = Q.is_stale || (page == 0 && Q.is_mapped) ||
					     (page && Q.hint == page);
				q++
			:: else -> break
			od;
			q = 0;
			is_mapping[page] = false;
			page = 0
		}
#ifdef WITH_KICKS
	:: d_step { queues[0].has_run = false; queues[0].queued = true }
#ifndef ONE_QUEUE
	:: d_step { queues[1].has_run = false; queues[1].queued = true }
#endif
#endif
	:: break
	od
}

active proctype control()
{
	bool is_new;
	byte q, i;

	atomic {
		queues[0].has_backend = true;
		queues[0].queued = true;
		run handler(0);
#ifdef ONE_QUEUE
		queues[1].has_run = true
#else
		queues[1].has_backend = true;
		queues[1].queued = true;
		run handler(1)
#endif
	};
	do
#ifdef WITH_BACKEND
	/* VHOST_NET_SET_BACKEND of a running ring, to another socket */
	:: atomic {
			if
			:: q = 0
#ifndef ONE_QUEUE
			:: q = 1
#endif
			fi;
			!dev_locked && !Q.locked;
			if
			:: !Q.is_mapped && !is_mapping[0] -> report_aside()
			:: else -> Q.queued = true
			fi;
			q = 0
		}
	:: atomic { !dev_locked -> dev_locked = true };
		/* VHOST_NET_SET_BACKEND of -1 that fails afterwards */
		q = 0;
		do
		:: q < 2 ->
			drop();
#ifndef FAULT_DROP_ONLY
			if
			:: is_new -> Q.queued = true
			:: else
			fi;
#endif
			atomic { is_new = false; q++ }
		:: else -> break
		od;
		atomic { q = 0; dev_locked = false }
#endif
	:: true -> queues[0].has_run && queues[1].has_run -> break
	:: break
	od;
	/* vd_device_stop() */
	atomic { !dev_locked -> dev_locked = true };
	q = 0;
	do
	:: q < 2 ->
		atomic {
			!Q.locked;
			Q.has_backend = false;
			drop();
			is_new = false;
			q++
		}
	:: else -> break
	od;
	q = 0;
	is_open = false;
	wake_reader();
	dev_locked = false
}
