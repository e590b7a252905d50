// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/ingest.hpp"

#include <set>
#include <unordered_set>

#include <unistd.h>

#include <fmt/format.h>

#include "actors/shared_output.hpp"
#include "graph/document.hpp"
#include "runtime/clock.hpp"
#include "runtime/json_scan.hpp"
#include "runtime/limits.hpp"

namespace hactor {

namespace {

constexpr auto deadline = std::chrono::seconds(limits::request_timeout_s);

/// Puts "jobs[3]: " before the error of one of several submissions.
caf::error at_job(size_t index, size_t count, const caf::error& e) {
  return count == 1 ? e : make_error(code_of(e), fmt::format("jobs[{}]: {}", index, render(e)));
}

/// What of submissions comes to, and from which of them each came.
struct accepted {
  accept_request request;
  std::vector<size_t> from;
  std::vector<uint32_t> times; // as often as its command came in a row
  std::set<std::string> shared_files; // that are emptied before the first job
};

/// Jobs of one submission that write to one file share it.
caf::expected<job_spec_ptr> share_files(ingest_state& st, job_spec_ptr spec, accepted& to) {
  if (spec->text.find("\"path\"") == std::string::npos)
    return spec;
  auto document = parse_json(spec->text);
  if (!document)
    return std::move(document.error());
  auto files = share_output(*document, spec->name);
  if (!files)
    return spec;
  to.shared_files.insert(files->begin(), files->end());
  auto shared = spec->with_text(dump(*document));
  shared.name = spec->name;
  shared.array = spec->array;
  return st.specs->share(std::move(shared));
}

/// Which of these resources, or of those in them, is named by its id: "[0].with[1].id"; "" when
/// none is.
std::string find_id(const std::vector<resource_vertex>& level) {
  for (size_t i = 0; i < level.size(); ++i) {
    std::string below = ".id";
    if (level[i].id.empty()) {
      below = find_id(level[i].with);
      if (below.empty())
        continue;
      below.insert(0, ".with");
    }
    return fmt::format("[{}]{}", i, below);
  }
  return {};
}

/// Where a job may run is added to by what it waits for and by its attempts (with_constraint): that
/// must remain a document that can be read.
caf::error check_nesting(const json& constraint) {
  constexpr size_t most = document_depth_max / 2;
  if (depth_of(constraint) <= most)
    return {};
  return make_error(ec::bad_jobspec,
                    fmt::format("attributes.system.constraints: nested deeper than {} levels",
                                most));
}

/// Everything about one jobspec that can be judged without the scheduler.
caf::error add_spec(ingest_state& st, const submission& s, std::string_view text, size_t index,
                    accepted& to) {
  auto spec = st.reader->read(text);
  if (!spec)
    return std::move(spec.error());
  if ((*spec)->is_child)
    return make_error(ec::bad_jobspec, "attributes.system.child: is for children that an instance "
                                       "makes by itself (sched.policy=hierarchy)");
  if (!s.cc.empty()) {
    auto array = as_array(**spec, s.array.empty() ? s.cc : s.array);
    if (!array)
      return std::move(array.error());
    spec = st.specs->share(std::move(*array));
  }
  if (s.cc.size() > 1 || s.array.size() > 1 || !s.commands.empty()) {
    spec = share_files(st, std::move(*spec), to);
    if (!spec)
      return std::move(spec.error());
  }
  if (auto e = check_stored_size(**spec))
    return e;
  if (auto e = check_nesting((*spec)->request->wants.system.constraints))
    return e;
  if (auto path = find_id((*spec)->request->wants.resources); !path.empty())
    return make_error(ec::bad_jobspec,
                      fmt::format("resources{}: resources are not chosen by their ids here; a "
                                  "constraint (attributes.system.constraints) names hosts, ranks "
                                  "or properties",
                                  path));
  accepted_spec a;
  a.spec.here = std::move(*spec);
  a.urgency = s.urgency;
  a.flags = s.flags;
  a.with_cc_env = s.with_cc_env;
  to.request.specs.push_back(std::move(a));
  to.from.push_back(index);
  to.times.push_back(1);
  return {};
}

/// A submission with commands: a jobspec for each of them.
caf::error add_commands(ingest_state& st, const submission& s, size_t index, accepted& to) {
  auto own = find_command(s.jobspec);
  if (own.empty())
    return make_error(ec::bad_jobspec, "commands: go with a jobspec of one task, in JSON");
  auto before = static_cast<size_t>(own.data() - s.jobspec.data());
  auto after = std::string_view{s.jobspec}.substr(before + own.size());
  json_scan scan{s.commands};
  caf::error failed;
  std::string text = s.jobspec.substr(0, before);
  std::string_view last;
  size_t n = 0;
  auto whole = scan.elements([&] {
    scan.next();
    auto begin = scan.at();
    if (!scan.value())
      return false;
    if (s.cc.empty() && scan.since(begin) == last) { // else each is an array of its own
      ++to.times.back();
      return ++n <= limits::jobs_per_request_max;
    }
    last = scan.since(begin);
    text.resize(before);
    text.append(last).append(after);
    if (auto e = add_spec(st, s, text, index, to)) {
      failed = make_error(code_of(e), fmt::format("commands[{}]: {}", n, render(e)));
      return false;
    }
    return ++n <= limits::jobs_per_request_max;
  });
  if (failed)
    return failed;
  if (!whole || !scan.at_end() || n == 0)
    return make_error(ec::bad_argument,
                      fmt::format("commands: must be a list of 1 to {} lists of words",
                                  limits::jobs_per_request_max));
  return {};
}

/// Submissions of one value each make an array when all its values stand one after another: only
/// then their ids are those of an array.
caf::error check_arrays(const submit_request& r) {
  uint64_t place = 0;
  const idset* open = nullptr;
  for (auto& s : r.jobs) {
    if (s.array.empty() && open == nullptr)
      continue;
    if ((open != nullptr && s.array != *open) || !s.commands.empty() || s.cc.size() != 1
        || s.cc.first() != s.array.nth(place))
      return make_error(ec::bad_argument,
                        "array: its jobs must stand side by side, in the order of their values");
    open = ++place < s.array.size() ? &s.array : nullptr;
    place = open == nullptr ? 0 : place;
  }
  if (open != nullptr)
    return make_error(ec::bad_argument,
                      fmt::format("array: the job of {} is missing", open->nth(place)));
  return {};
}

/// Everything about the submissions that can be judged without the scheduler.
caf::expected<accepted> check(ingest_state& st, submit_request& r) {
  accepted all;
  if (auto e = check_arrays(r))
    return e;
  all.request.userid = r.userid;
  all.request.specs.reserve(r.jobs.size());
  for (size_t i = 0; i < r.jobs.size(); ++i) {
    auto& s = r.jobs[i];
    if (s.urgency < 0 || s.urgency > limits::urgency_max)
      return at_job(i, r.jobs.size(),
                    make_error(ec::bad_argument, fmt::format("urgency {}: must be 0 to {}",
                                                             s.urgency, limits::urgency_max)));
    auto e = s.commands.empty() ? add_spec(st, s, s.jobspec, i, all) : add_commands(st, s, i, all);
    if (e)
      return at_job(i, r.jobs.size(), e);
    s.jobspec = {}; // it is not needed any more, and there may be many
    s.commands = {};
  }
  return all;
}

constexpr uint32_t submit_flag_novalidate = 8; // RFC 21

/// Asks once for all that ask for the same.
feasible_request ask_feasible(const accept_request& accept) {
  feasible_request r;
  std::unordered_set<const resource_request*> asked;
  for (size_t i = 0; i < accept.specs.size(); ++i) {
    if ((accept.specs[i].flags & submit_flag_novalidate) != 0)
      continue; // who asked for it hears of it from the scheduler, when its turn has come
    auto& spec = accept.specs[i].spec;
    if (!asked.insert(spec.here->request.get()).second)
      continue;
    r.specs.push_back(spec);
    if (accept.specs.size() > 1)
      r.positions.push_back(i);
  }
  return r;
}

/// Gives all jobs of a request ids that follow one another: from the id of a job of an array, and
/// the values of that, the others are known (array_of).
void give_ids(ingest_state& st, const submit_request& r, uint64_t total, accepted& all) {
  std::vector<job_id> ids;
  ids.reserve(total);
  st.ids->next(wall_ns(), total, ids);
  auto next = ids.begin();
  for (size_t i = 0; i < all.from.size(); ++i) {
    auto& cc = r.jobs[all.from[i]].cc;
    auto& a = all.request.specs[i];
    auto end = next + static_cast<ptrdiff_t>(all.times[i] * std::max<uint64_t>(cc.size(), 1));
    a.ids.assign(next, end);
    next = end;
    a.cc.reserve(all.times[i] * cc.size());
    for (uint32_t n = 0; n < all.times[i]; ++n)
      for (auto value : cc.expand())
        a.cc.push_back(value);
  }
}

using submit_promise = caf::typed_response_promise<submit_reply>;

void accept(ingest_state::pointer self, accept_request&& r, submit_promise promise) {
  self->request(self->state.peers.job_manager, caf::infinite, std::move(r))
      .then([promise](submit_reply& x) mutable { promise.deliver(std::move(x)); },
            [promise](caf::error& e) mutable { promise.deliver(std::move(e)); });
}

/// Empties the files that the jobs share, once it is certain that there will be jobs.
void empty_and_accept(ingest_state::pointer self, accepted&& all, submit_promise promise) {
  auto question = all.request;
  question.is_question = true;
  self->request(self->state.peers.job_manager, caf::infinite, std::move(question))
      .then(
          [self, promise, all = std::move(all)](submit_reply&) mutable {
            for (auto& file : all.shared_files)
              (void)::truncate(file.c_str(), 0); // what is wrong with it, its jobs will tell
            accept(self, std::move(all.request), promise);
          },
          [promise](caf::error& e) mutable { promise.deliver(std::move(e)); });
}

caf::result<submit_reply> submit(ingest_state::pointer self, submit_request& r) {
  auto& st = self->state;
  ++st.requests;
  auto checked = check(st, r);
  if (!checked)
    return std::move(checked.error());
  uint64_t total = 0;
  for (size_t i = 0; i < checked->from.size(); ++i)
    total += checked->times[i] * std::max<uint64_t>(r.jobs[checked->from[i]].cc.size(), 1);
  if (total == 0 || total > limits::jobs_per_request_max)
    return make_error(ec::too_big, fmt::format("{} jobs in one request: must be 1 to {}", total,
                                               limits::jobs_per_request_max));
  auto promise = self->make_response_promise<submit_reply>();
  self->request(st.peers.scheduler, deadline, ask_feasible(checked->request))
      .then(
          [self, promise, r = std::move(r), all = std::move(*checked), total](done) mutable {
            auto& st = self->state;
            give_ids(st, r, total, all);
            st.jobs += static_cast<int64_t>(total);
            if (all.shared_files.empty())
              accept(self, std::move(all.request), promise);
            else
              empty_and_accept(self, std::move(all), promise);
          },
          [promise](caf::error& e) mutable { promise.deliver(std::move(e)); });
  return promise;
}

} // namespace

ingest_actor::behavior_type ingest_service(ingest_state::pointer self, ingest_peers peers,
                                           std::shared_ptr<spec_cache> specs,
                                           std::shared_ptr<id_source> ids,
                                           double default_duration_s) {
  auto& st = self->state;
  st.peers = std::move(peers);
  st.specs = specs;
  st.reader = std::make_unique<spec_reader>(std::move(specs), default_duration_s);
  st.ids = std::move(ids);
  return {
    [self](submit_request& r) { return submit(self, r); },
    [self](stats_atom) {
      return stats_reply{{{"requests", self->state.requests}, {"jobs", self->state.jobs}}};
    },
    [](waits_atom) { return waits_reply{}; }, // whoever submits is known to the connector
  };
}

} // namespace hactor
