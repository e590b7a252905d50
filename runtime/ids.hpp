// Names of things: job ids (FLUID, RFC 19) in all their spellings, and broker ranks.
// A FLUID is 64 bits: 40 bits of milliseconds since the instance's epoch, 14 bits of generator
// (the broker's rank), 10 bits of sequence. It is unique without asking anyone and sorts by time.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/error.hpp"

namespace hactor {

/// Index of a broker in its instance, from 0.
using rank_t = uint32_t;

/// A job's FLUID. Value 0 is "no job".
struct job_id {
  uint64_t value = 0;

  friend auto operator<=>(const job_id&, const job_id&) = default;
  explicit operator bool() const { return value != 0; }

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, job_id& x) {
    return f(x.value);
  }
};

/// The spellings of a job id that `format_job_id` writes and `parse_job_id` reads. Words are not
/// Flux's (id_spellings.hpp).
enum class id_form : uint8_t { f58, f58_plain, dec, hex, dothex, kvs, words, emoji };

/// Returns the id in plain ASCII F58, e.g. "fuZZybuNNy": the form that hactor prints everywhere.
std::string to_string(job_id id);

/// Returns the id in the given form; id_form::f58 has the letter U+0192, id_form::kvs is
/// "job." and the dothex form.
std::string format_job_id(job_id id, id_form form);

/// Reads any of these spellings (decode order of RFC 19: dothex, words, F58, emoji, hex, decimal;
/// before them "job.<dothex>"); blanks around it are ignored. Errors: ec::bad_id, naming the text.
caf::expected<job_id> parse_job_id(std::string_view text);

/// Returns the form named dec|hex|dothex|kvs|f58|f58plain|words|emoji. Errors: ec::bad_argument.
caf::expected<id_form> parse_id_form(std::string_view name);

/// Makes ids for one broker. The clock comes in: the caller passes milliseconds since the
/// instance's epoch. Ids of one generator strictly increase; when more than 1024 are asked within
/// a millisecond, or the clock steps back, the generator runs ahead of the clock.
class fluid_generator {
public:
  /// Requires: generator < 2^14. `last_ms` is the newest millisecond ever used (restart).
  explicit fluid_generator(uint32_t generator, uint64_t last_ms = 0);

  /// Returns a fresh id, never 0. O(1).
  job_id next(uint64_t now_ms);

private:
  uint64_t generator_;
  uint64_t ms_;
  uint64_t sequence_;
};

/// Milliseconds since the instance's epoch at which the id was made.
uint64_t fluid_ms(job_id id);

/// The id that its generator made so many after this one, or before it when `n` is negative.
/// Nothing when there is none. Requires: those between were made one after another.
std::optional<job_id> neighbour_of(job_id id, int64_t n);

} // namespace hactor

template <>
struct std::hash<hactor::job_id> {
  size_t operator()(hactor::job_id id) const noexcept {
    // Fibonacci hashing: neighbours in time differ only in the low bits.
    return static_cast<size_t>(id.value * 0x9E3779B97F4A7C15ull);
  }
};
