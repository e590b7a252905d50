/* Fluxion's resource API (REAPI) in C, over hactor's graph: a program asks a resource graph of its
 * own, in its own process, what fits where. Functions, types and numbers have the names that such
 * programs know, so that one that was written for Fluxion needs other include and link lines:
 *
 *     #include <hactor/reapi/reapi_cli.h>          cc ... -L PREFIX/lib -lhactor_reapi
 *
 * Functions that return int return 0, or -1 with errno and a sentence in reapi_cli_get_err_msg():
 * EINVAL (a null pointer, a wrong text), ENOENT (no such job or path), EPROTO (a graph that cannot
 * be), ENOMEM, EEXIST. Texts that are returned are the caller's, to be freed with free(). A context
 * is for one thread at a time. Times are seconds; a context's clock stands still at 0.
 * Installed as hactor/reapi/reapi_cli.h.
 * SPDX-License-Identifier: LGPL-3.0-or-later
 */
#ifndef HACTOR_REAPI_CLI_H
#define HACTOR_REAPI_CLI_H

#include <stdbool.h>
#include <stdint.h>

#include "match_op.h"
#include "resource_status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct reapi_cli_ctx reapi_cli_ctx_t;

/* A context without a graph; a null pointer when there is no memory. */
reapi_cli_ctx_t* reapi_cli_new(void);

/* Ends a context; a null pointer is passed over. Keeps errno. */
void reapi_cli_destroy(reapi_cli_ctx_t* ctx);

/* Gives the context a graph: the text itself, not a file. `options` is JSON, "{}" for the defaults:
 * load_format ("grug", "jgf", "hwloc", "rv1exec", ...), load_allowlist, matcher_name (subsystems:
 * "CA"), matcher_policy ("first"), match_format ("jgf"), prune_filters ("ALL:core,ALL:node"),
 * traverser_policy ("simple"); reserve_vtx_vec and elapse_time mean nothing here. When it fails the
 * context is as it was. */
int reapi_cli_initialize(reapi_cli_ctx_t* ctx, const char* rgraph, const char* options);

/* Another context with the same graph and the same jobs, which goes its own way from now on. */
reapi_cli_ctx_t* reapi_cli_clone(reapi_cli_ctx_t* ctx);

/* Finds resources for a jobspec, and holds them for a job, whose number is returned. `at` is when
 * they begin, `reserved` whether that is later than now, `R` what they are, `ov` how many seconds
 * it took. When nothing is found it returns 0, R is "" and errno EBUSY, or ENODEV when it can
 * never be (and that was asked for). */
int reapi_cli_match(reapi_cli_ctx_t* ctx, match_op_t match_op, const char* jobspec, uint64_t* jobid,
                    bool* reserved, char** R, int64_t* at, double* ov);

/* The same with a number of the caller's. EEXIST when that job holds something. */
int reapi_cli_match_with_jobid(reapi_cli_ctx_t* ctx, match_op_t match_op, const char* jobspec,
                               uint64_t jobid, bool* reserved, char** R, int64_t* at, double* ov);

/* reapi_cli_match with MATCH_ALLOCATE_ORELSE_RESERVE or MATCH_ALLOCATE. */
int reapi_cli_match_allocate(reapi_cli_ctx_t* ctx, bool orelse_reserve, const char* jobspec,
                             uint64_t* jobid, bool* reserved, char** R, int64_t* at, double* ov);

/* Whether an idle graph could meet the jobspec. */
int reapi_cli_match_satisfy(reapi_cli_ctx_t* ctx, const char* jobspec, bool* sat, double* ov);

/* Holds for a job what R says (with or without a graph), from R's starttime to its expiration. */
int reapi_cli_update_allocate(reapi_cli_ctx_t* ctx, const uint64_t jobid, const char* R,
                              int64_t* at, double* ov, const char** R_out);

/* Adds the vertices of a JGF that are new. */
int reapi_cli_add_subgraph(reapi_cli_ctx_t* ctx, const char* R_subgraph);

/* Takes a vertex out, with all below it; jobs lose what they had there. */
int reapi_cli_remove_subgraph(reapi_cli_ctx_t* ctx, const char* subgraph_path);

/* Releases what a job has or will have. `noent_ok`: no such job is no error. */
int reapi_cli_cancel(reapi_cli_ctx_t* ctx, const uint64_t jobid, bool noent_ok);

/* Releases the part of it that R names. `full_removal`: the job has nothing left. */
int reapi_cli_partial_cancel(reapi_cli_ctx_t* ctx, const uint64_t jobid, const char* R,
                             bool noent_ok, bool* full_removal);

/* `mode` is "ALLOCATED", "RESERVED" or "CANCELED". */
int reapi_cli_info(reapi_cli_ctx_t* ctx, const uint64_t jobid, char** mode, bool* reserved,
                   int64_t* at, double* ov);

/* Vertices for which a criterion is true ("status=down or sched-now=allocated"), in the match
 * format, or in `format` unless that is null; a null pointer when there are none. */
int reapi_cli_find(reapi_cli_ctx_t* ctx, const char* criteria, const char* format, char** R);

/* Vertices, edges, jobs matched; seconds that loading took, and matching at least, most, mostly. */
int reapi_cli_stat(reapi_cli_ctx_t* ctx, int64_t* V, int64_t* E, int64_t* J, double* load,
                   double* min, double* max, double* avg);

int reapi_cli_set_status(reapi_cli_ctx_t* ctx, const char* resource_path, resource_status_t status);
int reapi_cli_get_status(reapi_cli_ctx_t* ctx, const char* resource_path,
                         resource_status_t* status);

/* The same by ranks, an idset such as "0-3,7"; "all" or a null pointer is all ranks. */
int reapi_cli_set_rank_status(reapi_cli_ctx_t* ctx, const char* ranks, resource_status_t status);
int reapi_cli_get_rank_status(reapi_cli_ctx_t* ctx, const char* rank, resource_status_t* status);

/* What went wrong since the last clear, a line each; "" when nothing did. */
const char* reapi_cli_get_err_msg(reapi_cli_ctx_t* ctx);
void reapi_cli_clear_err_msg(reapi_cli_ctx_t* ctx);

#ifdef __cplusplus
}
#endif

#endif
