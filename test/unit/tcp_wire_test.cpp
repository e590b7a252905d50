// runtime/tcp_wire: several wires of this process meet at 127.0.0.1, talk, lose each other and are
// bothered by strangers. Opening blocks, so that each wire opens on a thread of its own; after that
// the test drives all of them in turn.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/tcp_wire.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <future>
#include <map>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "runtime/tcp_link.hpp"
#include "temp_dir.hpp"

using namespace hactor;
using namespace hactor::test;

namespace {

using clock_type = std::chrono::steady_clock;
using opened = caf::expected<std::unique_ptr<wire>>;

constexpr auto patience = std::chrono::seconds{20};

uint16_t free_port() {
  auto at = resolve({"127.0.0.1", 0});
  auto fd = bind_tcp(&at->front(), 0);
  REQUIRE(fd);
  auto port = port_of(*fd);
  ::close(*fd);
  return port;
}

/// A meeting place and a key for one test.
struct place {
  temp_dir dir;
  uint16_t port = free_port();

  tcp_plan plan(uint32_t size, std::optional<uint32_t> rank) const {
    tcp_plan p;
    p.rank = rank;
    p.size = size;
    p.meeting = {"127.0.0.1", port};
    p.own_host = rank ? "host" + std::to_string(*rank) : "guest";
    p.key_path = dir / "key";
    p.start_ns_max = 15'000'000'000;
    return p;
  }
};

std::future<opened> open_later(const tcp_plan& plan) {
  return std::async(std::launch::async, [plan] { return open_tcp_wire(plan); });
}

using wires = std::vector<std::unique_ptr<wire>>;

/// All wires of an instance, by rank.
wires open_all(const place& where, uint32_t size) {
  std::vector<std::future<opened>> opening;
  for (uint32_t r = 0; r < size; ++r)
    opening.push_back(open_later(where.plan(size, r)));
  wires result;
  for (auto& x : opening) {
    auto w = x.get();
    REQUIRE_MESSAGE(w, render(w.error()));
    result.push_back(std::move(*w));
  }
  return result;
}

/// Takes what comes at all wires that are left until `done`.
bool drive(wires& all, const std::function<bool()>& done,
           const std::function<void(uint32_t at, wire_message&)>& take) {
  auto deadline = clock_type::now() + patience;
  while (!done()) {
    if (clock_type::now() > deadline)
      return false;
    std::vector<pollfd> ready;
    bool some = false;
    for (uint32_t r = 0; r < all.size(); ++r) {
      if (!all[r])
        continue;
      wire_message m;
      if (all[r]->try_receive(m)) {
        take(r, m);
        some = true;
      }
      ready.push_back({all[r]->wake_fd(), POLLIN, 0});
    }
    if (!some)
      ::poll(ready.data(), ready.size(), 10);
  }
  return true;
}

wire_buffer bytes(const std::string& text) { return {text.begin(), text.end()}; }
std::string text(const wire_message& m) { return {m.bytes.begin(), m.bytes.end()}; }

/// A connected blocking socket of a stranger.
struct stranger {
  explicit stranger(uint16_t port) {
    auto at = resolve({"127.0.0.1", port});
    fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(::connect(fd, at->front().get(), at->front().size) == 0);
  }
  stranger(const stranger&) = delete;
  stranger& operator=(const stranger&) = delete;
  ~stranger() { ::close(fd); }

  void say(const std::string& what) {
    (void)!::send(fd, what.data(), what.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  /// True when the other side has hung up.
  bool is_out() {
    char c[256];
    pollfd ready{fd, POLLIN, 0};
    while (::poll(&ready, 1, 0) == 1)
      if (::recv(fd, c, sizeof c, 0) <= 0)
        return true;
    return false;
  }
  int fd;
};

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("wires meet, gather in rounds, and pass the barrier together") {
    place here;
    auto all = open_all(here, 3);
    for (uint32_t r = 0; r < 3; ++r) {
      CHECK(all[r]->rank() == r);
      CHECK(all[r]->size() == 3);
      CHECK(all[r]->wake_fd() >= 0);
    }
    std::vector<std::future<std::vector<std::string>>> gathered;
    for (auto& w : all)
      gathered.push_back(std::async(std::launch::async, [&w] {
        std::vector<std::string> first, second;
        auto failed = w->allgather("a" + std::to_string(w->rank()), first)
                      + w->allgather(std::string(w->rank() * 100'000, 'x'), second);
        first.push_back(failed);
        for (auto& x : second)
          first.push_back(std::to_string(x.size()));
        return first;
      }));
    for (auto& x : gathered)
      CHECK(x.get()
            == std::vector<std::string>{"a0", "a1", "a2", "", "0", "100000", "200000"});
    CHECK(all[1]->barrier_begin());
    CHECK(all[0]->barrier_begin());
    CHECK_FALSE(all[0]->barrier_done());
    CHECK(all[2]->barrier_begin());
    CHECK(drive(
      all,
      [&] { // each looks: a rank that passed does not end the others' way
        auto a = all[0]->barrier_done(), b = all[1]->barrier_done(), c = all[2]->barrier_done();
        return a && b && c;
      },
      [](uint32_t, wire_message&) { FAIL("no message was sent"); }));
    auto lost = 0;
    for (auto& w : all)
      w->on_peer_lost([&](uint32_t, const std::string&) { ++lost; });
    all[0]->close();
    wire_message m;
    for (int i = 0; i < 10; ++i) {
      CHECK_FALSE(all[1]->try_receive(m));
      CHECK_FALSE(all[2]->try_receive(m));
    }
    CHECK(lost == 0); // ends after the barrier are no losses
  }

  TEST_CASE("messages of a pair keep their order, from one byte to many megabytes, both ways") {
    place here;
    auto all = open_all(here, 3);
    const std::vector<size_t> sizes{1, 0, 70'000, 3, 20'000'000, 7, 1'000'000, 2};
    size_t expected = 0;
    for (uint32_t from = 0; from < 3; ++from)
      for (uint32_t to = 0; to < 3; ++to)
        for (size_t i = 0; from != to && i < sizes.size(); ++i, ++expected)
          CHECK(all[from]->send(to, bytes(std::string(sizes[i], static_cast<char>('a' + from)))));
    std::map<std::pair<uint32_t, uint32_t>, std::vector<size_t>> got;
    size_t count = 0;
    bool whole = true;
    CHECK(drive(
      all, [&] { return count == expected; },
      [&](uint32_t at, wire_message& m) {
        got[{m.peer, at}].push_back(m.bytes.size());
        for (auto c : m.bytes)
          whole = whole && c == static_cast<char>('a' + m.peer);
        ++count;
      }));
    CHECK(whole);
    CHECK(got.size() == 6);
    for (auto& [pair, in_order] : got)
      CHECK(in_order == sizes);
    for (auto& w : all)
      CHECK_FALSE(w->has_pending());
  }

  TEST_CASE("a synchronous send is pending until the peer has taken it") {
    place here;
    auto all = open_all(here, 2);
    CHECK(all[1]->send(0, bytes("first")));
    CHECK(all[1]->send_synchronously(0, bytes("second")));
    wire_message m;
    auto deadline = clock_type::now() + std::chrono::milliseconds{50};
    while (clock_type::now() < deadline)
      CHECK_FALSE(all[1]->try_receive(m));
    CHECK(all[1]->has_pending());
    std::string taken;
    CHECK(drive(
      all, [&] { return !all[1]->has_pending(); },
      [&](uint32_t, wire_message& x) { taken += text(x) + " "; }));
    CHECK(taken == "first second ");
  }

  TEST_CASE("a peer that ends is lost, once and after all that it sent; the lead tells all") {
    place here;
    auto all = open_all(here, 3);
    std::vector<std::string> heard(3);
    for (uint32_t r = 0; r < 3; ++r)
      all[r]->on_peer_lost([&, r](uint32_t peer, const std::string& why) {
        heard[r] += "lost " + std::to_string(peer) + " ";
        CHECK_FALSE(why.empty());
        all[r]->abandon(peer);
      });
    for (int i = 0; i < 100; ++i)
      all[2]->send(0, bytes("x"));
    all[2].reset(); // as by kill -9: the kernel closes
    int taken = 0;
    CHECK(drive(
      all, [&] { return !heard[0].empty() && !heard[1].empty(); },
      [&](uint32_t at, wire_message&) {
        CHECK(at == 0);
        CHECK(heard[0].empty());
        ++taken;
      }));
    CHECK(taken == 100);
    CHECK(heard == std::vector<std::string>{"lost 2 ", "lost 2 ", ""});
    CHECK(all[0]->send(2, bytes("into the void")));
    CHECK(all[0]->send(1, bytes("on")));
    auto went_on = false;
    CHECK(drive(
      all, [&] { return went_on; },
      [&](uint32_t at, wire_message& m) { went_on = at == 1 && text(m) == "on"; }));
    // What all do together cannot work any more, and says why.
    std::vector<std::string> parts;
    CHECK(all[0]->allgather("", parts).find("rank 2 (host2)") != std::string::npos);
  }

  TEST_CASE("a rank that dies while it sends leaves no half message") {
    place here;
    auto all = open_all(here, 2);
    auto lost = false;
    all[0]->on_peer_lost([&](uint32_t, const std::string&) { lost = true; });
    all[1]->send(0, bytes("whole"));
    all[1]->send(0, bytes(std::string(100'000'000, 'h')));
    all[1].reset();
    std::string got;
    CHECK(drive(
      all, [&] { return lost; }, [&](uint32_t, wire_message& m) { got += text(m).substr(0, 9); }));
    CHECK(got == "whole");
  }

  TEST_CASE("strangers get nothing: garbage, silence, half words; the ranks do not notice") {
    place here;
    auto lead = open_later(here.plan(2, 0));
    auto other = open_later(here.plan(2, 1));
    wires all(2);
    all[0] = std::move(*lead.get());
    all[1] = std::move(*other.get());
    for (auto& w : all)
      w->on_peer_lost([](uint32_t, const std::string&) { FAIL("nobody is lost"); });
    stranger garbage{here.port}, silent{here.port}, half{here.port}, huge{here.port};
    garbage.say("GET / HTTP/1.1\r\nHost: " + std::string(200, 'x') + "\r\n\r\n");
    half.say(std::string(20, '\0'));
    huge.say(std::string(1 << 20, '\xff'));
    auto out = [&] { // the silent ones have 5 s
      return garbage.is_out() && huge.is_out() && silent.is_out() && half.is_out();
    };
    CHECK(drive(all, out, [](uint32_t, wire_message&) { FAIL("a message from a stranger"); }));
    all[1]->send(0, bytes("still here"));
    std::string got;
    CHECK(drive(
      all, [&] { return !got.empty(); }, [&](uint32_t, wire_message& m) { got = text(m); }));
    CHECK(got == "still here");
  }

  TEST_CASE("strangers in number are held to a bound, and do not keep a rank from joining") {
    place here;
    auto lead = open_later(here.plan(2, 0));
    std::vector<std::unique_ptr<stranger>> crowd;
    auto listening = [&] {
      auto at = resolve({"127.0.0.1", here.port});
      int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      auto is = ::connect(fd, at->front().get(), at->front().size) == 0;
      ::close(fd);
      return is;
    };
    auto deadline = clock_type::now() + patience;
    while (!listening())
      REQUIRE(clock_type::now() < deadline);
    for (int i = 0; i < 300; ++i)
      crowd.push_back(std::make_unique<stranger>(here.port));
    auto other = open_later(here.plan(2, 1));
    CHECK(other.get());
    CHECK(lead.get());
  }

  TEST_CASE("who has another key is turned away at once, and told so; the lead waits on") {
    place here;
    auto lead = open_later(here.plan(2, 0));
    auto wrong = here.plan(2, 1);
    wrong.key_path = here.dir / "wrong";
    std::ofstream{wrong.key_path} << std::string(32, 'w');
    REQUIRE(::chmod(wrong.key_path.c_str(), 0600) == 0);
    auto w = open_tcp_wire(wrong);
    REQUIRE_FALSE(w);
    CHECK(code_of(w.error()) == ec::network_failed);
    CHECK(render(w.error()).find("another key") != std::string::npos);
    auto right = open_later(here.plan(2, 1));
    CHECK(right.get());
    CHECK(lead.get());
  }

  TEST_CASE("a wrong size, a rank that is taken and one too many are refused by name") {
    place here;
    auto lead = open_later(here.plan(3, 0));
    auto why = [](const tcp_plan& plan) {
      auto w = open_tcp_wire(plan);
      return w ? "" : render(w.error());
    };
    CHECK(why(here.plan(4, 1)).find("started for 4 brokers, rank 0 on host0 for 3")
          != std::string::npos);
    auto first = open_later(here.plan(3, 2));
    auto second = open_later(here.plan(3, 2));
    // One of the two is refused while the other waits for rank 1.
    auto refused = [&] {
      for (auto* x : {&first, &second})
        if (x->wait_for(std::chrono::milliseconds{10}) == std::future_status::ready)
          return x;
      return static_cast<std::future<opened>*>(nullptr);
    };
    std::future<opened>* which = nullptr;
    for (auto end = clock_type::now() + patience; which == nullptr && clock_type::now() < end;)
      which = refused();
    REQUIRE(which != nullptr);
    auto loser = which->get();
    REQUIRE_FALSE(loser);
    CHECK(render(loser.error()).find("rank 2 is taken by host2") != std::string::npos);
    auto guest = open_tcp_wire(here.plan(3, {})); // gets the rank that is left
    REQUIRE(guest);
    CHECK((*guest)->rank() == 1);
    auto w0 = lead.get();
    REQUIRE(w0);
    wires all;
    all.push_back(std::move(*w0));
    auto late = open_later(here.plan(3, {}));
    CHECK(drive(
      all,
      [&] { return late.wait_for(std::chrono::seconds{0}) == std::future_status::ready; },
      [](uint32_t, wire_message&) {}));
    CHECK(render(late.get().error()).find("all 3 brokers") != std::string::npos);
  }

  TEST_CASE("who comes without rank is seated: the first at the place leads") {
    place here;
    std::vector<std::future<opened>> opening;
    for (int i = 0; i < 4; ++i)
      opening.push_back(open_later(here.plan(4, {})));
    std::vector<bool> seen(4);
    std::vector<opened> all;
    for (auto& x : opening)
      all.push_back(x.get());
    for (auto& w : all) {
      REQUIRE_MESSAGE(w, render(w.error()));
      seen[(*w)->rank()] = true;
    }
    CHECK(seen == std::vector<bool>(4, true));
  }

  TEST_CASE("who waits in vain says for whom") {
    place here;
    auto plan = here.plan(3, 0);
    plan.start_ns_max = 300'000'000;
    plan.hosts = {"n1", "n2", "n3"};
    auto lead = open_tcp_wire(plan);
    REQUIRE_FALSE(lead);
    CHECK(code_of(lead.error()) == ec::timed_out);
    CHECK(render(lead.error()).find("2 of 3 missing: n[2-3]") != std::string::npos);
    auto follower = here.plan(3, 1);
    follower.start_ns_max = 300'000'000;
    auto w = open_tcp_wire(follower);
    REQUIRE_FALSE(w);
    CHECK(code_of(w.error()) == ec::timed_out);
    CHECK(render(w.error()).find("127.0.0.1:" + std::to_string(here.port)) != std::string::npos);
    // Without any key there is nothing to say; it names the file.
    follower.key_path = here.dir / "nothing";
    auto keyless = open_tcp_wire(follower);
    REQUIRE_FALSE(keyless);
    CHECK(code_of(keyless.error()) == ec::unknown_key);
    CHECK(render(keyless.error()).find("nothing") != std::string::npos);
  }

  TEST_CASE("the lead's port in use by something else is an error for a rank 0") {
    place here;
    auto at = resolve({"127.0.0.1", here.port});
    auto fd = bind_tcp(&at->front(), 0);
    REQUIRE(fd);
    REQUIRE(::listen(*fd, 8) == 0);
    auto w = open_tcp_wire(here.plan(2, 0));
    REQUIRE_FALSE(w);
    CHECK(code_of(w.error()) == ec::busy);
    ::close(*fd);
  }

} // TEST_SUITE
