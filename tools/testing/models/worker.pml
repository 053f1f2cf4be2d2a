/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two workers and the jobs of NR_QUEUES queues, while the client moves a queue to
 * the other worker, frees a worker, flushes, and stops the device; and while the
 * process that owns a worker is killed.
 *
 * Properties: a job that is queued for a live worker runs, and sees what was
 * written before; no queue is run by two workers at once; when a move returns,
 * the old worker does not use the queue; flush, move and stop end; no worker,
 * thread or flush on the stack is used after its end; a stopped worker has no
 * jobs left. Whatever does not end is found as an invalid end state.
 *
 * Steps and the functions that they stand for:
 *   add()		vd_work_queue(): vd_worker_add(), vd_thread_wake()
 *   flush()		vd_worker_flush()
 *   drop_jobs()	vd_worker_drop_jobs()
 *   proctype thread	vd_kthread_main() or vd_task_run(), vd_worker_run(),
 *			vd_worker_run_jobs(), vd_thread_begin_job();
 *			its end in task mode: vd_task_killed(), vd_worker_killed()
 *   run_flush()	vd_worker_flush_fn()
 *   run_queue()	vd_queue_enter(), vd_queue_loop(), vd_queue_leave();
 *			of another queue: vd_busy_borrow(), vd_busy_return()
 *   stop_worker()	vd_workers_remove(): vd_worker_stop(), vd_kthread_stop(),
 *			vd_task_stop()
 *   move()		vd_workers_attach(): vd_queue_move(), vd_poll_stop(),
 *			vd_poll_start()
 *   proctype kicker	vd_poll_wake()
 *   proctype control	the ioctls, under the device's mutex; vd_workers_free(),
 *			vd_workers_flush(), vd_device_stop(), vd_queue_detach(),
 *			vd_queue_reset(), vd_workers_stop()
 *
 * Variants: TASK, workers are threads of processes that can be killed, each by
 * itself, because processes that share the owner's memory may create workers; or
 * kernel threads.
 *
 * The list of jobs is the kernel's llist with its next pointers. clear_bit() is a
 * relaxed store, as on arm64: other processors can see the bit set until the
 * thread's next full barrier. A grace period waits for the readers that were
 * there when it began. The kernel's part of a thread is as its interface defines
 * it: a kernel thread that is stopped before it has run never calls its function;
 * vhost_task calls its kill handler unless it was stopped before, and serialises
 * the two.
 */
#ifndef NR_QUEUES
#define NR_QUEUES	1
#endif
#define FLUSH	(NR_QUEUES + 1)	/* the work of the flush; 0 is a NULL pointer */
#define NONE	2		/* not a worker's thread */

typedef job {
	byte next;
	bool queued;		/* VD_WORK_QUEUED */
	byte worker
};
job works[NR_QUEUES + 2];

typedef thread_of {
	byte head;		/* struct vd_worker */
	bool is_dead, dropped, is_freed;
	bool sleeps;		/* the thread */
	bool sigkill, should_stop, was_killed, exit_lock, has_exited;
	byte clearing;		/* work with a bit that others see set */
	byte running;		/* work that it runs */
	bool phase;		/* RCU */
	byte readers[2]
};
thread_of workers[2];

/* struct vd_queue, by the number of its work */
bool locked[NR_QUEUES + 1], has_backend[NR_QUEUES + 1], poll_is_on[NR_QUEUES + 1];
bool poll_lock[NR_QUEUES + 1], is_run[NR_QUEUES + 1];
/* The guest has written something that the handler has not seen. */
bool wish[NR_QUEUES + 1];

bool flush_exists, flush_done;

/* For each thread: when its relaxed store is visible to others. */
active proctype memory()
{
end:	do
	:: d_step { workers[0].clearing ->
		works[workers[0].clearing].queued = false; workers[0].clearing = 0 }
	:: d_step { workers[1].clearing ->
		works[workers[1].clearing].queued = false; workers[1].clearing = 0 }
	od
}

#define smp_mb(me)	(me == NONE || !workers[me].clearing)

inline wake(sleeper)
{
	d_step {
		assert(!workers[sleeper].is_freed && !workers[sleeper].has_exited);
		workers[sleeper].sleeps = false
	}
}

/* Thread @me queues @what; leaves false in @res if worker @on is dead. */
inline add(on, what, me, res)
{
	atomic {
		smp_mb(me);
		res = works[what].queued;
		works[what].queued = true;
		if
		:: res
		:: else ->
			assert(!workers[on].is_freed);
			phase = workers[on].phase;
			workers[on].readers[phase]++
		fi
	};
	if
	:: res
	:: else ->
		res = !workers[on].is_dead;
		if
		:: !res -> works[what].queued = false
		:: else ->
			atomic {
				was_empty = !workers[on].head;
				works[what].next = workers[on].head;
				workers[on].head = what
			};
		fi;
		atomic {
			if
			:: was_empty -> wake(on)
			:: else
			fi;
			workers[on].readers[phase]--;
			phase = 0;
			was_empty = false
		}
	fi
}

/* llist_reverse_order() of the list at @node */
inline reverse()
{
	d_step {
		prev = 0;
		do
		:: node -> next = works[node].next; works[node].next = prev; prev = node; node = next
		:: else -> break
		od;
		node = prev;
		prev = 0;
		next = 0
	}
}

/* The caller is the thread of @from, or has ended it. */
inline drop_jobs(from)
{
	atomic { node = workers[from].head; workers[from].head = 0 };
#ifndef OLD_DROP_ORDER
	reverse();
#endif
	do
	:: node ->
		atomic {
			next = works[node].next;
			works[node].next = 0;
			works[node].queued = false
		};
		if
		:: node == FLUSH ->
#ifndef FAULT_DROP_FLUSH
			run_flush()
#else
			skip
#endif
		:: else
		fi;
		atomic { node = next; next = 0 }
	:: else -> break
	od
}

inline run_flush()
{
	d_step { assert(flush_exists); flush_done = true }
}

inline run_queue(q)
{
	atomic { !locked[q] -> locked[q] = true };
	if
	:: has_backend[q] ->
		d_step { assert(!is_run[q]); is_run[q] = true };
		/* The guest's writes up to here are seen. */
		wish[q] = false;
		if
		:: add(works[q].worker, q, id, ok)	/* yield */
#if NR_QUEUES > 1
		:: q == 2 && !locked[1] ->
			atomic { !locked[1] -> locked[1] = true };
			if
			:: has_backend[1] -> add(works[1].worker, 1, id, ok)
			:: else
			fi;
			locked[1] = false
#endif
		:: true
		fi;
		is_run[q] = false
	:: else
	fi;
	atomic { ok = false; locked[q] = false }
}

proctype thread(byte id)
{
	byte node, next, prev;
	bool phase, was_empty, ok;

#ifndef TASK
	/* The first run. */
	if
	:: workers[id].should_stop -> goto exit
	:: true
	fi;
#endif
loop:
	atomic {
		smp_mb(id);
		assert(!workers[id].is_freed);
#ifdef TASK
		if
		:: workers[id].sigkill -> goto exit
		:: else
		fi;
#endif
#ifndef FAULT_SLEEP_LATE
		workers[id].sleeps = true
#endif
	};
#ifdef TASK
	if
	:: workers[id].should_stop -> goto exit
	:: else
	fi;
#endif
	if
	:: workers[id].head -> goto run_jobs
	:: else
	fi;
#ifndef TASK
	if
	:: workers[id].should_stop -> goto exit
	:: else
	fi;
#endif
#ifdef FAULT_SLEEP_LATE
	atomic { smp_mb(id) -> workers[id].sleeps = true };
#endif
end:	(!workers[id].sleeps || workers[id].sigkill);
	goto loop;

run_jobs:
	atomic {
		workers[id].sleeps = false;
		node = workers[id].head;
		workers[id].head = 0
	};
	reverse();
	do
	:: node ->
		atomic {
			assert(node != FLUSH || flush_exists);
			next = works[node].next;
#ifndef FAULT_NEXT_LATE
			works[node].next = 0;
#endif
			workers[id].running = node
		};
#ifdef FAULT_CLEAR_LATE
		skip;
#else
		atomic { !workers[id].clearing -> workers[id].clearing = node };
#ifndef FAULT_NO_MB
		smp_mb(id);
#endif
#endif
		if
		:: node == FLUSH -> run_flush()
		:: node == 1 -> run_queue(1)
#if NR_QUEUES > 1
		:: node == 2 -> run_queue(2)
#endif
		fi;
#ifdef FAULT_CLEAR_LATE
		works[node].queued = false;
#endif
#ifdef FAULT_NEXT_LATE
		next = works[node].next;
#endif
		atomic {
			workers[id].running = 0;
			node = next;
			next = 0
		}
	:: else -> break
	od;
	goto loop;

exit:	skip;
#ifdef TASK
	atomic { !workers[id].exit_lock -> workers[id].exit_lock = true };
	if
	:: !workers[id].should_stop ->
		workers[id].was_killed = true;
		workers[id].is_dead = true;
#ifndef FAULT_NO_GRACE
		atomic { phase = workers[id].phase; workers[id].phase = !phase };
		workers[id].readers[phase] == 0;
		phase = 0;
#endif
		drop_jobs(id);
		workers[id].dropped = true
	:: else
	fi;
	workers[id].exit_lock = false;
#endif
	d_step {
		assert(!workers[id].is_freed);
		workers[id].has_exited = true
	}
}

/* KICKS and MOVES limit the numbers of these, which are unlimited without. */
#ifdef KICKS
#define ROOM(nr, max)	((nr) < (max))
#define COUNT(nr)	nr++
#else
#define ROOM(nr, max)	true
#define COUNT(nr)	skip
#endif

proctype kicker()
{
	bool phase, was_empty, ok;
	byte q, nr;

	do
	:: break
	:: atomic {
		ROOM(nr, KICKS) -> COUNT(nr);
		q = 1;
#if NR_QUEUES > 1
		if
		:: q = 1
		:: q = 2
		fi;
#endif
		wish[q] = true;
		/* The lock of the eventfd's wait queue. */
		!poll_lock[q] -> poll_lock[q] = true;
		if
		:: poll_is_on[q] -> skip
		:: else -> goto unlock
		fi
	   };
		add(works[q].worker, q, NONE, ok);
unlock:		atomic { poll_lock[q] = false; ok = false; q = 0 }
	od
}

#ifdef TASK
proctype killer()
{
	if
	:: workers[0].sigkill = true
	:: workers[1].sigkill = true
	:: d_step { workers[0].sigkill = true; workers[1].sigkill = true }
	:: true
	fi
}
#endif

inline flush(target)
{
	d_step {
		flush_exists = true;
		flush_done = false;
		works[FLUSH].queued = false;
		works[FLUSH].next = 0
	};
	add(target, FLUSH, NONE, ok);
	if
	:: ok -> flush_done
	:: else -> workers[target].dropped
	fi;
	atomic { ok = false; flush_exists = false; flush_done = false }
}

inline stop_worker(gone)
{
#ifndef FAULT_STOP_NO_FLUSH
	flush(gone);
#endif
#ifdef TASK
	atomic { !workers[gone].exit_lock -> workers[gone].exit_lock = true };
	if
	:: !workers[gone].was_killed ->
		workers[gone].should_stop = true;
		wake(gone)
	:: else
	fi;
	workers[gone].exit_lock = false;
#else
	atomic { workers[gone].should_stop = true; workers[gone].sleeps = false };
#endif
	workers[gone].has_exited;
	assert(!workers[gone].head);
	drop_jobs(gone);
	workers[gone].is_freed = true
}

inline move(q, to)
{
	atomic { !locked[q] && !poll_lock[q] -> locked[q] = true; poll_is_on[q] = false };
	atomic { works[q].worker = to; poll_is_on[q] = true; locked[q] = false };
#ifndef FAULT_MOVE_NO_FLUSH
	flush(1 - to);
#endif
#ifndef FAULT_MOVE_NO_QUEUE
	add(to, q, NONE, ok);
#endif
	d_step { assert(workers[1 - to].running != q); ok = false }
}

#define IS_FREE(w)	(!workers[w].is_freed && works[1].worker != w && \
			 works[NR_QUEUES].worker != w)

active proctype control()
{
	bool phase, was_empty, ok;
	byte node, next, prev, q, id, nr;

	atomic {
		q = 1;
		do
		:: q <= NR_QUEUES -> has_backend[q] = true; poll_is_on[q] = true; q++
		:: else -> break
		od;
		run thread(0);
		run thread(1);
		run kicker();
#ifdef TASK
		run killer();
#endif
		q = 0
	};
	do
	:: atomic { !workers[1 - works[1].worker].is_freed && ROOM(nr, MOVES) ->
		COUNT(nr);
		id = 1 - works[1].worker };
		move(1, id)
#if NR_QUEUES > 1
	:: atomic { !workers[1 - works[2].worker].is_freed && ROOM(nr, MOVES) ->
		COUNT(nr);
		id = 1 - works[2].worker };
		move(2, id)
#endif
#ifdef WITH_FREE
	:: IS_FREE(0) -> id = 0; stop_worker(id)
	:: IS_FREE(1) -> id = 1; stop_worker(id)
#endif
	/* A request is fulfilled, or the worker is dead. */
	:: true -> !wish[1] || workers[works[1].worker].is_dead
#if NR_QUEUES > 1
	:: true -> !wish[2] || workers[works[2].worker].is_dead
#endif
	:: break
	od;
	/* vd_device_stop() */
	q = NR_QUEUES;
	do
	:: q ->
		atomic { !locked[q] -> has_backend[q] = false; q-- }
	:: else -> break
	od;
	q = NR_QUEUES;
	do
	:: q -> atomic { !poll_lock[q] -> poll_is_on[q] = false; q-- }
	:: else -> break
	od;
	id = 0;
	do
	:: id < 2 && !workers[id].is_freed -> stop_worker(id); id++
	:: id < 2 && workers[id].is_freed -> id++
	:: else -> break
	od
}
