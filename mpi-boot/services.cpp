// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "mpi-boot/services.hpp"

#include <algorithm>
#include <cstdlib>

#include <unistd.h>

#include <caf/io/middleman.hpp>
#include <caf/scoped_actor.hpp>

#include "actors/events.hpp"
#include "actors/exec.hpp"
#include "actors/ingest.hpp"
#include "actors/id_source.hpp"
#include "actors/instance.hpp"
#include "actors/lead_services.hpp"
#include "actors/memory_guard.hpp"
#include "actors/output.hpp"
#include "runtime/duration.hpp"
#include "runtime/launcher.hpp"
#include "runtime/limits.hpp"
#include "runtime/log.hpp"
#include "runtime/system.hpp"

namespace hactor {

namespace {

/// The path of a program beside the MPI modules; "" when this hactor was built without it.
std::string find_helper(const std::string& name) {
  for (auto& folder : module_folders(own_program()))
    if (auto path = folder + "/" + name; ::access(path.c_str(), X_OK) == 0)
      return path;
  return {};
}

std::string if_there(std::string file) {
  return ::access(file.c_str(), F_OK) == 0 ? std::move(file) : std::string{};
}

/// Which files the shells of all jobs load. It is looked up once: files that come later wait for
/// the next instance.
plugin_place find_plugins(const service_parts& p) {
  plugin_place place;
  place.program = find_helper("hactor-plugins");
  auto folder = own_program();
  for (int up = 0; up < 2 && !folder.empty(); ++up) // PREFIX/bin/hactor-start
    folder.resize(folder.rfind('/'));
  auto system = folder + "/etc/hactor/shell";
  auto* config = std::getenv("XDG_CONFIG_HOME");
  auto* home = std::getenv("HOME");
  auto user = (config != nullptr && *config == '/'
                   ? std::string{config}
                   : std::string{home != nullptr ? home : ""} + "/.config")
              + "/hactor/shell";
  auto said = p.attributes->text("exec.shell_initrc");
  place.system_rc = said.empty() ? if_there(system + "/initrc.lua") : said;
  place.user_rc = if_there(user + "/initrc.lua");
  place.start_folders = {system, user};
  place.search_path = p.attributes->text("exec.shell_pluginpath");
  if (place.search_path.empty())
    place.search_path = folder + "/lib/hactor/shell-plugins";
  place.brokers = p.net->size();
  place.patience_ns = span_of(p.attributes->duration_s("exec.plugin_timeout")).count();
  return place;
}

caf::expected<std::shared_ptr<const shell_context>>
make_shell_context(const service_parts& p, const broker_actor& broker, const output_actor& output,
                   const memory_guard_actor& memory) {
  auto c = std::make_shared<shell_context>();
  c->rank = p.net->rank();
  c->host = p.net->host_of(c->rank);
  c->place.uri = p.uri;
  c->place.machine = p.machine;
  c->place.instance_level = static_cast<uint32_t>(p.attributes->integer("instance-level"));
  c->kill_timeout_s = p.attributes->duration_s("exec.kill_timeout");
  c->release_delay = span_of(p.attributes->duration_s("exec.release_delay"));
  c->kills_max = static_cast<int>(p.attributes->integer("exec.max_kill_count"));
  c->broker = broker;
  c->stage_in_timeout_s = p.attributes->duration_s("exec.stage_in_timeout");
  c->mpi_patience_s = p.attributes->duration_s("exec.mpi_patience");
  if (auto limit = p.attributes->integer("exec.output_limit"); limit > 0)
    c->output_limit = limit;
  c->tasks = p.tasks;
  auto files_max = descriptors_max();
  c->room = descriptor_room::make(files_max, [files_max] { return open_descriptors(files_max); });
  c->gate = p.gate;
  c->output = output;
  c->memory = memory;
  auto folders = job_folders::open(p.rundir + "/jobs");
  if (!folders)
    return std::move(folders.error());
  c->folders = std::move(*folders);
  c->plugins = find_plugins(p);
  c->place.brokers = p.net->size();
  auto beside = own_program();
  beside.resize(beside.rfind('/') + 1);
  c->program = if_there(beside + "hactor");
  if (auto program = find_helper("hactor-pmix"); !program.empty()) {
    auto hosts = std::make_shared<std::vector<std::string>>();
    for (rank_t r = 0; r < p.net->size(); ++r)
      hosts->push_back(p.net->host_of(r));
    c->place.pmix = pmix_place{p.pmix_spaces, std::move(hosts)};
    c->pmix = pmix_host::make(p.net->poller(), p.tasks, {program, p.rundir + "/pmix", c->host});
  }
  return std::shared_ptr<const shell_context>{std::move(c)};
}

std::shared_ptr<const instance_context> make_instance_context(const service_parts& p,
                                                               std::shared_ptr<id_source> ids) {
  auto c = std::make_shared<instance_context>();
  c->sockets = &p.net->poller();
  c->rank = p.net->rank();
  c->brokers = p.net->size();
  c->uri = p.uri;
  c->owner = ::getuid();
  c->level = static_cast<uint32_t>(p.attributes->integer("instance-level"));
  c->patience = span_of(p.attributes->duration_s("exec.kill_timeout") * 2 + 1);
  c->specs = p.specs;
  c->ids = std::move(ids);
  c->journals = std::make_shared<journal_pool>(p.rundir + "/instances", p.uri);
  return c;
}

/// The services of the instance: they live on the lead rank.
events_actor make_lead(service_maker& m, const service_parts& p, events_setup stream,
                       const exec_actor& exec, std::shared_ptr<id_source> ids, rank_services& own,
                       rank_actors& made) {
  lead_parts parts;
  parts.store = p.store;
  parts.specs = p.specs;
  parts.restored = p.restored;
  parts.resources = p.resources;
  parts.scheduling = p.scheduling;
  parts.graph = p.graph;
  parts.changes = p.changes;
  parts.attributes = p.attributes;
  parts.where = rank_map{p.net->size()};
  parts.rank = own.rank;
  parts.broker = stream.broker;
  parts.exec = exec;
  parts.ids = std::move(ids);
  parts.stream = std::move(stream);
  auto lead = make_lead_services(m, std::move(parts));
  made.job_manager = lead.job_manager;
  made.resource = lead.resource;
  own.job_manager = caf::actor_cast<caf::actor>(lead.job_manager);
  own.resource = caf::actor_cast<caf::actor>(lead.resource);
  own.archive = caf::actor_cast<caf::actor>(lead.archive);
  own.kvs = caf::actor_cast<caf::actor>(lead.kvs);
  own.scheduler = caf::actor_cast<caf::actor>(lead.scheduler);
  return lead.events;
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
  service_maker m{system, p.on_service_failed};
  auto ids = std::make_shared<id_source>(p.net->rank(), p.epoch_ns, p.last_id_ms);
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
  auto memory = m.make("memory-guard", memory_guard_service, p.net->host_of(own.rank));
  auto context = make_shell_context(p, broker, output, memory);
  if (!context)
    return std::move(context.error());
  auto exec = m.make("exec", exec_service, broker, *context, make_instance_context(p, ids),
                     p.net->size(), fanout);
  own.broker = caf::actor_cast<caf::actor>(broker);
  own.exec = caf::actor_cast<caf::actor>(exec);
  own.output = caf::actor_cast<caf::actor>(output);
  events_setup stream{own.rank, fanout, broker, {}, 1};
  auto events = own.rank == 0 ? make_lead(m, p, std::move(stream), exec, ids, own, made)
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
  auto ingest = m.make("ingest", ingest_service, std::move(peers), p.specs, std::move(ids),
                       p.attributes->duration_s("policy.jobspec.defaults.system.duration"));
  connector_setup c;
  c.sockets = &p.net->poller();
  c.attributes = p.attributes;
  c.rank = c.broker_rank = own.rank;
  c.where = rank_map{p.net->size()};
  c.size = p.net->size();
  c.owner = ::getuid();
  c.uri = p.uri;
  c.started_ns = p.started_ns;
  c.epoch_ns = p.epoch_ns;
  c.broker = broker;
  c.ingest = ingest;
  c.exec = exec;
  c.events = events;
  c.named = m.named;
  made.connector = m.make_unnamed("connector", connector_service, std::move(c));
  caf::anon_send(broker, local_services{own, {{"connector", m.all.back()}}});
  made.named = std::move(m.named);
  made.named.emplace_back("broker", caf::actor_cast<caf::actor>(broker));
  made.named.emplace_back("connector", m.all.back());
  made.all = std::move(m.all);
  return made;
}

void move_end(const rank_actors& actors, double expiration) {
  nodes_changed c; // which it does not
  c.added.expiration = expiration;
  caf::anon_send(actors.job_manager, c);
  caf::anon_send(actors.resource, c);
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
  for (auto& a : actors.modules)
    caf::anon_send_exit(a, caf::exit_reason::kill);
  stop_services(actors.all);
  actors = {}; // no handle keeps one alive
}

} // namespace hactor
