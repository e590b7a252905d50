// See policy_library.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/policy_library.hpp"

#include <atomic>
#include <exception>

#include <dlfcn.h>
#include <fmt/format.h>

#include "graph/library_file.hpp"
#include "runtime/log.hpp"

namespace hactor {

namespace {

caf::error bad(const std::string& path, std::string_view why) {
  return make_error(ec::bad_argument, fmt::format("policy library {}: {}", path, why));
}

/// A match policy written in C. Once its score has thrown it is not called any more: all vertices
/// are as good as each other.
class foreign_match_policy final : public match_policy {
public:
  foreign_match_policy(std::string path, const hactor_match_policy& policy)
      : path_{std::move(path)}, policy_{policy} {
    name = policy.name;
    order = order_within = order_of_slots =
        policy.lowest_first != 0 ? score_order::low : score_order::high;
    node_centric = policy.node_centric != 0;
    node_exclusive = policy.node_exclusive != 0;
  }

  int64_t score(const resource_graph& graph, vertex v) const override {
    if (off_.load(std::memory_order_relaxed))
      return 0;
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
    try {
      return std::max<int64_t>(policy_.score(&f), 0);
    } catch (...) {
      if (!off_.exchange(true))
        log_error("match policy {} of {} is turned off, and resources are taken in the order of "
                  "the graph: its score of {} threw {}",
                  name, path_, name_of_vertex, what_was_thrown());
      return 0;
    }
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

  std::string path_;
  const hactor_match_policy& policy_;
  mutable std::atomic<bool> off_{false};
};

/// Calls the library's own code for the first time.
caf::expected<const hactor_policy_set*> open_library(const std::string& path) {
  // Never closed: the policies are in use until the end.
  auto* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr)
    return bad(path, fmt::format("{}; must be a shared library that defines hactor_policies "
                                 "(hactor/policy.h)",
                                 dlerror()));
  auto entry = reinterpret_cast<const hactor_policy_set* (*)()>(dlsym(library, "hactor_policies"));
  if (entry == nullptr)
    return bad(path, "it does not define hactor_policies (hactor/policy.h)");
  return entry();
}

} // namespace

std::string what_was_thrown() {
  try {
    throw;
  } catch (const std::exception& e) {
    return fmt::format("\"{}\"", e.what());
  } catch (...) {
    return "something that is no std::exception";
  }
}

caf::expected<const hactor_policy_set*> load_policies(const std::string& path) {
  if (auto e = check_library_file(path))
    return bad(path, render(e));
  caf::expected<const hactor_policy_set*> all{nullptr};
  try {
    all = open_library(path);
  } catch (...) {
    return bad(path,
               fmt::format("when it was asked for its policies it threw {}", what_was_thrown()));
  }
  if (!all)
    return all;
  if (*all == nullptr)
    return bad(path, "hactor_policies returned a null pointer");
  if ((*all)->version != HACTOR_POLICY_VERSION)
    return bad(path, fmt::format("it was built for version {} of hactor/policy.h; this is {}",
                                 (*all)->version, HACTOR_POLICY_VERSION));
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
  return std::make_shared<const foreign_match_policy>(name, *own);
}

} // namespace hactor
