/* Fluxion's resource API (REAPI) in module mode, in C: a program asks the scheduler of a running
 * hactor instance for resources, and has them until it gives them back. What it has is charged in
 * the instance's graph: no job gets it, and it gets nothing that a job has or is promised.
 * Functions, types and numbers have the names that such programs know; in the place of flux_open
 * stands hactor_reapi_open.
 *
 *     #include <hactor/reapi/reapi_module.h>       cc ... -L PREFIX/lib -lhactor_reapi
 *
 * Functions that return int return 0, or -1 with errno: EBUSY (no room now), ENODEV (there never
 * will be), ENOENT (no such job), EEXIST (it has something already), EINVAL, ENOSYS (the instance
 * has no scheduler just now), ENOTCONN (the instance is not there), ETIMEDOUT. Texts that are
 * returned are the caller's, to be freed with free(). A handle is for one thread at a time. Times
 * are seconds since the epoch. Job ids are the program's own, and not those of jobs of the
 * instance; less than 2^62. Installed as hactor/reapi/reapi_module.h.
 * SPDX-License-Identifier: LGPL-3.0-or-later
 */
#ifndef HACTOR_REAPI_MODULE_H
#define HACTOR_REAPI_MODULE_H

#include <stdbool.h>
#include <stdint.h>

#include "match_op.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What is allocated and reserved through the handle stays when that is closed or its process dies,
 * also over a restart of the instance from its state directory, until somebody cancels it ('hactor
 * resource claims' lists it). Without this flag it ends with the handle. */
#define HACTOR_REAPI_KEEP 1

/* Connects to an instance; a null pointer means HACTOR_URI. Returns a handle, or a null pointer and
 * errno ENOTCONN or EINVAL. */
void* hactor_reapi_open(const char* uri, int flags);
void hactor_reapi_close(void* handle);

/* The sentence that belongs to the last function that failed; "" when none did. The handle's. */
const char* hactor_reapi_error(void* handle);

typedef struct reapi_module_ctx reapi_module_ctx_t;

reapi_module_ctx_t* reapi_module_new(void);

/* Ends a context, not its handle; a null pointer is passed over. */
void reapi_module_destroy(reapi_module_ctx_t* ctx);

/* The handle that the context asks through; EINVAL without one. */
int reapi_module_set_handle(reapi_module_ctx_t* ctx, void* handle);
void* reapi_module_get_handle(reapi_module_ctx_t* ctx);

/* Finds resources for a jobspec, and holds them for a job unless the operation only asks. `at` is
 * when they begin, `reserved` whether that is later than now, `R` what they are ("" after
 * MATCH_SATISFIABILITY), `ov` how many seconds it took. What is reserved is kept free for its time:
 * when that has come, cancel it and match again. */
int reapi_module_match(reapi_module_ctx_t* ctx, match_op_t match_op, const char* jobspec,
                       const uint64_t jobid, bool* reserved, char** R, int64_t* at, double* ov);

/* reapi_module_match with MATCH_ALLOCATE_ORELSE_RESERVE or MATCH_ALLOCATE_W_SATISFIABILITY. */
int reapi_module_match_allocate(reapi_module_ctx_t* ctx, bool orelse_reserve, const char* jobspec,
                                const uint64_t jobid, bool* reserved, char** R, int64_t* at,
                                double* ov);

/* 0 when an idle instance could meet the jobspec, else ENODEV. */
int reapi_module_match_satisfy(reapi_module_ctx_t* ctx, const char* jobspec, double* ov);

/* Holds for a job what R says (with or without a graph), from R's starttime, or now, to its
 * expiration. EBUSY when somebody has some of it. */
int reapi_module_update_allocate(reapi_module_ctx_t* ctx, const uint64_t jobid, const char* R,
                                 int64_t* at, double* ov, const char** R_out);

/* Releases what a job has or will have. `noent_ok`: no such job is no error. */
int reapi_module_cancel(reapi_module_ctx_t* ctx, const uint64_t jobid, bool noent_ok);

/* Releases the part of it that R names. `full_removal`: the job has nothing left. */
int reapi_module_partial_cancel(reapi_module_ctx_t* ctx, const uint64_t jobid, const char* R,
                                bool noent_ok, bool* full_removal);

int reapi_module_info(reapi_module_ctx_t* ctx, const uint64_t jobid, bool* reserved, int64_t* at,
                      double* ov);

/* Vertices of the instance's graph for which a criterion is true, as R or in `format`; a null
 * pointer when there are none. */
int reapi_module_find(reapi_module_ctx_t* ctx, const char* criteria, const char* format, char** R);

/* Vertices and edges of the graph, jobs matched (also those of the instance); seconds that making
 * the graph ready took, and matches of such programs at least, most, mostly. */
int reapi_module_stat(reapi_module_ctx_t* ctx, int64_t* V, int64_t* E, int64_t* J, double* load,
                      double* min, double* max, double* avg);

#ifdef __cplusplus
}
#endif

#endif
