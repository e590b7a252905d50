// The methods of the client protocol about resources, queues, and why a job waits.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>

#include <fmt/format.h>

#include "actors/client_calls.hpp"
#include "actors/graph_changes.hpp"
#include "actors/job_waits.hpp"
#include "graph/constraint.hpp"
#include "runtime/clock.hpp"
#include "runtime/duration.hpp"
#include "runtime/limits.hpp"

namespace hactor {

namespace {

constexpr auto deadline = std::chrono::seconds(limits::request_timeout_s);

json as_json(const rset& r) {
  auto parsed = parse_json(to_json(r));
  return parsed ? std::move(*parsed) : json{};
}

json to_json(const queue_info& q) {
  json x{{"name", q.name},          {"policy", q.policy},
         {"depth", q.depth},        {"reservation_depth", q.reservation_depth},
         {"enabled", q.enabled},    {"started", q.started},
         {"default", q.is_default}, {"queued", q.queued},
         {"held", q.held},          {"running", q.running},
         {"reserved", q.reserved},  {"nnodes", q.nodes},
         {"ncores", q.cores},       {"ngpus", q.gpus}};
  if (!q.enabled_note.empty())
    x["enabled_note"] = q.enabled_note;
  if (!q.started_note.empty())
    x["started_note"] = q.started_note;
  if (auto where = parse_json(q.where); where && !q.where.empty())
    x["constraint"] = std::move(*where);
  return x;
}

/// "completed", "failed with exit code 3", "was canceled: no longer wanted".
std::string how_ended(const job_summary& s) {
  auto note = s.exception_note.empty() ? "" : ": " + s.exception_note;
  switch (s.result) {
  case job_result::completed:
    return "completed";
  case job_result::canceled:
    return "was canceled" + note;
  case job_result::timeout:
    return "ran into its time limit" + note;
  case job_result::node_failed:
    return "was lost with a node" + note;
  default:
    if (s.exception)
      return fmt::format("failed with an exception of type {}{}", s.exception_type, note);
    return fmt::format("failed with exit code {}", exit_code_of(s));
  }
}

/// The scheduler's annotations of an allocation (RFC 27): an object, empty before there is one.
json sched_notes(const job_summary& s) {
  auto notes =
      s.annotations.empty() ? caf::expected<json>{json::object()} : parse_json(s.annotations);
  if (!notes || !notes->is_object())
    return json::object();
  auto i = notes->find("sched");
  return i != notes->end() && i->is_object() ? std::move(*i) : json::object();
}

/// How a job came to start, when it was not simply its turn.
std::string how_started(const job_summary& s) {
  auto notes = sched_notes(s);
  auto type = notes.find("selection_type");
  if (type == notes.end())
    return {};
  if (*type == "backfill")
    return ", before jobs that are promised a later time";
  return *type == "reserved" ? ", as it was promised" : "";
}

/// Why a job that is not in the scheduler's hands does not run, or does.
job_reason reason_of(const job_summary& s) {
  switch (s.state) {
  case job_state::depend:
    return {"dependency", s.reason, 0};
  case job_state::priority:
    if (!s.reason.empty()) // the pause before its next attempt; nothing else waits here for a time
      return {"retry", s.reason, 0};
    return {"priority", "waits for its priority", 0};
  case job_state::run:
    return {"running",
            fmt::format("runs on {}{}", s.nodelist.empty() ? s.ranks : s.nodelist, how_started(s)),
            0};
  case job_state::cleanup:
    return {"cleanup", "has ended; its resources are given back", 0};
  case job_state::inactive:
    return {"ended", how_ended(s), 0};
  default:
    return {"next", "is on its way to the scheduler", 0};
  }
}

void reply_reason(const client_call& c, const job_summary& s, const job_reason& r) {
  json x{{"id", to_string(s.id)}, {"code", r.code}, {"sentence", r.sentence}};
  if (r.t_estimate > 0)
    x["t_estimate"] = r.t_estimate;
  x.update(sched_notes(s));
  c.self->state.reply(c.session, c.tag, x);
}

void explain_summary(const client_call& c, const rank_services& lead, const job_summary& s) {
  auto ends = s.state == job_state::cleanup;
  if (s.state != job_state::sched && !ends)
    return reply_reason(c, s, reason_of(s));
  c.self
      ->request(caf::actor_cast<scheduler_actor>(lead.scheduler), deadline, explain_request{{s.id}})
      .then(
          [c, s, ends](const explain_reply& x) {
            auto known = !x.reasons.empty() && !x.reasons[0].code.empty();
            if (!ends)
              return reply_reason(c, s, known ? x.reasons[0] : reason_of(s));
            auto holds = known && x.reasons[0].code == "running";
            reply_reason(c, s, holds ? job_reason{"cleanup", "is ending and "
                                                                 + x.reasons[0].sentence, 0}
                                     : reason_of(s));
          },
          fail_call(c));
}

} // namespace

void with_reasons(const client_call& c, const rank_services& lead,
                  const std::vector<job_summary>& jobs,
                  std::function<void(const waiting_reasons&)> use) {
  explain_request ask;
  for (auto& s : jobs)
    if (s.state == job_state::sched && ask.ids.size() < explained_jobs_max)
      ask.ids.push_back(s.id);
  if (ask.ids.empty())
    return use({});
  ask_soon<scheduler_actor>(c.self, lead.scheduler, caf::duration{deadline}, ask)
      .then(
          [ask, use](explain_reply& x) {
            waiting_reasons reasons;
            for (size_t i = 0; i < x.reasons.size() && i < ask.ids.size(); ++i)
              for (auto code : {"reserved", "behind", "resources", "down", "stopped", "unloaded"})
                if (x.reasons[i].code == code)
                  reasons.emplace(ask.ids[i], std::move(x.reasons[i]));
            use(reasons);
          },
          [use](const caf::error&) { use({}); });
}

void list_resources(const client_call& c, client_params&) {
  with_lead(c, [c](const rank_services& lead) {
    c.self->request(caf::actor_cast<resource_actor>(lead.resource), deadline, usage_atom_v)
        .then(
            [c](const resource_reply& x) {
              auto drains = json::array();
              idset drained;
              for (auto& d : x.drained) {
                drained.add(d.rank);
                drains.push_back({{"rank", d.rank}, {"since", d.since}, {"reason", d.reason}});
              }
              c.self->state.reply(c.session, c.tag,
                                  {{"all", as_json(x.all)},
                                   {"allocated", as_json(x.allocated)},
                                   {"free", as_json(x.free)},
                                   {"off", as_json(x.off)},
                                   {"up", x.up.to_string()},
                                   {"down", x.down.to_string()},
                                   {"drained", drained.to_string()},
                                   {"drains", std::move(drains)},
                                   {"memory",
                                    c.self->state.setup.attributes->integer("resource.memory")}});
            },
            fail_call(c));
  });
}

void drain_resources(const client_call& c, client_params& p) {
  drain_request r;
  r.drain = p.flag("drain", true);
  r.update = p.flag("update", false);
  r.reason = p.note("reason");
  r.hosts = p.text("hosts", "");
  if (p.has("ranks"))
    r.ranks = p.set("ranks", limits::idset_universe_max);
  if (r.ranks.empty() && r.hosts.empty())
    p.refuse("ranks: must name at least one rank or host");
  if (refused(c, p))
    return;
  with_lead(c, [c, r](const rank_services& lead) {
    c.self->request(caf::actor_cast<resource_actor>(lead.resource), deadline, r)
        .then([c](done) { c.self->state.reply(c.session, c.tag, json::object()); }, fail_call(c));
  });
}

namespace {

/// Of an instance that a job of this one holds.
void resize_instance(const client_call& c, client_params& p, resize_request r) {
  r.id = p.id("id");
  r.wait = p.flag("wait", false);
  auto nodes = p.integer("nodes", 0);
  if (r.ranks.empty() && (nodes < 1 || nodes > limits::idset_universe_max))
    p.refuse(fmt::format("nodes: must be at least 1, found {}", nodes));
  r.nodes = static_cast<uint32_t>(nodes);
  if (refused(c, p))
    return;
  constexpr int wishes_bits = 40; // of one rank's connector
  auto& st = c.self->state;
  r.wish = uint64_t{st.setup.rank} << wishes_bits | ++st.last_wish;
  with_lead(c, [c, r](const rank_services& lead) {
    auto session = c.self->state.sessions.find(c.session);
    if (session == c.self->state.sessions.end())
      return; // nobody would ever withdraw it
    if (r.grow)
      session->second.grows.emplace(c.tag, r);
    auto answered = [c] {
      auto still = c.self->state.sessions.find(c.session);
      if (still != c.self->state.sessions.end())
        still->second.grows.erase(c.tag);
    };
    // Who waits, waits as long as jobs run.
    c.self->request(caf::actor_cast<job_manager_actor>(lead.job_manager), caf::infinite, r)
        .then(
            [c, answered](const resize_reply& x) {
              answered();
              c.self->state.reply(c.session, c.tag, {{"ranks", x.ranks.to_string()}});
            },
            [answered, fail = fail_call(c)](const caf::error& e) {
              answered();
              fail(e);
            });
  });
}

} // namespace

void withdraw_growth(const client_call& c, const resize_request& wish) {
  with_lead(
      c.self,
      [c, id = wish.id, number = wish.wish](const rank_services& lead) {
        resize_request nothing;
        nothing.id = id;
        nothing.wish = number;
        c.self->request(caf::actor_cast<job_manager_actor>(lead.job_manager), deadline, nothing)
            .then([](const resize_reply&) {}, [](const caf::error&) {}); // it has ended since
      },
      [](const caf::error&) {});
}

void grow_instance_of(const client_call& c, client_params& p) { resize_instance(c, p, {}); }

void shrink_instance_of(const client_call& c, client_params& p) {
  resize_request r;
  r.grow = false;
  r.force = p.flag("force", false);
  if (r.force && p.flag("wait", false))
    p.refuse("wait, force: only one of these can be");
  if (p.has("ranks"))
    r.ranks = p.set("ranks", limits::idset_universe_max);
  resize_instance(c, p, std::move(r));
}

void ask_graph(const client_call& c, client_params& p) {
  graph_request r;
  auto verb = p.text("verb");
  if (auto known = read_graph_verb(verb))
    r.verb = *known;
  else
    p.refuse(fmt::format("verb: must be show, attach, detach, set-status, set-property, "
                         "remove-property or get-property, found \"{}\"",
                         verb));
  r.path = p.text("path", "");
  r.text = p.text("text", "");
  auto changes = is_change(r.verb);
  if (changes && r.verb != graph_verb::attach && r.path.empty())
    p.refuse("path: must name a vertex");
  if (r.verb == graph_verb::set_status && r.text != "up" && r.text != "down")
    p.refuse(fmt::format("text: must be up or down, found \"{}\"", r.text));
  if ((r.verb == graph_verb::set_property || r.verb == graph_verb::remove_property)
      && split_property(r.text).first.empty())
    p.refuse(fmt::format("text: must be a property's KEY or KEY=VALUE, found \"{}\"", r.text));
  if (r.verb == graph_verb::set_property && !r.text.empty() && !is_property_name(r.text))
    p.refuse(fmt::format("text: a property has none of ! & ' \" ^ ` | ( ), found {}", r.text));
  if (refused(c, p))
    return;
  with_lead(c, [c, r](const rank_services& lead) {
    c.self->request(caf::actor_cast<resource_actor>(lead.resource), caf::infinite, r)
        .then(
            [c](const graph_reply& x) {
              c.self->state.reply(c.session, c.tag, {{"lines", x.lines}});
            },
            fail_call(c));
  });
}

void ask_scheduler(const client_call& c, client_params& p) {
  constexpr std::pair<std::string_view, scheduler_verb> verbs[] = {
      {"status", scheduler_verb::status},
      {"unload", scheduler_verb::unload},
      {"load", scheduler_verb::load},
      {"reload", scheduler_verb::reload}};
  scheduler_request r;
  auto verb = p.text("verb", "status");
  auto known = std::find_if(std::begin(verbs), std::end(verbs),
                            [&](const auto& v) { return v.first == verb; });
  if (known == std::end(verbs))
    p.refuse(fmt::format("verb: must be status, unload, load or reload, found \"{}\"", verb));
  else
    r.verb = known->second;
  if (p.has("settings"))
    for (auto& item : p.texts("settings"))
      r.settings.push_back(split_property(item));
  if (refused(c, p))
    return;
  with_lead(c, [c, r](const rank_services& lead) {
    c.self->request(caf::actor_cast<scheduler_actor>(lead.scheduler), caf::infinite, r)
        .then(
            [c](const scheduler_reply& x) {
              auto settings = json::object();
              for (auto& [name, value] : x.settings) {
                settings[name] = value;
                (void)c.self->state.setup.attributes->set(name, value); // it was checked there
              }
              c.self->state.reply(c.session, c.tag,
                                  {{"loaded", x.loaded},
                                   {"settings", std::move(settings)},
                                   {"waiting", x.waiting},
                                   {"running", x.running}});
            },
            fail_call(c));
  });
}

void ask_queues(const client_call& c, client_params& p) {
  constexpr std::pair<const char*, queue_verb> verbs[] = {{"list", queue_verb::list},
                                                          {"stop", queue_verb::stop},
                                                          {"start", queue_verb::start},
                                                          {"disable", queue_verb::disable},
                                                          {"enable", queue_verb::enable}};
  queue_request r;
  auto verb = p.text("verb", "list");
  bool known = false;
  for (auto& [name, value] : verbs)
    if (verb == name) {
      r.verb = value;
      known = true;
    }
  if (!known)
    p.refuse(fmt::format("verb: must be list, stop, start, disable or enable, found \"{}\"", verb));
  r.queue = p.text("queue", "");
  r.reason = p.note("reason");
  if (refused(c, p))
    return;
  with_lead(c, [c, r](const rank_services& lead) {
    c.self->request(caf::actor_cast<scheduler_actor>(lead.scheduler), deadline, r)
        .then(
            [c](const queue_reply& x) {
              auto list = json::array();
              for (auto& q : x.queues)
                list.push_back(to_json(q));
              c.self->state.reply(c.session, c.tag, {{"queues", std::move(list)}});
            },
            fail_call(c));
  });
}

namespace {

/// Calls `use` with the lead's services and what a listing says of the job `id`.
void with_summary(const client_call& c, client_params& p,
                  std::function<void(const rank_services&, const job_summary&)> use) {
  list_request r;
  r.ids = {p.id("id")};
  r.states = 127;
  if (refused(c, p))
    return;
  with_lead(c, [c, r, use](const rank_services& lead) {
    c.self->request(caf::actor_cast<job_manager_actor>(lead.job_manager), deadline, r)
        .then(
            [c, lead, use](const list_reply& x) {
              if (!x.jobs.empty())
                return use(lead, x.jobs[0]);
              c.self->state.fail(c.session, c.tag, make_error(ec::unknown_job, "no such job"));
            },
            fail_call(c));
  });
}

} // namespace

void explain_job(const client_call& c, client_params& p) {
  with_summary(
      c, p, [c](const rank_services& lead, const job_summary& s) { explain_summary(c, lead, s); });
}

// -- what a job waits for -------------------------------------------------------------------------

namespace {

/// Who has not answered by then is named.
constexpr double waits_patience_s = 5;

json to_json(const rank_map& where, const job_wait& w) {
  auto seconds = [](int64_t ns) { return static_cast<double>(ns) / 1e9; };
  idset ranks;
  for (auto broker : w.brokers.expand())
    ranks.add(where.rank_on(broker));
  json x{{"owner", w.owner}, {"reason", w.reason}, {"ranks", ranks.to_string()}};
  if (!w.tasks.empty())
    x["tasks"] = w.tasks.to_string();
  if (w.age_ns >= 0)
    x["age"] = seconds(w.age_ns);
  if (w.left_ns >= 0) {
    x["left"] = seconds(w.left_ns);
    x["then"] = w.then;
  }
  return x;
}

/// The scheduler's part: the sentence of `hactor explain`.
void gather_reason(const client_call& c, const rank_services& lead, const job_summary& s,
                   const waits_gathering_ptr& into) {
  ++into->due;
  job_wait w{"scheduler", "its turn", {}, -1, -1, {}, into->sum.waits.front().brokers};
  c.self
      ->request(caf::actor_cast<scheduler_actor>(lead.scheduler), span_of(waits_patience_s),
                explain_request{{s.id}})
      .then(
          [w, into](const explain_reply& x) {
            if (x.reasons.empty() || x.reasons[0].code.empty())
              return into->take({});
            auto known = w;
            known.reason = x.reasons[0].sentence;
            if (auto at = x.reasons[0].t_estimate; at > 0) {
              known.left_ns = std::max<int64_t>(static_cast<int64_t>(at * 1e9) - wall_ns(), 0);
              known.then = "it is to start";
            }
            into->take({std::move(known)});
          },
          [w, into](const caf::error& e) {
            auto silent = w;
            silent.reason = "an answer of the scheduler: " + render(e);
            into->take({std::move(silent)});
          });
}

/// What the job manager has said, then what all whom it names say.
void gather_below(const client_call& c, const rank_services& lead, const job_summary& s,
                  job_waits_reply&& first, double patience_s) {
  auto sum = std::make_shared<waits_gathering>();
  sum->tell = [c, s](job_waits_reply&& all) {
    auto waits = json::array();
    for (auto& w : all.waits)
      waits.push_back(to_json(c.self->state.setup.where, w));
    c.self->state.reply(
        c.session, c.tag,
        {{"id", to_string(s.id)}, {"state", name_of(s.state)}, {"waits", std::move(waits)}});
  };
  auto ask = std::move(first.ask);
  sum->sum.waits = std::move(first.waits);
  if (s.state == job_state::sched)
    gather_reason(c, lead, s, sum);
  for (auto broker : ask.expand()) {
    ++sum->due;
    job_wait silent{"exec", "an answer of its broker", {}, -1, -1, {}, idset::single(broker)};
    with_rank(
        c.self, broker,
        [c, s, silent, sum, patience_s](const rank_services& peer) {
          gather_waits(c.self, caf::actor_cast<exec_actor>(peer.exec),
                       {s.id, span_of(patience_s).count()}, silent, false, sum);
          sum->take({});
        },
        [silent, sum](const caf::error& e) {
          auto lost = silent;
          lost.reason += ": " + render(e);
          sum->take({std::move(lost)});
        });
  }
  sum->take({});
}

void tell_job_waits(const client_call& c, const rank_services& lead, const job_summary& s,
                    double patience_s) {
  if (s.state == job_state::inactive)
    return c.self->state.reply(c.session, c.tag,
                               {{"id", to_string(s.id)},
                                {"state", name_of(s.state)},
                                {"ended", how_ended(s)},
                                {"waits", json::array()}});
  c.self
      ->request(caf::actor_cast<job_manager_actor>(lead.job_manager), deadline,
                job_waits_request{s.id, 0})
      .then([c, lead, s, patience_s](
                job_waits_reply& r) { gather_below(c, lead, s, std::move(r), patience_s); },
            fail_call(c));
}

} // namespace

void list_job_waits(const client_call& c, client_params& p) {
  auto patience_s = p.number("timeout", waits_patience_s);
  if (!(patience_s > 0 && patience_s <= limits::request_timeout_s))
    p.refuse(fmt::format("timeout must be above 0 and at most {} s", limits::request_timeout_s));
  with_summary(c, p, [c, patience_s](const rank_services& lead, const job_summary& s) {
    tell_job_waits(c, lead, s, patience_s);
  });
}

} // namespace hactor
