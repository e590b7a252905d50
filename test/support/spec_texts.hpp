// Jobspecs for tests: a struct of what matters in a case, and its JSON text.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>
#include <vector>

#include "actors/job_spec.hpp"
#include "actors/launch_plan.hpp"
#include "runtime/json.hpp"

namespace hactor::test {

struct spec_text {
  uint32_t slots = 1; // in total, or on each node when `nodes` is not 0
  uint32_t cores = 1; // of each slot
  uint32_t gpus = 0;  // of each slot
  uint32_t nodes = 0;
  double duration_s = 0;
  double simulated_s = -1;
  std::vector<std::string> command{"true"};
  std::string cwd, name;
  json environment, options; // null: absent
  json dependencies;         // attributes.system.dependencies; null: absent
  json exec;                 // attributes.system.exec as it is; null: from simulated_s
  json rest;                 // more keys of attributes.system; null: none

  std::string text() const {
    json with = json::array({{{"type", "core"}, {"count", cores}}});
    if (gpus != 0)
      with.push_back({{"type", "gpu"}, {"count", gpus}});
    json slot{{"type", "slot"}, {"count", slots}, {"label", "task"}, {"with", with}};
    json resources = json::array({slot});
    if (nodes != 0)
      resources = json::array(
        {{{"type", "node"}, {"count", nodes}, {"with", json::array({slot})}}});
    json system{{"duration", duration_s}};
    if (!cwd.empty())
      system["cwd"] = cwd;
    if (!name.empty())
      system["job"] = {{"name", name}};
    if (!environment.is_null())
      system["environment"] = environment;
    if (!dependencies.is_null())
      system["dependencies"] = dependencies;
    if (!options.is_null())
      system["shell"] = {{"options", options}};
    if (!exec.is_null())
      system["exec"] = exec;
    else if (simulated_s >= 0)
      system["exec"] = {{"test", {{"run_duration", simulated_s}}}};
    if (rest.is_object())
      system.update(rest);
    json tasks = json::array(
      {{{"command", command}, {"slot", "task"}, {"count", {{"per_slot", 1}}}}});
    return dump(json{{"version", 1},
                     {"resources", resources},
                     {"tasks", tasks},
                     {"attributes", {{"system", system}}}});
  }
};

/// Interned as ingest does it. Requires: valid.
inline job_spec_ptr intern(spec_cache& cache, const spec_text& s) {
  auto parts = separate_environment(s.text());
  HACTOR_CHECK(static_cast<bool>(parts));
  auto spec = cache.intern(parts->text, parts->environment);
  HACTOR_CHECK(static_cast<bool>(spec));
  return *spec;
}

inline launch_plan_ptr plan_of(const spec_text& s) {
  auto parts = separate_environment(s.text());
  HACTOR_CHECK(static_cast<bool>(parts));
  auto plan = make_launch_plan(parts->text, parts->environment);
  HACTOR_CHECK(static_cast<bool>(plan));
  return *plan;
}

/// An R of whole nodes 0..nodes-1, each with `cores` cores.
inline rset whole_nodes(uint32_t nodes, uint32_t cores, uint32_t first = 0) {
  rset r;
  for (uint32_t i = 0; i < nodes; ++i) {
    r.nodes.push_back({first + i, idset::range(0, cores - 1), {}});
    r.nodelist.push_back("n" + std::to_string(first + i));
  }
  return r;
}

} // namespace hactor::test
