// JSON of the client protocol <-> our message structs (doc/client-protocol.md).
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>
#include <vector>

#include "actors/job_json.hpp"
#include "actors/messages.hpp"
#include "runtime/json.hpp"

namespace hactor {

/// Bytes of a note that a client leaves beside a job, a node or a queue: it stays in logs and
/// listings, which are sent whole.
inline constexpr size_t note_bytes_max = size_t{64} << 10;

/// A request's parameters. The first thing that is wrong is remembered in `error`, and the getters
/// go on with defaults, so that a method reads all of its parameters and looks once.
class client_params {
public:
  explicit client_params(const json& params) : params_{params} {}

  int64_t integer(const char* key, int64_t fallback);
  bool flag(const char* key, bool fallback);
  double number(const char* key, double fallback);
  std::string text(const char* key);
  std::string text(const char* key, const char* fallback);
  std::string note(const char* key); ///< A text of note_bytes_max at most; "" when there is none.
  job_id id(const char* key);
  std::vector<job_id> ids(const char* key);
  idset set(const char* key, uint32_t universe); ///< idset text, or "all"
  std::vector<std::string> texts(const char* key);
  bool has(const char* key) const { return params_.contains(key); }
  const json& at(const char* key) const { return params_[key]; }
  const json& whole() const { return params_; }

  void refuse(std::string what); ///< Remembers ec::bad_argument, unless something was wrong before.
  void refuse(const caf::error& e);

  caf::error error;

private:
  template <class T>
  T take(caf::expected<T> value, T fallback);

  const json& params_;
};

/// Reads one submission (method submit). Errors in p.error.
submission read_submission(const json& object, client_params& p);

json to_json(const job_counts& c);

} // namespace hactor
