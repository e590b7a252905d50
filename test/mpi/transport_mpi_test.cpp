// Run by mpiexec with 2 and 4 ranks, under each MPI: all that hactor uses of CAF, across ranks.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "test/mpi/rank_system.hpp"

using namespace std::chrono_literals;

namespace hactor::test {

using adder_actor =
    caf::typed_actor<caf::replies_to<caf::add_atom, int32_t, int32_t>::with<int32_t>>;

adder_actor::behavior_type adder() {
  return {[](caf::add_atom, int32_t a, int32_t b) { return a + b; }};
}

caf::behavior worker(caf::event_based_actor* self, int32_t base) {
  return {
    [=](echo_atom, int32_t x) { return base + x; },
    [=](die_atom) { self->quit(caf::exit_reason::user_shutdown); },
  };
}

caf::behavior server(caf::event_based_actor* self, const caf::actor& main) {
  return {
    [=](echo_atom, item& x) {
      ++x.id;
      return x;
    },
    [=](echo_atom, const std::string& x) { return x; },
    [=](echo_atom, const caf::actor& to, int32_t x) { self->send(to, echo_atom_v, x * 2); },
    [=](hello_atom, const caf::actor& peer, int32_t rank) {
      self->send(main, hello_atom_v, peer, rank);
    },
    [=](done_atom, int32_t rank) { self->send(main, done_atom_v, rank); },
    [=](caf::spawn_atom, int32_t base) -> caf::actor { return self->spawn(worker, base); },
  };
}

struct bench {
  caf::actor_system& system;
  caf::scoped_actor& self;
  transport& t;
  std::vector<caf::actor>& peers;
};

void dynamic_requests(bench& b, rank_t r) {
  EXPECT(b.peers[r].node() != b.system.node());
  item sent{static_cast<int32_t>(b.t.rank()), "hello", std::vector<double>(5000, 1.5)};
  b.self->request(b.peers[r], 10s, echo_atom_v, sent)
    .receive([&](const item& x) { EXPECT(x.id == sent.id + 1 && x.numbers == sent.numbers); },
             [&](caf::error& e) { EXPECT(b.system.render(e).empty()); });
  b.self->send(b.peers[r], echo_atom_v, caf::actor_cast<caf::actor>(b.self->address()), 21);
  b.self->receive([&](echo_atom, int32_t x) { EXPECT(x == 42); },
                  caf::after(10s) >> [] { EXPECT(!"a callback through our own handle"); });
}

void typed_requests(bench& b, rank_t r) {
  auto found = b.system.middleman().remote_lookup(caf::atom("adder"), b.peers[r].node());
  EXPECT(found);
  auto typed = caf::actor_cast<adder_actor>(found);
  b.self->request(typed, 10s, caf::add_atom_v, int32_t{3}, int32_t{4})
    .receive([&](int32_t x) { EXPECT(x == 7); }, [&](caf::error&) { EXPECT(false); });
}

void large_messages(bench& b, rank_t r) {
  for (size_t size : {size_t{1000}, size_t{70'000}, size_t{1} << 20, size_t{9} << 20}) {
    std::string text(size, 'x');
    text[size / 2] = 'y';
    b.self->request(b.peers[r], 20s, echo_atom_v, text)
      .receive([&](const std::string& x) { EXPECT(x == text); },
               [&](caf::error& e) { EXPECT(b.system.render(e).empty()); });
  }
}

void ends_are_noticed(bench& b, rank_t r) {
  caf::actor w;
  b.self->request(b.peers[r], 10s, caf::spawn_atom_v, int32_t{100})
    .receive([&](caf::actor& x) { w = x; }, [&](caf::error&) { EXPECT(false); });
  if (!w)
    return;
  b.self->request(w, 10s, echo_atom_v, int32_t{5})
    .receive([&](int32_t x) { EXPECT(x == 105); }, [&](caf::error&) { EXPECT(false); });
  b.self->monitor(w);
  b.self->send(w, die_atom_v);
  b.self->receive(
    [&](caf::down_msg& x) { EXPECT(x.reason == caf::exit_reason::user_shutdown); },
    caf::after(10s) >> [] { EXPECT(!"a down message"); });
}

// Every rank asks every other at once, many requests in flight.
void all_to_all(bench& b) {
  constexpr int32_t per_peer = 200;
  int32_t expected = 0;
  for (int32_t i = 0; i < per_peer; ++i)
    for (rank_t r = 0; r < b.t.size(); ++r)
      if (r != b.t.rank()) {
        b.self->send(b.peers[r], echo_atom_v, caf::actor_cast<caf::actor>(b.self->address()), i);
        ++expected;
      }
  int64_t sum = 0;
  int32_t got = 0;
  b.self->receive_for(got, expected)([&](echo_atom, int32_t x) { sum += x; },
                                     caf::after(20s) >> [] { EXPECT(!"an answer of all"); });
  EXPECT(sum == int64_t{per_peer} * (per_peer - 1) * (b.t.size() - 1));
}

void refusals(bench& b) {
  auto& mm = b.system.middleman();
  EXPECT(!mm.remote_actor("rank-9999", broker_port));
  EXPECT(!mm.remote_actor("localhost", broker_port));
  EXPECT(!mm.publish(b.peers[b.t.rank()], broker_port));
  if (b.t.rank() > 0)
    EXPECT(!mm.remote_actor(multiplexer::host_of(0), 4242));
}

void run(transport& t) {
  system_config config{t, {}, register_types};
  caf::actor_system system{config};
  caf::scoped_actor self{system};
  auto mine = system.spawn(server, caf::actor_cast<caf::actor>(self->address()));
  auto add = system.spawn(adder);
  system.registry().put(caf::atom("adder"), caf::actor_cast<caf::strong_actor_ptr>(add));
  auto peers = meet(system, self, t, mine);
  bench b{system, self, t, peers};
  agree(self, t, peers);
  for (rank_t r = 0; r < t.size(); ++r) {
    if (r == t.rank())
      continue;
    dynamic_requests(b, r);
    typed_requests(b, r);
    large_messages(b, r);
    ends_are_noticed(b, r);
  }
  agree(self, t, peers);
  all_to_all(b);
  refusals(b);
  agree(self, t, peers);
  system.registry().erase(caf::atom("adder"));
  caf::anon_send_exit(mine, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(add, caf::exit_reason::user_shutdown);
}

} // namespace hactor::test

int main() {
  auto t = hactor::test::open_transport();
  hactor::test::run(*t);
  hactor::test::leave(*t, true);
}
