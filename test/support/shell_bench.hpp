// One shell under CAF's test coordinator, its supervisor played by the test: which tasks it asks
// for is seen, what they write goes into their pipes, their ends are told when the test likes.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include <doctest/doctest.h>

#include "actors/output.hpp"
#include "actors/shell.hpp"
#include "fake_services.hpp"
#include "runtime/log.hpp"
#include "spec_texts.hpp"
#include "temp_dir.hpp"
#include "transport_thread.hpp"

namespace hactor::test {

class shell_bench : public actor_fixture {
public:
  static constexpr job_id job{1};

  /// `tune` changes what the shell finds there.
  explicit shell_bench(const spec_text& spec,
                       const std::function<void(shell_context&)>& tune = [](shell_context&) {}) {
    log_level_max(log_level::emerg);
    auto store = spool::open({dir / "spool", 64u << 20, 256u << 10}, nullptr);
    auto folders = job_folders::open(dir / "jobs");
    REQUIRE(store);
    REQUIRE(folders);
    output = spawn(output_service, rank_t{0}, std::shared_ptr<spool>{std::move(*store)}, gate);
    host = task_host::make(*transport, sockets.fd[0], gate, [] {});
    auto c = std::make_shared<shell_context>();
    c->host = "n0";
    c->program = "/bin/hactor";
    c->kill_timeout_s = 0; // the steps to SIGKILL follow each other
    c->kills_max = 2;
    c->broker = caf::actor_cast<broker_actor>(spawn_broker());
    c->tasks = host;
    c->room = descriptor_room::make(1024, [] { return size_t{0}; });
    c->room_look = {}; // the looks for it, too
    c->stage_in_timeout_s = 0;
    c->plugins.program = "/bin/hactor-plugins";
    c->gate = gate;
    c->output = output;
    c->folders = std::move(*folders);
    tune(*c);
    room = c->room;
    launch_item item{job, 1000, -1, true, whole_nodes(1, spec.slots)};
    launch_order order{plan_of(spec), std::move(item), std::make_shared<job_origin>()};
    shell_under_test = spawn(shell, std::shared_ptr<const shell_context>{std::move(c)},
                             caf::actor_cast<exec_actor>(spawn_exec()), std::move(order),
                             std::vector<uint32_t>{0});
    serve();
  }
  ~shell_bench() { ::close(sockets.fd[1]); }

  /// A task as its supervisor sees it.
  struct played_task {
    std::vector<owned_fd> fds; // its ends of the pipes: of those that there are, input first
    std::vector<int> signals;
  };

  /// Takes what the shell has asked of the supervisor, and lets the tasks start.
  void serve() {
    settle();
    while (reader_.receive(sockets.fd[1]) == transfer::done) {
    }
    frame_header header;
    std::vector<owned_fd> fds;
    while (auto* body = reader_.next(header, fds)) {
      take(header, body, fds);
      fds.clear();
    }
    settle();
  }
  void write(uint64_t token, size_t pipe, const std::string& bytes) {
    auto n = ::write(tasks.at(token).fds.at(pipe).get(), bytes.data(), bytes.size());
    CHECK(n == static_cast<ssize_t>(bytes.size()));
    settle();
  }
  void exit(uint64_t token, int status) {
    std::string out;
    append_frame(out, spawner_op::exited, token, exited_body{status, {}});
    answer(out);
    settle();
  }
  /// What the shell does until nothing is to be done at once.
  void settle() {
    for (int i = 0; i < 4; ++i) {
      run_idle(*transport);
      pass(std::chrono::milliseconds{1});
    }
  }
  std::vector<output_chunk> written() {
    auto a = ask<output_reply>(output, output_request{job, 0, 1 << 20, 0, {}, 1});
    REQUIRE(a->value);
    return a->value->chunks;
  }
  /// Is any byte counted that is not on its way any more?
  bool gate_has_drifted() const {
    gate->add(output_gate::bytes_max);
    auto closed = gate->closed();
    gate->done(output_gate::bytes_max);
    return closed;
  }
  bool has_ended() const { return !reports.empty() && reports.back().ended; }

  temp_dir dir;
  std::unique_ptr<poller> transport = make_poller();
  socket_pair sockets;
  std::shared_ptr<output_gate> gate = std::make_shared<output_gate>();
  std::shared_ptr<task_host> host;
  std::shared_ptr<descriptor_room> room;
  output_actor output;
  shell_actor shell_under_test;
  std::map<uint64_t, played_task> tasks; // by token
  std::vector<job_report> reports;       // that the exec was told
  std::vector<drain_request> drains;     // answered by flush_atom to `resource`
  caf::actor resource;

private:
  caf::actor spawn_broker() {
    resource = spawn([this](caf::event_based_actor* self) -> caf::behavior {
      return {[this, self](const drain_request& r) -> caf::result<done> {
                drains.push_back(r);
                return drained_ = self->make_response_promise<done>();
              },
              [this](caf::flush_atom) { drained_.deliver(done{}); }};
    });
    return spawn([this](caf::event_based_actor*) -> caf::behavior {
      return {[this](const peer_request&) {
        rank_services lead;
        lead.resource = resource;
        return lead;
      }};
    });
  }
  caf::actor spawn_exec() {
    return spawn([this](caf::event_based_actor* self) -> caf::behavior {
      self->set_default_handler(caf::drop);
      return {[this](const shell_report& r) { reports.push_back(r.report); }};
    });
  }
  void take(const frame_header& header, const char* body, std::vector<owned_fd>& fds) {
    std::string out;
    if (header.op == spawner_op::spawn) {
      tasks[header.token].fds = std::move(fds);
      append_frame(out, spawner_op::started, header.token,
                   started_body{static_cast<int64_t>(1'000'000 + header.token)});
    } else if (header.op == spawner_op::signal) {
      signal_body signal;
      REQUIRE(read_body(body, header.size, signal));
      tasks.at(header.token).signals.push_back(signal.signo);
    }
    answer(out);
  }
  void answer(const std::string& frames) {
    if (!frames.empty())
      REQUIRE(::write(sockets.fd[1], frames.data(), frames.size())
              == static_cast<ssize_t>(frames.size()));
  }

  frame_reader reader_;
  caf::typed_response_promise<done> drained_;
};

} // namespace hactor::test
