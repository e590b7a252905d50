// A job manager core with a clock and a record of what it causes, and short words for what happens
// to it. Base of the fixtures that have words of their own.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "recording_out.hpp"
#include "spec_texts.hpp"
#include "store_builders.hpp"

namespace hactor::test {

constexpr int64_t second = 1'000'000'000;
constexpr job_id one{1};

struct job_manager_bench {
  job_spec_ptr submit(std::vector<job_id> ids, const spec_text& s = {}, int32_t urgency = 16,
                      std::vector<int64_t> cc = {}, bool with_cc_env = true) {
    auto spec = intern(specs, s);
    accepted_spec a;
    a.urgency = urgency;
    a.ids = std::move(ids);
    a.cc = std::move(cc);
    a.with_cc_env = with_cc_env;
    core.accept(now, 1000, spec, a, out);
    return spec;
  }
  void grant(job_id id = one, rset r = whole_nodes(2, 1)) {
    core.on_granted(now, id, std::move(r), out);
  }
  void report(job_report r, job_id id = one) {
    r.id = id;
    core.on_report(now, r, out);
  }
  void start(job_id id = one) {
    job_report r;
    r.started = true;
    report(r, id);
  }
  void end(int status = 0, job_id id = one, const char* failure = "") {
    job_report r;
    r.started = *failure == 0;
    r.ended = true;
    r.status = status;
    r.failure = failure;
    r.used = {5, 6, 7};
    r.outputs = {{0, address}};
    report(r, id);
  }
  void settled(rank_t rank, job_id id = one) {
    job_report r;
    r.id = id;
    core.on_settled(now, rank, r, out);
  }
  /// Submitted, granted and started; what that caused is forgotten.
  void run_new(job_id id = one, const spec_text& s = {}, rset where = whole_nodes(2, 1)) {
    submit({id}, s);
    grant(id, std::move(where));
    start(id);
    out.clear();
  }
  caf::expected<uint64_t> raise(std::vector<job_id> ids, const char* type = "cancel",
                                int severity = 0, uint32_t states = 0) {
    return core.raise(now, {1000, {std::move(ids), states}, type, severity, "why"}, out);
  }
  caf::expected<uint64_t> urgency(std::vector<job_id> ids, int32_t value) {
    return core.set_urgency(now, {1000, {std::move(ids), 0}, value}, out);
  }
  job_summary summary(job_id id = one) {
    auto s = core.summary(id);
    REQUIRE_MESSAGE(s, render(s.error()));
    return *s;
  }
  job_record last_record() {
    REQUIRE_FALSE(out.records.empty());
    return out.records.back();
  }

  spec_cache specs;
  job_manager_core core;
  recording_out out;
  int64_t now = 100 * second;
  uint64_t address = 77; // of the output of the next job that ends
};

} // namespace hactor::test
