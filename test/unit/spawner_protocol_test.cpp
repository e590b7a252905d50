// The spawner's frames, without processes.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <cstring>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "actors/spawner_protocol.hpp"

using namespace hactor;

namespace {

spawn_request valid_request() {
  spawn_request r;
  r.token = 7;
  r.argv = {"prog", "", "two words"};
  r.environment.assign("A=1\0B=two\0", 10);
  r.cwd = "/tmp";
  r.cpus = {0, 3, 900};
  r.limits = {{7, 100, 200}};
  r.inherit(2, 2);
  r.fd_map.push_back({5, fd_source::null, 0});
  return r;
}

struct socket_pair {
  socket_pair() {
    int ends[2] = {-1, -1};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    a.reset(ends[0]);
    b.reset(ends[1]);
  }
  owned_fd a;
  owned_fd b;
};

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("a spawn request survives its frame") {
    auto r = valid_request();
    auto bytes = encode_spawn(r);
    REQUIRE(bytes);
    CHECK(bytes->size() % 8 == 0);
    spawn_view v;
    REQUIRE(!decode_spawn(bytes->data(), bytes->size(), v));
    REQUIRE(v.argv.size() == 4);
    CHECK(std::string{v.argv[0]} == "prog");
    CHECK(std::string{v.argv[1]}.empty());
    CHECK(std::string{v.argv[2]} == "two words");
    CHECK(v.argv[3] == nullptr);
    REQUIRE(v.envp.size() == 3);
    CHECK(std::string{v.envp[0]} == "A=1");
    CHECK(std::string{v.envp[1]} == "B=two");
    CHECK(std::string{v.cwd} == "/tmp");
    CHECK(v.cpus == r.cpus);
    REQUIRE(v.limits.size() == 1);
    CHECK(v.limits[0].hard == 200);
    REQUIRE(v.fd_map.size() == 2);
    CHECK(v.fd_map[0].source == fd_source::inherited);
    CHECK(v.fd_map[1].child_fd == 5);
    CHECK(v.head.group == spawn_group::session);
    CHECK(v.head.kill_group == 1);
  }

  TEST_CASE("an environment is built name by name") {
    spawn_request r;
    r.set_env("A", "1");
    r.set_env("B", "");
    CHECK(r.environment == std::string("A=1\0B=\0", 7));
  }

  TEST_CASE("a spawn frame that is cut short anywhere is refused or reads as less, never beyond") {
    auto bytes = encode_spawn(valid_request());
    REQUIRE(bytes);
    for (size_t size = 0; size < bytes->size(); ++size) {
      std::vector<char> part(bytes->begin(), bytes->begin() + static_cast<long>(size));
      spawn_view v;
      auto problem = decode_spawn(part.data(), size, v);
      if (problem)
        CHECK(code_of(problem) == ec::bad_argument);
      else
        CHECK(v.argv.size() == 4);
    }
  }

  TEST_CASE("a request that cannot be is refused with a reason") {
    struct row {
      const char* what;
      ec code;
      void (*spoil)(spawn_request&);
    };
    const row rows[] = {
        {"no argv", ec::bad_argument, [](spawn_request& r) { r.argv.clear(); }},
        {"empty command", ec::bad_argument, [](spawn_request& r) { r.argv[0].clear(); }},
        {"NUL in argument", ec::bad_argument,
         [](spawn_request& r) { r.argv[1] = std::string("a\0b", 3); }},
        {"NUL in directory", ec::bad_argument,
         [](spawn_request& r) { r.cwd = std::string("a\0b", 3); }},
        {"open environment", ec::bad_argument, [](spawn_request& r) { r.environment = "A=1"; }},
        {"no such passed fd", ec::bad_argument,
         [](spawn_request& r) {
           r.fd_map.push_back({1, fd_source::passed, 0});
         }},
        {"closed fd", ec::bad_argument, [](spawn_request& r) { r.pass(1, owned_fd{}); }},
        {"mapped twice", ec::bad_argument, [](spawn_request& r) { r.inherit(5, 1); }},
        {"negative fd", ec::bad_argument, [](spawn_request& r) { r.inherit(-1, 1); }},
        {"too many fds", ec::too_big,
         [](spawn_request& r) {
           for (size_t i = 0; i <= spawn_fds_max; ++i)
             r.fds.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
         }},
        {"too big", ec::too_big,
         [](spawn_request& r) { r.argv[1].assign(spawn_frame_size_max, 'x'); }},
    };
    for (const auto& row : rows) {
      CAPTURE(row.what);
      auto r = valid_request();
      row.spoil(r);
      auto bytes = encode_spawn(r);
      REQUIRE(!bytes);
      CHECK(code_of(bytes.error()) == row.code);
      CHECK(!context_of(bytes.error()).empty());
    }
  }

  TEST_CASE("frames and descriptors arrive in order, however the stream is cut") {
    socket_pair s;
    std::string out;
    append_frame(out, spawner_op::started, 1, started_body{11});
    append_frame(out, spawner_op::failed, 2, failed_body{2, spawn_step::cwd});
    frame_header with_fd{16, spawner_op::swept, 1, 3};
    out.append(reinterpret_cast<const char*>(&with_fd), sizeof with_fd);
    int pipe_ends[2];
    REQUIRE(::pipe2(pipe_ends, O_CLOEXEC) == 0);
    owned_fd read_end{pipe_ends[0]}, write_end{pipe_ends[1]};
    frame_reader reader;
    frame_header header;
    std::vector<owned_fd> fds, passed;
    std::vector<uint64_t> tokens;
    CHECK(reader.receive(s.b.get()) == transfer::blocked);
    for (size_t i = 0; i < out.size(); ++i) { // byte by byte; the descriptor goes with the first
      size_t sent = 0;
      std::vector<int> pass;
      if (i == 0)
        pass.push_back(write_end.get());
      REQUIRE(send_frames(s.a.get(), {{out.data() + i, 1}}, pass, sent) == transfer::done);
      REQUIRE(reader.receive(s.b.get()) == transfer::done);
      while (reader.next(header, fds) != nullptr) {
        tokens.push_back(header.token);
        for (auto& fd : fds)
          passed.push_back(std::move(fd));
      }
    }
    CHECK(tokens == std::vector<uint64_t>{1, 2, 3});
    REQUIRE(passed.size() == 1);
    CHECK(::write(passed[0].get(), "x", 1) == 1);
    char c = 0;
    CHECK(::read(read_end.get(), &c, 1) == 1);
    s.a.reset();
    CHECK(reader.receive(s.b.get()) == transfer::closed);
    CHECK(!reader.broken());
  }

  TEST_CASE("a stream without sense is broken, not read on") {
    for (auto header : {frame_header{8, spawner_op::spawn, 0, 0},  // smaller than a header
                        frame_header{17, spawner_op::spawn, 0, 0}, // not padded
                        frame_header{0xFFFFFFF8u, spawner_op::spawn, 0, 0},
                        frame_header{16, spawner_op::spawn, 1, 0}}) { // its descriptor never came
      socket_pair s;
      size_t sent = 0;
      REQUIRE(send_frames(s.a.get(), {{&header, sizeof header}}, {}, sent) == transfer::done);
      frame_reader reader;
      CHECK(reader.receive(s.b.get()) == transfer::done);
      std::vector<owned_fd> fds;
      CHECK(reader.next(header, fds) == nullptr);
      CHECK(reader.broken());
      CHECK(reader.receive(s.b.get()) == transfer::closed);
    }
  }

  TEST_CASE("a full socket blocks, a closed one closes, and neither waits") {
    socket_pair s;
    std::string block(1u << 20, 'x');
    size_t sent = 0;
    auto result = transfer::done;
    for (int i = 0; i < 100 && result == transfer::done; ++i)
      result = send_frames(s.a.get(), {{block.data(), block.size()}}, {}, sent);
    CHECK(result == transfer::blocked);
    s.b.reset();
    CHECK(send_frames(s.a.get(), {{block.data(), block.size()}}, {}, sent) == transfer::closed);
  }

  TEST_CASE("steps of a spawn have names") {
    CHECK(to_string(spawn_step::fork) == "fork");
    CHECK(to_string(spawn_step::command) == "command");
    CHECK(to_string(spawn_step::request) == "request");
    CHECK(to_string(static_cast<spawn_step>(99)) == "unknown");
  }

  TEST_CASE("a body that is not there is not read") {
    std::string out;
    append_frame(out, spawner_op::started, 1, started_body{11});
    started_body body;
    CHECK(read_body(out.data(), out.size(), body));
    CHECK(body.pid == 11);
    CHECK(!read_body(out.data(), sizeof(frame_header), body));
  }

  TEST_CASE("an owned descriptor moves, releases and closes") {
    owned_fd a{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    REQUIRE(a);
    int number = a.get();
    owned_fd b{std::move(a)};
    CHECK(!a);
    CHECK(b.get() == number);
    owned_fd c;
    c = std::move(b);
    CHECK(c.release() == number);
    CHECK(!c);
    c.reset(number);
    c.reset();
    CHECK(::fcntl(number, F_GETFD) == -1);
  }

} // TEST_SUITE
