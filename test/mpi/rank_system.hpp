// What every program of test/mpi starts with: the transport of the launcher that started it, the
// message types of these tests, and a way to reach all other ranks.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include <caf/all.hpp>
#include <caf/io/all.hpp>

#include "runtime/launcher.hpp"
#include "runtime/multiplexer.hpp"
#include "runtime/system.hpp"
#include "runtime/tcp_wire.hpp"
#include "runtime/transport.hpp"

namespace hactor::test {

struct item {
  int32_t id = 0;
  std::string name;
  std::vector<double> numbers;

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, item& x) {
    return f(x.id, x.name, x.numbers);
  }
};

} // namespace hactor::test

CAF_BEGIN_TYPE_ID_BLOCK(transport_test, first_custom_type_id)
  CAF_ADD_ATOM(transport_test, hactor::test, echo_atom, "echo")
  CAF_ADD_ATOM(transport_test, hactor::test, hello_atom, "hello")
  CAF_ADD_ATOM(transport_test, hactor::test, die_atom, "die")
  CAF_ADD_ATOM(transport_test, hactor::test, done_atom, "done")
  CAF_ADD_ATOM(transport_test, hactor::test, sink_atom, "sink")
  CAF_ADD_TYPE_ID(transport_test, (hactor::test::item))
  CAF_ADD_TYPE_ID(transport_test, (std::vector<double>))
  CAF_ADD_TYPE_ID(transport_test, (std::vector<uint64_t>))
CAF_END_TYPE_ID_BLOCK(transport_test)

namespace hactor::test {

inline int failures = 0;
inline rank_t own_rank = 0;

#define EXPECT(x)                                                                                  \
  do {                                                                                             \
    if (!(x)) {                                                                                    \
      std::fprintf(stderr, "[%u] %s:%d: failed: %s\n", hactor::test::own_rank, __FILE__, __LINE__, \
                   #x);                                                                            \
      ++hactor::test::failures;                                                                    \
    }                                                                                              \
  } while (false)

/// Ends the program with the text of an error.
[[noreturn]] inline void die(const caf::error& e) {
  std::fprintf(stderr, "%s\n", render(e).c_str());
  std::_Exit(3);
}

/// The wire that over_tcp.sh asks for; nullptr: it did not start us.
inline std::unique_ptr<wire> open_wire_of_script() {
  if (std::getenv("HACTOR_TEST_TCP") == nullptr)
    return nullptr;
  tcp_plan plan;
  auto where = parse_endpoint(std::getenv("HACTOR_TEST_TCP"));
  if (!where)
    die(where.error());
  plan.meeting = *where;
  plan.size = static_cast<uint32_t>(std::atoi(std::getenv("HACTOR_TEST_TCP_SIZE")));
  plan.key_path = std::getenv("HACTOR_TEST_TCP_KEY");
  auto opened = open_tcp_wire(plan);
  if (!opened)
    die(opened.error());
  return std::move(*opened);
}

/// Opens the transport of whatever launcher started this program.
inline std::unique_ptr<transport> open_transport(transport_options options = {}) {
  auto how = detect_launch([](const char* name) -> const char* { return std::getenv(name); });
  if (!how)
    die(how.error());
  auto w = open_wire_of_script();
  if (!w && how->module.empty())
    w = make_null_wire();
  if (!w) {
    auto path = find_module(*how, module_folders(own_program()));
    if (!path)
      die(path.error());
    auto loaded = load_wire(*path);
    if (!loaded)
      die(loaded.error());
    w = std::move(*loaded);
  }
  auto result = transport::open(std::move(w), options);
  if (!result)
    die(result.error());
  own_rank = (*result)->rank();
  return std::move(*result);
}

inline void register_types(caf::actor_system_config& config) {
  config.add_message_types<caf::id_block::transport_test>();
}

/// Meets all ranks: each publishes `mine` and dials those below it. Returns one handle per rank.
/// `mine` must forward (hello_atom, actor, int32_t) to `self`.
inline std::vector<caf::actor> meet(caf::actor_system& system, caf::scoped_actor& self,
                                    transport& t, const caf::actor& mine) {
  auto& mm = system.middleman();
  EXPECT(mm.publish(mine, broker_port));
  // Nobody dials before all have published.
  std::vector<caf::actor> result(t.size());
  result[t.rank()] = mine;
  for (rank_t r = 0; r < t.rank(); ++r) {
    caf::expected<caf::actor> peer{caf::sec::cannot_connect_to_node};
    while (!peer)
      peer = mm.remote_actor(multiplexer::host_of(r), broker_port);
    result[r] = *peer;
    self->send(*peer, hello_atom_v, mine, static_cast<int32_t>(t.rank()));
  }
  for (rank_t r = t.rank() + 1; r < t.size(); ++r)
    self->receive([&](hello_atom, const caf::actor& peer, int32_t rank) {
      result[static_cast<size_t>(rank)] = peer;
    });
  return result;
}

/// Waits until all ranks are here: rank 0 counts and answers. Requires: nothing else in `self`.
inline void agree(caf::scoped_actor& self, transport& t, const std::vector<caf::actor>& peers) {
  using namespace std::chrono_literals;
  if (t.rank() == 0) {
    for (rank_t r = 1; r < t.size(); ++r)
      self->receive([](done_atom, int32_t) {}, caf::after(20s) >> [] { EXPECT(false); });
    for (rank_t r = 1; r < t.size(); ++r)
      self->send(peers[r], done_atom_v, int32_t{0});
    return;
  }
  self->send(peers[0], done_atom_v, static_cast<int32_t>(t.rank()));
  self->receive([](done_atom, int32_t) {}, caf::after(20s) >> [] { EXPECT(false); });
}

/// Leaves as a rank must: with MPI ended, or past it when a peer died.
[[noreturn]] inline void leave(transport& t, bool clean_expected) {
  bool clean = t.close();
  if (clean_expected)
    EXPECT(clean);
  std::fflush(nullptr);
  std::_Exit(failures == 0 ? 0 : 1);
}

} // namespace hactor::test
