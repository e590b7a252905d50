// Fuzzer of what reads a few words: sched.tree, sched.match, sched.policy, resource.allowlist,
// resource.subsystems, names of formats, maps of tasks and of cores, states of queues.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/child_plan.hpp"
#include "actors/queue_policy.hpp"
#include "actors/scheduler_settings.hpp"
#include "graph/affinity.hpp"
#include "graph/graph_reader.hpp"
#include "graph/match_policy.hpp"
#include "graph/match_writer.hpp"
#include "graph/taskmap.hpp"

using namespace hactor;

namespace {

template <class T>
bool says(const caf::expected<T>& x) {
  HACTOR_CHECK(x || !context_of(x.error()).empty());
  return static_cast<bool>(x);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  std::string text{reinterpret_cast<const char*>(bytes), size};
  if (auto tree = parse_tree(text); says(tree))
    for (auto n : *tree)
      HACTOR_CHECK(n > 0);
  says(make_match_policy(text));
  if (text.find('/') == text.npos) // else the path of a library
    says(make_queue_policy(text, 3));
  if (auto types = parse_allowlist(text); says(types))
    for (auto& type : *types)
      HACTOR_CHECK(!type.empty());
  says(parse_subsystems(text));
  says(parse_graph_format(text));
  says(parse_match_format(text));
  if (auto nodes = read_taskmap_nodes(text); says(nodes))
    HACTOR_CHECK(nodes->size() <= tasks_max);
  if (auto how = parse_affinity(text); says(how))
    for (uint32_t task = 0; task < 3 && how->kind == affinity_kind::map; ++task)
      says(task_share(*how, idset::range(0, 5), task, "CPUs"));
  scheduler_core core;
  restore_queue_states(text, core);
  return 0;
}
