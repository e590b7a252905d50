// Reads the jobspecs that are submitted. Those of an ensemble mostly differ in the words of their
// command and in nothing else: what such a one shares with one that was read shortly before (that
// is, all bytes before its command and after it) is not parsed, checked and compiled again.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <list>
#include <memory>
#include <string>
#include <string_view>

#include "actors/job_spec.hpp"

namespace hactor {

/// The list of words of a jobspec's only task, as a slice of its text; "" when there is no such
/// list, or the text is not plain JSON.
std::string_view find_command(std::string_view text);

class spec_reader {
public:
  /// `duration_s`: the time limit of jobspecs that say nothing of one; 0: none.
  explicit spec_reader(std::shared_ptr<spec_cache> specs, double duration_s = 0)
      : specs_(std::move(specs)), duration_s_(duration_s) {}

  /// What the text says, as one object for all equal ones. Errors: as parse_jobspec,
  /// compile_request and check_shell_options.
  caf::expected<job_spec_ptr> read(std::string_view text);

private:
  /// A text that was read, cut around the list of words of its command.
  struct sample {
    std::string text;
    size_t before = 0, after = 0; // its bytes before the list, and after it; 0: cannot be cut
    std::string spec_before, spec_after; // the same of the canonical text
    bool named = false;                  // the job's name is not that of its program
    job_spec_ptr spec;
  };

  job_spec_ptr read_like(const sample& s, std::string_view text);
  caf::error add_defaults(std::string& canonical, jobspec& parsed) const;
  void remember(std::string_view text, const jobspec& parsed, job_spec_ptr spec);

  std::shared_ptr<spec_cache> specs_;
  double duration_s_;
  std::list<sample> samples_; // the last used first
  std::string stored_;        // kept for its memory
};

} // namespace hactor
