// A resource graph with its jobs, as REAPI's functions ask it: texts in, texts out. The bindings
// (reapi_cli_c.cpp, reapi_cli.cpp) turn its errors into errno. Jobs' times begin at 0.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "graph/ledger.hpp"
#include "graph/match_writer.hpp"
#include "graph/matcher.hpp"
#include "reapi/match_op.h"

namespace hactor::reapi {

enum class job_state : uint8_t { allocated, reserved, cancelled };

struct job_info {
  job_state state = job_state::allocated;
  int64_t at = 0;
  double seconds = 0; ///< That the match took.
};

struct match_answer {
  match_verdict verdict = match_verdict::busy;
  std::string R; ///< "" when nothing was found.
  job_info job;
};

class session {
public:
  /// Errors: ec::bad_argument (options that are not JSON, of the wrong type, or name nothing that
  /// there is), those of read_graph.
  static caf::expected<std::unique_ptr<session>> make(std::string_view graph,
                                                      std::string_view options);

  /// The same graph, jobs and numbers. O(vertices + what is held).
  std::unique_ptr<session> clone() const;

  /// Errors: ec::bad_argument (no such operation; the job holds something; a type that nobody
  /// knows), ec::bad_jobspec.
  caf::expected<match_answer> match(match_op_t op, const std::string& jobspec, uint64_t job);
  /// Errors: ec::bad_argument, those of read_allocation, ec::busy.
  caf::expected<match_answer> update(uint64_t job, const std::string& R);
  caf::error attach(std::string_view jgf);
  /// Errors: ec::unknown_key (no such path), ec::bad_argument (the root).
  caf::error remove(std::string_view path);
  /// Errors: ec::unknown_job.
  caf::error cancel(uint64_t job);
  /// Whether the job has nothing left. Errors: ec::unknown_job (no allocation), those of
  /// release_part.
  caf::expected<bool> cancel_part(uint64_t job, const std::string& R);
  /// Errors: ec::bad_argument.
  caf::expected<std::string> find(std::string_view criteria,
                                  const std::optional<std::string>& format) const;
  /// Errors: ec::unknown_key.
  caf::error set_status(std::string_view path, vertex_status status);
  caf::expected<vertex_status> status(std::string_view path) const;
  /// Errors: ec::bad_argument (no idset), ec::unknown_key (no such rank).
  caf::error set_rank_status(std::string_view ranks, vertex_status status);
  caf::expected<vertex_status> rank_status(std::string_view rank) const;

  /// Null when no match was ever made for it.
  const job_info* find_job(uint64_t job) const;
  uint64_t next_job() const { return next_job_; }
  const resource_graph& graph() const { return graph_; }
  const matcher& matches() const { return *matcher_; }

  struct times {
    double load = 0, least = 0, most = 0, total = 0; ///< Seconds; the last three of matches.
    int64_t matches = 0;
  };
  const times& taken() const { return taken_; }

private:
  struct choices {
    match_format format = match_format::jgf;
    std::shared_ptr<const match_policy> policy;
    pruning_filter filter;
    bool flexible = false;
  };

  session(resource_graph graph, choices how);
  caf::expected<std::shared_ptr<const match_request>> request_of(const std::string& jobspec) const;
  caf::expected<std::vector<vertex>> tops_of(std::string_view ranks) const;
  void note(uint64_t job, const job_info& info);

  resource_graph graph_;
  choices how_;
  std::unique_ptr<ledger> held_;
  std::unique_ptr<matcher> matcher_;
  std::map<uint64_t, job_info> jobs_;
  uint64_t next_job_ = 1;
  times taken_;
};

} // namespace hactor::reapi
