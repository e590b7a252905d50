// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/command_sink.hpp"

#include <cerrno>
#include <cstring>

#include "actors/binding.hpp"
#include "actors/launch_plan.hpp"
#include "runtime/here.hpp"

namespace hactor {

namespace {

class sink final : public task_sink {
public:
  sink(const command_request& r, rank_t rank, std::string host, std::function<void()> over)
      : subscriber_{caf::actor_cast<connector_actor>(r.subscriber)}, tag_{r.tag}, rank_{rank},
        host_{std::move(host)}, name_{r.argv.empty() ? "" : r.argv[0]}, cwd_{r.cwd},
        over_{std::move(over)} {}
  void started(pid_t) override {}
  void failed(spawn_step step, int errno_value) override {
    auto missing = step == spawn_step::command && errno_value == ENOENT;
    auto what = step == spawn_step::command ? name_
                : step == spawn_step::cwd   ? cwd_
                                            : std::string{to_string(step)};
    auto why =
        host_ + ": " + what + ": " + (missing ? "command not found" : std::strerror(errno_value));
    send_here(subscriber_, command_ended{tag_, rank_, (missing ? 127 : 126) << 8, why});
    over_();
  }
  void output(int stream, std::string bytes) override {
    send_here(subscriber_,
              command_output{tag_, rank_, static_cast<uint8_t>(stream), std::move(bytes)});
  }
  void exited(int wait_status, const task_usage&) override {
    send_here(subscriber_, command_ended{tag_, rank_, wait_status, {}});
    over_();
  }

private:
  connector_actor subscriber_;
  uint64_t tag_;
  rank_t rank_;
  std::string host_;
  std::string name_;
  std::string cwd_;
  std::function<void()> over_;
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
