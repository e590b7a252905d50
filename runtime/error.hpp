// What can go wrong in the world, as values. One code, one sentence; the context string of an error
// says what was asked and what would be right. Broken invariants are no errors: HACTOR_CHECK.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <caf/error.hpp>
#include <caf/expected.hpp>

namespace hactor {

/// Every expected failure of hactor. Values are part of the client protocol: append only.
enum class ec : uint8_t {
  ok = 0,
  bad_argument,     ///< An option or parameter has a value that is not allowed.
  bad_json,         ///< Text is not JSON (or YAML) at all.
  bad_jobspec,      ///< A jobspec breaks RFC 14/25; the context starts with the key's path.
  bad_id,           ///< Text is not a job id in any spelling.
  bad_idset,        ///< Text is not an idset (RFC 22).
  bad_hostlist,     ///< Text is not a hostlist (RFC 29).
  bad_duration,     ///< Text is not a duration (RFC 23, or a Slurm time).
  bad_rset,         ///< Text is not an R version 1 (RFC 20).
  unsatisfiable,    ///< The request can never be met by this instance.
  unknown_job,      ///< No job has this id.
  unknown_key,      ///< The job has no such key, the instance no such attribute.
  unknown_method,   ///< The service does not know this request.
  unknown_rank,     ///< The instance has no such rank.
  wrong_state,      ///< The job is in a state in which this cannot be done.
  not_permitted,    ///< Only the owner of the instance or the job may do this.
  cancelled,        ///< Somebody withdrew the request.
  timed_out,        ///< The deadline passed before an answer came.
  rank_lost,        ///< The broker that should answer has died.
  disconnected,     ///< The other end of a socket is gone.
  no_instance,      ///< No instance can be reached: HACTOR_URI is unset or stale.
  too_big,          ///< A message or document exceeds its bound in limits.hpp.
  busy,             ///< Another process owns the thing; the context names it.
  store_failed,     ///< The state directory cannot be read or written; names the path and errno.
  store_corrupt,    ///< The state directory holds something that hactor did not write.
  disk_full,        ///< The file system of the state directory is full.
  exec_failed,      ///< A program could not be started; the context holds errno's text.
  launcher_missing, ///< Started by a launcher for whose MPI no module was built.
  mpi_failed,       ///< A call of MPI returned an error.
  system_failed,    ///< A system call failed; the context names it and errno.
  network_failed,   ///< Brokers could not meet over the network; the context says who and why.
  code_count,
};

/// Returns the identifier of `code`, e.g. "bad_jobspec".
std::string to_string(ec code);

/// Returns the one-sentence meaning of `code`.
std::string_view sentence(ec code);

/// Makes an error of category "hactor" whose context is `what` (asked, found, what would be right).
caf::error make_error(ec code, std::string what = {});

/// Returns the code of an error of our category, ec::system_failed for foreign categories.
ec code_of(const caf::error& e);

/// Returns the context given to make_error, or "" when there is none.
std::string context_of(const caf::error& e);

/// Renders an error for a person: its context, or its sentence when it has no context. Foreign
/// categories (caf's own system errors, exit reasons) are rendered as category(code).
std::string render(const caf::error& e);

/// Makes an error from errno: "<what>: <strerror>".
caf::error make_errno_error(ec code, std::string_view what, int errno_value);

/// Prints the message with file and line and aborts the process. Never returns.
[[noreturn]] void check_failed(const char* file, int line, const char* expression);

} // namespace hactor

/// States what must hold; stays on in release builds, and stops the rank with a message.
#define HACTOR_CHECK(expression)                                                                   \
  (static_cast<bool>(expression) ? void(0)                                                         \
                                 : ::hactor::check_failed(__FILE__, __LINE__, #expression))
