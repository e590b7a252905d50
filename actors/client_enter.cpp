// Clients of nested instances. A client connects to the socket of its rank, whatever its instance,
// and says which one it means; the connector of that instance, made when the first such client
// comes, has its frames from then on. The way down is found level by level: the job manager knows
// where the job runs, the exec there knows its instance.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <fmt/format.h>

#include "actors/client_calls.hpp"
#include "actors/own_brokers.hpp"
#include "graph/rset_extra.hpp"
#include "runtime/limits.hpp"

namespace hactor {

namespace {

using pointer = connector_state::pointer;

constexpr auto deadline = std::chrono::seconds(limits::request_timeout_s);

/// Where the job's first task runs, and what it has.
struct running_job {
  rset grant;
  std::vector<rank_t> ranks; // of the grant, in the order of an instance over it
  std::vector<rank_t> nodes; // the same, as the brokers know them
  rank_t broker = 0;
  bool own_brokers = false; // it holds an instance, which the exec there does not know
};

void with_running(pointer self, job_id job, std::function<void(const running_job&)> use,
                  std::function<void(const caf::error&)> fail) {
  with_lead(
    self,
    [self, job, use, fail](const rank_services& lead) {
      self->request(caf::actor_cast<job_manager_actor>(lead.job_manager), deadline,
                    job_request{job})
        .then(
          [self, job, use, fail](const job_reply& x) {
            if (x.summary.state != job_state::run)
              return fail(make_error(ec::no_instance,
                                     fmt::format("job {} does not run{}: it has no instance",
                                                 to_string(job),
                                                 x.summary.state == job_state::inactive
                                                   ? " any more"
                                                   : "")));
            auto grant = parse_rset(x.rset);
            if (!grant)
              return fail(grant.error());
            if (grant->nodes.empty() || x.nodes.size() != grant->nodes.size())
              return fail(make_error(ec::no_instance,
                                     fmt::format("job {} has no nodes", to_string(job))));
            auto broker = x.nodes.front() % self->state.setup.where.brokers();
            use({std::move(*grant), x.ranks, x.nodes, broker, has_own_brokers(x.summary)});
          },
          fail);
    },
    fail);
}

void with_exec_of(pointer self, job_id job, std::function<void(const exec_actor&)> use,
                  std::function<void(const caf::error&)> fail) {
  with_running(
    self, job,
    [self, use, fail](const running_job& where) {
      with_rank(
        self, where.broker,
        [use](const rank_services& s) { use(caf::actor_cast<exec_actor>(s.exec)); }, fail);
    },
    fail);
}

connector_actor make_inside(pointer self, const instance_reply& r) {
  auto& own = self->state.setup;
  connector_setup s;
  s.sockets = own.sockets;
  auto attributes = std::make_shared<config>();
  for (auto& [name, value] : r.attributes)
    attributes->fix(name, value);
  s.where = rank_map{own.where.brokers(), r.nodes};
  s.broker_rank = own.broker_rank;
  s.rank = s.where.rank_on(own.broker_rank);
  if (s.rank >= r.nodes.size()) // a client on a node that is not the instance's
    s.rank = 0;
  attributes->fix("rank", std::to_string(s.rank));
  attributes->fix("size", std::to_string(rank_map::count(r.nodes)));
  s.attributes = std::move(attributes);
  s.size = static_cast<uint32_t>(r.nodes.size());
  s.owner = own.owner;
  s.uri = s.attributes->text("uri");
  s.started_ns = r.started_ns;
  s.broker = own.broker;
  s.exec = own.exec;
  s.ingest = caf::actor_cast<ingest_actor>(r.ingest);
  s.events = caf::actor_cast<events_actor>(r.lead.events);
  s.named = r.named;
  s.instance = r.path;
  s.nested = r.instance;
  s.lead = r.lead;
  auto inside = self->spawn(connector_service, std::move(s));
  self->monitor(inside);
  self->send(caf::actor_cast<instance_actor>(r.instance),
             watch_nodes{caf::actor_cast<caf::actor>(inside)});
  return inside;
}

void pass_on(pointer self, uint64_t number, const connector_actor& inside,
             const std::string& rest) {
  auto it = self->state.sessions.find(number);
  if (it == self->state.sessions.end())
    return; // it has gone meanwhile
  auto& s = it->second;
  self->send(inside, client_entered{number, s.userid, s.pid, rest, s.socket});
  for (auto& f : s.held)
    self->send(inside, std::move(f));
  s.held.clear();
  s.entering = false;
  s.inside = inside;
}

/// What it asks from now on is answered by the error.
void refuse_entry(pointer self, uint64_t number, const caf::error& e) {
  auto it = self->state.sessions.find(number);
  if (it == self->state.sessions.end())
    return;
  it->second.entering = false;
  it->second.refusal = e;
  for (auto& f : std::exchange(it->second.held, {}))
    on_client_frame(self, f);
}

} // namespace

void enter_instance(pointer self, uint64_t session, const std::string& path) {
  auto& st = self->state;
  auto& s = st.sessions.at(session);
  if (s.userid != st.setup.owner && s.userid != 0)
    return; // its requests are refused here
  auto slash = std::min(path.find('/'), path.size());
  auto rest = path.substr(std::min(slash + 1, path.size()));
  auto job = parse_job_id(std::string_view{path}.substr(0, slash));
  if (!job)
    return refuse_entry(self, session, job.error());
  if (auto known = st.nested.find(*job); known != st.nested.end())
    return pass_on(self, session, known->second, rest);
  s.entering = true;
  auto whole = (st.setup.instance.empty() ? "" : st.setup.instance + "/") + to_string(*job);
  auto fail = [self, session, whole](const caf::error& e) {
    refuse_entry(self, session,
                 make_error(ec::no_instance, fmt::format("no instance {}: {}", whole, render(e))));
  };
  auto enter = [self, session, rest, job = *job, fail](const exec_actor& exec, bool own_brokers) {
    self->request(exec, deadline, enter_request{job})
      .then(
        [self, session, rest, job](const instance_reply& r) {
          auto& all = self->state.nested;
          auto it = all.find(job);
          if (it == all.end())
            it = all.emplace(job, make_inside(self, r)).first;
          pass_on(self, session, it->second, rest);
        },
        [fail, job, own_brokers](const caf::error& e) {
          if (!own_brokers || code_of(e) != ec::no_instance)
            return fail(e);
          fail(make_error(ec::no_instance,
                          fmt::format("that of job {0} has brokers of its own (--boot=mpi) and a "
                                      "URI of its own; in the instance around it 'hactor proxy "
                                      "{0}' finds it",
                                      to_string(job))));
        });
  };
  with_running(
    self, *job,
    [self, enter, fail](const running_job& where) {
      with_rank(
        self, where.broker,
        [enter, own = where.own_brokers](const rank_services& s) {
          enter(caf::actor_cast<exec_actor>(s.exec), own);
        },
        fail);
    },
    fail);
}

void take_client(pointer self, client_entered& e) {
  auto& s = self->state.sessions[e.session];
  s.socket = std::move(e.socket);
  s.userid = e.userid;
  s.pid = e.pid;
  if (!e.path.empty())
    enter_instance(self, e.session, e.path);
}

void on_nested_down(pointer self, const caf::actor_addr& who) {
  auto& st = self->state;
  for (auto it = st.nested.begin(); it != st.nested.end();)
    it = it->second.address() == who ? st.nested.erase(it) : std::next(it);
  for (auto it = st.sessions.begin(); it != st.sessions.end();) {
    if (!it->second.inside || it->second.inside.address() != who) {
      ++it;
      continue;
    }
    it->second.socket->finish(); // it may have ended before it had heard of this client
    it = st.sessions.erase(it);
  }
}

namespace {

/// So that listings show which jobs hold an instance, and where.
void tell_manager(const client_call& c, job_id job, const std::string& uri) {
  with_lead(
    c.self,
    [c, job, uri](const rank_services& lead) {
      memo_request m;
      m.userid = c.userid;
      m.jobs.ids.push_back(job);
      m.memo = dump({{"uri", uri}});
      c.self->request(caf::actor_cast<job_manager_actor>(lead.job_manager), deadline, m)
        .then([](const count_reply&) {}, [](const caf::error&) {}); // it has ended since
    },
    [](const caf::error&) {});
}

} // namespace

namespace {

/// Adds what the job was granted of the graph, where that is more than nodes, cores and GPUs, or
/// these do not all lie together. A
/// scheduler that cannot tell (a distributor, of what its children granted) is no obstacle.
void with_granted_graph(const client_call& c, instance_request r, const rset& grant,
                        std::function<void(const instance_request&)> use) {
  auto extra = parse_rset_extra(grant.scheduling);
  if (!extra || (extra->others.empty() && extra->charges.empty() && extra->near.empty()))
    return use(r);
  auto without = [r, use](const caf::error&) { use(r); };
  with_lead(
    c.self,
    [c, r, use, without](const rank_services& lead) {
      graph_request ask;
      ask.verb = graph_verb::granted;
      ask.path = to_string(r.job);
      c.self->request(caf::actor_cast<scheduler_actor>(lead.scheduler), deadline, std::move(ask))
        .then(
          [r, use](graph_reply& x) mutable {
            if (!x.lines.empty())
              r.graph = std::move(x.lines.front());
            use(r);
          },
          without);
    },
    without);
}

/// `r` has all that is known of it.
void make_instance(const client_call& c, const instance_request& r) {
  // It waits until all ranks of the job have started.
  c.self->request(c.self->state.setup.exec, caf::infinite, r)
    .then(
      [c, job = r.job](const instance_reply& x) {
        auto& setup = c.self->state.setup;
        auto outermost = setup.uri.substr(0, setup.uri.size()
                                               - (setup.instance.empty()
                                                    ? 0
                                                    : setup.instance.size() + 1));
        auto uri = outermost + "/" + x.path;
        c.self->state.reply(c.session, c.tag, {{"uri", uri}, {"size", x.nodes.size()}});
        tell_manager(c, job, uri);
      },
      fail_call(c));
}

} // namespace

void start_instance(const client_call& c, client_params& p) {
  auto self = c.self;
  auto& st = self->state;
  instance_request r;
  r.job = p.id("job");
  r.parent = st.setup.instance;
  r.owner = st.sessions.at(c.session).pid;
  if (p.has("settings") && p.at("settings").is_object())
    for (auto& [name, value] : p.at("settings").items())
      if (value.is_string())
        r.settings.emplace_back(name, value.get<std::string>());
  if (refused(c, p))
    return;
  with_running(
    self, r.job,
    [c, r](const running_job& job) mutable {
      r.resources = as_instance(job.grant, job.ranks);
      r.nodes = job.nodes;
      r.ranks = job.ranks;
      with_granted_graph(c, r, job.grant,
                         [c](const instance_request& whole) { make_instance(c, whole); });
    },
    fail_call(c));
}

void wait_instance(const client_call& c, client_params& p) {
  auto job = p.id("job");
  if (refused(c, p))
    return;
  with_exec_of(
    c.self, job,
    [c, job](const exec_actor& exec) {
      // As long as its script takes.
      c.self->request(exec, caf::infinite, instance_wait{job, c.self->state.setup.broker_rank})
        .then([c](done) { c.self->state.reply(c.session, c.tag, json::object()); }, fail_call(c));
    },
    fail_call(c));
}

} // namespace hactor
