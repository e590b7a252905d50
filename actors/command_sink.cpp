// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/command_sink.hpp"

#include <cerrno>
#include <cstring>
#include <utility>

#include "actors/binding.hpp"
#include "actors/launch_plan.hpp"
#include "runtime/here.hpp"

namespace hactor {

namespace {

/// Bytes that a command may be ahead of its client, beyond what the connector holds.
constexpr int64_t ahead_bytes_max = 256 << 10;

using relay_actor = caf::typed_actor<caf::reacts_to<command_output>,
                                     caf::reacts_to<command_ended>>;

struct relay_state {
  static inline const char* name = "command-relay";
  int64_t unanswered = 0; // bytes
  bool alone = false;     // nobody hears of the command any more; what it writes is dropped
};

/// Asks where the sink, which is no actor, could only tell: the connector's answers are how much of
/// the output its client has taken.
relay_actor::behavior_type relay(relay_actor::stateful_pointer<relay_state> self,
                                 connector_actor subscriber, std::shared_ptr<output_gate> gate) {
  self->monitor(subscriber);
  self->set_down_handler([self, gate](const caf::down_msg&) {
    self->state.alone = true;
    gate->done(std::exchange(self->state.unanswered, 0));
  });
  return {
      [self, subscriber, gate](command_output& o) {
        auto bytes = static_cast<int64_t>(o.bytes.size());
        if (self->state.alone)
          return gate->done(bytes);
        self->state.unanswered += bytes;
        auto taken = [self, gate, bytes] {
          if (self->state.alone)
            return;
          self->state.unanswered -= bytes;
          gate->done(bytes);
        };
        self->request(subscriber, caf::infinite, std::move(o))
            .then(taken, [taken](const caf::error&) { taken(); });
      },
      [self, subscriber](command_ended& e) {
        self->send(subscriber, std::move(e)); // after all output
        self->quit();
      },
  };
}

class sink final : public task_sink {
public:
  sink(const command_request& r, rank_t rank, std::string host, std::function<void()> over)
      : tag_{r.tag}, rank_{rank}, host_{std::move(host)}, name_{r.argv.empty() ? "" : r.argv[0]},
        cwd_{r.cwd}, over_{std::move(over)},
        relay_{r.subscriber.home_system().spawn(
            relay, caf::actor_cast<connector_actor>(r.subscriber), gate_)} {}
  ~sink() override { caf::anon_send_exit(relay_, caf::exit_reason::user_shutdown); }
  sink(const sink&) = delete;
  sink& operator=(const sink&) = delete;
  void started(pid_t) override {}
  void failed(spawn_step step, int errno_value) override {
    auto missing = step == spawn_step::command && errno_value == ENOENT;
    auto what = step == spawn_step::command ? name_
                : step == spawn_step::cwd   ? cwd_
                                            : std::string{to_string(step)};
    auto why =
        host_ + ": " + what + ": " + (missing ? "command not found" : std::strerror(errno_value));
    send_here(relay_, command_ended{tag_, rank_, (missing ? 127 : 126) << 8, why});
    over_();
  }
  void output(int stream, std::string bytes) override {
    send_here(relay_, command_output{tag_, rank_, static_cast<uint8_t>(stream), std::move(bytes)});
  }
  void exited(int wait_status, const task_usage&) override {
    send_here(relay_, command_ended{tag_, rank_, wait_status, {}});
    over_();
  }
  output_gate* own_gate() override { return gate_.get(); }

private:
  uint64_t tag_;
  rank_t rank_;
  std::string host_;
  std::string name_;
  std::string cwd_;
  std::function<void()> over_;
  std::shared_ptr<output_gate> gate_ = std::make_shared<output_gate>(ahead_bytes_max);
  relay_actor relay_;
};

} // namespace

std::shared_ptr<task_sink> command_sink(const command_request& r, rank_t rank, std::string host,
                                        std::function<void()> over) {
  return std::make_shared<sink>(r, rank, std::move(host), std::move(over));
}

spawn_request command_of(const command_request& r, rank_t rank, const std::string& uri) {
  spawn_request s;
  s.argv = r.argv;
  auto of_job = [&r](std::string_view name) {
    return r.job != job_id{} && (name == "HACTOR_KVS_NAMESPACE" || is_gpu_variable(name));
  };
  for (auto& v : r.environment)
    if (auto name = v.substr(0, v.find('=')); !is_launcher_variable(name) && !of_job(name))
      s.environment += v + '\0';
  s.set_env("HACTOR_URI", uri + (r.instance.empty() ? "" : "/" + r.instance));
  s.set_env("HACTOR_RANK", std::to_string(rank));
  s.cwd = r.cwd;
  return s;
}

void refuse_command(const command_request& r, rank_t rank, int code, std::string why) {
  caf::anon_send(caf::actor_cast<connector_actor>(r.subscriber),
                 command_ended{r.tag, rank, code << 8, std::move(why)});
}

} // namespace hactor
