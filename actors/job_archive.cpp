// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/job_archive.hpp"

#include "actors/job_references.hpp"
#include "runtime/log.hpp"

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
  return reply;
}

// -- names ----------------------------------------------------------------------------------------

namespace {

/// Reads the jobs of one label, which is a hash: those of the name are among them.
class name_search {
public:
  name_search(const journal& store, spec_cache& specs, const named_request& request)
      : store_{store}, specs_{specs}, r_{request}, label_{name_label(r_.userid, r_.name)} {}

  caf::expected<named_reply> run() {
    auto last = store_.last_labelled(label_);
    if (!last)
      return std::move(last.error());
    if (!*last)
      return reply_;
    reply_.last_ns = (*last)->t_submit_ns;
    next_ = {r_.since_ns != 0 ? r_.since_ns : reply_.last_ns, {}};
    constexpr size_t some = 1'000;
    for (bool more = true; more && reply_.jobs.size() < r_.max;) {
      auto part = store_.labelled(label_, next_, some);
      if (!part)
        return std::move(part.error());
      more = part->size() == some;
      for (auto& job : *part) {
        if (reply_.jobs.size() == r_.max)
          break;
        next_ = {job.t_submit_ns, {job.id.value + 1}};
        if (look_at(job)) { // what is left of the part may be of the same array
          more = true;
          break;
        }
      }
    }
    return std::move(reply_);
  }

private:
  /// True when it was of an array, and all of that has been looked at.
  bool look_at(const labelled_job& job) {
    auto record = store_.job(job.id);
    if (!record || record->events.front().b != static_cast<int64_t>(r_.userid))
      return false; // purged meanwhile, or damaged
    auto spec = load_spec(store_, specs_, record->spec);
    if (!spec || fill_cc((*spec)->name, record->cc) != r_.name)
      return false;
    if (!r_.of_copies)
      reply_.jobs.push_back({job.id, job.t_submit_ns, record->cc, true});
    if (!r_.of_copies || record->cc < 0 || !(*spec)->array)
      return false;
    auto& values = *(*spec)->array;
    auto first = array_of(job.id, values, record->cc);
    job_reference wanted;
    wanted.copies = r_.copies;
    for (auto id : members_of(first, values, wanted, r_.max - reply_.jobs.size()))
      if (auto one = store_.job(id); one && one->ended && one->label == label_)
        reply_.jobs.push_back({id, job.t_submit_ns, one->cc, true});
    if (auto last = job_in_array(first, values, values.last()))
      next_.id = std::max(next_.id, job_id{last->value + 1});
    return true;
  }

  const journal& store_;
  spec_cache& specs_;
  const named_request& r_;
  const uint64_t label_;
  labelled_job next_;
  named_reply reply_;
};

} // namespace

caf::expected<named_reply> find_named(const journal& store, spec_cache& specs,
                                      const named_request& request) {
  return name_search{store, specs, request}.run();
}

array_reply find_array(const journal& store, spec_cache& specs, const array_request& request) {
  auto record = store.job(request.id);
  if (!record || !record->ended)
    return {};
  auto spec = load_spec(store, specs, record->spec);
  if (!spec || record->cc < 0 || !(*spec)->array)
    return {true};
  auto& values = *(*spec)->array;
  return {true, array_of(request.id, values, record->cc), values};
}

caf::error label_ended(journal& store, spec_cache& specs) {
  constexpr const char* done_key = "labelled";
  constexpr size_t slice = 1'000;
  if (store.meta(done_key))
    return {};
  caf::error failed;
  journal_batch b;
  uint64_t count = 0;
  auto commit = [&] {
    count += b.jobs.size();
    if (auto done = store.commit(b); !done)
      failed = std::move(done.error());
    b = {};
    return !failed;
  };
  auto read = store.each_job(true, [&](const job_record& record) {
    if (!record.ended || record.label != 0 || record.events.empty())
      return true;
    auto spec = load_spec(store, specs, record.spec);
    if (!spec)
      return true; // its name is not known
    b.jobs.push_back(record);
    b.jobs.back().label = name_label(static_cast<uint32_t>(record.events.front().b),
                                     fill_cc((*spec)->name, record.cc));
    return b.jobs.size() < slice || commit();
  });
  if (read || failed)
    return read ? read : failed;
  b.meta.emplace_back(done_key, "1");
  if (!commit())
    return failed;
  if (count > 0)
    log_info("journal: {} ended jobs of an older hactor can be found by their names", count);
  return {};
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
