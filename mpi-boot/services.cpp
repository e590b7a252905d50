// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "mpi-boot/services.hpp"

#include <algorithm>

#include <unistd.h>

#include <caf/io/middleman.hpp>
#include <caf/scoped_actor.hpp>

#include "actors/events.hpp"
#include "actors/exec.hpp"
#include "actors/ingest.hpp"
#include "actors/job_manager.hpp"
#include "actors/journal.hpp"
#include "actors/output.hpp"
#include "actors/resource.hpp"
#include "actors/scheduler.hpp"
#include "runtime/limits.hpp"
#include "runtime/log.hpp"
#include "runtime/system.hpp"

namespace hactor {

namespace {

using named_actors = std::vector<std::pair<std::string, caf::actor>>;

/// Spawns under the name by which ping and stats know it.
class maker {
public:
  maker(caf::actor_system& system, rank_actors& made, service_failed failed)
      : system_{system}, made_{made}, failed_{std::move(failed)} {}

  template <caf::spawn_options Options = caf::no_spawn_options, class F, class... Ts>
  auto make(const char* name, F f, Ts&&... xs) {
    auto handle = make_unnamed<Options>(name, f, std::forward<Ts>(xs)...);
    named.emplace_back(name, made_.all.back());
    return handle;
  }

  /// For those that are told to the broker in another way.
  template <caf::spawn_options Options = caf::no_spawn_options, class F, class... Ts>
  auto make_unnamed(const char* name, F f, Ts&&... xs) {
    auto handle = spawn_guarded<Options>(system_, failed_, name, f, std::forward<Ts>(xs)...);
    made_.all.push_back(caf::actor_cast<caf::actor>(handle));
    return handle;
  }

  named_actors named;

private:
  caf::actor_system& system_;
  rank_actors& made_;
  service_failed failed_;
};

caf::expected<std::shared_ptr<const shell_context>>
make_shell_context(const service_parts& p, const output_actor& output) {
  auto c = std::make_shared<shell_context>();
  c->rank = p.net->rank();
  c->host = p.net->host_of(c->rank);
  c->place.uri = p.uri;
  c->place.machine = p.machine;
  c->place.instance_level = static_cast<uint32_t>(p.attributes->integer("instance-level"));
  c->kill_timeout = std::chrono::milliseconds(
    static_cast<int64_t>(p.attributes->duration_s("exec.kill_timeout") * 1000));
  c->tasks = p.tasks;
  c->gate = p.gate;
  c->output = output;
  auto folders = job_folders::open(p.rundir + "/jobs");
  if (!folders)
    return std::move(folders.error());
  c->folders = std::move(*folders);
  return std::shared_ptr<const shell_context>{std::move(c)};
}

/// The services of the instance: they live on the lead rank.
events_actor make_lead(maker& m, const service_parts& p, events_setup setup,
                       const exec_actor& exec, rank_services& own, rank_actors& made) {
  auto broker = setup.broker;
  auto archive = m.make<caf::detached>("archive", archive_service, p.store, p.specs);
  setup.archive = archive;
  setup.next = p.store->next_sequence();
  auto events = m.make("events", events_service, std::move(setup));
  // A thread of its own only where it waits for the disk.
  retention keep{p.attributes->duration_s("retention.age"),
                 static_cast<uint64_t>(p.attributes->integer("retention.count"))};
  auto journal = p.store->syncs()
                   ? m.make<caf::detached>("journal", journal_service, p.store, events, keep)
                   : m.make("journal", journal_service, p.store, events, keep);
  auto kept = [&p](const char* name) {
    auto text = p.store->meta(name);
    return text ? std::move(*text) : std::string{};
  };
  auto scheduler = m.make("scheduler", scheduler_service,
                          scheduler_setup{p.specs, p.scheduling, p.graph, journal,
                                          kept(queue_states_key), *p.attributes, p.changes});
  auto resource = m.make(
    "resource", resource_service,
    resource_setup{scheduler, journal, p.resources, p.net->size(), kept(drains_key)});
  job_manager_peers peers{journal, archive, scheduler, broker,         exec,
                          p.net->rank(), p.net->size(), p.store->syncs()};
  made.job_manager
    = m.make("job-manager", job_manager_service, std::move(peers), p.specs, p.restored);
  own.job_manager = caf::actor_cast<caf::actor>(made.job_manager);
  own.resource = caf::actor_cast<caf::actor>(resource);
  own.archive = caf::actor_cast<caf::actor>(archive);
  own.scheduler = caf::actor_cast<caf::actor>(scheduler);
  return events;
}

/// The lead's services, as every rank's ingest needs them.
caf::expected<rank_services> meet_lead(caf::actor_system& system, const broker_actor& broker) {
  caf::scoped_actor self{system};
  caf::expected<rank_services> lead{ec::timed_out};
  self->request(broker, std::chrono::seconds(limits::request_timeout_s), peer_request{0})
    .receive([&](rank_services& s) { lead = std::move(s); },
             [&](caf::error& e) { lead = std::move(e); });
  return lead;
}

} // namespace

caf::expected<rank_actors> start_services(caf::actor_system& system, const service_parts& p) {
  rank_actors made;
  maker m{system, made, p.on_service_failed};
  rank_services own;
  own.rank = p.net->rank();
  own.protocol = protocol_version;
  auto fanout = static_cast<uint32_t>(p.attributes->integer("exec.tree_fanout"));
  broker_setup setup{own.rank, p.net->size(), fanout, {}, p.on_shutdown, p.on_peer_lost,
                     p.on_lead_lost};
  for (rank_t r = 0; r < p.net->size(); ++r)
    setup.hosts.push_back(p.net->host_of(r));
  auto broker = m.make_unnamed("broker", broker_service, std::move(setup));
  made.broker = broker;
  auto output = m.make("output", output_service, own.rank, p.output, p.gate);
  auto context = make_shell_context(p, output);
  if (!context)
    return std::move(context.error());
  auto exec = m.make("exec", exec_service, broker, *context, p.net->size(), fanout);
  own.broker = caf::actor_cast<caf::actor>(broker);
  own.exec = caf::actor_cast<caf::actor>(exec);
  own.output = caf::actor_cast<caf::actor>(output);
  events_setup stream{own.rank, fanout, broker, {}, 1};
  auto events = own.rank == 0 ? make_lead(m, p, std::move(stream), exec, own, made)
                              : m.make("events", events_service, std::move(stream));
  own.events = caf::actor_cast<caf::actor>(events);
  caf::anon_send(broker, local_services{own, m.named});
  if (p.net->size() > 1) {
    auto port = system.middleman().publish(broker, broker_port);
    if (!port)
      return std::move(port.error());
  }
  rank_services lead = own;
  if (own.rank != 0) {
    auto met = meet_lead(system, broker);
    if (!met)
      return std::move(met.error());
    lead = std::move(*met);
  }
  ingest_peers peers{caf::actor_cast<scheduler_actor>(lead.scheduler),
                     caf::actor_cast<job_manager_actor>(lead.job_manager)};
  auto ingest = m.make("ingest", ingest_service, std::move(peers), p.specs, own.rank, p.epoch_ns,
                       p.last_id_ms);
  connector_setup c;
  c.sockets = &p.net->poller();
  c.attributes = p.attributes;
  c.rank = own.rank;
  c.size = p.net->size();
  c.owner = ::getuid();
  c.uri = p.uri;
  c.started_ns = p.started_ns;
  c.broker = broker;
  c.ingest = ingest;
  c.exec = exec;
  c.events = events;
  c.named = m.named;
  made.connector = m.make_unnamed("connector", connector_service, std::move(c));
  caf::anon_send(broker, local_services{own, {{"connector", made.all.back()}}});
  made.named = std::move(m.named);
  made.named.emplace_back("broker", caf::actor_cast<caf::actor>(broker));
  made.named.emplace_back("connector", made.all.back());
  return made;
}

void log_waits(caf::actor_system& system, const rank_actors& actors) {
  log_notice("what this broker waits for:");
  caf::scoped_actor self{system};
  for (auto& [name, handle] : actors.named)
    self->request(caf::actor_cast<status_actor>(handle), std::chrono::seconds(2), waits_atom_v)
      .receive(
        [name = &name](waits_reply& r) {
          for (auto& line : r.lines)
            log_notice("waits: {}: {}", *name, line);
        },
        [name = &name](caf::error& e) {
          log_notice("waits: {}: does not answer: {}", *name, render(e));
        });
  log_notice("waits: end");
}

void stop_services(rank_actors& actors) {
  std::reverse(actors.all.begin(), actors.all.end());
  for (auto& a : actors.all)
    caf::anon_send_exit(a, caf::exit_reason::user_shutdown);
  actors = {};
}

} // namespace hactor
