// Requests for tests: what a job wants in a few words, and machines to run it on.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "graph/jobspec.hpp"
#include "graph/request.hpp"
#include "graph/rset.hpp"
#include "runtime/json.hpp"

namespace hactor::test {

using request_ptr = std::shared_ptr<const resource_request>;

/// More entries of tasks: the label of their slots, and how many of them in each.
using more_tasks = std::vector<std::pair<std::string, uint32_t>>;

/// A request of these resources (RFC 14), with tasks in slots labelled "task". Requires: valid.
inline request_ptr request_of(json resources, double duration_s = 0, json system = json::object(),
                              const more_tasks& more = {}) {
  system["duration"] = duration_s;
  json document{{"version", 9999},
                {"resources", std::move(resources)},
                {"tasks", json::array({{{"command", json::array({"a"})},
                                        {"slot", "task"},
                                        {"count", {{"per_slot", 1}}}}})},
                {"attributes", {{"system", std::move(system)}}}};
  for (auto& [label, count] : more)
    document["tasks"].push_back(
        {{"command", json::array({"b"})}, {"slot", label}, {"count", {{"per_slot", count}}}});
  auto spec = parse_jobspec(dump(document));
  HACTOR_CHECK(spec);
  auto request = compile_request(*spec);
  HACTOR_CHECK(request);
  return std::make_shared<const resource_request>(std::move(*request));
}

inline request_ptr request_of(const char* resources, double duration_s = 0,
                              json system = json::object(), const more_tasks& more = {}) {
  auto value = parse_json(resources);
  HACTOR_CHECK(value);
  return request_of(std::move(*value), duration_s, std::move(system), more);
}

inline json slot_json(uint32_t n, uint32_t cores, uint32_t gpus = 0) {
  json with = json::array({{{"type", "core"}, {"count", cores}}});
  if (gpus > 0)
    with.push_back({{"type", "gpu"}, {"count", gpus}});
  return {{"type", "slot"}, {"count", n}, {"label", "task"}, {"with", with}};
}

/// Slots wherever there is room.
inline request_ptr slots(uint32_t n, double duration_s = 0, uint32_t cores = 1, uint32_t gpus = 0,
                         json system = json::object()) {
  return request_of(json::array({slot_json(n, cores, gpus)}), duration_s, std::move(system));
}

/// Slots on each of so many nodes.
inline request_ptr on_nodes(uint32_t nodes, uint32_t each, double duration_s = 0,
                            uint32_t cores = 1, uint32_t gpus = 0, bool exclusive = false,
                            json system = json::object()) {
  json node{
      {"type", "node"}, {"count", nodes}, {"with", json::array({slot_json(each, cores, gpus)})}};
  if (exclusive)
    node["exclusive"] = true;
  return request_of(json::array({node}), duration_s, std::move(system));
}

inline request_ptr whole(uint32_t nodes, double duration_s = 0, json system = json::object()) {
  return on_nodes(nodes, 1, duration_s, 1, 0, true, std::move(system));
}

/// Hosts n0, n1, ...
inline rset machine(uint32_t nodes, uint32_t cores, uint32_t gpus = 0) {
  rset r;
  for (uint32_t i = 0; i < nodes; ++i) {
    r.nodes.push_back(
        {i, idset::range(0, cores - 1), gpus > 0 ? idset::range(0, gpus - 1) : idset{}});
    r.nodelist.push_back("n" + std::to_string(i));
  }
  return r;
}

} // namespace hactor::test
