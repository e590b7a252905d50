// A resource graph that is asked line by line: the commands of Fluxion's resource-query with its
// answers, word for word. Holds the graph, who holds what of it, and the jobs' numbers; time stands
// still at 0. Reads the files that commands name; prints through a sink only. Called by
// graph_query.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "graph/ledger.hpp"
#include "graph/match_writer.hpp"
#include "graph/matcher.hpp"
#include "tools/query_settings.hpp"

namespace hactor::tools {

/// Where a text goes. Results go to a file when the person wants it, the rest does not.
enum class query_stream : uint8_t { result, screen, error };

using query_sink = std::function<void(query_stream, std::string_view)>;

/// Seconds of a clock that never steps back.
using query_clock = std::function<double()>;

class graph_session {
public:
  /// `graph_seconds`: how long the graph is there, 0: for a century.
  /// Errors: ec::bad_argument (policy, format, filter, subsystems), naming what would be right.
  static caf::expected<std::unique_ptr<graph_session>> make(resource_graph graph,
                                                            const query_settings& settings,
                                                            query_sink sink, query_clock clock,
                                                            int64_t graph_seconds = 0);

  /// Obeys one line; empty lines and unknown commands are passed over. False: the person has had
  /// enough.
  bool run(std::string_view line);

  const resource_graph& graph() const { return graph_; }
  const ledger& held() const { return *held_; }

private:
  using words = std::vector<std::string>;

  enum class job_state : uint8_t { allocated, reserved, cancelled };

  struct job_info {
    job_state state;
    int64_t at;
    std::string file; ///< Of its jobspec.
    double overhead;  ///< Seconds that the match took.
  };

  /// A jobspec that was seen before need not be read again.
  struct compiled {
    std::shared_ptr<const match_request> request;
    std::string queue;
    int64_t within; ///< Seconds from now until which it must begin.
  };

  /// What came of a match, for the lines below it.
  struct outcome {
    bool matched = false;
    bool satisfiable = true;
    bool held = true; ///< False: only looked at.
    int64_t at = 0;
    double elapsed = 0;
  };

  struct command_row {
    const char* name;
    const char* letter;
    bool (graph_session::*run)(const words&);
    const char* note;
  };

  graph_session(resource_graph graph, query_sink sink, query_clock clock);

  static std::span<const command_row> commands();

  bool match(const words& args);
  bool multi_match(const words& args);
  bool update(const words& args);
  bool attach(const words& args);
  bool remove(const words& args);
  bool find(const words& args);
  bool cancel(const words& args);
  bool partial_cancel(const words& args);
  bool set_property(const words& args);
  vertex find_or_say(const std::string& path);
  bool get_property(const words& args);
  bool remove_property(const words& args);
  bool set_status(const words& args);
  bool get_status(const words& args);
  bool list(const words& args);
  bool info(const words& args);
  bool stat(const words& args);
  bool cat(const words& args);
  bool help(const words& args);
  bool quit(const words& args);

  void result(std::string_view text) { sink_(query_stream::result, text); }
  void screen(std::string_view text) { sink_(query_stream::screen, text); }
  bool error(std::string_view text); // always true: the session goes on
  bool malformed() { return error("malformed command"); }

  caf::expected<const compiled*> request_of(const std::string& text);
  bool match_file(const std::string& operation, const std::string& file,
                  std::optional<int64_t> within = std::nullopt);
  outcome match_now(const compiled& request, const std::string& operation, int64_t within);
  void say_match(const outcome& o, const std::string& job);
  void say_satisfiable(const outcome& o);
  void say_effort(const outcome& o, query_stream to);
  void say_counts(const char* what, uint64_t preorder, uint64_t postorder);
  void note_job(uint64_t job, const outcome& o, const std::string& file);
  bool remove_path(const std::string& path);
  bool remove_ranks(const std::string& ranks);
  void remove_subtree(vertex top);
  void drop_jobs_without_holding();

  resource_graph graph_;
  query_sink sink_;
  query_clock clock_;
  match_format format_ = match_format::simple;
  bool elapse_ = false;
  bool charge_ = false;
  bool flexible_ = false;
  int64_t graph_seconds_ = 0; ///< No job may be longer; 0: as long as the graph.
  std::shared_ptr<const match_policy> policy_;
  std::unique_ptr<ledger> held_;
  std::unique_ptr<matcher> matcher_;
  std::unordered_map<std::string, compiled> requests_; // by text
  uint64_t requests_version_ = 0; // of the graph's shape for which they were compiled
  uint64_t next_job_ = 1;
  std::map<uint64_t, job_info> jobs_;
  double least_ = 0, most_ = 0, total_ = 0; // seconds of all matches that succeeded
  uint64_t timed_ = 0;
};

} // namespace hactor::tools
