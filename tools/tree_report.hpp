// What an instance of a 'hactor tree' says of itself and of all below it, to the level above: lines
// of JSON, words (tree_deal.hpp) on the way and {"report": ...} at the end. Pure.
// Caller: cmd_tree.cpp, tree_run.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/json.hpp"
#include "tools/columns.hpp"
#include "tools/tree_deal.hpp"
#include "tools/tree_plan.hpp"

namespace hactor::tools {

/// The perf record of one instance.
struct tree_row {
  std::string id;
  double begin = 0, end = 0; ///< Seconds since the epoch.
  double match_us = 0;       ///< That its scheduler took for its passes.
  uint64_t jobs = 0;
  uint32_t nodes = 0, cores = 0, gpus = 0; ///< Cores and GPUs of each node.

  friend bool operator==(const tree_row&, const tree_row&) = default;
};

/// The job that ended with the highest exit code; 0: none failed.
struct tree_worst {
  int code = 0;
  std::string tree;   ///< The leaf that it ran in.
  uint64_t index = 0; ///< Among the leaf's jobs from 1; 0: the instance itself has failed.
  std::string job;    ///< Its id in the leaf.
  std::string note;   ///< Why, where the code does not say it.
  std::string output; ///< The end of what it wrote.

  friend bool operator==(const tree_worst&, const tree_worst&) = default;
};

struct tree_report {
  std::vector<tree_row>
      rows; ///< The instance's own, then those below it, in the order of the tree.
  tree_worst worst;
  uint64_t ended = 0;   ///< Jobs, whatever became of them.
  uint64_t failed = 0;  ///< Of these.
  uint64_t lost = 0;    ///< Had begun in an instance that ended before they had.
  uint64_t unknown = 0; ///< That instance was to run these, and has not said that they began.
  uint64_t leaves = 0;

  /// Takes what a child has said at its end.
  void add(tree_report child);

  friend bool operator==(const tree_report&, const tree_report&) = default;
};

/// One line, without its end.
std::string to_line(const tree_report& report);

/// Reads the lines of a child as they come, in pieces of any size.
class tree_lines {
public:
  void add(std::string_view bytes);
  /// The words since the last call.
  std::vector<tree_word> take_words() { return std::exchange(words_, {}); }
  /// The report, once it has come.
  std::optional<tree_report>& report() { return report_; }

private:
  void take(std::string_view line);

  std::string open_; // a line whose end has not come
  std::vector<tree_word> words_;
  std::optional<tree_report> report_;
};

/// "tree.1.2@index[3]", or "tree.1.2" when an instance has failed.
std::string name_of(const tree_worst& worst);

/// "100 jobs in 4 leaves: 98 done, 2 failed, in 1.5s (66.7 jobs/s)"; `jobs` were asked for. After
/// losses also "3 lost, 1 perhaps run, 5 not run".
std::string summary(const tree_report& report, uint64_t jobs, double seconds);

/// The fields of the perf record and how it is printed by default, as flux-tree has them.
std::span<const field_name> perf_fields();
extern const char* const perf_format;
std::string perf_field(const tree_row& row, const std::string& field);

} // namespace hactor::tools
