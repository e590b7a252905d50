// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/instance.hpp"

#include <algorithm>
#include <csignal>
#include <cstring>

#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fmt/format.h>

#include "actors/ingest.hpp"
#include "actors/instance_grant.hpp"
#include "actors/instance_resize.hpp"
#include "actors/job_outputs.hpp"
#include "actors/lead_services.hpp"
#include "actors/owned_fd.hpp"
#include "actors/scheduler_settings.hpp"
#include "graph/granted_graph.hpp"
#include "graph/jgf_reader.hpp"
#include "graph/resource_pool.hpp"
#include "runtime/clock.hpp"
#include "runtime/config.hpp"
#include "runtime/here.hpp"
#include "runtime/log.hpp"

namespace hactor {

/// Tells an instance when a process has ended.
class process_watch final : public poller::handler,
                            public std::enable_shared_from_this<process_watch> {
public:
  process_watch(poller& p, int fd, instance_actor whom)
    : poller_{p}, fd_{fd}, whom_{std::move(whom)} {}

  void on_ready(uint32_t) override {
    poller_.unwatch(fd_.get());
    send_here(whom_, instance_end{"its script has ended"});
  }

  /// Ends the process, if it still runs. From any thread.
  void terminate() { ::syscall(SYS_pidfd_send_signal, fd_.get(), SIGTERM, nullptr, 0); }

  /// No more is told. From any thread.
  void stop() {
    poller_.post([me = shared_from_this()] {
      me->poller_.unwatch(me->fd_.get());
      me->whom_ = nullptr;
    });
  }

private:
  poller& poller_;
  owned_fd fd_;
  instance_actor whom_;
};

namespace {

/// The tightest of those that bind its jobs; 0: none does.
int64_t least_memory_limit(const std::vector<int64_t>& limits) {
  int64_t least = 0;
  for (auto limit : limits)
    if (limit > 0 && (least == 0 || limit < least))
      least = limit;
  return least;
}

/// What it was granted, where that is more than nodes, cores and GPUs: of these its graph has the
/// ranks. Null: it is made of R. Errors: also where no graph can be made of R.
caf::expected<std::shared_ptr<resource_graph>> make_graph(const instance_request& r,
                                                          const scheduler_settings& settings) {
  if (auto e = check_cores(r.resources, r.job))
    return e;
  if (r.graph.empty())
    return std::shared_ptr<resource_graph>{};
  auto graph = read_jgf(r.graph);
  if (!graph)
    return std::move(graph.error());
  renumber_ranks(*graph, r.ranks);
  auto pool = resource_pool::make(std::move(*graph), settings.match);
  if (!pool)
    return std::move(pool.error());
  return std::make_shared<resource_graph>((*pool)->take_graph());
}

caf::expected<std::shared_ptr<config>> make_attributes(const instance_context& c,
                                                       const instance_request& r,
                                                       const std::string& path) {
  auto a = std::make_shared<config>();
  for (auto& [name, value] : r.settings)
    if (auto e = set_of_nested(*a, name, value))
      return e;
  a->fix("rank", "0");
  a->fix("size", std::to_string(r.nodes.size()));
  a->fix("hostname", r.resources.nodelist.empty() ? "" : r.resources.nodelist.front());
  a->fix("uri", c.uri + "/" + path);
  a->fix("security.owner", std::to_string(c.owner));
  auto depth = 1 + std::count(path.begin(), path.end(), '/');
  a->fix("instance-level", std::to_string(c.level + depth));
  if (auto least = least_memory_limit(r.memory); least > 0)
    a->fix("resource.memory", std::to_string(least));
  return a;
}

} // namespace

instance_state::~instance_state() {
  if (watch)
    watch->stop();
}

caf::error instance_state::start(const instance_request& r) {
  about.path = r.parent.empty() ? to_string(r.job) : r.parent + "/" + to_string(r.job);
  auto attributes = make_attributes(*context, r, about.path);
  if (!attributes)
    return std::move(attributes.error());
  auto settings = read_scheduler_settings(**attributes);
  if (!settings)
    return std::move(settings.error());
  auto opened = context->journals->open(to_string(r.job));
  if (!opened)
    return std::move(opened.error());
  store = std::move(*opened);
  auto graph = make_graph(r, *settings);
  if (!graph)
    return std::move(graph.error());
  service_maker m{self->system(), [me = instance_actor{self}, path = about.path](
                                    const std::string& name, const std::string& what) {
                    log_error("instance[{}]: its {} service has failed, and it ends: {}", path,
                              name, what);
                    caf::anon_send(me, instance_end{name + " has failed"});
                  }};
  lead_parts p;
  p.store = store;
  p.specs = context->specs;
  p.resources = r.resources;
  p.scheduling = std::move(*settings);
  p.graph = std::move(*graph);
  p.memory = r.memory;
  p.attributes = *attributes;
  p.where = rank_map{context->brokers, r.nodes};
  p.instance = about.path;
  p.rank = context->rank;
  p.broker = broker;
  p.exec = exec;
  p.ids = context->ids;
  auto lead = make_lead_services(m, std::move(p));
  job_manager = lead.job_manager;
  distributes = lead.distributes;
  resource = lead.resource;
  scheduler = lead.scheduler;
  auto ingest = m.make("ingest", ingest_service, ingest_peers{lead.scheduler, lead.job_manager},
                       context->specs, context->ids,
                       (*attributes)->duration_s("policy.jobspec.defaults.system.duration"));
  about.instance = caf::actor_cast<caf::actor>(self);
  about.ingest = caf::actor_cast<caf::actor>(ingest);
  about.lead.rank = context->rank;
  about.lead.exec = caf::actor_cast<caf::actor>(exec);
  about.lead.events = caf::actor_cast<caf::actor>(lead.events);
  about.lead.job_manager = caf::actor_cast<caf::actor>(lead.job_manager);
  about.lead.resource = caf::actor_cast<caf::actor>(lead.resource);
  about.lead.archive = caf::actor_cast<caf::actor>(lead.archive);
  about.lead.kvs = caf::actor_cast<caf::actor>(lead.kvs);
  about.lead.scheduler = caf::actor_cast<caf::actor>(lead.scheduler);
  about.nodes = r.nodes;
  for (auto& entry : (*attributes)->list())
    if (!entry.is_default)
      about.attributes.emplace_back(entry.name, entry.value);
  about.named = std::move(m.named);
  about.started_ns = wall_ns();
  services = std::move(m.all);
  if (r.owner <= 0)
    return caf::none;
  auto fd = static_cast<int>(::syscall(SYS_pidfd_open, r.owner, 0));
  if (fd < 0) // of another pid namespace, or gone: then the end of the job's tasks is the end
    return caf::none;
  watch = std::make_shared<process_watch>(*context->sockets, fd, instance_actor{self});
  if (auto watched = context->sockets->watch(fd, EPOLLIN, watch); !watched)
    return std::move(watched.error());
  return caf::none;
}

/// Children first: the jobs in it, whose end is awaited, among them instances.
void instance_state::end(const std::string& reason, bool of_script) {
  if (std::exchange(ending, true))
    return;
  ends_script = of_script;
  log_debug("instance[{}]: ends: {}", about.path, reason);
  if (!job_manager)
    return finish();
  self->request(job_manager, context->patience, drain_atom_v)
    .then([this](done) { finish(); },
          [this](const caf::error& e) {
            log_warning("instance[{}]: not all of its jobs could be ended: {}", about.path,
                        render(e));
            finish();
          });
}

void instance_state::warn(int32_t signal) {
  if (ending || !job_manager)
    return;
  kill_request to_all;
  to_all.jobs.states = static_cast<uint32_t>(job_state::run);
  to_all.signal = signal;
  to_all.warning = true;
  self->request(job_manager, context->patience, to_all)
    .then([this, signal](const count_reply& reached) {
            log_debug("instance[{}]: its time is nearly over: signal {} ({}) to {} running jobs",
                      about.path, signal, ::strsignal(signal), reached.count);
          },
          [this, signal](const caf::error& e) {
            log_warning("instance[{}]: its time is nearly over, and signal {} could not be sent: "
                        "{}", about.path, signal, render(e));
          });
}

/// With the instance its jobs are forgotten.
void instance_state::forget_what_jobs_wrote() {
  if (!store)
    return;
  outputs_by_rank outputs;
  auto failed = store->each_job(false, [&outputs](const job_record& r) {
    if (r.ended)
      outputs.add(r);
    return true;
  });
  if (failed)
    log_debug("instance[{}]: its jobs' output stays: {}", about.path, render(failed));
  if (!outputs.ranks.empty()) // it outlives us
    self->home_system().spawn(
      [](caf::event_based_actor* teller, const broker_actor& broker, outputs_by_rank outputs) {
        forget_outputs(teller, broker, std::move(outputs));
      },
      broker, std::move(outputs));
}

void instance_state::finish() {
  if (ends_script && watch)
    watch->terminate();
  stop_services(services);
  forget_what_jobs_wrote();
  self->send(exec, instance_over{job});
  self->quit(caf::exit_reason::user_shutdown);
}

instance_actor::behavior_type instance_service(instance_state::pointer self,
                                               std::shared_ptr<const instance_context> context,
                                               broker_actor broker, exec_actor exec,
                                               const instance_request& request) {
  auto& st = self->state;
  st.context = std::move(context);
  st.broker = std::move(broker);
  st.exec = std::move(exec);
  st.job = request.job;
  auto started = st.start(request);
  self->set_exit_handler([self](const caf::exit_msg& e) {
    stop_services(self->state.services);
    self->quit(e.reason);
  });
  return {
    [self, started](ready_atom) -> caf::result<instance_reply> {
      if (started)
        return started;
      return self->state.about;
    },
    [self](const instance_end& e) {
      // exec ends the job's tasks itself.
      auto by_exec = self->current_sender() == caf::actor_cast<caf::strong_actor_ptr>(
                       self->state.exec);
      self->state.end(e.reason, !by_exec);
    },
    [self](const instance_warning& w) { self->state.warn(w.signal); },
    [self](const instance_grow& r) { return grow_instance(self->state, r); },
    [self](const instance_shrink& r) { return shrink_instance(self->state, r); },
    [self](const watch_nodes& w) {
      auto& st = self->state;
      st.watchers.push_back(w.who);
      // They may have changed since it was told of us.
      caf::anon_send(caf::actor_cast<connector_actor>(w.who),
                     nodes_changed{st.about.nodes, {}, {}});
    },
    [self](const rank_lost& lost) {
      auto& st = self->state;
      if (!st.job_manager)
        return;
      self->send(st.job_manager, lost);
      self->send(st.resource, lost);
    },
    [self](stats_atom) {
      return stats_reply{{{"services", static_cast<int64_t>(self->state.services.size())}}};
    },
    [self](waits_atom) {
      waits_reply r;
      if (self->state.ending)
        r.lines.push_back("instance " + self->state.about.path + " ends: its jobs have not");
      return r;
    },
  };
}

} // namespace hactor
