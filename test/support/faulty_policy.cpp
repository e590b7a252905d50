// A user's library with one fault, as FAULT says: tests load it. It calls itself "faulty".
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <stdexcept>
#include <string_view>

#include <hactor/policy.h>

namespace {

constexpr std::string_view fault{FAULT};

int64_t score(const hactor_vertex* v) {
  if (fault == "call" && std::string_view{v->type} == "node" && v->id > 0)
    throw std::runtime_error{"no watts are known"};
  return v->id < 0 ? 0 : v->id;
}

// The newest first; not between jobs 3 and 4.
int newest_first(const hactor_job* a, const hactor_job* b) {
  if (fault == "call" && a->id + b->id == 7)
    throw 7;
  return a->id > b->id ? -1 : 1;
}

const hactor_match_policy match{"faulty", score, 0, 1, 0};
const hactor_queue_policy queue{"faulty", newest_first, 1, 0};
const hactor_policy_set set{fault == "version" ? 99 : HACTOR_POLICY_VERSION, &match, &queue};

} // namespace

extern "C" const hactor_policy_set* hactor_policies() {
  if (fault == "entry")
    throw std::runtime_error{"no licence"};
  return fault == "null" ? nullptr : &set;
}
