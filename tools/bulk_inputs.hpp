// The jobs of bulksubmit: which inputs it has, in which combinations, and what a template becomes
// with one of them. Rules of flux-bulksubmit(1).
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "runtime/error.hpp"

namespace hactor::tools {

/// One list of inputs. A linked one (":::+") goes along with the list before it, from its beginning
/// again when it is shorter; of the others each is combined with each.
struct input_list {
  std::vector<std::string> values;
  bool linked = false;
};

struct bulk_inputs {
  std::vector<std::string> command; ///< Empty: each input is a command line.
  std::vector<input_list> lists;

  /// How many combinations there are. Requires: no list is empty.
  uint64_t count() const;

  /// The inputs of combination `index`, one of each list; the last list changes fastest.
  void pick(uint64_t index, std::vector<std::string_view>& to) const;
};

/// Splits operands at ":::" VALUES.., ":::+" VALUES.., "::::" FILES.., "::::+" FILES..; without
/// any of them standard input is the one list. Files are read by `read` ("-": standard input) and
/// cut at `separator`, "none": at blanks and line ends. Errors: those of `read`, ec::bad_argument
/// (a list without values, a first one that is linked).
caf::expected<bulk_inputs>
read_inputs(const std::vector<std::string>& operands, const std::string& separator,
            const std::function<caf::expected<std::string>(const std::string&)>& read);

/// Fills templates: {} (of several lists in a word the first's, the second {} the second's ..), {0}
/// {1} .. and of either {.%} without extension, {./} without folder, {./%} without both, {.//} the
/// folder,
/// {.NAME} as defined; {seq} and {seq1} count from 0 and 1. All else in braces stays: {{id}}, {cc},
/// ${x}, { ...; }.
class bulk_template {
public:
  /// Reads NAME=CODE (expression.hpp). Errors: ec::bad_argument.
  caf::error define(const std::string& text);

  /// True when fill() would change the text, or refuse it.
  static bool has_fields(std::string_view text);

  /// Errors: ec::bad_argument (an input that is not there, an unknown name, evaluate's).
  caf::expected<std::string>
  fill(std::string_view text, const std::vector<std::string_view>& inputs, uint64_t sequence) const;

private:
  std::map<std::string, std::string, std::less<>> defined_;
};

} // namespace hactor::tools
