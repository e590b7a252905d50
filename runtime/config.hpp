// The attributes' values in one broker: defaults of the table (attributes.hpp), -S items over them,
// and the read-only ones that the broker itself fills in. A value type: actors get their copy.
// Invariant: every value is well formed for its row, so the typed getters cannot fail.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/attributes.hpp"
#include "runtime/error.hpp"

namespace hactor {

/// What list() tells of one attribute.
struct config_entry {
  std::string name;
  std::string value;
  std::string default_value;
  std::string meaning;
  bool is_default = true;
  bool read_only = false;

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, config_entry& x) {
    return f(x.name, x.value, x.default_value, x.meaning, x.is_default, x.read_only);
  }
};

class config {
public:
  /// Sets what a person may set. Errors: ec::bad_argument (unknown name, with near names; a value
  /// of the wrong type or out of bounds), ec::not_permitted (read-only).
  caf::error set(std::string_view name, std::string_view value);

  /// The same for "name=value", as given with -S. "name" alone sets a flag. Errors: as set.
  caf::error set_item(std::string_view item);

  /// Sets an attribute from inside, read-only ones too. Requires: the table has the name and the
  /// value is well formed.
  void fix(std::string_view name, std::string_view value);

  /// Errors: ec::unknown_key, with near names.
  caf::expected<std::string> get(std::string_view name) const;

  /// Typed values. Requires: the table has the name with this type; text may be asked for every
  /// type, number for integers too. duration_s is seconds, HUGE_VAL for infinity.
  std::string text(std::string_view name) const;
  int64_t integer(std::string_view name) const;
  double number(std::string_view name) const;
  bool flag(std::string_view name) const;
  double duration_s(std::string_view name) const;

  /// Whether somebody has set it, be it to its default.
  bool is_set(std::string_view name) const { return values_.find(name) != values_.end(); }

  /// All attributes by name.
  std::vector<config_entry> list() const;

private:
  std::string_view value_of(const attribute& row) const;

  std::map<std::string, std::string, std::less<>> values_; // what differs from the table
};

} // namespace hactor
