// What the distributor is asked: whether jobs could run, why they wait, what is in use. The
// children know; they are asked where it matters.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>

#include <fmt/format.h>

#include "actors/distributor.hpp"
#include "actors/node_memory.hpp"
#include "actors/scheduler_settings.hpp"
#include "runtime/limits.hpp"

namespace hactor {

namespace {

constexpr auto deadline = std::chrono::seconds(limits::request_timeout_s);

/// Shapes of jobs of which it is remembered that they fit.
constexpr size_t fits_max = 4096;

/// A constraint that names ranks: a child counts its own from 0.
bool names_ranks(const json& constraint) {
  if (constraint.is_array())
    return std::any_of(constraint.begin(), constraint.end(), names_ranks);
  if (!constraint.is_object())
    return false;
  for (auto& [key, value] : constraint.items())
    if (key == "ranks" || names_ranks(value))
      return true;
  return false;
}

/// The error of one of several jobs says which one.
caf::error at_position(const feasible_request& r, size_t at, ec code, const std::string& what) {
  return make_error(
      code, at < r.positions.size() ? fmt::format("jobs[{}]: {}", r.positions[at], what) : what);
}

/// What a child says of a job; of one in a child of it the path is said.
std::string in_child(job_id child, std::string_view said) {
  constexpr std::string_view within = "in child ";
  auto deeper = said.starts_with(within);
  return fmt::format("{}{}{}{}", within, to_string(child), deeper ? "/" : ": ",
                     deeper ? said.substr(within.size()) : said);
}

std::string plural(uint64_t n, const char* what) {
  return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
}

} // namespace

void distributor_state::answer(judgement& j, const caf::error& e) { j.promise.deliver(e); }

// -- could it run? --------------------------------------------------------------------------------

caf::result<done> distributor_state::judge(const feasible_request& r) {
  auto j = std::make_shared<judgement>(judgement{r});
  j->promise = self->make_response_promise<done>();
  auto promise = j->promise;
  begin_to_judge(j);
  return promise;
}

void distributor_state::begin_to_judge(const judgement_ptr& j) {
  for (; j->at < j->request.specs.size(); ++j->at) {
    auto spec = setup.specs->intern(j->request.specs[j->at]);
    if (!spec)
      return answer(*j, spec.error());
    if (auto e = exceeds_memory(**spec, setup.attributes))
      return answer(*j, at_position(j->request, j->at, code_of(e), context_of(e)));
    if (auto e = warns_in_vain(**spec, last.all.expiration))
      return answer(*j, at_position(j->request, j->at, code_of(e), context_of(e)));
    auto& request = *(*spec)->request;
    if (fits.count(request.shape) != 0)
      continue;
    if (names_ranks(request.wants.system.constraints))
      return answer(
          *j, at_position(
                  j->request, j->at, ec::unsatisfiable,
                  "a constraint on ranks: the children of this instance, which run its jobs "
                  "(sched.policy=hierarchy), have ranks of their own; name hosts or properties"));
    j->to_ask.clear();
    j->last = {};
    j->opened = opened;
    for (auto& child : core.children())
      if (child.serves)
        j->to_ask.push_back(child.id);
    return ask_next(j);
  }
  j->promise.deliver(done{});
}

/// Asks one child after the other until one could run it.
void distributor_state::ask_next(const judgement_ptr& j) {
  while (!j->to_ask.empty()) {
    auto child = j->to_ask.back();
    j->to_ask.pop_back();
    auto it = handles.find(child);
    if (it == handles.end())
      continue;
    feasible_request one;
    one.specs.push_back(j->request.specs[j->at]);
    self->request(it->second.scheduler, deadline, std::move(one))
        .then(
            [this, j](done) {
              if (auto spec = setup.specs->intern(j->request.specs[j->at])) {
                if (fits.size() >= fits_max)
                  fits.clear();
                fits.insert((*spec)->request->shape);
              }
              ++j->at;
              begin_to_judge(j);
            },
            [this, j, child](const caf::error& e) {
              if (handles.count(child) != 0) // else it has ended, and said nothing
                j->last = e;
              ask_next(j);
            });
    return;
  }
  refuse(j);
}

/// None of the children that were asked could; there may be others by now, or soon.
void distributor_state::refuse(const judgement_ptr& j) {
  if (j->opened != opened)
    return begin_to_judge(j);
  if (auto why = core.hopeless(); !why.empty())
    return answer(*j, at_position(j->request, j->at, ec::unsatisfiable, why));
  if (stopped)
    return answer(*j, make_error(ec::wrong_state, "the instance ends"));
  if (core.is_waiting_for_children() || !j->last) {
    parked.push_back(j);
    return;
  }
  uint64_t nodes = 0, cores = 0;
  for (auto& child : core.children()) {
    nodes = std::max(nodes, child.nodes);
    cores = std::max(cores, child.cores);
  }
  auto spec = setup.specs->intern(j->request.specs[j->at]);
  if (!spec)
    return answer(*j, spec.error());
  auto& request = *(*spec)->request;
  auto tree = setup.attributes.text("sched.tree");
  auto too_large = request.nnodes > nodes || request.ncores > cores;
  auto what = too_large
                  ? fmt::format("needs {}; the largest child of this instance has {} with {} "
                                "({})",
                                describe(request), plural(nodes, "node"), plural(cores, "core"),
                                tree.empty() ? "sched.policy=hierarchy" : "sched.tree=" + tree)
                  : "no child of this instance can run it: " + render(j->last);
  answer(*j, at_position(j->request, j->at, code_of(j->last), what));
}

void distributor_state::judge_again() {
  if (!std::exchange(children_changed, false))
    return;
  for (auto& j : std::exchange(parked, {}))
    begin_to_judge(j);
}

// -- why does it wait? ----------------------------------------------------------------------------

/// In the turn that is due, what has just come may be given to a child.
caf::result<explain_reply> distributor_state::explain(const explain_request& r) {
  auto promise = self->make_response_promise<explain_reply>();
  auto result = promise;
  if (turn_wanted && !self->current_mailbox_element()->mid.is_urgent_message())
    unexplained.emplace_back(r, std::move(promise));
  else
    explain_now(r, std::move(promise));
  return result;
}

void distributor_state::explain_rest() {
  for (auto& [r, promise] : std::exchange(unexplained, {}))
    explain_now(r, std::move(promise));
}

void distributor_state::explain_now(const explain_request& r,
                                    caf::typed_response_promise<explain_reply> promise) {
  struct collected {
    explain_reply reply;
    size_t due = 1; // and one for what is known here
    caf::typed_response_promise<explain_reply> promise;
  };
  auto all = std::make_shared<collected>();
  all->reply.reasons.resize(r.ids.size());
  all->promise = std::move(promise);
  auto came = [all] {
    if (--all->due == 0)
      all->promise.deliver(all->reply);
  };
  std::map<job_id, std::vector<size_t>> of_children; // places in the request
  using kind = distributor_place::kind;
  for (size_t i = 0; i < r.ids.size(); ++i) {
    auto& reason = all->reply.reasons[i];
    auto at = core.where(r.ids[i]);
    if (core.is_child(r.ids[i]))
      reason = {"resources", "is a child of this instance, and waits for its share of it", 0};
    else if (at.what == kind::held)
      reason = {"held", "is held: its urgency is 0", 0};
    else if (at.what == kind::granted)
      reason = {"running", fmt::format("runs in child {}", to_string(at.child)), 0};
    else if (at.what == kind::given)
      of_children[at.child].push_back(i);
    else if (at.what == kind::queued && core.counts().children == 0)
      reason = {"down", "waits for the children of this instance, of which none serves", 0};
    else if (at.what == kind::queued)
      reason = {"behind",
                fmt::format("waits in this instance: its {} have as many jobs as they may queue{}",
                            plural(core.counts().children, "child instance"),
                            at.refusal.empty()
                                ? ""
                                : ", and one that has not cannot run it: " + at.refusal),
                0};
  }
  for (auto& [child, places] : of_children) {
    auto it = handles.find(child);
    if (it == handles.end())
      continue;
    explain_request q;
    for (auto i : places)
      q.ids.push_back(r.ids[i]);
    ++all->due;
    self->request(it->second.scheduler, deadline, std::move(q))
        .then(
            [all, came, child = child, places = places](const explain_reply& x) {
              for (size_t n = 0; n < places.size() && n < x.reasons.size(); ++n) {
                auto& reason = all->reply.reasons[places[n]];
                reason = x.reasons[n];
                if (!reason.code.empty())
                  reason.sentence = in_child(child, reason.sentence);
              }
              came();
            },
            [came](const caf::error&) { came(); }); // it has ended, and the jobs are elsewhere
  }
  came();
}

// -- what there is --------------------------------------------------------------------------------

/// For people the children hold nothing: what is in use is what jobs have.
caf::result<resource_reply> distributor_state::usage() {
  auto promise = self->make_response_promise<resource_reply>();
  self->request(setup.graph, deadline, usage_atom_v)
      .then(
          [this, promise](resource_reply& r) mutable {
            r.allocated = core.held();
            r.free = subtract(subtract(usable, r.off), r.allocated);
            promise.deliver(std::move(r));
          },
          [promise](caf::error& e) mutable { promise.deliver(std::move(e)); });
  return promise;
}

caf::result<queue_reply> distributor_state::queues(const queue_request& r) {
  if (r.verb != queue_verb::list)
    return make_error(ec::not_permitted,
                      "the queues are those of the children of this instance "
                      "(sched.policy=hierarchy): HACTOR_URI=$HACTOR_URI/CHILD names one");
  auto c = core.counts();
  queue_info q;
  q.policy = "hierarchy";
  q.is_default = true;
  q.queued = c.queued + c.given;
  q.running = c.running;
  q.nodes = static_cast<uint32_t>(usable.nodes.size());
  q.cores = usable.core_count();
  q.gpus = usable.gpu_count();
  return queue_reply{{std::move(q)}};
}

caf::result<scheduler_reply> distributor_state::about_scheduler(const scheduler_request& r) {
  if (r.verb != scheduler_verb::status)
    return make_error(ec::not_permitted, "an instance that distributes its jobs "
                                         "(sched.policy=hierarchy) does so as long as it lives");
  auto c = core.counts();
  return scheduler_reply{true, changeable_settings(setup.attributes), c.queued + c.given,
                         c.running};
}

/// A child that distributes has lost jobs that we gave it.
caf::result<count_reply> distributor_state::pass_on(raise_request r) {
  auto child = child_of(self->current_sender());
  std::map<distributor_client, raise_request> by_client;
  uint64_t n = 0;
  for (auto id : r.jobs.ids)
    if (auto client = core.client_of(child, id)) {
      by_client[*client].jobs.ids.push_back(id);
      ++n;
    }
  for (auto& [client, part] : by_client) {
    part.jobs.states = r.jobs.states;
    part.userid = r.userid;
    part.type = r.type;
    part.severity = r.severity;
    part.note = r.note;
    self->request(caf::actor_cast<job_manager_actor>(clients.at(client)), caf::infinite,
                  std::move(part))
        .then([](const count_reply&) {}, [](const caf::error&) {}); // they have ended since
  }
  return count_reply{n};
}

std::vector<std::string> distributor_state::waits() const {
  auto c = core.counts();
  std::vector<std::string> lines;
  lines.push_back(fmt::format("{} jobs wait here, {} in children, {} have room; {} children serve",
                              c.queued, c.given, c.running, c.children));
  for (auto& child : core.children()) {
    if (lines.size() >= limits::wait_lines_max)
      break;
    lines.push_back(fmt::format("child {}: {} nodes, {} cores, {}; {} jobs wait, {} run, at most "
                                "{} may wait",
                                to_string(child.id), child.nodes, child.cores,
                                child.serves ? "serves" : "is being made", child.given,
                                child.running, child.window));
  }
  if (!parked.empty())
    lines.push_back(fmt::format("{} submissions wait for a child that judges them, at most {} s",
                                parked.size(), limits::request_timeout_s));
  return lines;
}

} // namespace hactor
