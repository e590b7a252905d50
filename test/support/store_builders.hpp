// Seeded random events and records, and short names for the journal's tests.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <random>
#include <string>
#include <vector>

#include "store/journal.hpp"

namespace hactor::test {

using random_source = std::mt19937_64;

inline uint64_t below(random_source& r, uint64_t bound) { return r() % bound; }

/// Numbers of all magnitudes, both signs.
inline int64_t any_number(random_source& r) {
  const auto v = static_cast<int64_t>(r() >> below(r, 64));
  return below(r, 2) == 0 ? v : -v;
}

inline std::string any_text(random_source& r, size_t size_max) {
  std::string text(below(r, size_max + 1), '\0');
  for (auto& c : text)
    c = static_cast<char>(below(r, 256));
  return text;
}

inline job_event any_event(random_source& r, size_t text_max = 40) {
  job_event e;
  e.id = {r() >> below(r, 64)};
  e.t_ns = any_number(r);
  e.kind = static_cast<event_kind>(1 + below(r, static_cast<uint64_t>(event_kind::kind_count) - 1));
  const auto state = below(r, 8);
  e.after = static_cast<job_state>(state == 0 ? 0 : 1 << (state - 1));
  e.a = below(r, 3) == 0 ? 0 : any_number(r);
  e.b = below(r, 3) == 0 ? 0 : any_number(r);
  e.c = below(r, 3) == 0 ? 0 : any_number(r);
  e.text = any_text(r, text_max);
  return e;
}

inline job_record any_record(random_source& r) {
  job_record x;
  x.id = {1 + below(r, 1u << 30)};
  x.spec = {r(), r()};
  x.cc = any_number(r);
  x.ended = below(r, 2) == 0;
  constexpr job_result results[] = {job_result::none, job_result::completed, job_result::failed,
                                    job_result::canceled, job_result::timeout};
  x.result = results[below(r, 5)];
  x.t_end_ns = any_number(r);
  x.rset = any_text(r, 300);
  x.extra = any_text(r, 60);
  x.first_sequence = r() >> below(r, 64);
  for (auto n = below(r, 12); n > 0; --n) {
    x.events.push_back(any_event(r));
    x.events.back().id = x.id;
  }
  if (x.ended && !x.events.empty() && below(r, 2) == 0)
    x.label = 1 + below(r, 3);
  return x;
}

inline job_event event(uint64_t id, event_kind kind, int64_t t_ns = 1'700'000'000'000'000'000,
                       std::string text = {}) {
  job_event e;
  e.id = {id};
  e.kind = kind;
  e.t_ns = t_ns;
  e.text = std::move(text);
  return e;
}

inline job_record live(uint64_t id, const spec_hash& spec = {}) {
  job_record r;
  r.id = {id};
  r.spec = spec;
  return r;
}

inline job_record ended(uint64_t id, int64_t t_end_ns = 5, const spec_hash& spec = {}) {
  auto r = live(id, spec);
  r.ended = true;
  r.result = job_result::completed;
  r.t_end_ns = t_end_ns;
  r.events = {event(id, event_kind::submit), event(id, event_kind::clean)};
  return r;
}

/// `count` events without text, of job `id`.
inline std::vector<job_event> events(size_t count, uint64_t id = 7) {
  std::vector<job_event> result;
  for (size_t i = 0; i < count; ++i)
    result.push_back(event(id, event_kind::memo, static_cast<int64_t>(1000 + i), "{}"));
  return result;
}

inline journal_batch batch_of(std::vector<job_event> e) {
  journal_batch b;
  b.events = std::move(e);
  return b;
}

inline journal_batch batch_of(std::vector<job_record> jobs) {
  journal_batch b;
  b.jobs = std::move(jobs);
  return b;
}

/// A journal without fdatasync: what tests of behaviour need.
inline journal_options options_in(const std::string& directory) {
  journal_options o;
  o.directory = directory;
  o.sync = false;
  return o;
}

} // namespace hactor::test
