// See policy_library.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/policy_library.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

namespace hactor {

namespace {

caf::error bad(const std::string& path, std::string_view why) {
  return make_error(ec::bad_argument, fmt::format("policy library {}: {}", path, why));
}

/// A match policy written in C.
class foreign_match_policy final : public match_policy {
public:
  explicit foreign_match_policy(const hactor_match_policy& policy) : policy_{policy} {
    name = policy.name;
    order = order_within = order_of_slots =
        policy.lowest_first != 0 ? score_order::low : score_order::high;
    node_centric = policy.node_centric != 0;
    node_exclusive = policy.node_exclusive != 0;
  }

  int64_t score(const resource_graph& graph, vertex v) const override {
    // The names live in the graph's tables, ended by a zero as all std::strings are.
    auto name_of_vertex = graph.name(v);
    facts f;
    f.type = graph.type_name(v).data();
    f.name = name_of_vertex.c_str();
    f.id = graph.id(v);
    f.rank = graph.rank(v);
    f.size = graph.units(v);
    f.property = property;
    f.graph = &graph;
    f.v = v;
    return std::max<int64_t>(policy_.score(&f), 0);
  }

private:
  struct facts : hactor_vertex {
    vertex v;
  };

  static const char* property(const hactor_vertex* self, const char* key) {
    auto& f = *static_cast<const facts*>(self);
    auto& all = static_cast<const resource_graph*>(f.graph)->properties(f.v);
    auto i = all.find(key);
    return i == all.end() ? nullptr : i->second.c_str();
  }

  const hactor_match_policy& policy_;
};

} // namespace

caf::expected<const hactor_policy_set*> load_policies(const std::string& path) {
  // Never closed: the policies are in use until the end.
  auto* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr)
    return bad(path, dlerror());
  auto entry = reinterpret_cast<const hactor_policy_set* (*)()>(dlsym(library, "hactor_policies"));
  if (entry == nullptr)
    return bad(path, "it does not define hactor_policies (hactor/policy.h)");
  const auto* all = entry();
  if (all == nullptr || all->version != HACTOR_POLICY_VERSION)
    return bad(path, fmt::format("it was built for version {} of hactor/policy.h; this is {}",
                                 all == nullptr ? 0 : all->version, HACTOR_POLICY_VERSION));
  return all;
}

caf::expected<std::shared_ptr<const match_policy>> choose_match_policy(const std::string& name) {
  if (!is_policy_path(name))
    return make_match_policy(name);
  auto all = load_policies(name);
  if (!all)
    return std::move(all.error());
  const auto* own = (*all)->match;
  if (own == nullptr || own->name == nullptr || own->score == nullptr)
    return bad(name, "it has no match policy");
  return std::make_shared<const foreign_match_policy>(*own);
}

} // namespace hactor
