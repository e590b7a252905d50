// What the instances of a 'hactor tree' have in common while they work: signals, progress, their
// own row of the report. Caller: tree_leaf.cpp, tree_run.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <optional>

#include "tools/session.hpp"
#include "tools/tree_deal.hpp"
#include "tools/tree_run.hpp"

namespace hactor::tools {

/// The signals by which a person ends what runs in the foreground, unless they are left alone.
class end_signals {
public:
  explicit end_signals(bool caught);
  end_signals(const end_signals&) = delete;
  end_signals& operator=(const end_signals&) = delete;
  ~end_signals();

  int fd() const { return fd_; }

  /// True when one has come. A second one ends this process at once.
  bool read();

  int number() const { return number_; } ///< 0: none has come.

private:
  int fd_ = -1;
  int number_ = 0;
};

/// The next frame; nothing when a signal has come instead, or something from `above` (a
/// descriptor; -1: none), or none of all for `wait_ms` milliseconds (-1: as long as it takes).
/// Errors: the connection's.
caf::expected<std::optional<frame>> next_frame(client& broker, end_signals& signals,
                                               int wait_ms = -1, int above = -1);

/// How far the instance is, on a person's terminal.
class tree_progress {
public:
  tree_progress(uint64_t jobs, bool draws);
  void set(uint64_t ended);
  /// Other lines take the place of the progress line.
  void clear();

private:
  void draw(uint64_t ended);

  uint64_t jobs_;
  bool draws_;
  int64_t began_ns_;
  uint64_t told_ = 0;
  int64_t told_ns_ = 0;
};

/// Options as if they had been typed. Requires: the command has them.
parsed_options made_options(const command& of,
                            const std::vector<std::pair<std::string_view, std::string>>& values);

/// The ids in the answer of a submit. Errors: the broker's.
caf::expected<std::vector<std::string>> ids_in(const frame& f);

/// Adds what a task has written to the end of what is kept of it, or that some of it is missing.
void keep_end(std::string& kept, const frame& f);

/// What all kinds of instances do.
class tree_part {
public:
  tree_part(const invocation& call, client& broker, const tree_task& task);

protected:
  /// Errors of both: the connection's; of end: write_file's.
  caf::error begin();
  caf::error end();

  /// Asks for the end of these jobs, and says so.
  void cancel(const std::vector<std::string>& ids);

  double began_s() const { return row_.begin; }

  // The level above, for who reports; there is none else.

  /// Where it answers; -1: nowhere.
  int above() const { return task_.reports ? 0 : -1; }

  /// After how many milliseconds something may be said again; 0: now.
  int word_wait_ms() const;

  /// Says it, if it is not empty.
  void say(const tree_word& word);

  /// What it has answered by now, without waiting. Errors: ec::disconnected, ec::bad_json.
  caf::expected<std::vector<tree_answer>> hear();

  const invocation& call_;
  client& broker_;
  const tree_task& task_;
  end_signals signals_;
  tree_progress progress_;
  tree_report report_;

private:
  caf::expected<double> match_us();
  caf::error keep_log();

  tree_row row_;
  double match_before_ = 0;
  std::string heard_; // a line whose end has not come
  int64_t said_ns_ = 0;
};

/// A leaf that submits its share of jobs, and one that runs scripts beside its jobs.
caf::expected<tree_report> run_leaf(const invocation& call, client& broker, const tree_task& task);
caf::expected<tree_report> run_scripts(const invocation& call, client& broker,
                                       const tree_task& task);

} // namespace hactor::tools
