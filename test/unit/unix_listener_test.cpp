// runtime/unix_listener: who connects, and what lies at the path.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/unix_listener.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <vector>

#include "temp_dir.hpp"
#include "transport_thread.hpp"

#include <doctest/doctest.h>

using namespace hactor;
using namespace hactor::test;

namespace {

struct guests {
  ~guests() {
    for (int fd : fds)
      close(fd);
  }
  unix_listener::accepted taker() {
    return [this](int fd, peer_credentials who) {
      fds.push_back(fd);
      last = who;
    };
  }
  std::vector<int> fds;
  peer_credentials last;
};

bool exists(const std::string& path) {
  struct stat found {};
  return lstat(path.c_str(), &found) == 0;
}

/// What a killed broker leaves behind: a bound socket that nobody listens on.
void leave_stale(const std::string& path) {
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  REQUIRE(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  close(fd);
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("who connects is handed over with the kernel's word on who it is") {
    temp_dir dir;
    auto p = make_poller();
    guests g;
    auto l = unix_listener::make(*p, dir / "s", g.taker());
    REQUIRE(l);
    CHECK((*l)->path() == dir / "s");
    struct stat found {};
    REQUIRE(stat((dir / "s").c_str(), &found) == 0);
    CHECK((found.st_mode & 0777) == 0600);
    std::vector<int> mine;
    for (int i = 0; i < 70; ++i) { // more than one turn accepts
      auto fd = connect_unix(dir / "s");
      REQUIRE(fd);
      mine.push_back(*fd);
    }
    CHECK(run_until(*p, [&] { return g.fds.size() == mine.size(); }));
    CHECK(g.last.pid == getpid());
    CHECK(g.last.uid == getuid());
    CHECK(g.last.gid == getgid());
    CHECK((fcntl(g.fds[0], F_GETFL) & O_NONBLOCK) != 0);
    CHECK((fcntl(g.fds[0], F_GETFD) & FD_CLOEXEC) != 0);
    CHECK((fcntl(mine[0], F_GETFD) & FD_CLOEXEC) != 0);
    for (int fd : mine)
      close(fd);
    (*l)->close();
    CHECK_FALSE(exists(dir / "s"));
    (*l)->close(); // harmless
    CHECK(code_of(connect_unix(dir / "s").error()) == ec::disconnected);
  }

  TEST_CASE("a listener that dies removes its path") {
    temp_dir dir;
    auto p = make_poller();
    {
      auto l = unix_listener::make(*p, dir / "s", {});
      REQUIRE(l);
    }
    // The poller still shares it: it listens until it is closed or the poller ends.
    CHECK(exists(dir / "s"));
    p.reset();
    CHECK_FALSE(exists(dir / "s"));
  }

  TEST_CASE("the socket of a killed process is replaced") {
    temp_dir dir;
    leave_stale(dir / "s");
    CHECK(code_of(connect_unix(dir / "s").error()) == ec::disconnected);
    auto p = make_poller();
    guests g;
    auto l = unix_listener::make(*p, dir / "s", g.taker());
    REQUIRE(l);
    auto fd = connect_unix(dir / "s");
    REQUIRE(fd);
    CHECK(run_until(*p, [&] { return g.fds.size() == 1; }));
    close(*fd);
    (*l)->close();
  }

  TEST_CASE("a path that somebody listens at, or that is no socket, is busy") {
    temp_dir dir;
    auto p = make_poller();
    auto first = unix_listener::make(*p, dir / "s", {});
    REQUIRE(first);
    auto second = unix_listener::make(*p, dir / "s", {});
    REQUIRE_FALSE(second);
    CHECK(code_of(second.error()) == ec::busy);
    CHECK(render(second.error()).starts_with(dir / "s"));
    CHECK(exists(dir / "s"));
    (*first)->close();
    std::ofstream{dir / "file"} << "text";
    auto file = unix_listener::make(*p, dir / "file", {});
    REQUIRE_FALSE(file);
    CHECK(code_of(file.error()) == ec::busy);
    CHECK(exists(dir / "file"));
  }

  TEST_CASE("a path that is too long or lies nowhere is refused") {
    temp_dir dir;
    auto p = make_poller();
    for (const auto& path : {std::string{}, std::string(108, 'x'), std::string(5'000, 'x')}) {
      auto l = unix_listener::make(*p, path, {});
      REQUIRE_FALSE(l);
      CHECK(code_of(l.error()) == ec::bad_argument);
      auto fd = connect_unix(path);
      REQUIRE_FALSE(fd);
      CHECK(code_of(fd.error()) == ec::bad_argument);
    }
    auto nowhere = unix_listener::make(*p, dir / "no/such", {});
    REQUIRE_FALSE(nowhere);
    CHECK(code_of(nowhere.error()) == ec::system_failed);
    CHECK_FALSE(credentials_of(-1));
  }

  TEST_CASE("a client for whom no descriptor is left is turned away, and the listener goes on") {
    temp_dir dir;
    auto p = make_poller();
    guests g;
    auto l = unix_listener::make(*p, dir / "s", g.taker());
    REQUIRE(l);
    auto fd = connect_unix(dir / "s");
    REQUIRE(fd);
    rlimit old{};
    getrlimit(RLIMIT_NOFILE, &old);
    // The lowest number that is free is the limit: nothing can be opened.
    int lowest = dup(0);
    close(lowest);
    rlimit none{static_cast<rlim_t>(lowest), old.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
    p->poll(0);
    bool spins = p->poll(0);
    setrlimit(RLIMIT_NOFILE, &old);
    CHECK_FALSE(spins);
    CHECK(g.fds.empty());
    char c = 0;
    CHECK(read(*fd, &c, 1) == 0); // turned away
    close(*fd);
    auto again = connect_unix(dir / "s");
    REQUIRE(again);
    CHECK(run_until(*p, [&] { return g.fds.size() == 1; }));
    close(*again);
    (*l)->close();
  }

} // TEST_SUITE
