// A queue policy of a user's own: the shortest job first, jobs without a limit last. Nothing is
// promised to anybody, and what fits starts; so a large job can wait long.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <hactor/policy.h>

namespace {

int shorter(const hactor_job* a, const hactor_job* b) {
  // 0 is no limit: longer than all.
  bool endless_a = a->duration_s == 0, endless_b = b->duration_s == 0;
  if (endless_a != endless_b)
    return endless_a ? 1 : -1;
  if (a->duration_s != b->duration_s)
    return a->duration_s < b->duration_s ? -1 : 1;
  return 0; // the usual order: urgency, submit time, id
}

const hactor_queue_policy policy{"shortest-first", shorter, 0, 0};
const hactor_policy_set set{HACTOR_POLICY_VERSION, nullptr, &policy};

} // namespace

extern "C" const hactor_policy_set* hactor_policies() { return &set; }
