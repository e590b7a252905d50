/* What a match is asked for. Names and numbers are those of Fluxion's REAPI.
 * Installed as hactor/reapi/match_op.h.
 * SPDX-License-Identifier: LGPL-3.0-or-later
 */
#ifndef HACTOR_REAPI_MATCH_OP_H
#define HACTOR_REAPI_MATCH_OP_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum match_op_t {
  MATCH_UNKNOWN,
  MATCH_ALLOCATE,                  /* now, or not */
  MATCH_ALLOCATE_W_SATISFIABILITY, /* now; if not, could it ever be? */
  MATCH_ALLOCATE_ORELSE_RESERVE,   /* now, or as early as possible */
  MATCH_SATISFIABILITY,            /* could it ever be? Nothing is held. */
  MATCH_WITHOUT_ALLOCATING,        /* as ALLOCATE, and nothing is held */
  MATCH_WITHOUT_ALLOCATING_FUTURE, /* as ALLOCATE_ORELSE_RESERVE, and nothing is held */
  MATCH_RESERVE,                   /* later than now, as early as possible */
  END_MATCH_OP_T
} match_op_t;

/* "allocate", "allocate_orelse_reserve", ...; "error" for a number that is none of them. */
const char* match_op_to_string(match_op_t match_op);

/* MATCH_UNKNOWN for a word that is none of them, or a null pointer. */
match_op_t match_op_from_string(const char* str);

bool match_op_valid(match_op_t match_op);

#ifdef __cplusplus
}
#endif

#endif
