// runtime/stream_socket: frames over a socketpair, however they are cut, and its ends.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/stream_socket.hpp"

#include <poll.h>
#include <unistd.h>

#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "transport_thread.hpp"

#include <doctest/doctest.h>

using namespace hactor;
using namespace hactor::test;

namespace {

std::string header(uint32_t size, uint8_t kind, uint64_t tag) {
  std::string text;
  for (int i = 0; i < 4; ++i)
    text += static_cast<char>(size >> (8 * i));
  text += static_cast<char>(kind);
  for (int i = 0; i < 8; ++i)
    text += static_cast<char>(tag >> (8 * i));
  return text;
}

std::string frame_of(uint8_t kind, uint64_t tag, const std::string& payload) {
  return header(static_cast<uint32_t>(payload.size()), kind, tag) + payload;
}

struct got {
  uint8_t kind;
  uint64_t tag;
  std::string payload;
  friend bool operator==(const got&, const got&) = default;
};

/// A stream_socket on one end; the test holds the other, a plain descriptor.
struct bench {
  explicit bench(bool start = true) {
    socket_pair pair;
    peer = pair.fd[1];
    socket = stream_socket::make(
      *p, pair.fd[0],
      {[this](uint8_t kind, uint64_t tag, std::string payload) {
         frames.push_back({kind, tag, std::move(payload)});
         if (on_frame)
           on_frame();
       },
       [this](const caf::error& why) { ends.push_back(why); }, [this] { ++drained; },
       [this] { ++hung_up; }});
    if (start)
      REQUIRE(socket->start());
  }
  ~bench() {
    socket->close();
    run_idle(*p);
    hang_up();
  }
  void hang_up() {
    if (peer >= 0)
      close(peer);
    peer = -1;
  }
  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      auto n = ::send(peer, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      REQUIRE(n > 0);
      bytes.remove_prefix(static_cast<size_t>(n));
    }
  }
  /// Reads `size` bytes; less when the socket was closed.
  std::string read(size_t size) {
    std::string all;
    while (all.size() < size) {
      char buffer[64 << 10];
      auto n = ::recv(peer, buffer, std::min(sizeof buffer, size - all.size()), 0);
      if (n <= 0)
        break;
      all.append(buffer, static_cast<size_t>(n));
    }
    return all;
  }
  bool until(const std::function<bool()>& done) { return run_until(*p, done); }

  int drained = 0, hung_up = 0;
  std::unique_ptr<poller> p = make_poller();
  std::shared_ptr<stream_socket> socket;
  int peer = -1;
  std::vector<got> frames;
  std::vector<caf::error> ends;
  std::function<void()> on_frame;
};

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("a frame that comes byte by byte is handed over once, when it is whole") {
    bench b;
    auto bytes = frame_of(7, 0x1122334455667788, "hello") + frame_of(255, 0, "");
    for (size_t i = 0; i < bytes.size(); ++i) {
      b.write(bytes.substr(i, 1));
      run_idle(*b.p);
      CHECK(b.frames.size() == (i + 1 < 18 ? 0 : i + 1 < bytes.size() ? 1 : 2));
    }
    CHECK(b.frames[0] == got{7, 0x1122334455667788, "hello"});
    CHECK(b.frames[1] == got{255, 0, ""});
    CHECK(b.ends.empty());
  }

  TEST_CASE("many frames in one piece come in order") {
    bench b;
    std::string bytes;
    for (uint64_t i = 0; i < 5'000; ++i)
      bytes += frame_of(static_cast<uint8_t>(i), i, std::string(i % 50, 'x'));
    std::thread writer{[&] { b.write(bytes); }};
    CHECK(b.until([&] { return b.frames.size() == 5'000; }));
    writer.join();
    for (uint64_t i = 0; i < b.frames.size(); ++i)
      REQUIRE(b.frames[i] == got{static_cast<uint8_t>(i), i, std::string(i % 50, 'x')});
  }

  TEST_CASE("frames of many megabytes pass in both directions") {
    bench b;
    std::string big(5 << 20, 'x');
    big[0] = 'a';
    big.back() = 'z';
    std::thread writer{[&] { b.write(frame_of(1, 2, big)); }};
    CHECK(b.until([&] { return b.frames.size() == 1; }));
    writer.join();
    CHECK(b.frames[0].payload == big);
    std::string answer;
    std::atomic<bool> read{false};
    CHECK(b.socket->send(3, 4, big));
    CHECK(b.socket->send(3, 5, "after"));
    std::thread reader{[&] {
      answer = b.read(2 * frame_header_size + big.size() + 5);
      read = true;
      b.p->wake();
    }};
    CHECK(b.until([&] { return read.load(); }));
    reader.join();
    CHECK(answer == frame_of(3, 4, big) + frame_of(3, 5, "after"));
    CHECK(b.socket->queued_bytes() == 0);
  }

  TEST_CASE("a size beyond the bound ends the socket with ec::too_big before it is allocated") {
    bench b;
    b.write(frame_of(1, 1, "good"));
    b.write(header(static_cast<uint32_t>(frame_payload_size_max) + 1, 1, 2));
    CHECK(b.until([&] { return !b.ends.empty(); }));
    REQUIRE(b.ends.size() == 1);
    CHECK(code_of(b.ends[0]) == ec::too_big);
    CHECK(b.frames.size() == 1);
    CHECK(b.socket->is_closed());
    CHECK_FALSE(b.socket->send(1, 1, "x"));
    CHECK(b.read(1).empty()); // the peer sees the end
    run_idle(*b.p);
    CHECK(b.ends.size() == 1);
  }

  TEST_CASE("what the peer does not read is queued and counted, and sent when it reads") {
    bench b;
    std::string chunk(64 << 10, 'c');
    for (uint64_t i = 0; i < 40; ++i)
      CHECK(b.socket->send(1, i, chunk));
    auto queued = b.socket->queued_bytes();
    CHECK(queued > 0);
    CHECK(queued < 40 * (chunk.size() + frame_header_size));
    run_idle(*b.p);
    CHECK(b.socket->queued_bytes() <= queued);
    std::string answer;
    std::atomic<bool> read{false};
    std::thread reader{[&] {
      answer = b.read(40 * (chunk.size() + frame_header_size));
      read = true;
      b.p->wake();
    }};
    CHECK(b.until([&] { return read && b.socket->queued_bytes() == 0; }));
    reader.join();
    for (uint64_t i = 0; i < 40; ++i)
      REQUIRE(answer.substr(i * (chunk.size() + frame_header_size), frame_header_size)
              == header(static_cast<uint32_t>(chunk.size()), 1, i));
  }

  TEST_CASE("a peer that was behind is told of once, when it has read half") {
    bench b;
    std::string payload(1 << 20, 'x');
    CHECK_FALSE(b.socket->is_behind(0));
    for (int i = 0; i < 8; ++i)
      b.socket->send(1, 1, payload);
    auto queued = b.socket->queued_bytes();
    REQUIRE(queued > payload.size());
    CHECK_FALSE(b.socket->is_behind(queued));
    CHECK(b.socket->is_behind(queued / 2));
    CHECK(b.socket->is_behind(queued / 2));
    run_idle(*b.p);
    CHECK(b.drained == 0);
    std::thread reader{[&] { b.read(8 * (payload.size() + frame_header_size)); }};
    CHECK(b.until([&] { return b.drained > 0 && b.socket->queued_bytes() == 0; }));
    reader.join();
    CHECK(b.drained == 1);
    CHECK_FALSE(b.socket->is_behind(0));
    b.socket->send(1, 1, "y");
    run_idle(*b.p);
    CHECK(b.drained == 1);
  }

  TEST_CASE("frames from several threads are not mixed") {
    bench b;
    std::vector<std::thread> threads;
    constexpr size_t each = 500;
    for (uint8_t t = 0; t < 3; ++t)
      threads.emplace_back([&, t] {
        for (uint64_t i = 0; i < each; ++i)
          b.socket->send(t, i, std::string(100 * (t + 1u), static_cast<char>('a' + t)));
      });
    constexpr size_t size = each * (3 * frame_header_size + 600);
    std::string all;
    std::atomic<bool> read{false};
    std::thread reader{[&] {
      all = b.read(size);
      read = true;
      b.p->wake();
    }};
    CHECK(b.until([&] { return read.load(); }));
    for (auto& t : threads)
      t.join();
    reader.join();
    uint64_t next[3] = {};
    for (size_t at = 0; at < all.size();) {
      auto t = static_cast<uint8_t>(all[at + 4]);
      REQUIRE(t < 3);
      auto wanted = frame_of(t, next[t]++, std::string(100 * (t + 1u), static_cast<char>('a' + t)));
      REQUIRE(all.compare(at, wanted.size(), wanted) == 0);
      at += wanted.size();
    }
  }

  TEST_CASE("nothing is read before the start, and what was sent before it is not lost") {
    bench b{false};
    b.write(frame_of(1, 1, "early"));
    run_idle(*b.p);
    CHECK(b.frames.empty());
    CHECK(b.socket->send(2, 2, "out"));
    REQUIRE(b.socket->start());
    CHECK(b.until([&] { return b.frames.size() == 1; }));
    CHECK(b.read(frame_header_size + 3) == frame_of(2, 2, "out"));
  }

  TEST_CASE("a pause holds frames back, also those that were read already") {
    bench b;
    b.on_frame = [&] { b.socket->pause_reading(); };
    b.write(frame_of(1, 1, "a") + frame_of(1, 2, "b") + frame_of(1, 3, "c"));
    CHECK(b.until([&] { return !b.frames.empty(); }));
    run_idle(*b.p);
    CHECK(b.frames.size() == 1);
    b.write(frame_of(1, 4, "d"));
    for (size_t n = 2; n <= 4; ++n) {
      b.socket->resume_reading();
      CHECK(b.until([&] { return b.frames.size() == n; }));
      run_idle(*b.p);
      CHECK(b.frames.size() == n);
      CHECK(b.frames.back().tag == n);
    }
    // A resume from within the callback: no frame is handed over inside of another.
    b.socket->resume_reading();
    int depth = 0;
    b.on_frame = [&] {
      CHECK(depth++ == 0);
      b.socket->pause_reading();
      b.socket->resume_reading();
      --depth;
    };
    b.write(frame_of(1, 5, "") + frame_of(1, 6, ""));
    CHECK(b.until([&] { return b.frames.size() == 6; }));
  }

  TEST_CASE("who announces much and sends nothing costs nothing") {
    auto resident_bytes = [] {
      size_t pages = 0;
      auto* file = std::fopen("/proc/self/statm", "r");
      REQUIRE(file != nullptr);
      CHECK(std::fscanf(file, "%*u %zu", &pages) == 1);
      std::fclose(file);
      return pages * 4096;
    };
    std::vector<std::unique_ptr<bench>> many;
    for (int i = 0; i < 8; ++i)
      many.push_back(std::make_unique<bench>());
    auto before = resident_bytes();
    std::string some(100'000, 'x');
    for (auto& b : many) {
      b->write(header(frame_payload_size_max, 1, 7) + some);
      run_idle(*b->p);
      CHECK(b->frames.empty());
      CHECK(b->ends.empty());
    }
    CHECK(resident_bytes() - before < 8 * frame_payload_size_max / 16);
  }

  TEST_CASE("large frames and small ones come as they were sent, cut and paused anywhere") {
    bench b;
    std::mt19937 random{7};
    std::string bytes;
    std::vector<got> sent;
    for (uint64_t tag = 1; tag <= 60; ++tag) {
      auto size = random() % 3 == 0 ? 60'000 + random() % 200'000 : random() % 300;
      std::string payload(size, static_cast<char>('a' + tag % 26));
      bytes += frame_of(static_cast<uint8_t>(tag), tag, payload);
      sent.push_back({static_cast<uint8_t>(tag), tag, std::move(payload)});
    }
    b.on_frame = [&] {
      if (random() % 2 == 0)
        b.socket->pause_reading();
    };
    std::thread writer{[&, pieces = std::mt19937{8}]() mutable {
      for (size_t at = 0; at < bytes.size();) {
        auto size = std::min<size_t>(1 + pieces() % 90'000, bytes.size() - at);
        b.write(std::string_view{bytes}.substr(at, size));
        at += size;
      }
    }};
    CHECK(b.until([&] {
      b.socket->resume_reading();
      return b.frames.size() == sent.size();
    }));
    writer.join();
    CHECK(b.frames == sent);
    CHECK(b.ends.empty());
  }

  TEST_CASE("a paused reader holds its peer back") {
    bench b;
    b.socket->pause_reading();
    run_idle(*b.p);
    std::string chunk = frame_of(1, 1, std::string(32 << 10, 'x'));
    size_t taken = 0;
    while (true) {
      auto n = ::send(b.peer, chunk.data(), chunk.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n < 0)
        break;
      taken += static_cast<size_t>(n);
      run_idle(*b.p);
      REQUIRE(taken < (8 << 20)); // the kernel's buffer is the end, not our memory
    }
    CHECK(b.frames.empty());
  }

  TEST_CASE("a peer that is gone is told once, after all that it sent") {
    bench b;
    b.write(frame_of(1, 1, "last words") + header(100, 1, 2) + "half");
    b.hang_up();
    CHECK(b.until([&] { return !b.ends.empty(); }));
    CHECK(b.frames.size() == 1);
    CHECK(code_of(b.ends[0]) == ec::disconnected);
    run_idle(*b.p);
    CHECK(b.ends.size() == 1);
    CHECK_FALSE(b.socket->send(1, 1, "x"));
  }

  TEST_CASE("a peer that leaves during a pause is noticed when reading goes on") {
    bench b;
    b.socket->pause_reading();
    b.write(frame_of(1, 1, "last") + frame_of(1, 2, "words"));
    b.hang_up();
    run_idle(*b.p); // does not spin
    CHECK_FALSE(b.p->poll(0));
    CHECK(b.hung_up == 1);
    CHECK(b.ends.empty());
    b.on_frame = [&] { b.socket->pause_reading(); };
    for (size_t n = 1; n <= 2; ++n) {
      b.socket->resume_reading();
      CHECK(b.until([&] { return b.frames.size() == n; }));
      run_idle(*b.p);
      CHECK(b.ends.empty());
    }
    b.socket->resume_reading();
    CHECK(b.until([&] { return b.ends.size() == 1; }));
    CHECK(code_of(b.ends[0]) == ec::disconnected);
  }

  TEST_CASE("a peer that only sends nothing more is known to have ended during a pause, too") {
    bench b;
    b.socket->pause_reading();
    b.write(frame_of(1, 1, "last"));
    shutdown(b.peer, SHUT_WR); // of TCP that is all that is seen of a peer that has gone
    run_idle(*b.p);
    CHECK_FALSE(b.p->poll(0));
    CHECK(b.hung_up == 1);
    b.socket->resume_reading();
    CHECK(b.until([&] { return b.ends.size() == 1; }));
    CHECK(b.frames.size() == 1);
  }

  TEST_CASE("a peer that leaves a full buffer behind during a pause is read to the end") {
    bench b;
    int size = 4 << 20;
    setsockopt(b.peer, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    b.socket->pause_reading();
    uint64_t sent = 0;
    auto chunk = frame_of(1, 1, std::string(30'000, 'x'));
    for (pollfd can{b.peer, POLLOUT, 0}; ::poll(&can, 1, 0) == 1; ++sent)
      if (::send(b.peer, chunk.data(), chunk.size(), MSG_NOSIGNAL | MSG_DONTWAIT)
          != static_cast<ssize_t>(chunk.size()))
        break;
    CHECK(sent > 2);
    b.hang_up();
    run_idle(*b.p);
    b.socket->resume_reading();
    CHECK(b.until([&] { return b.ends.size() == 1; }));
    CHECK(b.frames.size() == sent);
  }

  TEST_CASE("sending to a peer that has gone hands over what it sent, then its end") {
    bench b;
    b.write(frame_of(1, 1, "last words"));
    b.hang_up();
    CHECK_FALSE(b.socket->send(1, 1, "x"));
    CHECK(b.until([&] { return b.ends.size() == 1; }));
    CHECK(b.frames.size() == 1);
  }

  TEST_CASE("our own close is quiet, drops what is queued, and lets go of the callbacks") {
    auto alive = std::make_shared<int>(1);
    bench b;
    b.on_frame = [alive] {};
    b.socket->send(1, 1, std::string(1 << 20, 'x'));
    b.socket->close();
    b.socket->close();
    CHECK(b.until([&] { return b.socket->is_closed(); }));
    run_idle(*b.p);
    CHECK(b.ends.empty());
    CHECK(b.socket->queued_bytes() == 0);
    CHECK(b.socket.use_count() == 1);
    CHECK(b.read(4 << 20).size() < (1 << 20));
  }

  TEST_CASE("finish sends what is queued, then closes") {
    bench b;
    std::string big(2 << 20, 'x');
    CHECK(b.socket->send(1, 1, big));
    b.socket->finish();
    CHECK_FALSE(b.socket->send(1, 2, "too late"));
    std::string all;
    std::thread reader{[&] { all = b.read(8 << 20); }};
    CHECK(b.until([&] { return b.socket->is_closed(); }));
    reader.join();
    CHECK(all == frame_of(1, 1, big));
    CHECK(b.ends.empty());
    bench nothing_queued;
    nothing_queued.socket->finish();
    CHECK(nothing_queued.until([&] { return nothing_queued.socket->is_closed(); }));
  }

} // TEST_SUITE
