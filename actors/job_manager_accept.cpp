// Jobs that are taken in: what they depend on is looked up where it is not in memory, names become
// ids, and all of a request is accepted or none of it. A request whose jobs wait for each other is
// accepted in an order in which whoever is waited for comes first; its ids ascend in that order.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <map>
#include <numeric>

#include <fmt/format.h>

#include "actors/job_manager_requests.hpp"
#include "actors/job_references.hpp"
#include "runtime/clock.hpp"
#include "runtime/limits.hpp"

namespace hactor {

namespace {

constexpr auto archive_deadline = std::chrono::seconds(limits::request_timeout_s);
constexpr const char* key = "attributes.system.dependencies";

/// Of the jobs of one request with the jobs that they wait for: each takes memory and an event.
constexpr uint64_t edges_max = 2'000'000;

caf::error too_many_edges() {
  return make_error(ec::too_big,
                    fmt::format("{}: jobs of one request that wait for others make more than {} "
                                "pairs; let one job wait for all, and the others for that one",
                                key, edges_max));
}

/// Words of dependencies that are no id of a known job, and the jobs outside of the request that
/// they have turned out to mean.
struct wanted_jobs {
  job_reference reference;
  bool outside = false;          // some jobs that say so do not mean jobs of the request
  std::optional<found_job> base; // the job of its id, when it is known
  std::vector<found_job> found;
  std::vector<job_id> ids;
};

/// Jobs that are being taken in. What they depend on and is not in memory is asked of the archive
/// first.
struct acceptance {
  accept_request request;
  std::vector<job_spec_ptr> specs;
  known_ends ends;
  std::map<std::string, wanted_jobs> wanted;
  std::multimap<std::string, size_t> names; // of the specs, once one of them has such words
  std::vector<size_t> order;                // of the specs; empty: as they are
  std::set<job_id> together;                // ids of this request that others of it wait for
  caf::typed_response_promise<submit_reply> promise;
};
using acceptance_ptr = std::shared_ptr<acceptance>;

template <class F>
void each_condition(const job_spec_ptr& spec, F f) {
  if (spec->dependencies != nullptr)
    for (auto& d : *spec->dependencies)
      for (auto& c : d.any_of)
        f(c);
}

std::vector<job_id> unknown_targets(const job_manager_state& st, const acceptance& a) {
  std::vector<job_id> ids;
  for (auto& spec : a.specs)
    each_condition(spec, [&](auto& c) {
      if (c.target != job_id{} && !st.core.knows(c.target) && a.ends.count(c.target) == 0
          && a.together.count(c.target) == 0)
        ids.push_back(c.target);
    });
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

void refuse(acceptance& a, size_t place, caf::error e) {
  if (a.specs.size() > 1)
    e = make_error(code_of(e), fmt::format("jobs[{}]: {}", place, render(e)));
  a.promise.deliver(std::move(e));
}

bool has_too_many_edges(const acceptance& a) {
  uint64_t edges = 0;
  for (size_t i = 0; i < a.specs.size(); ++i) {
    uint64_t of_one = 0;
    each_condition(a.specs[i], [&](auto&) { ++of_one; });
    edges += of_one * a.request.specs[i].ids.size();
  }
  return edges > edges_max;
}

void take_in(job_manager_state& st, acceptance& a) {
  auto& specs = a.request.specs;
  if (has_too_many_edges(a)) {
    a.promise.deliver(too_many_edges());
    return;
  }
  if (!st.paused.empty()) {
    a.promise.deliver(make_error(ec::disk_full, "no job is taken in: " + st.paused));
    return;
  }
  for (size_t i = 0; i < specs.size(); ++i)
    if (auto e = st.core.check_dependencies(a.request.userid, *a.specs[i], a.ends, a.together))
      return refuse(a, i, std::move(e));
  auto now = wall_ns();
  for (size_t n = 0; n < specs.size(); ++n) {
    auto i = a.order.empty() ? n : a.order[n];
    st.core.accept(now, a.request.userid, a.specs[i], specs[i], st, a.ends);
  }
  submit_reply reply;
  for (auto& s : specs)
    if (reply.ids.empty())
      reply.ids = std::move(s.ids);
    else
      reply.ids.insert(reply.ids.end(), s.ids.begin(), s.ids.end());
  st.answer_when_durable(
      [promise = a.promise, reply = std::move(reply)](const caf::error& e) mutable {
        if (e)
          promise.deliver(e);
        else
          promise.deliver(std::move(reply));
      });
  st.end_turn();
}

// -- names become ids -----------------------------------------------------------------------------

/// Is the condition of jobs that its words have yet to tell?
bool is_open(const job_manager_state& st, const acceptance& a, const condition& c) {
  if (c.named)
    return true;
  if (c.target == job_id{} || st.core.knows(c.target))
    return false;
  auto end = a.ends.find(c.target);
  return end != a.ends.end() && end->second.result == job_result::none;
}

/// The jobs of the request that have this name; none when it is that of the `own` one: who waits
/// for its own name means what was submitted before.
std::vector<size_t> named_within(const acceptance& a, const std::string& name, size_t own) {
  std::vector<size_t> places;
  if (a.specs[own]->name != name)
    for (auto [at, end] = a.names.equal_range(name); at != end; ++at)
      places.push_back(at->second);
  return places;
}

/// The ids of those of a job's copies that are meant.
std::vector<job_id> ids_within(const accepted_spec& s, const job_reference& wanted) {
  if (!wanted.of_copies)
    return s.ids;
  std::vector<job_id> ids;
  for (size_t i = 0; i < s.cc.size(); ++i)
    if (wanted.copies.empty() || wanted.copies.contains(static_cast<uint64_t>(s.cc[i])))
      ids.push_back(s.ids[i]);
  return ids;
}

/// Ids are unique and ascending in the order in which jobs are accepted.
void deal_ids_anew(acceptance& a) {
  std::vector<job_id> ids;
  for (auto& s : a.request.specs)
    ids.insert(ids.end(), s.ids.begin(), s.ids.end());
  std::sort(ids.begin(), ids.end());
  size_t next = 0;
  for (auto i : a.order)
    for (auto& id : a.request.specs[i].ids)
      id = ids[next++];
}

/// Names that are written down as ids from here on. Requires: all words were looked up.
class name_resolver {
public:
  name_resolver(job_manager_state& st, acceptance& a) : st_{st}, a_{a} {}

  /// False: the request was refused.
  bool run() {
    std::vector<std::vector<size_t>> waits_for(a_.specs.size());
    uint64_t any = 0;
    for (size_t i = 0; i < a_.specs.size() && any <= edges_max; ++i)
      each_condition(a_.specs[i], [&](auto& c) {
        if (any > edges_max || !is_open(st_, a_, c))
          return;
        auto places = named_within(a_, wanted(c).reference.name, i);
        any += places.size();
        waits_for[i].insert(waits_for[i].end(), places.begin(), places.end());
      });
    if (any > edges_max) {
      a_.promise.deliver(too_many_edges());
      return false;
    }
    if (any > 0) {
      auto order = order_by_waits(waits_for, arrays(), [this](size_t i) {
        return fmt::format("{} (jobs[{}])", a_.specs[i]->name, i);
      });
      if (!order) {
        a_.promise.deliver(std::move(order.error()));
        return false;
      }
      a_.order = std::move(*order);
      deal_ids_anew(a_);
    }
    for (size_t i = 0; i < a_.specs.size(); ++i)
      if (auto e = resolve_job(i)) {
        refuse(a_, i, std::move(e));
        return false;
      }
    return true;
  }

private:
  /// Of each job the first one of its array, if that has a jobspec for each of its jobs (ingest has
  /// seen that they stand side by side): their ids follow its values.
  std::vector<size_t> arrays() const {
    std::vector<size_t> firsts;
    while (firsts.size() < a_.specs.size()) {
      auto i = firsts.size();
      auto& array = a_.specs[i]->array;
      auto& own = a_.request.specs[i];
      auto of_one_each = array != nullptr && !own.cc.empty() && array->size() != own.ids.size();
      firsts.resize(i + (of_one_each ? array->size() : 1), i);
    }
    return firsts;
  }

  wanted_jobs& wanted(const condition& c) { return a_.wanted.at(std::string{c.value()}); }

  caf::error resolve_job(size_t i) {
    std::map<std::string, std::vector<job_id>> meant;
    caf::error failed;
    each_condition(a_.specs[i], [&](auto& c) {
      if (failed || !is_open(st_, a_, c))
        return;
      auto words = std::string{c.value()};
      auto& w = wanted(c);
      auto& ids = meant[words];
      ids.clear();
      for (auto place : named_within(a_, w.reference.name, i)) {
        auto some = ids_within(a_.request.specs[place], w.reference);
        ids.insert(ids.end(), some.begin(), some.end());
        a_.together.insert(some.begin(), some.end());
      }
      if (ids.empty())
        ids = w.ids;
      if (ids.empty())
        failed = make_error(ec::unknown_job,
                            fmt::format("{}: there is no job {}, or it was purged", key, words));
    });
    if (failed || meant.empty())
      return failed;
    auto next = resolve(*a_.specs[i], [&](const std::string& words) {
      auto found = meant.find(words);
      return found == meant.end() ? nullptr : &found->second;
    });
    if (!next)
      return std::move(next.error());
    a_.specs[i] = st_.specs->share(std::move(*next));
    return {};
  }

  job_manager_state& st_;
  acceptance& a_;
};

void look_up_and_take_in(job_manager_state& st, const acceptance_ptr& a);

/// All words are looked up: names become ids, and what these stand for is looked up in its turn.
void resolve_and_take_in(job_manager_state& st, const acceptance_ptr& a) {
  auto resolved = name_resolver{st, *a}.run();
  a->wanted.clear();
  if (resolved)
    look_up_and_take_in(st, a);
}

/// Jobs in memory and ended ones, some of which may be in both.
std::vector<found_job> with_ended(const std::vector<found_job>& here, const list_reply& ended) {
  auto all = here;
  std::set<job_id> seen;
  for (auto& job : here)
    seen.insert(job.id);
  for (auto& s : ended.jobs)
    if (seen.insert(s.id).second)
      all.push_back({s.id, s.t_submit, s.label, s.cc, true});
  return all;
}

/// When the first of them was submitted that has not ended; 0 when all have.
int64_t first_submit(const std::vector<found_job>& jobs) {
  auto first = INT64_MAX;
  for (auto& job : jobs)
    if (!job.ended)
      first = std::min(first, job.t_submit_ns);
  return first == INT64_MAX ? 0 : first;
}

/// Asks the archive for ended jobs, then goes on. What is in memory must have been gathered before:
/// a job is on disk before it leaves memory.
void ask_archive(job_manager_state& st, const acceptance_ptr& a, list_request r,
                 std::function<void(const list_reply&)> then) {
  r.states = static_cast<uint32_t>(job_state::inactive);
  r.skip_unknown = true;
  r.userid = a->request.userid;
  st.self->request(st.peers.archive, archive_deadline, std::move(r))
      .then([then = std::move(then)](const list_reply& x) { then(x); },
            [a](caf::error& e) { a->promise.deliver(std::move(e)); });
}

void look_up_words(job_manager_state& st, const acceptance_ptr& a,
                   std::map<std::string, wanted_jobs>::iterator at);

void look_up_name(job_manager_state& st, const acceptance_ptr& a,
                  std::map<std::string, wanted_jobs>::iterator at) {
  auto& w = at->second;
  w.found = st.core.named(a->request.userid, w.reference.name);
  list_request r;
  r.name = w.reference.name;
  r.since_ns = first_submit(w.found);
  r.max = references_max + 1;
  ask_archive(st, a, std::move(r), [&st, a, at](const list_reply& ended) {
    at->second.ids = choose_named(with_ended(at->second.found, ended), at->second.reference);
    look_up_words(st, a, std::next(at));
  });
}

void look_up_copies(job_manager_state& st, const acceptance_ptr& a,
                    std::map<std::string, wanted_jobs>::iterator at) {
  auto& w = at->second;
  w.found = st.core.copies_of(*w.base);
  list_request r;
  r.since_ns = w.base->t_submit_ns;
  ask_archive(st, a, std::move(r), [&st, a, at](const list_reply& ended) {
    auto& w = at->second;
    w.ids = choose_copies(with_ended(w.found, ended), *w.base, w.reference);
    look_up_words(st, a, std::next(at));
  });
}

/// The job of an id with copies: if there is none, the words are a name.
void look_up_base(job_manager_state& st, const acceptance_ptr& a,
                  std::map<std::string, wanted_jobs>::iterator at) {
  auto& w = at->second;
  w.base = st.core.find(w.reference.id);
  if (w.base)
    return look_up_copies(st, a, at);
  list_request r;
  r.ids = {w.reference.id};
  ask_archive(st, a, std::move(r), [&st, a, at](const list_reply& ended) {
    if (ended.jobs.empty())
      return look_up_name(st, a, at);
    at->second.base = with_ended({}, ended).front();
    look_up_copies(st, a, at);
  });
}

/// From one of a request's words to the next.
void look_up_words(job_manager_state& st, const acceptance_ptr& a,
                   std::map<std::string, wanted_jobs>::iterator at) {
  while (at != a->wanted.end() && !at->second.outside)
    ++at;
  if (at == a->wanted.end())
    return resolve_and_take_in(st, a);
  auto& r = at->second.reference;
  if (r.of_copies && r.id != job_id{})
    look_up_base(st, a, at);
  else
    look_up_name(st, a, at);
}

/// False: all dependencies are of ids.
bool has_words(const job_manager_state& st, acceptance& a) {
  for (size_t i = 0; i < a.specs.size(); ++i)
    each_condition(a.specs[i], [&](auto& c) {
      if (!is_open(st, a, c))
        return;
      for (size_t n = a.names.size(); n < a.specs.size(); ++n)
        a.names.emplace(a.specs[n]->name, n);
      auto words = std::string{c.value()};
      auto reference = read_reference(words);
      HACTOR_CHECK(reference); // ingest has read it
      auto& w = a.wanted[words];
      w.outside = w.outside || named_within(a, reference->name, i).empty();
      w.reference = std::move(*reference);
    });
  return !a.wanted.empty();
}

/// Asks until nothing is unknown: jobs may leave memory while the archive looks.
void look_up_and_take_in(job_manager_state& st, const acceptance_ptr& a) {
  auto ids = unknown_targets(st, *a);
  if (ids.empty() && has_words(st, *a))
    return look_up_words(st, a, a->wanted.begin());
  if (ids.empty())
    return take_in(st, *a);
  st.self->request(st.peers.archive, archive_deadline, ends_request{std::move(ids)})
      .then(
          [&st, a](const ends_reply& x) {
            for (auto& end : x.ends)
              a->ends[end.id] = end;
            look_up_and_take_in(st, a);
          },
          [a](caf::error& e) { a->promise.deliver(std::move(e)); });
}

} // namespace

caf::result<submit_reply> accept_jobs(job_manager_state& st, accept_request& r) {
  if (!st.paused.empty())
    return make_error(ec::disk_full, "no job is taken in: " + st.paused);
  auto a = std::make_shared<acceptance>();
  for (auto& s : r.specs) {
    auto spec = st.specs->intern(s.spec);
    if (!spec)
      return std::move(spec.error());
    a->specs.push_back(std::move(*spec));
  }
  a->request = std::move(r);
  a->promise = st.self->make_response_promise<submit_reply>();
  auto promise = a->promise;
  look_up_and_take_in(st, a);
  return promise;
}

} // namespace hactor
