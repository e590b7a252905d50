// See query_jobspec.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/query_jobspec.hpp"

#include <algorithm>
#include <iterator>

#include "graph/document.hpp"
#include "runtime/limits.hpp"

namespace hactor {

namespace {

/// Takes the labels out of resources, in the order of the text, and puts their places there.
void take_labels(json& resources, std::vector<std::string>& labels) {
  for (auto& v : resources) {
    if (!v.is_object())
      continue;
    if (auto i = v.find("label"); i != v.end() && i->is_string() && *i != "") {
      labels.push_back(i->get<std::string>());
      *i = "label " + std::to_string(labels.size());
    }
    if (auto with = v.find("with"); with != v.end())
      take_labels(*with, labels);
  }
}

void put_labels(std::vector<resource_vertex>& resources, const std::vector<std::string>& labels,
                size_t& next) {
  for (auto& v : resources) {
    if (!v.label.empty())
      v.label = labels[next++];
    put_labels(v.with, labels, next);
  }
}

} // namespace

caf::expected<jobspec> read_query_jobspec(const std::string& text) {
  auto document = parse_document(text, limits::jobspec_bytes_max, "jobspec");
  if (!document)
    return std::move(document.error());
  auto is_list = [&](const char* key) {
    return document->is_object() && document->contains(key) && (*document)[key].is_array()
           && !(*document)[key].empty();
  };
  if (!is_list("resources") || !is_list("tasks"))
    return read_jobspec(*document);
  std::vector<std::string> labels;
  take_labels((*document)["resources"], labels);
  json core{{"type", "core"}, {"count", 1u}};
  constexpr auto label = "of the tasks";
  (*document)["resources"].push_back(
      {{"type", "slot"}, {"count", 1u}, {"label", label}, {"with", json::array({core})}});
  (*document)["tasks"] = json::array(
      {{{"command", json::array({"app"})}, {"slot", label}, {"count", {{"per_slot", 1u}}}}});
  auto spec = read_jobspec(*document);
  if (!spec)
    return spec;
  spec->resources.pop_back();
  size_t next = 0;
  put_labels(spec->resources, labels, next);
  return spec;
}

std::string unknown_type(const resource_graph& graph, const std::vector<resource_vertex>& wanted) {
  static constexpr std::string_view known[] = {"slot", "or_slot", "xor_slot",    "cluster",
                                               "rack", "node",    "socket",      "core",
                                               "gpu",  "ssd",     "storage_node"};
  for (auto& v : wanted) {
    auto is_known = graph.find_type(v.type) != no_type
                    || std::find(std::begin(known), std::end(known), v.type) != std::end(known);
    if (!is_known)
      return v.type;
    if (auto below = unknown_type(graph, v.with); !below.empty())
      return below;
  }
  return {};
}

} // namespace hactor
