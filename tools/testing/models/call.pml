/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A caller lets a worker's thread call a function, by a record on the caller's
 * stack, and may give up; the thread may be killed with its owner.
 *
 * Properties: the thread does not use a record after the caller has returned; a
 * function that was given up is not called; each call ends.
 *
 * Steps and the functions that they stand for:
 *   proctype caller	vd_worker_call(), with vd_worker_add() as its steps
 *   run_call()		vd_worker_call_run()
 *   proctype thread	vd_worker_run_jobs(); vd_worker_killed() with
 *			vd_worker_drop_jobs()
 *
 * There is one job, which stays queued after a call that was given up. Accesses are
 * atomic operations with full barriers, or under RCU: memory is sequentially
 * consistent.
 */
#define NR_CALLS	3

bool is_dead, queued, in_list, in_rcu;
byte call;			/* number of the call, or 0 */
bool on_stack[NR_CALLS + 1], given_up[NR_CALLS + 1], done[NR_CALLS + 1];
bool end;

inline run_call() {
	d_step { taken = call; call = 0 }
	if
	:: taken ->
		assert(!given_up[taken]);
		/* The function runs, or the call fails. */
		skip;
		d_step { assert(on_stack[taken]); done[taken] = true }
		taken = 0
	:: else
	fi
}

/* The bit is cleared first, then the job runs. */
inline run_job() {
	in_list = false;
	queued = false;
	run_call()
}

active proctype thread()
{
	byte taken;

	do
	:: in_list -> run_job()
	:: is_dead = true;
		!in_rcu;	/* the grace period */
		if
		:: in_list -> run_job()
		:: else
		fi;
		break
	:: end && !in_list -> break
	od
}

active proctype caller()
{
	byte k = 1, was;
	bool added;

	do
	:: k > NR_CALLS -> break
	:: else ->
		on_stack[k] = true;
		call = k;
		d_step { added = queued; queued = true }
		if
		:: added
		:: else ->
			in_rcu = true;
			if
			:: is_dead -> queued = false
			:: else -> added = true; in_list = true
			fi;
			in_rcu = false
		fi;
		if
		:: added ->
			if
			:: done[k]
			:: goto take	/* killed, or the time is over */
			fi
		:: else ->
#ifdef OLD_FORGET
			call = 0
#else
			goto take
#endif
		fi;
returned:	on_stack[k] = false;
		k++;
	od;
	end = true;
	goto over;

take:	skip;
	d_step { was = call; call = 0 }
	if
	:: was -> given_up[k] = true
	:: else -> done[k]
	fi;
	goto returned;

over:	skip
}
