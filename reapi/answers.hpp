// What both bindings say in the same way: an error's errno, a job's state, the numbers of stat.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cerrno>
#include <cstring>
#include <new>
#include <string>

#include "reapi/session.hpp"

namespace hactor::reapi {

inline int errno_of(const caf::error& e) {
  switch (code_of(e)) {
  case ec::unknown_job:
  case ec::unknown_key:
    return ENOENT;
  case ec::wrong_state:
    return EEXIST;
  case ec::busy:
    return EBUSY;
  case ec::too_big:
    return EFBIG;
  default:
    return EINVAL;
  }
}

/// What a match that was not refused leaves in errno.
inline int errno_of(match_verdict v) {
  return v == match_verdict::matched ? 0 : v == match_verdict::busy ? EBUSY : ENODEV;
}

inline const char* text_of(job_state s) {
  return s == job_state::allocated  ? "ALLOCATED"
         : s == job_state::reserved ? "RESERVED"
                                    : "CANCELED";
}

inline int64_t edges_of(const resource_graph& g) {
  size_t sum = 0;
  for (size_t s = 0; s < g.subsystem_count(); ++s)
    sum += g.edge_count(static_cast<subsystem_id>(s));
  return static_cast<int64_t>(sum);
}

/// A context of a binding in C; null, and errno, when there is no memory.
template <class Context>
Context* make_context() {
  auto* made = new (std::nothrow) Context;
  if (made == nullptr)
    errno = ENOMEM;
  return made;
}

/// Ends it, and leaves errno as it is.
template <class Context>
void end_context(Context* context) {
  auto code = errno;
  delete context;
  errno = code;
}

/// What a function in C returns that was called in a wrong way.
inline int refuse_call() {
  errno = EINVAL;
  return -1;
}

/// A copy for a caller in C to free. Throws std::bad_alloc.
inline char* copy_of(const std::string& text) {
  auto* result = ::strdup(text.c_str());
  if (result == nullptr)
    throw std::bad_alloc{};
  return result;
}

inline double average_of(const session::times& t) {
  return t.matches == 0 ? 0 : t.total / static_cast<double>(t.matches);
}

} // namespace hactor::reapi
