// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/resource.hpp"

#include "runtime/limits.hpp"
#include "runtime/log.hpp"

namespace hactor {

resource_actor::behavior_type resource_service(resource_state::pointer self,
                                               scheduler_actor scheduler, rset all,
                                               uint32_t brokers) {
  auto& st = self->state;
  st.scheduler = std::move(scheduler);
  st.all = std::move(all);
  st.brokers = brokers;
  self->send(st.scheduler, inventory{st.all, st.down});
  return {
    [self](const rank_lost& lost) {
      auto& st = self->state;
      for (auto& node : st.all.nodes)
        if (node.rank % st.brokers == lost.rank)
          st.down.add(node.rank);
      log_warning("resource: what rank {} had is down", lost.rank);
      // A dead rank cannot rejoin an MPI job: what only it could run is refused, not kept waiting.
      self->send(st.scheduler, inventory{subtract(st.all, restrict_to(st.all, st.down)), {}});
    },
    [self](usage_atom) -> caf::result<resource_reply> {
      auto& st = self->state;
      auto promise = self->make_response_promise<resource_reply>();
      self->request(st.scheduler, std::chrono::seconds(limits::request_timeout_s), usage_atom_v)
        .then(
          [self, promise](resource_reply& r) mutable {
            auto& st = self->state;
            r.all = st.all;
            r.down = st.down;
            r.up = st.all.ranks();
            r.up.remove_all(st.down);
            promise.deliver(std::move(r));
          },
          [promise](caf::error& e) mutable { promise.deliver(std::move(e)); });
      return promise;
    },
    [self](stats_atom) {
      auto& st = self->state;
      return stats_reply{{{"nodes", static_cast<int64_t>(st.all.nodes.size())},
                          {"down", static_cast<int64_t>(st.down.size())}}};
    },
    [self](waits_atom) {
      waits_reply r;
      if (!self->state.down.empty())
        r.lines.push_back("ranks " + self->state.down.to_string() + " are down");
      return r;
    },
  };
}

} // namespace hactor
