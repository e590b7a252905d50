// The blocking face of an instance; see workflow.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>

#include "workflow/workflow.hpp"

namespace hactor::workflow {

namespace {

/// A session has few actors. CAF's default is four threads or more that look for work of each other
/// all the time, which takes more of a core than the events of a busy instance.
struct session_config : caf::actor_system_config {
  session_config() {
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", size_t{2});
  }
};

} // namespace

struct session::parts {
  session_config config;
  caf::actor_system system{config};
  caf::scoped_actor self{system};
  instance_actor instance;

  template <class Reply, class Request>
  caf::expected<Reply> ask(Request request) {
    caf::expected<Reply> answer{caf::error{}};
    self->request(instance, caf::infinite, std::move(request))
        .receive([&](Reply& x) { answer = std::move(x); },
                 [&](caf::error& e) { answer = std::move(e); });
    return answer;
  }
};

session::session(std::unique_ptr<parts> p) : parts_{std::move(p)} {}
session::session(session&&) noexcept = default;
session& session::operator=(session&&) noexcept = default;
session::~session() = default;

caf::expected<session> session::open(std::string_view uri, connect_options options) {
  auto p = std::make_unique<parts>();
  auto instance = connect(p->system, uri, options);
  if (!instance)
    return std::move(instance.error());
  p->instance = std::move(*instance);
  return session{std::move(p)};
}

caf::expected<std::vector<job_id>> session::submit(std::vector<job_spec> jobs) {
  auto reply = parts_->ask<submit_reply>(submit_request{std::move(jobs)});
  if (!reply)
    return std::move(reply.error());
  return std::move(reply->ids);
}

caf::expected<job_result> session::wait(const job_id& id) {
  return parts_->ask<job_result>(wait_request{id});
}

caf::expected<job_result> session::wait_any() {
  return parts_->ask<job_result>(wait_any_request{});
}

caf::expected<output_reply> session::read(const job_id& id, uint64_t max_bytes) {
  return parts_->ask<output_reply>(output_request{id, max_bytes});
}

caf::expected<uint64_t> session::cancel(std::vector<job_id> ids, std::string message) {
  auto reply = parts_->ask<count_reply>(cancel_request{std::move(ids), false, std::move(message)});
  if (!reply)
    return std::move(reply.error());
  return reply->count;
}

caf::expected<std::vector<job_info>> session::list(list_request what) {
  auto reply = parts_->ask<list_reply>(std::move(what));
  if (!reply)
    return std::move(reply.error());
  return std::move(reply->jobs);
}

caf::expected<uint64_t> session::for_each_event(subscribe_request what,
                                                const std::function<bool(const job_event&)>& f,
                                                const std::function<void()>& begun) {
  // An actor of its own: what is still under way at the end must not reach the next call.
  caf::scoped_actor reader{parts_->system};
  what.subscriber =
      caf::actor_cast<caf::actor>(caf::actor_cast<caf::strong_actor_ptr>(reader.ptr()));
  auto begin = parts_->ask<subscribe_reply>(std::move(what));
  if (!begin)
    return std::move(begin.error());
  if (begun)
    begun();
  caf::expected<uint64_t> next{begin->next_sequence};
  bool going = true;
  reader->receive_while(going)(
      [&](const job_events& batch) {
        for (auto& e : batch.events) {
          next = e.sequence + 1;
          going = f(e);
          if (!going)
            break;
        }
      },
      [&](const subscription_ended& end) {
        next = end.why;
        going = false;
      });
  caf::anon_send(parts_->instance, unsubscribe_request{begin->subscription});
  return next;
}

} // namespace hactor::workflow
