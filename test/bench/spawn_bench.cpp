// How fast the spawner starts and reaps, as a ratio to a raw posix_spawn loop in the same run.
// Usage: spawn_bench [tasks per round] [rounds] [in flight]. Rounds alternate and the median
// ratio is printed, since machines are noisy.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <unordered_map>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/spawner.hpp"
#include "actors/spawner_client.hpp"
#include "runtime/clock.hpp"

extern char** environ;

namespace {

using namespace hactor;

constexpr const char* program = "/bin/true";

struct pipe_ends {
  owned_fd read;
  owned_fd write;
};

pipe_ends make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    std::perror("pipe2");
    std::exit(1);
  }
  return {owned_fd{ends[0]}, owned_fd{ends[1]}};
}

void drain(const owned_fd& fd) {
  char text[4096];
  while (::read(fd.get(), text, sizeof text) > 0) {
  }
}

double cpu_s(int who) {
  rusage usage{};
  ::getrusage(who, &usage);
  auto s = [](const timeval& t) { return double(t.tv_sec) + 1e-6 * double(t.tv_usec); };
  return s(usage.ru_utime) + s(usage.ru_stime);
}

/// Tasks per second of posix_spawn and waitid.
double raw(int tasks, int in_flight, bool with_pipes) {
  std::unordered_map<pid_t, std::pair<owned_fd, owned_fd>> outputs;
  auto begin = steady_ns();
  int started = 0;
  int running = 0;
  for (int done = 0; done < tasks;) {
    for (; running < in_flight && started < tasks; ++running, ++started) {
      posix_spawn_file_actions_t actions;
      posix_spawn_file_actions_init(&actions);
      pipe_ends out, err;
      if (with_pipes) {
        out = make_pipe();
        err = make_pipe();
        posix_spawn_file_actions_adddup2(&actions, out.write.get(), 1);
        posix_spawn_file_actions_adddup2(&actions, err.write.get(), 2);
      }
      char* argv[] = {const_cast<char*>(program), nullptr};
      pid_t pid = -1;
      if (posix_spawn(&pid, program, &actions, nullptr, argv, environ) != 0) {
        std::perror("posix_spawn");
        std::exit(1);
      }
      posix_spawn_file_actions_destroy(&actions);
      if (with_pipes)
        outputs[pid] = {std::move(out.read), std::move(err.read)};
    }
    siginfo_t info{};
    if (::waitid(P_ALL, 0, &info, WEXITED) != 0)
      continue;
    if (with_pipes) {
      auto at = outputs.find(info.si_pid);
      drain(at->second.first);
      drain(at->second.second);
      outputs.erase(at);
    }
    --running;
    ++done;
  }
  return tasks / (1e-9 * double(steady_ns() - begin));
}

struct counter : spawner_listener {
  void started(uint64_t, pid_t) override {}
  void failed(uint64_t, spawn_step step, int error) override {
    std::fprintf(stderr, "spawn failed: %s, errno %d\n", to_string(step).data(), error);
    std::exit(1);
  }
  void exited(uint64_t token, int, const task_usage&) override { ended.push_back(token); }
  void swept(uint64_t) override {}
  void lost() override { std::exit(1); }
  void write_blocked() override {}

  std::vector<uint64_t> ended;
};

/// Tasks per second through the supervisor.
double through(spawner_client& client, counter& counted, const std::string& environment, int tasks,
               int in_flight, bool with_pipes) {
  std::unordered_map<uint64_t, std::pair<owned_fd, owned_fd>> outputs;
  auto begin = steady_ns();
  int started = 0;
  int running = 0;
  for (int done = 0; done < tasks;) {
    std::vector<spawn_request> requests;
    for (; running < in_flight && started < tasks; ++running, ++started) {
      auto& request = requests.emplace_back();
      request.token = static_cast<uint64_t>(started) + 1;
      request.argv = {program};
      request.environment = environment;
      if (!with_pipes) {
        for (int fd = 0; fd < 3; ++fd)
          request.inherit(fd, fd);
        continue;
      }
      auto out = make_pipe();
      auto err = make_pipe();
      request.pass(1, std::move(out.write));
      request.pass(2, std::move(err.write));
      outputs[request.token] = {std::move(out.read), std::move(err.read)};
    }
    if (!requests.empty())
      client.spawn(std::move(requests));
    pollfd wait{client.fd(), POLLIN, 0};
    if (client.wants_write())
      wait.events |= POLLOUT;
    ::poll(&wait, 1, -1);
    if ((wait.revents & POLLOUT) != 0)
      client.on_writable();
    client.on_readable();
    for (auto token : counted.ended) {
      if (with_pipes) {
        auto at = outputs.find(token);
        drain(at->second.first);
        drain(at->second.second);
        outputs.erase(at);
      }
      --running;
      ++done;
    }
    counted.ended.clear();
  }
  return tasks / (1e-9 * double(steady_ns() - begin));
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

int bench(int fd, int tasks, int rounds, int in_flight) {
  counter counted;
  spawner_client client{fd, counted};
  std::string environment;
  for (auto** entry = environ; *entry != nullptr; ++entry)
    environment.append(*entry).push_back('\0');
  for (bool with_pipes : {false, true}) {
    std::vector<double> raws, spawner, ratios;
    for (int round = 0; round < rounds; ++round) {
      raws.push_back(raw(tasks, in_flight, with_pipes));
      spawner.push_back(through(client, counted, environment, tasks, in_flight, with_pipes));
      ratios.push_back(spawner.back() / raws.back());
    }
    std::printf("%d in flight, %s: raw %.0f/s, spawner %.0f/s, ratio %.3f\n", in_flight,
                with_pipes ? "two pipes" : "no pipes", median(raws), median(spawner),
                median(ratios));
  }
  auto before = cpu_s(RUSAGE_SELF);
  through(client, counted, environment, tasks, in_flight, false);
  std::printf("broker's side: %.1f us of CPU per task\n",
              1e6 * (cpu_s(RUSAGE_SELF) - before) / tasks);
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  int tasks = argc > 1 ? std::atoi(argv[1]) : 1000;
  int rounds = argc > 2 ? std::atoi(argv[2]) : 9;
  int in_flight = argc > 3 ? std::atoi(argv[3]) : 2;
  if (tasks < 1 || rounds < 1 || in_flight < 1) {
    std::fprintf(stderr, "usage: spawn_bench [tasks per round] [rounds] [in flight]\n");
    return 2;
  }
  return run_supervisor({}, [&](int fd) { return bench(fd, tasks, rounds, in_flight); });
}
