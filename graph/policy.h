/* How to write a scheduling policy of one's own, in C or in any language that can export a C
 * function: build a shared library that defines hactor_policies(), and name its file to an
 * instance:
 *
 *     hactor start -S sched.policy=/path/libmine.so -S sched.match=/path/libmine.so ...
 *
 * The functions are called from the scheduler's thread, one at a time; they must return soon, must
 * not throw, and must answer the same question in the same way every time. A policy that throws is
 * turned off, and the log says so. What they are given is valid until they return. examples/queue-policy and examples/match-policy are complete ones.
 * Installed as hactor/policy.h.
 * SPDX-License-Identifier: LGPL-3.0-or-later
 */
#ifndef HACTOR_POLICY_H
#define HACTOR_POLICY_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Changes when a library that was built before would be misunderstood; such a one is refused. */
#define HACTOR_POLICY_VERSION 1u

/* -- which resources a job gets --------------------------------------------------------------- */

/* A vertex of the resource graph. */
struct hactor_vertex {
  const char* type; /* "node", "core", ... */
  const char* name; /* "node17" */
  int64_t id;       /* -1: none */
  int64_t rank;     /* of the broker that runs what is in it; -1: none */
  int64_t size;     /* units in the pool */
  /* The value of a property, "" for one without a value, or a null pointer. */
  const char* (*property)(const struct hactor_vertex* self, const char* key);
  const void* graph; /* hactor's own */
};

/* Among all that would do, what has the best score is taken. */
struct hactor_match_policy {
  const char* name;
  /* The score of a vertex, >= 0. It must depend on nothing but what the vertex is. */
  int64_t (*score)(const struct hactor_vertex* vertex);
  int lowest_first;   /* 1: the lowest score is the best; 0: the highest */
  int node_centric;   /* 1: the score of a node counts before those of what is in it */
  int node_exclusive; /* 1: jobs get whole nodes */
};

/* -- which job comes next ------------------------------------------------------------------------
 */

/* A waiting job. Counts are the least that it asks for. */
struct hactor_job {
  uint64_t id;
  uint32_t urgency;  /* 1 to 31; more is sooner; a job that is held is not asked about */
  int64_t submit_ns; /* since the Unix epoch */
  uint64_t nodes;    /* 0: as many as it takes */
  uint64_t cores;
  uint64_t gpus;
  double duration_s; /* 0: unlimited */
};

struct hactor_queue_policy {
  const char* name;
  /* < 0: a comes first, > 0: b does, 0: the usual order decides (urgency, submit time, id). It must
   * be an order: if a comes before b and b before c, a comes before c. Null: the usual order. */
  int (*compare)(const struct hactor_job* a, const struct hactor_job* b);
  /* Jobs that do not fit now and get the earliest time at which they will; no later job delays
   * them. 0: none. */
  uint32_t reservation_depth;
  int stop_at_blocked; /* 1: nothing behind a job that does not fit starts */
};

/* -- the entry point -----------------------------------------------------------------------------
 */

struct hactor_policy_set {
  uint32_t version;                        /* HACTOR_POLICY_VERSION */
  const struct hactor_match_policy* match; /* null: the library has none */
  const struct hactor_queue_policy* queue; /* null: the library has none */
};

/* To be defined by the library. What it returns must stay as it is for good. */
#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
const struct hactor_policy_set*
hactor_policies(void);

#ifdef __cplusplus
}
#endif

#endif
