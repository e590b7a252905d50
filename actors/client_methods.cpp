// The methods of the client protocol that are one question and one answer, and the table of all.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <array>
#include <cctype>

#include <pwd.h>
#include <unistd.h>

#include <fmt/format.h>

#include "actors/client_calls.hpp"
#include "actors/job_constraint.hpp"
#include "runtime/clock.hpp"
#include "runtime/duration.hpp"
#include "runtime/limits.hpp"
#include "runtime/log.hpp"
#include "runtime/signals.hpp"
#include "runtime/utf8_text.hpp"

namespace hactor {

namespace {

constexpr auto deadline = std::chrono::seconds(limits::request_timeout_s);

/// Of a long listing travel in one frame so many jobs, and bytes unless one job has more.
constexpr size_t jobs_per_frame = 10'000;
constexpr size_t jobs_bytes_per_frame = size_t{1} << 20;

/// Of a job whose text no frame holds only attributes of so many bytes are told.
constexpr size_t attribute_bytes_max = size_t{64} << 10;

constexpr uint32_t states_of_all_jobs = 127;

void hello(const client_call& c, client_params&) {
  auto& s = c.self->state.setup;
  c.self->state.reply(c.session, c.tag,
                      {{"version", s.attributes->text("version")},
                       {"protocol", protocol_version},
                       {"rank", s.rank},
                       {"size", s.size},
                       {"owner", s.owner},
                       {"uri", s.uri},
                       {"identity", std::to_string(s.epoch_ns)},
                       {"level", s.attributes->integer("instance-level")}});
}

void submit(const client_call& c, client_params& p) {
  std::vector<submission> jobs;
  if (p.has("jobs") && p.at("jobs").is_array()) {
    size_t i = 0;
    for (auto& object : p.at("jobs")) {
      client_params one{p.at("jobs")};
      jobs.push_back(read_submission(object, one));
      if (one.error)
        p.refuse(make_error(code_of(one.error), fmt::format("jobs[{}]: {}", i, render(one.error))));
      ++i;
    }
  } else {
    jobs.push_back(read_submission(p.whole(), p));
  }
  if (!refused(c, p))
    submit_jobs(c, std::move(jobs));
}

/// What the scheduler knows of a waiting job stands beside what its events say (RFC 27).
void add_reason(json& job, const job_reason& r) {
  auto& notes = job["annotations"]["sched"];
  if (r.t_estimate > 0)
    notes["t_estimate"] = r.t_estimate;
  notes["reason_pending"] = r.sentence;
}

/// What a listing says of each job when not all of it is wanted; its id always.
using wanted_attributes = std::vector<std::string>;

void keep_wanted(json& job, const wanted_attributes& wanted) {
  json kept{{"id", job["id"]}};
  for (auto& name : wanted)
    if (auto found = job.find(name); found != job.end())
      kept[name] = std::move(*found);
  job = std::move(kept);
}

std::string text_of(json job) {
  auto text = dump(job);
  if (text.size() <= frame_payload_size_max / 2)
    return text;
  // It must not hide the others.
  json kept = json::object();
  for (auto& [name, value] : job.items())
    if (dump(value).size() <= attribute_bytes_max)
      kept[name] = std::move(value);
  return dump(kept);
}

void reply_jobs(const client_call& c, const std::vector<job_summary>& found,
                const waiting_reasons& reasons, const wanted_attributes& wanted) {
  // Written by hand: how long the text of a job is decides in which frame it travels.
  const std::string begin = R"({"jobs":[)";
  auto text = begin;
  size_t jobs = 0;
  for (auto& s : found) {
    auto job = to_json(s);
    if (auto r = reasons.find(s.id); r != reasons.end())
      add_reason(job, r->second);
    if (!wanted.empty())
      keep_wanted(job, wanted);
    auto next = text_of(std::move(job));
    if (jobs > 0 && (jobs == jobs_per_frame || text.size() + next.size() > jobs_bytes_per_frame)) {
      c.self->state.send(c.session, client_frame_kind::item, c.tag, text + "]}");
      text = begin;
      jobs = 0;
    }
    if (jobs++ > 0)
      text += ',';
    text += next;
  }
  c.self->state.send(c.session, client_frame_kind::reply, c.tag, text + "]}");
}

/// The constraint of a listing, which then is about jobs in all states that it can match.
void read_constraint(client_params& p, list_request& r) {
  auto most = p.integer("comparisons", comparisons_default);
  if (most < 1 || most > static_cast<int64_t>(comparisons_max))
    p.refuse(fmt::format("comparisons: must be 1 to {}, found {}", comparisons_max, most));
  if (!p.has("constraint"))
    return;
  auto& constraint = p.at("constraint");
  r.comparisons = static_cast<uint64_t>(most);
  if (auto read = job_constraint::parse(constraint, r.comparisons); !read)
    return p.refuse(read.error());
  if (!p.has("states"))
    r.states = states_of_all_jobs;
  r.constraint = dump(constraint);
}

/// The attributes to tell; none: all that a job has.
wanted_attributes read_attributes(client_params& p) {
  if (!p.has("attrs"))
    return {};
  auto wanted = p.texts("attrs");
  for (auto& name : wanted)
    if (name != "all" && std::find(job_attributes.begin(), job_attributes.end(), name)
                           == job_attributes.end())
      p.refuse(fmt::format("attrs: there is no attribute '{}'; job.list-attrs tells them", name));
  if (std::find(wanted.begin(), wanted.end(), "all") != wanted.end())
    return {};
  wanted.push_back("id"); // so that an empty list means this one alone
  return wanted;
}

void list_job_attributes(const client_call& c, client_params&) {
  c.self->state.reply(c.session, c.tag, {{"attrs", job_attributes}});
}

void list_jobs(const client_call& c, client_params& p) {
  list_request r;
  r.ids = p.ids("ids");
  r.states = static_cast<uint32_t>(p.integer("states", 62));
  r.results = static_cast<uint32_t>(p.integer("results", all_job_results));
  r.max = static_cast<uint64_t>(std::max<int64_t>(p.integer("max", 0), 0));
  r.name = p.text("name", "");
  r.queue = p.text("queue", "");
  r.userid = p.integer("userid", -1);
  if (p.has("hosts"))
    r.hosts = p.texts("hosts");
  if (p.has("ranks"))
    r.ranks = p.set("ranks", limits::idset_universe_max);
  r.since_ns = moment_after(0, std::max(p.number("since", 0), 0.0));
  read_constraint(p, r);
  auto wanted = read_attributes(p);
  if (refused(c, p))
    return;
  with_lead(c, [c, r, wanted](const rank_services& lead) {
    ask_soon<job_manager_actor>(c.self, lead.job_manager, caf::duration{deadline}, r)
      .then(
        [c, lead, wanted](list_reply& x) {
          auto jobs = std::make_shared<std::vector<job_summary>>(std::move(x.jobs));
          with_reasons(c, lead, *jobs, [c, jobs, wanted](const waiting_reasons& reasons) {
            reply_jobs(c, *jobs, reasons, wanted);
          });
        },
        fail_call(c));
  });
}

job_selection read_selection(client_params& p, uint32_t default_states) {
  job_selection s;
  s.ids = p.ids("ids");
  s.states = static_cast<uint32_t>(p.integer("states", s.ids.empty() ? default_states : 0));
  if (s.ids.empty() && !p.flag("all", false))
    p.refuse("ids: must name at least one job, or all must be true");
  return s;
}

template <class Request>
void ask_count(const client_call& c, client_params& p, Request r) {
  if (refused(c, p))
    return;
  with_lead(c, [c, r](const rank_services& lead) {
    c.self->request(caf::actor_cast<job_manager_actor>(lead.job_manager), caf::infinite, r)
      .then(
        [c](const count_reply& x) {
          c.self->state.reply(c.session, c.tag, {{"count", x.count}});
        },
        fail_call(c));
  });
}

void kill_jobs(const client_call& c, client_params& p) {
  kill_request r;
  r.jobs = read_selection(p, 16);
  r.signal = static_cast<int32_t>(p.integer("signal", 15));
  if (r.signal < 1 || r.signal > 64)
    p.refuse(fmt::format("signal: must be 1 to 64, found {}", r.signal));
  ask_count(c, p, r);
}

void cancel_jobs(const client_call& c, client_params& p) {
  raise_request r;
  r.userid = c.userid;
  r.jobs = read_selection(p, 62);
  r.type = "cancel";
  r.note = p.note("message");
  ask_count(c, p, r);
}

/// As in an eventlog, where it is to stand among other words.
bool is_word(std::string_view text) {
  constexpr size_t length_max = 64;
  return !text.empty() && text.size() <= length_max
         && std::all_of(text.begin(), text.end(), [](unsigned char c) {
              return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
            });
}

void raise_on_jobs(const client_call& c, client_params& p) {
  raise_request r;
  r.userid = c.userid;
  r.jobs = read_selection(p, 62);
  r.type = p.text("type");
  r.severity = static_cast<int32_t>(p.integer("severity", 0));
  r.note = p.note("note");
  if (!is_word(r.type))
    p.refuse(fmt::format("type: must be a word of letters, digits, '-', '_' and '.', found '{}'",
                         escape_controls(r.type)));
  else if (r.severity == 0 && (r.type == "node-failure" || r.type == "lost"))
    p.refuse(fmt::format("type: a fatal '{}' says that the instance lost a node, and is for it to "
                         "raise; right are e.g. cancel, or a word of one's own",
                         r.type));
  if (r.severity < 0 || r.severity > 7)
    p.refuse(fmt::format("severity: must be 0 to 7, found {}", r.severity));
  ask_count(c, p, r);
}

void set_urgency(const client_call& c, client_params& p) {
  urgency_request r;
  r.userid = c.userid;
  r.jobs = read_selection(p, 14);
  r.urgency = static_cast<int32_t>(p.integer("urgency", limits::urgency_default));
  ask_count(c, p, r);
}

/// The note goes with its client, or, from here on, stays.
void keep_own_memo(const client_call& c, const memo_request& r, bool goes) {
  auto session = c.self->state.sessions.find(c.session);
  auto memo = parse_json(r.memo);
  if (session == c.self->state.sessions.end() || !memo)
    return;
  session->second.memos.clear();
  if (!goes)
    return;
  for (auto& value : *memo)
    value = nullptr;
  session->second.memos.push_back({r.userid, r.jobs, dump(*memo)});
}

void add_memo(const client_call& c, client_params& p) {
  memo_request r;
  r.userid = c.userid;
  r.jobs = read_selection(p, 62);
  if (p.has("memo") && p.at("memo").is_object())
    r.memo = dump(p.at("memo"));
  else
    p.refuse("memo: must be an object");
  if (r.memo.size() > note_bytes_max)
    p.refuse(make_error(ec::too_big, fmt::format("memo: has {} bytes as JSON; a note may have {}",
                                                 r.memo.size(), note_bytes_max)));
  if (p.has("own") && !p.error)
    keep_own_memo(c, r, p.flag("own", false));
  ask_count(c, p, r);
}

void update_jobs(const client_call& c, client_params& p) {
  update_request r;
  r.userid = c.userid;
  r.ids = p.ids("ids");
  if (r.ids.empty())
    p.refuse("ids: must name at least one job");
  if (p.has("changes") && p.at("changes").is_object())
    r.changes = dump(p.at("changes"));
  else
    p.refuse("changes: must be an object");
  ask_count(c, p, r);
}

void purge_jobs(const client_call& c, client_params& p) {
  purge_request r;
  r.ids = p.ids("ids");
  auto age_s = p.number("age", 0);
  auto keep = p.integer("keep", 0);
  if (age_s < 0 || keep < 0)
    p.refuse("age, keep: must not be negative");
  if (p.has("age"))
    r.before_ns = wall_ns() - moment_after(0, std::max(age_s, 0.0));
  if (p.has("keep"))
    r.keep = static_cast<uint64_t>(std::max<int64_t>(keep, 0));
  if (r.ids.empty() && !p.has("age") && !p.has("keep"))
    p.refuse("ids: must name at least one job, or age or keep must be given");
  ask_count(c, p, r);
}

std::string user_name(uint32_t uid) {
  char buffer[4096];
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(uid, &entry, buffer, sizeof buffer, &found) == 0 && found != nullptr)
    return found->pw_name;
  return std::to_string(uid);
}

void uptime(const client_call& c, client_params&) {
  with_lead(c, [c](const rank_services& lead) {
    ask_soon<job_manager_actor>(c.self, lead.job_manager, caf::duration{deadline}, counts_atom_v)
      .then(
        [c](const job_counts& counts) {
          auto& s = c.self->state.setup;
          c.self->state.reply(
            c.session, c.tag,
            {{"state", counts.paused.empty() ? "run" : "paused"},
             {"rank", s.rank},
             {"size", s.size},
             {"level", s.attributes->integer("instance-level")},
             {"started", static_cast<double>(s.started_ns) / 1e9},
             {"duration", static_cast<double>(steady_ns() - c.self->state.started_steady_ns) / 1e9},
             {"owner", s.owner},
             {"owner_name", user_name(s.owner)},
             {"uri", s.uri},
             {"jobs", to_json(counts)}});
        },
        fail_call(c));
  });
}

void get_attribute(const client_call& c, client_params& p) {
  auto name = p.text("name");
  if (refused(c, p))
    return;
  auto value = c.self->state.setup.attributes->get(name);
  if (!value)
    return c.self->state.fail(c.session, c.tag, value.error());
  c.self->state.reply(c.session, c.tag, {{"value", *value}});
}

void list_attributes(const client_call& c, client_params&) {
  auto list = json::array();
  for (auto& a : c.self->state.setup.attributes->list())
    list.push_back({{"name", a.name}, {"value", a.value}, {"meaning", a.meaning}});
  c.self->state.reply(c.session, c.tag, {{"attributes", std::move(list)}});
}

void set_attribute(const client_call& c, client_params& p) {
  auto name = p.text("name");
  auto value = p.text("value");
  if (refused(c, p))
    return;
  auto known = c.self->state.setup.attributes->get(name);
  if (!known)
    return c.self->state.fail(c.session, c.tag, known.error());
  // What the actors were started with stays; what is read at each use may change.
  if (name != "log-level")
    return c.self->state.fail(
      c.session, c.tag,
      make_error(ec::not_permitted,
                 name + ": is fixed while the instance runs; set it at the start with -S"));
  if (auto err = c.self->state.setup.attributes->set(name, value))
    return c.self->state.fail(c.session, c.tag, err);
  if (auto level = parse_log_level(value))
    log_level_max(*level);
  c.self->state.reply(c.session, c.tag, json::object());
}

void ping(const client_call& c, client_params& p) {
  ping_request r;
  auto& st = c.self->state;
  auto rank = p.integer("rank", st.setup.rank);
  if (!p.error
      && (rank < 0 || rank >= st.setup.size || !st.setup.where.has(static_cast<rank_t>(rank))))
    p.refuse(make_error(ec::unknown_rank, fmt::format("rank {}: this instance has ranks 0 to {}",
                                                      rank, st.setup.size - 1)));
  r.service = p.text("service", "broker");
  r.pad = std::string(static_cast<size_t>(std::clamp<int64_t>(p.integer("pad", 0), 0, 1 << 24)),
                      'x');
  if (refused(c, p))
    return;
  r.rank = st.setup.where.broker(static_cast<rank_t>(rank));
  auto asked_ns = steady_ns();
  c.self->request(st.setup.broker, deadline, r)
    .then(
      [c, r, rank, asked_ns](const ping_reply& x) {
        c.self->state.reply(c.session, c.tag,
                            {{"rank", rank},
                             {"service", r.service},
                             {"pad", x.pad.size()},
                             {"route", x.route},
                             {"elapsed_us", static_cast<double>(steady_ns() - asked_ns) / 1e3}});
      },
      fail_call(c));
}

void dmesg(const client_call& c, client_params&) {
  std::string lines;
  for (auto& r : log_records())
    lines += format_log_record(r) + "\n";
  if (!lines.empty())
    c.self->state.send(c.session, client_frame_kind::lines, c.tag, lines);
  c.self->state.reply(c.session, c.tag, json::object());
}

void stats(const client_call& c, client_params&) {
  struct gathering {
    json values = json::object();
    size_t due = 0;
  };
  auto g = std::make_shared<gathering>();
  auto& st = c.self->state;
  g->values["connector"] = {{"clients", st.sessions.size()},
                            {"streams", st.streams.size()},
                            {"requests", st.requests}};
  g->values["process"] = {{"pid", ::getpid()},
                          {"actors", c.self->home_system().registry().running()}};
  auto& named = st.setup.named;
  g->due = named.size();
  auto one_less = [c, g] {
    if (--g->due == 0)
      c.self->state.reply(c.session, c.tag, g->values);
  };
  for (auto& [name, handle] : named)
    c.self->request(caf::actor_cast<status_actor>(handle), deadline, stats_atom_v)
      .then(
        [g, one_less, name = name](const stats_reply& x) {
          for (auto& [key, value] : x.values)
            g->values[name][key] = value;
          one_less();
        },
        [g, one_less, name = name](const caf::error& e) {
          g->values[name]["error"] = render(e);
          one_less();
        });
}

void shutdown(const client_call& c, client_params&) {
  auto& setup = c.self->state.setup;
  if (setup.nested) {
    c.self->state.reply(c.session, c.tag, json::object());
    c.self->send(caf::actor_cast<instance_actor>(setup.nested),
                 instance_end{"asked by a client"});
    return;
  }
  with_lead(c, [c](const rank_services& lead) {
    c.self->state.reply(c.session, c.tag, json::object());
    caf::anon_send(caf::actor_cast<broker_actor>(lead.broker),
                   shutdown_request{"asked by a client"});
  });
}

struct method_row {
  std::string_view name;
  client_method call;
};

constexpr std::array methods{
  method_row{"attr.get", get_attribute},     method_row{"attr.list", list_attributes},
  method_row{"attr.set", set_attribute},     method_row{"claim", ask_claims},
  method_row{"dmesg", dmesg},
  method_row{"events", start_events},        method_row{"exec", start_command},
  method_row{"hello", hello},
  method_row{"instance.start", start_instance}, method_row{"instance.wait", wait_instance},
  method_row{"job.attach", start_attach},
  method_row{"job.cancel", cancel_jobs},     method_row{"job.eventlog", start_eventlog},
  method_row{"job.explain", explain_job},
  method_row{"job.info", job_info},          method_row{"job.kill", kill_jobs},
  method_row{"job.list", list_jobs},         method_row{"job.list-attrs", list_job_attributes},
  method_row{"job.memo", add_memo},          method_row{"job.raise", raise_on_jobs},
  method_row{"job.update", update_jobs},
  method_row{"job.urgency", set_urgency},    method_row{"job.wait", start_wait},
  method_row{"job.waits", list_job_waits},   method_row{"job.watch", start_watch},
  method_row{"job.wait-any", start_wait_any},
  method_row{"job.wait-event", start_wait_event},
  method_row{"kvs.commit", commit_kvs},      method_row{"kvs.get", get_kvs},
  method_row{"kvs.list", list_kvs},          method_row{"kvs.namespace", change_kvs_spaces},
  method_row{"kvs.root", tell_kvs_root},     method_row{"kvs.watch", start_kvs_watch},
  method_row{"ping", ping},
  method_row{"purge", purge_jobs},
  method_row{"queue", ask_queues},           method_row{"resource.drain", drain_resources},
  method_row{"resource.graph", ask_graph},   method_row{"resource.grow", grow_instance_of},
  method_row{"resource.list", list_resources},
  method_row{"resource.shrink", shrink_instance_of},
  method_row{"scheduler", ask_scheduler},    method_row{"shutdown", shutdown},
  method_row{"stats", stats},                method_row{"submit", submit},
  method_row{"uptime", uptime},
};

} // namespace

void submit_jobs(const client_call& c, std::vector<submission> jobs) {
  c.self
    ->request(c.self->state.setup.ingest, caf::infinite, submit_request{c.userid, std::move(jobs)})
    .then(
      [c](const submit_reply& x) {
        // Written by hand: a hundred thousand ids in one answer are usual.
        std::string out = "{\"ids\":[";
        for (auto id : x.ids) {
          if (out.back() != '[')
            out += ',';
          out += '"';
          out += to_string(id);
          out += '"';
        }
        out += "]}";
        c.self->state.send(c.session, client_frame_kind::reply, c.tag, out);
      },
      fail_call(c));
}

bool refused(const client_call& c, const client_params& p) {
  if (!p.error)
    return false;
  c.self->state.fail(c.session, c.tag, p.error);
  return true;
}

std::function<void(const caf::error&)> fail_call(const client_call& c) {
  return [c](const caf::error& e) { c.self->state.fail(c.session, c.tag, e); };
}

void with_lead(const client_call& c, std::function<void(const rank_services&)> use) {
  with_lead(c.self, std::move(use), fail_call(c));
}

void withdraw_memos(connector_state::pointer self, std::vector<memo_request> memos) {
  for (auto& memo : memos)
    with_lead(
        self,
        [self, memo](const rank_services& lead) {
          self->request(caf::actor_cast<job_manager_actor>(lead.job_manager), caf::infinite, memo)
              .then([](const count_reply&) {}, [](const caf::error&) {}); // it has ended since
        },
        [](const caf::error&) {});
}

client_method find_client_method(const std::string& name) {
  for (auto& m : methods)
    if (m.name == name)
      return m.call;
  return nullptr;
}

std::vector<std::string_view> client_method_names() {
  std::vector<std::string_view> names;
  for (auto& m : methods)
    names.push_back(m.name);
  return names;
}

} // namespace hactor
