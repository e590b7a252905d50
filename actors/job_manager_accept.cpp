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

/// Words of dependencies that are no id of a known job, or that mean an array as a whole, and what
/// they have turned out to mean outside of the request.
struct wanted_jobs {
  job_reference reference;
  bool whole = false;   // of an array: the one that has a job of the index which `reference` names
  bool outside = false; // some jobs that say so do not mean jobs of the request
  array_reply array;    // of the job of its id
  std::vector<job_id> ids;
};

/// The words, and of an array as a whole the first index of the job that waits for it; else -1.
using wanted_key = std::pair<std::string, int64_t>;

/// Jobs that are being taken in. What they depend on and is not in memory is asked of the archive
/// first.
struct acceptance {
  accept_request request;
  std::vector<job_spec_ptr> specs;
  known_ends ends;
  std::map<wanted_key, wanted_jobs> wanted;
  bool resolved = false;                    // words have become ids
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

bool is_of_array(const condition& c) { return c.kind == dependency_kind::after_corr; }

std::vector<job_id> unknown_targets(const job_manager_state& st, const acceptance& a) {
  std::vector<job_id> ids;
  auto add = [&](job_id id) {
    if (id != job_id{} && !st.core.knows(id) && a.ends.count(id) == 0 && a.together.count(id) == 0)
      ids.push_back(id);
  };
  for (size_t i = 0; i < a.specs.size(); ++i)
    each_condition(a.specs[i], [&](auto& c) {
      if (!is_of_array(c))
        return add(c.target);
      if (a.resolved)
        for (auto cc : a.request.specs[i].cc)
          add(target_of(c, cc));
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
    if (auto e = st.core.check_dependencies(a.request.userid, *a.specs[i], a.ends, a.together,
                                            specs[i].cc))
      return refuse(a, i, std::move(e));
  if (a.request.is_question) {
    a.promise.deliver(submit_reply{});
    return;
  }
  auto now = st.now();
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
  if (is_of_array(c))
    return !a.resolved; // whatever it says of the array itself
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

wanted_key key_of(const acceptance& a, const condition& c, size_t i) {
  return {std::string{c.value()}, is_of_array(c) ? a.request.specs[i].cc.front() : -1};
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
        auto places = named_within(a_, wanted(c, i).reference.name, i);
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
      firsts.resize(std::min(i + (of_one_each ? array->size() : 1), a_.specs.size()), i);
    }
    return firsts;
  }

  wanted_jobs& wanted(const condition& c, size_t i) { return a_.wanted.at(key_of(a_, c, i)); }

  caf::error resolve_job(size_t i) {
    std::map<std::pair<bool, std::string>, meant_jobs> meant;
    caf::error failed;
    each_condition(a_.specs[i], [&](auto& c) {
      if (failed || !is_open(st_, a_, c))
        return;
      auto words = std::string{c.value()};
      auto& w = wanted(c, i);
      auto places = named_within(a_, w.reference.name, i);
      auto found = w.whole ? find_array(i, words, w, places) : find_jobs(words, w, places);
      if (found)
        meant[{w.whole, words}] = std::move(*found);
      else
        failed = std::move(found.error());
    });
    if (failed || meant.empty())
      return failed;
    auto next = resolve(*a_.specs[i], [&](const std::string& scheme, const std::string& words) {
      auto found = meant.find({scheme == "aftercorr", words});
      return found == meant.end() ? nullptr : &found->second;
    });
    if (!next)
      return std::move(next.error());
    if (auto e = check_stored_size(*next))
      return e;
    a_.specs[i] = st_.specs->share(std::move(*next));
    return {};
  }

  caf::expected<meant_jobs> find_jobs(const std::string& words, const wanted_jobs& w,
                                      const std::vector<size_t>& places) {
    meant_jobs meant;
    for (auto place : places) {
      auto some = ids_within(a_.request.specs[place], w.reference);
      meant.ids.insert(meant.ids.end(), some.begin(), some.end());
      a_.together.insert(some.begin(), some.end());
    }
    if (meant.ids.empty())
      meant.ids = w.ids;
    if (meant.ids.empty())
      return make_error(ec::unknown_job,
                        fmt::format("{}: there is no job {}, or it was purged", key, words));
    return meant;
  }

  /// The array that jobs [i] wait for, index by index.
  caf::expected<meant_jobs> find_array(size_t i, const std::string& words, const wanted_jobs& w,
                                       const std::vector<size_t>& places) {
    auto fail = [&](ec code, std::string text) {
      return make_error(code, fmt::format("{}: aftercorr:{}: {}", key, words, text));
    };
    auto array = w.array;
    if (!places.empty())
      array = {true};
    for (auto place : places) {
      auto& jobs = a_.request.specs[place];
      a_.together.insert(jobs.ids.begin(), jobs.ids.end());
      for (size_t n = 0; n < jobs.cc.size(); ++n) {
        auto first = array_of(jobs.ids[n], *a_.specs[place]->array, jobs.cc[n]);
        if (array.first != job_id{} && array.first != first)
          return fail(ec::bad_jobspec, "several arrays of the request have this name");
        array = {true, first, *a_.specs[place]->array};
      }
    }
    auto& cc = a_.request.specs[i].cc;
    if (!array.known && w.ids.size() > 1)
      return fail(ec::bad_jobspec, "several arrays have this name; say by an id which is meant");
    if (!array.known)
      return fail(ec::unknown_job,
                  fmt::format("there is no array of this id or name with a job of index {}, or it "
                              "was purged",
                              cc.front()));
    if (array.first == job_id{})
      return fail(ec::bad_jobspec, "that is no job of an array (--cc, --array)");
    for (auto value : cc)
      if (!array.values.contains(static_cast<uint32_t>(value)))
        return fail(ec::unsatisfiable,
                    fmt::format("the array {} has no job of index {}; it has those of {}",
                                to_string(array.first), value, array.values.to_string()));
    return meant_jobs{{}, std::move(array)};
  }

  job_manager_state& st_;
  acceptance& a_;
};

void look_up_and_take_in(job_manager_state& st, const acceptance_ptr& a);

/// All words are looked up: names become ids, and what these stand for is looked up in its turn.
void resolve_and_take_in(job_manager_state& st, const acceptance_ptr& a) {
  a->resolved = name_resolver{st, *a}.run();
  a->wanted.clear();
  if (a->resolved)
    look_up_and_take_in(st, a);
}

using wanted_place = std::map<wanted_key, wanted_jobs>::iterator;

void look_up_words(job_manager_state& st, const acceptance_ptr& a, wanted_place at);

/// Asks the archive, then goes on. What is in memory must have been gathered before: a job is on
/// disk before it leaves memory.
template <class Reply, class Request>
void ask_archive(job_manager_state& st, const acceptance_ptr& a, Request r,
                 std::function<void(const Reply&)> then) {
  st.self->request(st.peers.archive, archive_deadline, std::move(r))
      .then([then = std::move(then)](const Reply& x) { then(x); },
            [a](caf::error& e) { a->promise.deliver(std::move(e)); });
}

/// Of which array is the job? `then` finds that in the wanted one's `array`.
void look_up_array(job_manager_state& st, const acceptance_ptr& a, wanted_place at, job_id id,
                   std::function<void()> then) {
  at->second.array = st.core.array_with(id);
  if (at->second.array.known)
    return then();
  ask_archive<array_reply>(st, a, array_request{id}, [at, then](const array_reply& x) {
    at->second.array = x;
    then();
  });
}

void look_up_name(job_manager_state& st, const acceptance_ptr& a, wanted_place at) {
  auto& wanted = at->second.reference;
  auto here = st.core.named(a->request.userid, wanted.name, wanted, references_max);
  named_request r{a->request.userid, wanted.name,   here.since_ns,
                  wanted.of_copies,  wanted.copies, references_max + 1};
  ask_archive<named_reply>(st, a, std::move(r), [&st, a, at, here](const named_reply& ended) {
    auto& w = at->second;
    auto all = here.jobs;
    all.insert(all.end(), ended.jobs.begin(), ended.jobs.end());
    auto since = here.since_ns != 0 ? here.since_ns : std::max(here.last_ns, ended.last_ns);
    w.ids = choose_named(all, w.reference, since);
    auto next = [&st, a, at] { look_up_words(st, a, std::next(at)); };
    if (w.whole && w.ids.size() == 1)
      look_up_array(st, a, at, w.ids.front(), next);
    else
      next();
  });
}

/// The copies of an array that are meant; those that were purged are not.
void look_up_copies(job_manager_state& st, const acceptance_ptr& a, wanted_place at) {
  auto& w = at->second;
  if (w.array.first != job_id{})
    w.ids = members_of(w.array.first, w.array.values, w.reference, references_max + 1);
  ends_request r;
  if (w.ids.size() <= references_max) // else the request is refused
    std::copy_if(w.ids.begin(), w.ids.end(), std::back_inserter(r.ids),
                 [&](job_id id) { return !st.core.knows(id); });
  if (r.ids.empty())
    return look_up_words(st, a, std::next(at));
  ask_archive<ends_reply>(st, a, std::move(r), [&st, a, at](const ends_reply& x) {
    std::set<job_id> gone;
    for (auto& end : x.ends)
      if (end.result != job_result::none)
        a->ends[end.id] = end;
      else
        gone.insert(end.id);
    std::erase_if(at->second.ids, [&gone](job_id id) { return gone.count(id) != 0; });
    look_up_words(st, a, std::next(at));
  });
}

/// From one of a request's words to the next.
void look_up_words(job_manager_state& st, const acceptance_ptr& a, wanted_place at) {
  while (at != a->wanted.end() && !at->second.outside)
    ++at;
  if (at == a->wanted.end())
    return resolve_and_take_in(st, a);
  auto& w = at->second;
  if ((!w.reference.of_copies && !w.whole) || w.reference.id == job_id{})
    return look_up_name(st, a, at);
  look_up_array(st, a, at, w.reference.id, [&st, a, at] {
    if (!at->second.array.known) // then the words are a name
      look_up_name(st, a, at);
    else if (at->second.whole)
      look_up_words(st, a, std::next(at));
    else
      look_up_copies(st, a, at);
  });
}

/// False: all dependencies are of ids.
bool has_words(const job_manager_state& st, acceptance& a) {
  for (size_t i = 0; i < a.specs.size(); ++i)
    each_condition(a.specs[i], [&](auto& c) {
      if (!is_open(st, a, c))
        return;
      for (size_t n = a.names.size(); n < a.specs.size(); ++n)
        a.names.emplace(a.specs[n]->name, n);
      auto reference = read_reference(c.value());
      HACTOR_CHECK(reference); // ingest has read it
      auto& w = a.wanted[key_of(a, c, i)];
      w.outside = w.outside || named_within(a, reference->name, i).empty();
      w.whole = is_of_array(c);
      w.reference = std::move(*reference);
      if (w.whole) {
        w.reference.of_copies = true;
        w.reference.copies.add(static_cast<uint32_t>(a.request.specs[i].cc.front()));
      }
    });
  return !a.wanted.empty();
}

/// Who waits index by index must have indices.
caf::error lacks_indices(const acceptance& a, size_t& place) {
  caf::error failed;
  for (place = 0; place < a.specs.size(); ++place) {
    if (a.request.specs[place].cc.empty())
      each_condition(a.specs[place], [&](auto& c) {
        if (is_of_array(c))
          failed = make_error(ec::bad_jobspec,
                              fmt::format("{}: aftercorr:{}: what is submitted is no array (--cc, "
                                          "--array)",
                                          key, c.value()));
      });
    if (failed)
      break;
  }
  return failed;
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
  size_t place = 0;
  if (auto e = lacks_indices(*a, place))
    refuse(*a, place, std::move(e));
  else
    look_up_and_take_in(st, a);
  return promise;
}

} // namespace hactor
