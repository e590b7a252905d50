// See the headers.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/lead_services.hpp"

#include <algorithm>

#include <caf/send.hpp>

#include "actors/job_manager.hpp"
#include "actors/journal.hpp"
#include "actors/resource.hpp"
#include "actors/scheduler.hpp"

namespace hactor {

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
  auto journal = p.store->syncs()
                   ? m.make<caf::detached>("journal", journal_service, p.store, made.events, keep,
                                             title("journal"))
                   : m.make("journal", journal_service, p.store, made.events, keep,
                            title("journal"));
  auto kept = [&p](const char* name) {
    auto text = p.store->meta(name);
    return text ? std::move(*text) : std::string{};
  };
  made.scheduler = m.make("scheduler", scheduler_service,
                          scheduler_setup{p.specs, std::move(p.scheduling), std::move(p.graph),
                                          journal, kept(queue_states_key), *p.attributes,
                                          std::move(p.changes), title("scheduler")});
  made.resource = m.make("resource", resource_service,
                         resource_setup{made.scheduler, journal, std::move(p.resources), p.where,
                                        kept(drains_key), title("resource")});
  job_manager_peers peers{journal,
                          made.archive,
                          made.scheduler,
                          p.broker,
                          p.exec,
                          p.rank,
                          std::move(p.where),
                          std::move(p.instance),
                          p.store->syncs()};
  made.job_manager = m.make("job-manager", job_manager_service, std::move(peers), p.specs,
                            std::move(p.restored));
  return made;
}

void stop_services(std::vector<caf::actor>& all) {
  std::reverse(all.begin(), all.end());
  for (auto& a : all)
    caf::anon_send_exit(a, caf::exit_reason::user_shutdown);
  all.clear();
}

} // namespace hactor
