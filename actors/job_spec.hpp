// One distinct jobspec and what the instance's services need of it, made once for each distinct
// text and shared by all of its jobs (ingest, job manager and scheduler of a process).
// The environment, by far the largest part and the same for thousands of jobs, is kept apart.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "graph/jobspec.hpp"
#include "graph/request.hpp"
#include "runtime/error.hpp"
#include "store/journal.hpp"

namespace hactor {

struct job_spec {
  std::string text;        // canonical JSON without attributes.system.environment
  std::string environment; // that environment as a JSON object; "" when there is none
  std::string stored;      // what rests in the journal: the text, and the environment's hash
  spec_hash hash;             // of `stored`
  spec_hash environment_hash; // zero when there is none
  std::string name, queue, cwd;
  uint32_t ntasks = 0, ncores = 0, nnodes = 0;
  double duration_s = 0;
  bool has_dependencies = false;
  std::shared_ptr<const resource_request> request;
};
using job_spec_ptr = std::shared_ptr<const job_spec>;

/// The parts of a stored jobspec: JSON text, and the hash of its environment (zero: none).
struct stored_spec {
  std::string_view text;
  spec_hash environment;
};
stored_spec split_stored(std::string_view stored);

/// A jobspec's canonical text and its environment, taken apart. Errors: as parse_jobspec. `parsed`,
/// when given, is set to what the text says.
struct separated_spec {
  std::string text;
  std::string environment;
};
caf::expected<separated_spec> separate_environment(std::string_view submitted,
                                                   jobspec* parsed = nullptr);

/// The distinct jobspecs in use in this process. Thread-safe.
class spec_cache {
public:
  /// Returns the one job_spec of this text and environment. Errors: as parse_jobspec and
  /// compile_request. O(text) when known, also when only the text without environment is.
  /// `parsed`, when given, is what the text says: it need not be parsed again.
  caf::expected<job_spec_ptr> intern(const std::string& text, const std::string& environment,
                                     const jobspec* parsed = nullptr);

private:
  job_spec_ptr find(const spec_hash& hash) const; // requires: mutex_ is held

  struct hasher {
    size_t operator()(const spec_hash& h) const noexcept { return static_cast<size_t>(h.low); }
  };
  std::mutex mutex_;
  std::unordered_map<spec_hash, std::weak_ptr<const job_spec>, hasher> known_;
  size_t sweep_at_ = 1024; // dead entries are dropped when the table reaches this size
};

/// The jobspec as it was submitted: the environment put back, {cc} filled in when cc >= 0.
std::string restore_jobspec(const std::string& text, const std::string& environment, int64_t cc);

/// `text` with every {cc} replaced by the value.
std::string fill_cc(std::string text, int64_t cc);

} // namespace hactor
