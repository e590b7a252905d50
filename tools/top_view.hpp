// What 'hactor top' shows, as text, and the keys that it knows. Pure. Caller: cmd_top.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/json.hpp"

namespace hactor::tools {

/// A running job in the list.
struct top_job {
  json job;           ///< Its attributes (RFC 43).
  std::string path;   ///< "A/B": the way to the instance that it would hold.
  size_t depth = 0;   ///< Levels below the instance that is shown.
  bool holds = false; ///< It holds an instance.
};

/// A queue of an instance.
struct top_queue {
  std::string name;
  uint64_t waiting = 0, held = 0, running = 0; ///< Jobs; held ones wait too.
  uint64_t nodes = 0;                          ///< That it may use.
  bool enabled = true, started = true;
};

/// An instance at a moment.
struct top_facts {
  std::string path; ///< "" for the one that HACTOR_URI names.
  std::string state, owner;
  double started = 0; ///< Seconds since the epoch.
  uint64_t level = 0;
  uint64_t nodes_up = 0, nodes_down = 0;
  uint64_t cores = 0, cores_used = 0, gpus = 0, gpus_used = 0;
  uint64_t waiting = 0, running = 0, completed = 0, failed = 0; ///< Jobs.
  std::string queue;             ///< Whose jobs alone are shown; "": those of all.
  std::vector<top_queue> queues; ///< Those that are shown; none where there is but one.
  double rate = -1;          ///< Jobs that ended each second; negative: not known.
  std::vector<top_job> jobs; ///< Those that run, the latest first.
};

/// Three lines: the instance, what it has, its jobs; and one for each queue; none wider than
/// `width`, if that is not 0.
std::vector<std::string> top_header(const top_facts& facts, double now, size_t width);

/// The titles, then a line for each of `count` jobs from `first` on.
std::vector<std::string> top_list(const top_facts& facts, double now, size_t first, size_t count,
                                  size_t width);

/// Part of the list on a screen, and the job that the person points at.
struct top_place {
  size_t first = 0, selected = 0;

  /// Both within `jobs`, and the selected one among the `rows` that are seen.
  void fit(size_t jobs, size_t rows);
};

/// A whole screen as bytes for a terminal, from its upper left corner.
std::string top_screen(const top_facts& facts, double now, const top_place& place, size_t rows,
                       size_t columns, std::string_view message);

/// Rows of a screen that are not the list's.
size_t top_rows_around(const top_facts& facts);

enum class top_key : uint8_t {
  up,
  down,
  page_up,
  page_down,
  first,
  last,
  enter,
  leave,
  recursive,
  queue,
  suspend,
  quit
};

/// Keys as a terminal sends them, also in several pieces; others are passed over.
class key_reader {
public:
  std::vector<top_key> feed(std::string_view bytes);

private:
  std::string open_; // the beginning of a sequence
};

} // namespace hactor::tools
