// Round trips, requests and events between two ranks of one node. Under an mpiexec of 2 ranks it
// measures hactor's transport; with "tcp" and no launcher, CAF's stock TCP between two processes;
// with "wake", what the kernel needs to wake another core and be woken by it.
// Prints "name value" lines for test/bench/run.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>

#include <caf/all.hpp>
#include <caf/io/all.hpp>

#include "actors/events.hpp"
#include "actors/registry.hpp"
#include "runtime/launcher.hpp"
#include "runtime/multiplexer.hpp"
#include "runtime/system.hpp"
#include "runtime/transport.hpp"
#include "test/bench/measure.hpp"

namespace {

using namespace hactor;
using namespace hactor::bench;
using namespace std::chrono_literals;

// -- the passive side: rank 0 ---------------------------------------------------------------------

struct server_state {
  events_actor events;
  uint64_t next_sequence = 1;
};

event_batch make_batch(uint64_t first, int32_t count) {
  event_batch b{first, {}};
  for (int32_t i = 0; i < count; ++i) {
    job_event e;
    e.id = {first + static_cast<uint64_t>(i)};
    e.t_ns = 1'700'000'000'000'000'000 + static_cast<int64_t>(first) * 1000;
    e.kind = event_kind::alloc;
    e.after = job_state::run;
    b.events.push_back(std::move(e));
  }
  return b;
}

/// Answers (add, a, b) with the sum; (publish, n, m) publishes n batches of m events; (get) is the
/// events actor; (close) tells main to leave.
caf::behavior server(caf::stateful_actor<server_state>* self, const caf::actor& main) {
  self->state.events = self->spawn(events_service, events_setup{});
  return {
    [](caf::add_atom, int32_t a, int32_t b) { return a + b; },
    [=](caf::publish_atom, int32_t batches, int32_t size) {
      auto& st = self->state;
      for (int32_t i = 0; i < batches; ++i) {
        self->send(st.events, make_batch(st.next_sequence, size));
        st.next_sequence += static_cast<uint64_t>(size);
      }
    },
    [=](caf::get_atom) { return caf::actor_cast<caf::actor>(self->state.events); },
    [=](caf::close_atom) {
      self->send_exit(self->state.events, caf::exit_reason::user_shutdown);
      self->send(main, caf::close_atom_v);
      self->quit();
    },
  };
}

// -- the measuring side: rank 1 -------------------------------------------------------------------

struct pinger_state {
  std::vector<double> us;
  int64_t begin_ns = 0;
};

/// One request after the other, `gap` between them; sends the times to `main`.
caf::behavior pinger(caf::stateful_actor<pinger_state>* self, const caf::actor& to,
                     const caf::actor& main, size_t count, std::chrono::milliseconds gap) {
  self->send(self, caf::tick_atom_v);
  return {
    [=](caf::tick_atom) {
      self->state.begin_ns = steady_ns();
      self->request(to, caf::infinite, caf::add_atom_v, int32_t{1}, int32_t{2})
        .then([=](int32_t) {
          auto& st = self->state;
          st.us.push_back(static_cast<double>(steady_ns() - st.begin_ns) * 1e-3);
          if (st.us.size() == count) {
            self->send(main, percentile(st.us, 0.5), percentile(st.us, 0.99));
            self->quit();
          } else if (gap.count() > 0) {
            self->delayed_send(self, gap, caf::tick_atom_v);
          } else {
            self->send(self, caf::tick_atom_v);
          }
        });
    },
  };
}

struct pipeline_state {
  int sent = 0;
  int got = 0;
};

/// `count` requests, of which `window` are open at a time; tells `main` at the end. With thousands
/// of them it is CAF's list of an actor's open requests that would be measured: it moves all that
/// are left with each answer.
caf::behavior pipeline(caf::stateful_actor<pipeline_state>* self, const caf::actor& to,
                       const caf::actor& main, int count, int window) {
  self->send(self, caf::tick_atom_v);
  return {
    [=](caf::tick_atom) {
      auto& st = self->state;
      for (; st.sent < count && st.sent < st.got + window; ++st.sent)
        self->request(to, caf::infinite, caf::add_atom_v, int32_t{1}, int32_t{2})
          .then([=](int32_t) {
            auto& now = self->state;
            if (++now.got == count) {
              self->send(main, caf::ok_atom_v);
              self->quit();
            } else if (now.sent < count && now.sent - now.got <= window / 2) {
              self->send(self, caf::tick_atom_v);
            }
          });
    },
  };
}

struct reader_state {
  int32_t lines = 0;
  int32_t published = 0;
};

/// Has `count` single events published, `window` of them ahead of what has come, and counts the
/// lines that come; tells `main` at the end. The window keeps them in the events actor's ring,
/// since there is no archive behind it.
caf::behavior reader(caf::stateful_actor<reader_state>* self, const caf::actor& from,
                     const caf::actor& main, int32_t count, int32_t window) {
  self->send(self, caf::tick_atom_v);
  auto publish = [=] {
    auto& st = self->state;
    auto wanted = std::min(count, st.lines + window);
    if (wanted - st.published < window / 2 && wanted < count)
      return;
    if (wanted > st.published)
      self->send(from, caf::publish_atom_v, wanted - st.published, int32_t{1});
    st.published = wanted;
  };
  return {
    [=](caf::tick_atom) {
      self->request(from, caf::infinite, caf::get_atom_v).then([=](const caf::actor& events) {
        subscribe_request r;
        r.tag = static_cast<uint64_t>(count);
        r.live_only = true;
        r.subscriber = caf::actor_cast<caf::actor>(self);
        self->send(caf::actor_cast<events_actor>(events), r);
        // By its answer the subscription, which went the same way, is there.
        self->request(caf::actor_cast<status_actor>(events), caf::infinite, stats_atom_v)
          .then([=](const stats_reply&) { publish(); });
      });
    },
    [=](const subscribed_events& e) {
      auto& st = self->state;
      auto sender = caf::actor_cast<events_actor>(self->current_sender());
      st.lines += static_cast<int32_t>(std::count(e.lines.begin(), e.lines.end(), '\n'));
      auto me = caf::actor_cast<caf::actor>(self);
      if (st.lines == count) {
        self->send(sender, unsubscribe{e.tag, me});
        self->send(main, caf::ok_atom_v);
        self->quit();
        return;
      }
      self->send(sender, subscription_credit{e.tag, me});
      publish();
    },
  };
}

void measure(caf::actor_system& system, const std::string& name, const caf::actor& peer) {
  caf::scoped_actor self{system};
  auto main = caf::actor_cast<caf::actor>(self);
  auto round_trips = [&](const std::string& kind, size_t count, std::chrono::milliseconds gap) {
    system.spawn(pinger, peer, main, count, gap);
    self->receive([&](double p50, double p99) {
      if (kind.empty())
        return;
      tell(name + "_" + kind + "_us", p50);
      tell(name + "_" + kind + "_p99_us", p99);
    });
  };
  auto rate = [&](int count, int actors, const std::function<void()>& begin) {
    auto begin_ns = steady_ns();
    begin();
    for (int i = 0; i < actors; ++i)
      self->receive([](caf::ok_atom) {});
    return count / seconds_since(begin_ns);
  };
  round_trips("", 500, 0ms); // connections, types, memory
  round_trips("busy", 10'000, 0ms);
  round_trips("idle", 300, 10ms);
  constexpr int requests = 200'000;
  constexpr int senders = 8;
  tell(name + "_requests_s", rate(requests, senders, [&] {
         for (int i = 0; i < senders; ++i)
           system.spawn(pipeline, peer, main, requests / senders, 2000 / senders);
       }));
  if (name == "tcp")
    return;
  tell(name + "_events_single_s",
       rate(20'000, 1, [&] { system.spawn(reader, peer, main, 20'000, 1); }));
  tell(name + "_events_s",
       rate(500'000, 1, [&] { system.spawn(reader, peer, main, 500'000, 30'000); }));
}

void wait_for_close(caf::scoped_actor& self) {
  self->receive([](caf::close_atom) {});
}

// -- the two transports ---------------------------------------------------------------------------

std::unique_ptr<transport> open_transport(int64_t spin_us) {
  auto how = detect_launch([](const char* name) -> const char* { return std::getenv(name); });
  if (!how || how->module.empty())
    fail("transport_bench: needs an mpiexec of 2 ranks, or the word tcp");
  auto path = find_module(*how, module_folders(own_program()));
  if (!path)
    fail(render(path.error()));
  auto wire = load_wire(*path);
  if (!wire)
    fail(render(wire.error()));
  transport_options options;
  if (spin_us >= 0)
    options.local_spin_ns = options.remote_spin_ns = spin_us * 1000;
  auto result = transport::open(std::move(*wire), options);
  if (!result)
    fail(render(result.error()));
  return std::move(*result);
}

int over_mpi(const std::string& name, int64_t spin_us) {
  auto t = open_transport(spin_us);
  {
    system_config config{*t, {}, register_messages};
    caf::actor_system system{config};
    caf::scoped_actor self{system};
    if (t->rank() == 0) {
      auto mine = system.spawn(server, caf::actor_cast<caf::actor>(self));
      if (!system.middleman().publish(mine, broker_port))
        fail("publish");
      wait_for_close(self);
    } else if (t->rank() == 1) {
      caf::expected<caf::actor> peer{caf::sec::cannot_connect_to_node};
      while (!peer)
        peer = system.middleman().remote_actor(multiplexer::host_of(0), broker_port);
      measure(system, name, *peer);
      self->send(*peer, caf::close_atom_v);
    }
  }
  return t->close() ? 0 : 1;
}

struct tcp_config : caf::actor_system_config {
  tcp_config() {
    load<caf::io::middleman>();
    register_messages(*this);
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", size_t{2});
    set("logger.verbosity", caf::atom("quiet"));
  }
};

/// The child serves and writes its port into the pipe, the parent measures.
int over_tcp() {
  int ends[2];
  if (::pipe(ends) != 0)
    fail("pipe");
  auto child = ::fork(); // before there are threads
  tcp_config config;
  caf::actor_system system{config};
  caf::scoped_actor self{system};
  uint16_t port = 0;
  if (child == 0) {
    auto mine = system.spawn(server, caf::actor_cast<caf::actor>(self));
    auto opened = system.middleman().publish(mine, 0, "127.0.0.1");
    port = opened ? *opened : 0;
    if (::write(ends[1], &port, sizeof port) != sizeof port)
      fail("write");
    wait_for_close(self);
    return 0;
  }
  if (::read(ends[0], &port, sizeof port) != sizeof port)
    fail("read");
  auto peer = system.middleman().remote_actor("127.0.0.1", port);
  if (!peer)
    fail("remote_actor over TCP");
  measure(system, "tcp", *peer);
  self->send(*peer, caf::close_atom_v);
  ::waitpid(child, nullptr, 0);
  return 0;
}

// -- the bound -----------------------------------------------------------------------------------

void pin_to(int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  if (::sched_setaffinity(0, sizeof set, &set) != 0)
    fail("sched_setaffinity: needs the cores 0 and 1");
}

void wait_readable(int fd) {
  pollfd ready{fd, POLLIN, 0};
  uint64_t count = 0;
  if (::poll(&ready, 1, -1) != 1 || ::read(fd, &count, sizeof count) != sizeof count)
    fail("eventfd");
}

void ring(int fd) {
  uint64_t one = 1;
  if (::write(fd, &one, sizeof one) != sizeof one)
    fail("eventfd");
}

/// A process on another core is woken by an eventfd and wakes this one: what no round trip between
/// two sleeping processes can be faster than.
int wakes() {
  int there = ::eventfd(0, 0), back = ::eventfd(0, 0);
  constexpr int idle_count = 300, busy_count = 3000;
  auto child = ::fork();
  pin_to(child == 0 ? 1 : 0);
  if (child == 0) {
    for (int i = 0; i < idle_count + busy_count; ++i) {
      wait_readable(there);
      ring(back);
    }
    return 0;
  }
  auto measure_gap = [&](const char* figure, int count, useconds_t gap_us) {
    std::vector<double> us;
    for (int i = 0; i < count; ++i) {
      ::usleep(gap_us);
      auto begin = steady_ns();
      ring(there);
      wait_readable(back);
      us.push_back(static_cast<double>(steady_ns() - begin) * 1e-3);
    }
    tell(figure, percentile(us, 0.5));
  };
  measure_gap("wake_idle_us", idle_count, 10'000);
  measure_gap("wake_busy_us", busy_count, 0);
  ::waitpid(child, nullptr, 0);
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  std::string name = argc > 1 ? argv[1] : "";
  if (name.empty()) {
    std::fprintf(stderr, "usage: mpiexec -n 2 bench_transport NAME [SPIN_US]; or tcp, or wake\n");
    return 2;
  }
  if (name == "wake")
    return wakes();
  return name == "tcp" ? over_tcp() : over_mpi(name, argc > 2 ? std::atoi(argv[2]) : -1);
}
