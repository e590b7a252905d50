// A match policy of a user's own: jobs go to the nodes that draw the least power, as the property
// "watts" of each node says; nodes that do not say come last.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <cstdlib>
#include <cstring>

#include <hactor/policy.h>

namespace {

int64_t watts(const hactor_vertex* v) {
  if (std::strcmp(v->type, "node") != 0)
    return v->id < 0 ? 0 : v->id;
  const char* text = v->property(v, "watts");
  return text == nullptr ? 1'000'000 : std::strtoll(text, nullptr, 10);
}

const hactor_match_policy policy{"coolest", watts, 1, 1, 0};
const hactor_policy_set set{HACTOR_POLICY_VERSION, &policy, nullptr};

} // namespace

extern "C" const hactor_policy_set* hactor_policies() { return &set; }
