// On which nodes a job may run (RFC 31): compiled once from its JSON, then asked per node.
// Called by jobspec.cpp (to check), request.cpp (to compile) and pool.cpp (to evaluate).
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "runtime/error.hpp"
#include "runtime/ids.hpp"
#include "runtime/idset.hpp"
#include "runtime/json.hpp"

namespace hactor {

/// Operators and property names in one constraint. Each is evaluated per node: this bounds what
/// one submitted job can make the scheduler do.
inline constexpr size_t constraint_terms_max = 1'000;

/// Property name -> ranks that have it.
using property_map = std::map<std::string, idset>;

/// Tells whether `name` may be a property: non-empty, without ! & ' " ^ ` | ( ).
bool is_property_name(std::string_view name);

/// A compiled constraint. The default one matches every node.
class constraint {
public:
  /// Compiles an RFC 31 object with operators properties, hostlist, ranks, and, or, not.
  /// Errors: ec::bad_jobspec, starting with the key's path below `path`.
  static caf::expected<constraint> compile(const json& value, const std::string& path);

  /// True when every node matches, whatever it is.
  bool trivial() const { return text_.empty(); }

  /// `host` may be "": then no hostlist matches.
  bool matches(rank_t rank, std::string_view host, const property_map& properties) const;

  /// The same for a node that knows its own properties: `has` tells of each.
  using property_test = std::function<bool(const std::string& name)>;
  bool matches_if(rank_t rank, std::string_view host, const property_test& has) const;

  /// Canonical JSON; equal constraints have equal text. "" when trivial.
  const std::string& text() const { return text_; }

private:
  enum class op : uint8_t { all, any, none, properties, hosts, ranks };

  struct property {
    std::string name;
    bool wanted; ///< False: must be absent ("^name").
  };

  struct term {
    op what = op::all;
    std::vector<term> terms;
    std::vector<property> properties;
    std::unordered_set<std::string> hosts;
    idset ranks;
  };

  /// What one constraint may still hold.
  struct budget {
    size_t terms;
    size_t hosts;
  };

  static caf::error read(const json& value, const std::string& path, budget& left, term& to);
  static caf::error read_values(const json& values, const std::string& path, budget& left,
                                term& to);
  static caf::error read_hosts(const std::string& text, const std::string& where, budget& left,
                               term& to);
  static bool eval(const term& t, rank_t rank, const std::string& host, const property_test& has);

  term root_;
  std::string text_;
};

} // namespace hactor
