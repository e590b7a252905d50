// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/job_archive.hpp"

namespace hactor {

namespace {

constexpr uint32_t inactive_bit = static_cast<uint32_t>(job_state::inactive);

/// Nothing when the listing does not mean this job.
caf::expected<std::optional<job_summary>> summarize_record(const journal& store, spec_cache& specs,
                                                           const job_record& record,
                                                           const list_request& request,
                                                           job_constraint* only) {
  auto spec = load_spec(store, specs, record.spec);
  if (!spec)
    return std::move(spec.error());
  auto f = fold_record(record);
  if (!is_meant(request, **spec, record.cc, f.fold.userid) || !is_on(request, f.resources)
      || (only != nullptr && !only->matches(f.fold, **spec, record.cc, f.resources)))
    return std::optional<job_summary>{};
  return std::optional{summarize(record.id, f.fold, **spec, record.cc, &f.resources, &f.end)};
}

} // namespace

caf::expected<job_spec_ptr> load_spec(const journal& store, spec_cache& specs,
                                      const spec_hash& hash) {
  auto stored = store.spec(hash);
  if (!stored)
    return std::move(stored.error());
  auto parts = split_stored(*stored);
  std::string environment;
  if (parts.environment != spec_hash{}) {
    auto text = store.spec(parts.environment);
    if (!text)
      return std::move(text.error());
    environment = std::move(*text);
  }
  return specs.intern(std::string{parts.text}, environment);
}

folded_record fold_record(const job_record& record) {
  folded_record f;
  for (auto e : record.events)
    f.fold.apply(e);
  if (!record.rset.empty())
    if (auto r = parse_rset(record.rset))
      f.resources = std::move(*r);
  f.end = decode_extra(record.extra);
  return f;
}

caf::expected<list_reply> list_ended(const journal& store, spec_cache& specs,
                                     const list_request& asked) {
  auto request = asked;
  auto constraint = read_constraint(request);
  if (!constraint)
    return std::move(constraint.error());
  auto* only = *constraint ? &**constraint : nullptr;
  list_reply reply;
  auto& jobs = reply.jobs;
  caf::error failed;
  auto add = [&](const job_record& record) {
    if (!(static_cast<uint32_t>(record.result) & request.results))
      return true;
    if (record.t_end_ns < request.since_ns)
      return false; // newest first: nothing later can match
    auto s = summarize_record(store, specs, record, request, only);
    if (!s || (only != nullptr && only->is_spent())) {
      failed = s ? only->spent_error() : std::move(s.error());
      return false;
    }
    if (*s)
      jobs.push_back(std::move(**s));
    return request.max == 0 || jobs.size() < request.max;
  };
  if (request.ids.empty()) {
    if (auto err = store.each_ended(add))
      return err;
  }
  for (auto id : request.ids) {
    auto record = store.job(id);
    if (!record && request.skip_unknown && code_of(record.error()) == ec::unknown_job)
      continue;
    if (!record)
      failed = std::move(record.error());
    else if (record->ended)
      add(*record);
    if (!failed)
      continue;
    if (!request.skip_unknown || (only != nullptr && only->is_spent()))
      return failed;
    reply.unread.push_back({id, static_cast<uint8_t>(code_of(failed)), context_of(failed)});
    failed = {};
  }
  if (failed)
    return failed;
  return jobs;
}

caf::expected<job_reply> whole_ended(const journal& store, spec_cache& specs, job_id id) {
  auto record = store.job(id);
  if (!record)
    return std::move(record.error());
  auto spec = load_spec(store, specs, record->spec);
  if (!spec)
    return std::move(spec.error());
  auto f = fold_record(*record);
  job_reply r;
  r.summary = summarize(id, f.fold, **spec, record->cc, &f.resources, &f.end);
  r.events = std::move(record->events);
  r.jobspec = restore_jobspec((*spec)->text, (*spec)->environment_text(), record->cc);
  r.rset = record->rset;
  r.init_ns = f.end.init_ns;
  r.first_exit = f.end.first_exit;
  return r;
}

namespace {

job_begin begin_of(const journal& store, spec_cache& specs, const followed_job& job) {
  job_begin b;
  auto record = store.job(job.id);
  if (!record) {
    b.code = static_cast<uint8_t>(code_of(record.error()));
    b.why = render(record.error());
    return b;
  }
  b.ranks = fold_record(*record).resources.ranks();
  b.events = std::move(record->events);
  if (job.spec)
    if (auto spec = load_spec(store, specs, record->spec)) // else its events are still worth it
      b.jobspec = restore_jobspec((*spec)->text, (*spec)->environment_text(), record->cc);
  return b;
}

} // namespace

follow_reply tell_ended(const journal& store, spec_cache& specs, const follow_request& asked) {
  follow_reply reply;
  reply.jobs.reserve(asked.jobs.size());
  for (auto& job : asked.jobs)
    reply.jobs.push_back(begin_of(store, specs, job));
  return reply;
}

caf::expected<std::vector<job_summary>> list_stored(const journal& store, spec_cache& specs,
                                                    const list_request& asked) {
  job_manager_core active;
  if (auto err = restore_active(store, specs, active))
    return err;
  auto request = asked;
  auto only = read_constraint(request);
  if (!only)
    return std::move(only.error());
  auto jobs = active.list(request, *only ? &**only : nullptr);
  auto wanted = request;
  if (*only && (*only)->is_spent())
    return (*only)->spent_error();
  if (*only)
    wanted.comparisons = (*only)->comparisons();
  for (auto& s : jobs)
    std::erase(wanted.ids, s.id);
  if ((request.states & inactive_bit) == 0 || (!request.ids.empty() && wanted.ids.empty()))
    return jobs;
  if (request.max != 0 && jobs.size() >= request.max)
    return jobs;
  wanted.max -= request.max == 0 ? 0 : jobs.size();
  auto ended = list_ended(store, specs, wanted);
  if (!ended)
    return std::move(ended.error());
  jobs.insert(jobs.end(), std::make_move_iterator(ended->jobs.begin()),
              std::make_move_iterator(ended->jobs.end()));
  return jobs;
}

} // namespace hactor
