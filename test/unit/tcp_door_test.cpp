// runtime/client_greeting and runtime/tcp_door: who is let in over TCP, and who cannot hold what.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/tcp_door.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <vector>

#include "runtime/tcp_address.hpp"
#include "transport_thread.hpp"

#include <doctest/doctest.h>

using namespace hactor;
using namespace hactor::test;

namespace {

using step = greeting_acceptor::step;

tcp_key key_of(uint8_t byte) {
  tcp_key key;
  key.fill(byte);
  return key;
}

/// What the acceptor says at last to bytes that come in pieces of that size.
step feed_all(greeting_acceptor& a, std::string_view bytes, size_t piece) {
  auto last = step::more;
  while (!bytes.empty() && a.missing() > 0 && last != step::refused) {
    auto some = bytes.substr(0, std::min(piece, a.missing()));
    last = a.feed(some);
    bytes.remove_prefix(some.size());
  }
  return last;
}

/// A door at a port of the loopback, and what came through it.
struct house {
  house() {
    tcp_endpoint here{"127.0.0.1", 0};
    auto all = resolve(here);
    REQUIRE(all);
    auto fd = bind_tcp(&all->front(), 0);
    REQUIRE(fd);
    here.port = port_of(*fd);
    where = resolve(here)->front();
    auto made = tcp_door::make(*sockets, *fd, key_of(7), 77, [this](int x) { in.push_back(x); });
    REQUIRE(made);
    door = *made;
  }
  ~house() {
    door->close();
    for (int fd : in)
      ::close(fd);
    for (int fd : outside)
      ::close(fd);
  }

  /// Connects and sends the bytes; the result is ours.
  int knock(std::string_view bytes) {
    auto fd = begin_connect(where);
    REQUIRE(fd);
    outside.push_back(*fd);
    run_until(*sockets, [&] {
      return ::send(*fd, bytes.data(), bytes.size(), MSG_NOSIGNAL)
             == static_cast<ssize_t>(bytes.size());
    });
    return *fd;
  }

  /// What the other end has said by now; nothing when it has hung up.
  std::optional<std::string> heard(int fd, size_t size) {
    std::string got;
    char bytes[256];
    bool over = false;
    run_until(*sockets, [&] {
      auto n = ::recv(fd, bytes, sizeof bytes, 0);
      over = n == 0 || (n < 0 && errno != EAGAIN);
      if (n > 0)
        got.append(bytes, static_cast<size_t>(n));
      return over || got.size() >= size;
    });
    return over ? std::nullopt : std::optional{got};
  }

  std::unique_ptr<poller> sockets = make_poller();
  std::shared_ptr<tcp_door> door;
  tcp_address where;
  std::vector<int> in;
  std::vector<int> outside;
};

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("both ends prove that they have the token, however the bytes come") {
    for (size_t piece : {1, 3, 40, 100}) {
      greeting_acceptor broker{key_of(1), make_nonce(), 5'000'000'000};
      greeting_caller client{key_of(1), make_nonce()};
      REQUIRE(feed_all(broker, client.hello(), piece) == step::answer);
      CHECK(broker.answer().size() == greeting_answer_size);
      auto proof = client.proof_for(broker.answer());
      REQUIRE(proof);
      CHECK(client.identity() == 5'000'000'000);
      CHECK(feed_all(broker, *proof, piece) == step::accepted);
      CHECK(broker.missing() == 0);
    }
  }

  TEST_CASE("another token is noticed by either end") {
    greeting_acceptor broker{key_of(1), make_nonce(), 5};
    greeting_caller client{key_of(2), make_nonce()};
    REQUIRE(feed_all(broker, client.hello(), 40) == step::answer);
    auto proof = client.proof_for(broker.answer());
    REQUIRE_FALSE(proof);
    CHECK(code_of(proof.error()) == ec::not_permitted);
    CHECK(feed_all(broker, std::string(sizeof(tcp_proof), 'x'), 40) == step::refused);
  }

  TEST_CASE("what was said once, or by the other side, is worth nothing") {
    tcp_nonce same;
    same.fill(9);
    greeting_caller client{key_of(1), same};
    greeting_acceptor first{key_of(1), make_nonce(), 5};
    REQUIRE(feed_all(first, client.hello(), 40) == step::answer);
    auto proof = client.proof_for(first.answer());
    REQUIRE(proof);
    greeting_acceptor second{key_of(1), make_nonce(), 5};
    REQUIRE(feed_all(second, client.hello(), 40) == step::answer);
    CHECK(feed_all(second, *proof, 40) == step::refused);
    greeting_acceptor mirror{key_of(1), same, 5}; // the broker's own proof, sent back
    REQUIRE(feed_all(mirror, client.hello(), 40) == step::answer);
    CHECK(feed_all(mirror, mirror.answer().substr(greeting_answer_size - 32), 40) == step::refused);
  }

  TEST_CASE("an answer that was changed on its way is not believed") {
    greeting_acceptor broker{key_of(1), make_nonce(), 5};
    greeting_caller client{key_of(1), make_nonce()};
    REQUIRE(feed_all(broker, client.hello(), 40) == step::answer);
    for (size_t at : {8, 39, 40, 47, 48, 79}) {
      auto answer = broker.answer();
      answer[at] = static_cast<char>(answer[at] ^ 1);
      CHECK(code_of(client.proof_for(answer).error()) == ec::not_permitted);
    }
    CHECK(code_of(client.proof_for("SSH-2.0-OpenSSH").error()) == ec::network_failed);
    CHECK(code_of(client.proof_for(std::string(greeting_answer_size, 'H')).error())
          == ec::network_failed);
  }

  TEST_CASE("who speaks something else is refused by the first byte that differs") {
    for (auto* text : {"GET / HTTP/1.1\r\n", "HACTORb1", "HACTOR ", "\0"}) {
      greeting_acceptor broker{key_of(1), make_nonce(), 5};
      std::string_view bytes{text, std::max<size_t>(1, std::strlen(text))};
      CHECK(feed_all(broker, bytes, 1) == step::refused);
    }
  }

  TEST_CASE("who has the token is let in, and what it sends right behind is not lost") {
    house h;
    greeting_caller client{key_of(7), make_nonce()};
    auto fd = h.knock(client.hello());
    auto answer = h.heard(fd, greeting_answer_size);
    REQUIRE(answer);
    auto proof = client.proof_for(*answer);
    REQUIRE(proof);
    CHECK(client.identity() == 77);
    auto rest = *proof + "frames";
    REQUIRE(::send(fd, rest.data(), rest.size(), MSG_NOSIGNAL) == 38);
    REQUIRE(run_until(*h.sockets, [&] { return !h.in.empty(); }));
    char bytes[16];
    CHECK(::recv(h.in[0], bytes, sizeof bytes, 0) == 6);
    CHECK((::fcntl(h.in[0], F_GETFL) & O_NONBLOCK) != 0);
  }

  TEST_CASE("who has not is hung up on, and others are served meanwhile") {
    house h;
    auto silent = h.knock("HACT");
    CHECK_FALSE(h.heard(h.knock("GET / HTTP/1.1\r\n\r\n"), 1));
    greeting_caller other{key_of(8), make_nonce()};
    auto fd = h.knock(other.hello());
    REQUIRE(h.heard(fd, greeting_answer_size));
    std::string wrong(1 << 16, 'x'); // more than a proof has: nobody reads the rest
    (void)!::send(fd, wrong.data(), wrong.size(), MSG_NOSIGNAL);
    CHECK_FALSE(h.heard(fd, 1));
    CHECK(h.in.empty());
    char byte;
    CHECK(::recv(silent, &byte, 1, 0) < 0); // it has its time
    CHECK(errno == EAGAIN);
  }

  TEST_CASE("of strangers that wait, those that have waited longest make room") {
    house h;
    std::vector<int> waiting;
    for (int i = 0; i < 80; ++i)
      waiting.push_back(h.knock("H"));
    CHECK_FALSE(h.heard(waiting.front(), 1));
    greeting_caller client{key_of(7), make_nonce()};
    CHECK(h.heard(h.knock(client.hello()), greeting_answer_size));
    char byte;
    CHECK(::recv(waiting.back(), &byte, 1, 0) < 0);
    CHECK(errno == EAGAIN);
  }

  TEST_CASE("a stranger that says nothing is let go when its time is over") {
    house h;
    auto fd = h.knock("HACTORc1");
    CHECK_FALSE(h.heard(fd, 1)); // run_until gives it 20 s, the door 10
  }

  TEST_CASE("nobody is let in any more once the door is closed") {
    house h;
    auto fd = h.knock("HACTORc1");
    run_until(*h.sockets, [&, n = 0]() mutable { return ++n > 1; });
    h.door->close();
    h.door->close(); // harmless
    CHECK_FALSE(h.heard(fd, 1));
  }
}
