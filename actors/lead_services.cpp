// See the headers.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/lead_services.hpp"

#include <algorithm>
#include <filesystem>

#include <unistd.h>

#include <caf/send.hpp>

#include "actors/distributor.hpp"
#include "actors/job_manager.hpp"
#include "actors/journal.hpp"
#include "actors/kvs.hpp"
#include "actors/resource.hpp"
#include "actors/scheduler.hpp"
#include "runtime/launcher.hpp"

namespace hactor {

namespace {

/// Null where the instance schedules by itself. `graph`: what places its children.
distributor_actor make_distributor(service_maker& m, const lead_parts& p,
                                   const scheduler_actor& graph) {
  auto hierarchy = read_hierarchy(*p.attributes);
  HACTOR_CHECK(hierarchy); // the scheduler's settings were read before
  if (!*hierarchy)
    return {};
  auto folder = std::filesystem::path(own_program()).parent_path();
  return m.make(
      "distributor", distributor_service,
      distributor_setup{p.specs, p.ids, graph, p.instance.empty() ? p.broker : broker_actor{},
                        std::move(**hierarchy), *p.attributes, (folder / "hactor").string(),
                        log_title("distributor", p.instance)});
}

} // namespace

lead_services make_lead_services(service_maker& m, lead_parts p) {
  lead_services made;
  // A thread of its own only for those that wait for the disk. A nested instance's state is small,
  // and there may be thousands of them.
  auto alone = p.instance.empty();
  made.archive = alone ? m.make<caf::detached>("archive", archive_service, p.store, p.specs)
                       : m.make("archive", archive_service, p.store, p.specs);
  auto title = [&p](const char* service) { return log_title(service, p.instance); };
  p.stream.archive = made.archive;
  p.stream.next = p.store->next_sequence();
  made.events = m.make("events", events_service, std::move(p.stream));
  retention keep{p.attributes->duration_s("retention.age"),
                 static_cast<uint64_t>(p.attributes->integer("retention.count"))};
  auto journal =
    p.store->syncs()
      ? m.make<caf::detached>("journal", journal_service, p.store, made.events, p.broker, keep,
                              title("journal"))
      : m.make("journal", journal_service, p.store, made.events, p.broker, keep, title("journal"));
  kvs_setup keys{p.store, journal, ::getuid(), title("kvs")};
  made.kvs = alone ? m.make<caf::detached>("kvs", kvs_service, std::move(keys))
                   : m.make("kvs", kvs_service, std::move(keys));
  auto kept = [&p](const char* name) {
    auto text = p.store->meta(name);
    return text ? std::move(*text) : std::string{};
  };
  made.scheduler = m.make("scheduler", scheduler_service,
                          scheduler_setup{p.specs, std::move(p.scheduling), std::move(p.graph),
                                          journal, kept(queue_states_key), *p.attributes,
                                          std::move(p.changes), title("scheduler"),
                                          kept(claims_key)});
  auto distributor = make_distributor(m, p, made.scheduler);
  made.distributes = static_cast<bool>(distributor);
  if (distributor)
    made.scheduler = distributor;
  auto ends = p.resources.expiration;
  made.resource = m.make("resource", resource_service,
                         resource_setup{made.scheduler, journal, std::move(p.resources), p.where,
                                        kept(drains_key), title("resource")});
  job_manager_peers peers{
      journal,          made.archive,     made.scheduler,      p.broker,
      p.exec,           p.rank,           std::move(p.where),  std::move(p.instance),
      p.store->syncs(), made.distributes, std::move(p.memory), ends};
  made.job_manager = m.make("job-manager", job_manager_service, std::move(peers), p.specs,
                            std::move(p.restored));
  if (distributor)
    caf::anon_send(distributor,
                   distribution_begin{caf::actor_cast<caf::actor>(made.job_manager)});
  return made;
}

void stop_services(std::vector<caf::actor>& all) {
  std::reverse(all.begin(), all.end());
  for (auto& a : all)
    caf::anon_send_exit(a, caf::exit_reason::user_shutdown);
  all.clear();
}

} // namespace hactor
