// The task's side of what process managers offer to MPI programs, for `hactor pmi`: PMI-1's lines
// over the descriptor PMI_FD, PMIx by its library, or nobody (a single task).
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "runtime/error.hpp"

namespace hactor::tools {

/// Of get: what the job has, not one of its ranks.
inline constexpr uint32_t whole_job = UINT32_MAX;

class pmi_client {
public:
  /// Gets every line or call, "> cmd=init .." and "< cmd=..", or "PMIx_Init: PMIX_SUCCESS".
  using tracer = std::function<void(const std::string&)>;

  virtual ~pmi_client() = default;

  /// Errors, of all: ec::system_failed, ec::disconnected (nobody answers any more),
  /// ec::unknown_key (of get).
  virtual caf::error begin() = 0;
  virtual caf::error put(const std::string& key, const std::string& value) = 0;
  /// Waits for all tasks; what was put before is there for all afterwards.
  virtual caf::error barrier() = 0;
  virtual caf::expected<std::string> get(const std::string& key, uint32_t of_rank) = 0;
  virtual caf::error end() = 0;

  uint32_t rank = 0; ///< After begin, as the following.
  uint32_t size = 1;
  std::string space; ///< Of keys: the job's name to PMI.
  tracer trace;
};

/// "simple" (PMI-1), "pmix", "single", or "": what there is of them, in this order; single only in
/// a job of one task. Errors: ec::bad_argument (no such method, or this task was not offered it),
/// ec::no_instance (this is no task of a job).
caf::expected<std::unique_ptr<pmi_client>> make_pmi_client(const std::string& method);

/// PMIx by its library. Errors: ec::bad_argument (this hactor was built without PMIx).
caf::expected<std::unique_ptr<pmi_client>> make_pmix_client();

} // namespace hactor::tools
