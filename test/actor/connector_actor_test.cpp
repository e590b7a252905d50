// CONNECTOR: what many clients' requests ask of the job manager is asked together, and each of them
// is answered for itself.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <set>

#include <sys/socket.h>
#include <unistd.h>

#include "actors/connector.hpp"
#include "fake_services.hpp"
#include "runtime/poller.hpp"

using namespace hactor;
using namespace hactor::test;

namespace {

constexpr uint32_t owner = 1000;

/// What a job manager is asked. Jobs have ended; some are unknown, some are forgotten meanwhile,
/// and some cannot be read.
struct questions {
  std::vector<follow_request> follows;
  std::vector<list_request> lists;
  std::vector<waited_for> waited;
  std::vector<unfollow> unfollows;
  std::set<uint64_t> unknown, forgotten, damaged, waiting;
  std::vector<job_event> events;   // of each job that is followed, before its end
  std::vector<job_summary> listed; // what a listing that names no jobs finds
};

caf::behavior job_manager(caf::event_based_actor*, std::shared_ptr<questions> q) {
  return {
      [q](const follow_request& r) {
        q->follows.push_back(r);
        follow_reply reply;
        for (auto& job : r.jobs) {
          auto& begin = reply.jobs.emplace_back();
          if (q->unknown.count(job.id.value) != 0) {
            begin.code = static_cast<uint8_t>(ec::unknown_job);
            begin.why = "there is none";
            continue;
          }
          begin.events = q->events;
          if (q->waiting.count(job.id.value) == 0)
            begin.events.push_back(
                {job.id, 1, event_kind::clean, job_state::inactive, 0, 0, 0, {}});
        }
        return reply;
      },
      [q](const list_request& r) {
        q->lists.push_back(r);
        list_reply reply;
        if (r.ids.empty())
          reply.jobs = q->listed;
        for (auto id : r.ids)
          if (q->damaged.count(id.value) != 0) {
            reply.unread.push_back({id, static_cast<uint8_t>(ec::store_corrupt), "its check"});
          } else if (q->forgotten.count(id.value) == 0) {
            auto& s = reply.jobs.emplace_back();
            s.id = id;
            s.state = job_state::inactive;
          }
        return reply;
      },
      [q](const waited_for& w) { q->waited.push_back(w); },
      [q](const unfollow& u) { q->unfollows.push_back(u); },
  };
}

/// Outlives the actors.
struct wire {
  wire() : sockets{std::move(*poller::make())} {
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
  }
  ~wire() { close(ends[0]); }

  std::unique_ptr<poller> sockets;
  int ends[2]; // the client's, the broker's
};

struct bench : wire, actor_fixture {
  bench() {
    connector_setup setup;
    setup.sockets = sockets.get();
    setup.owner = owner;
    setup.lead.job_manager = caf::actor_cast<caf::actor>(spawn(job_manager, asked));
    connector = spawn(connector_service, setup);
    tell(connector, client_opened{1, ends[1], owner, 0});
  }

  /// Comes with all that is sent before the next run().
  void request(uint64_t tag, const std::string& method, json params) {
    caf::anon_send(connector,
                   client_frame{1, static_cast<uint8_t>(client_frame_kind::request), tag,
                                dump({{"method", method}, {"params", std::move(params)}})});
  }
  void wait_for(uint64_t id) { request(id, "job.wait", {{"id", to_string(job_id{id})}}); }

  /// A frame by the socket, as far as it is read.
  bool write(client_frame_kind kind, uint64_t tag, const std::string& payload) {
    std::string bytes(frame_header_size, '\0');
    auto size = static_cast<uint32_t>(payload.size());
    memcpy(bytes.data(), &size, sizeof size);
    bytes[4] = static_cast<char>(kind);
    memcpy(bytes.data() + 5, &tag, sizeof tag);
    bytes += payload;
    auto n = send(ends[0], bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    turn();
    return n == static_cast<ssize_t>(bytes.size());
  }
  void turn() {
    do
      run();
    while (sockets->run_posted() || sockets->poll(0));
    run();
  }

  /// Attaches to a job that waits, and sends so much input that it is read from no more.
  void attach_and_stop() {
    asked->waiting = {5};
    request(1, "job.attach", {{"id", to_string(job_id{5})}});
    turn();
    std::string input(4 + (64 << 10), 'i');
    for (int i = 0; i < 66; ++i)
      REQUIRE(write(client_frame_kind::input, 1, input));
    write(client_frame_kind::request, 2, R"({"method":"job.list-attrs"})");
    CHECK(frames().empty());
  }

  /// What the client has got, by tag: the reply, or the code of the error.
  std::map<uint64_t, std::string> answers() {
    std::string bytes(1 << 20, '\0');
    auto n = recv(ends[0], bytes.data(), bytes.size(), MSG_DONTWAIT);
    bytes.resize(static_cast<size_t>(std::max<ssize_t>(n, 0)));
    std::map<uint64_t, std::string> all;
    for (std::string_view rest = bytes; rest.size() >= frame_header_size;) {
      uint32_t size = 0;
      uint64_t tag = 0;
      memcpy(&size, rest.data(), sizeof size);
      memcpy(&tag, rest.data() + 5, sizeof tag);
      auto kind = static_cast<client_frame_kind>(rest[4]);
      auto content = parse_json(rest.substr(frame_header_size, size));
      REQUIRE(content);
      all[tag] = kind == client_frame_kind::error ? content->at("code").get<std::string>()
                                                  : content->at("id").get<std::string>();
      rest.remove_prefix(frame_header_size + size);
    }
    return all;
  }

  struct frame {
    client_frame_kind kind;
    std::string payload;
  };

  /// What the client has got, all of it.
  std::vector<frame> frames() {
    std::string bytes;
    std::string part(1 << 20, '\0');
    for (auto idle = 0; idle < 2;) {
      auto n = recv(ends[0], part.data(), part.size(), MSG_DONTWAIT);
      if (n > 0) {
        bytes.append(part, 0, static_cast<size_t>(n));
        idle = 0;
      } else if (!sockets->poll(0)) {
        ++idle;
      }
    }
    std::vector<frame> all;
    for (std::string_view rest = bytes; rest.size() >= frame_header_size;) {
      uint32_t size = 0;
      memcpy(&size, rest.data(), sizeof size);
      all.push_back({static_cast<client_frame_kind>(rest[4]),
                     std::string{rest.substr(frame_header_size, size)}});
      rest.remove_prefix(frame_header_size + size);
    }
    return all;
  }

  std::shared_ptr<questions> asked = std::make_shared<questions>();
  connector_actor connector;
};

} // namespace

TEST_SUITE("actor") {

  TEST_CASE("waits that come in one turn are one question, and each has its own answer") {
    bench b;
    b.asked->unknown = {7};
    b.asked->forgotten = {8};
    b.asked->damaged = {9};
    constexpr uint64_t jobs = 200;
    for (uint64_t id = 1; id <= jobs; ++id)
      b.wait_for(id);
    b.run();
    REQUIRE(b.asked->follows.size() == 1);
    CHECK(b.asked->follows[0].jobs.size() == jobs);
    REQUIRE(b.asked->lists.size() == 1);
    CHECK(b.asked->lists[0].ids.size() == jobs - 1);
    CHECK(b.asked->lists[0].skip_unknown);
    REQUIRE(b.asked->waited.size() == 1);
    CHECK(b.asked->waited[0].ids.size() == jobs - 3);
    auto answers = b.answers();
    REQUIRE(answers.size() == jobs);
    CHECK(std::exchange(answers[9], to_string(job_id{9})) == "store_corrupt");
    for (auto& [tag, answer] : answers)
      CHECK(answer == (tag == 7 || tag == 8 ? "unknown_job" : to_string(job_id{tag})));
  }

  TEST_CASE("very many are asked for in parts") {
    bench b;
    for (uint64_t id = 1; id <= 2'500; ++id)
      b.wait_for(id);
    b.run();
    REQUIRE(b.asked->follows.size() == 3);
    CHECK(b.asked->follows[2].jobs.size() == 500);
    CHECK(b.asked->follows[2].jobs.back().id == job_id{2'500});
    CHECK(b.asked->waited.size() == 3);
  }

  TEST_CASE("all that follows jobs is asked together; only who attaches wants the jobspec") {
    bench b;
    auto id = to_string(job_id{5});
    b.request(1, "job.attach", {{"id", id}});
    b.request(2, "job.attach", {{"id", id}, {"own", true}});
    b.request(3, "job.eventlog", {{"id", id}});
    b.request(4, "job.wait-event", {{"id", id}, {"name", "clean"}});
    b.wait_for(5);
    b.run();
    REQUIRE(b.asked->follows.size() == 1);
    auto& jobs = b.asked->follows[0].jobs;
    REQUIRE(jobs.size() == 5);
    for (size_t i = 0; i < jobs.size(); ++i)
      CHECK(jobs[i].spec == (i == 0));
    CHECK(b.asked->lists.size() == 1);
  }

  TEST_CASE("a listing of any size comes in frames of a size") {
    bench b;
    constexpr size_t jobs = 9'000;
    for (size_t i = 1; i <= jobs; ++i) {
      auto& s = b.asked->listed.emplace_back();
      s.id = job_id{i};
      s.state = job_state::inactive;
      s.name = std::string(8'000, 'n');
    }
    b.asked->listed[17].name = std::string(2 << 20, 'n');
    b.asked->listed[18].name = std::string(40 << 20, 'n'); // which is not told
    b.request(1, "job.list", json::object());
    b.run();
    auto frames = b.frames();
    REQUIRE(frames.size() > 1);
    std::vector<std::string> ids;
    for (auto& f : frames) {
      CHECK(f.kind == (&f == &frames.back() ? client_frame_kind::reply : client_frame_kind::item));
      auto content = parse_json(f.payload);
      REQUIRE(content);
      auto& part = content->at("jobs");
      CHECK((f.payload.size() <= (1 << 20) + 10 || part.size() == 1));
      for (auto& job : part) {
        ids.push_back(job.at("id"));
        CHECK(job.contains("name") == (ids.size() != 19));
      }
    }
    REQUIRE(ids.size() == jobs);
    for (size_t i = 0; i < jobs; ++i)
      CHECK(ids[i] == to_string(job_id{i + 1}));
  }

  TEST_CASE("an eventlog of any size comes in frames of whole lines") {
    bench b;
    constexpr size_t notes = 1'100;
    for (size_t i = 0; i < notes; ++i)
      b.asked->events.push_back({job_id{5}, static_cast<int64_t>(i), event_kind::memo,
                                 job_state::sched, 0, 0, 0,
                                 R"({"x":")" + std::string(63 << 10, 'm') + "\"}"});
    b.request(1, "job.eventlog", {{"id", to_string(job_id{5})}, {"follow", true}});
    b.run();
    auto frames = b.frames();
    REQUIRE(frames.size() > notes / 17);
    size_t lines = 0;
    for (auto& f : frames) {
      if (&f == &frames.back())
        break;
      CHECK(f.kind == client_frame_kind::lines);
      CHECK(f.payload.size() <= 1 << 20);
      CHECK(f.payload.back() == '\n');
      lines += static_cast<size_t>(std::count(f.payload.begin(), f.payload.end(), '\n'));
    }
    CHECK(lines == notes + 1);
    CHECK(frames.back().kind == client_frame_kind::reply);
  }

  TEST_CASE("what no frame holds is an error in its place") {
    bench b;
    b.asked->events.push_back({job_id{5}, 1, event_kind::memo, job_state::sched, 0, 0, 0,
                               R"({"x":")" + std::string(65 << 20, 'm') + "\"}"});
    b.request(1, "job.wait-event", {{"id", to_string(job_id{5})}, {"name", "memo"}});
    b.run();
    auto frames = b.frames();
    REQUIRE(frames.size() == 1);
    CHECK(frames[0].kind == client_frame_kind::error);
    CHECK(parse_json(frames[0].payload)->at("code") == "too_big");
    b.wait_for(6); // and the connection goes on
    b.run();
    CHECK(b.frames().size() == 1);
  }

  TEST_CASE("notes have a bound; an error that quotes what was sent has one, too") {
    bench b;
    auto much = std::string((64 << 10) + 1, 'n');
    auto ids = json::array({to_string(job_id{5})});
    uint64_t tag = 0;
    b.request(++tag, "job.memo", {{"ids", ids}, {"memo", {{"x", much}}}});
    b.request(++tag, "job.raise", {{"ids", ids}, {"type", "own"}, {"note", much}});
    b.request(++tag, "job.cancel", {{"ids", ids}, {"message", much}});
    b.request(++tag, "resource.drain", {{"ranks", "0"}, {"reason", much}});
    b.request(++tag, "queue", {{"verb", "stop"}, {"reason", much}});
    b.run();
    auto frames = b.frames();
    REQUIRE(frames.size() == tag);
    for (auto& f : frames) {
      CHECK(f.kind == client_frame_kind::error);
      CHECK(parse_json(f.payload)->at("code") == "too_big");
      CHECK(f.payload.find("65536") != f.payload.npos);
    }
    b.request(++tag, "job.wait-event", {{"id", ids[0]}, {"name", std::string(1 << 20, 'm')}});
    b.run();
    frames = b.frames();
    REQUIRE(frames.size() == 1);
    CHECK(frames[0].kind == client_frame_kind::error);
    CHECK(frames[0].payload.size() < 100 << 10);
  }

  TEST_CASE("who sent too much input is read from again when the attachment has ended") {
    bench b;
    b.attach_and_stop();
    caf::anon_send(b.connector,
                   job_events{1,
                              {{job_id{5}, 1, event_kind::clean, job_state::inactive, 0, 0, 0, {}}},
                              {}});
    b.turn();
    auto frames = b.frames();
    REQUIRE(frames.size() == 2);
    CHECK(frames[0].payload.find(to_string(job_id{5})) != std::string::npos);
    CHECK(frames[1].payload.find("attrs") != std::string::npos);
  }

  TEST_CASE("who sent too much input and leaves is gone at once") {
    bench b;
    b.attach_and_stop();
    shutdown(b.ends[0], SHUT_RDWR);
    b.turn();
    CHECK(b.asked->unfollows.size() == 1);
  }

  TEST_CASE("a tag that a stream has is not given to another") {
    bench b;
    b.asked->waiting = {5, 6};
    b.request(1, "job.wait", {{"id", to_string(job_id{5})}});
    b.request(1, "job.wait", {{"id", to_string(job_id{6})}});
    b.run();
    auto frames = b.frames();
    REQUIRE(frames.size() == 1);
    CHECK(frames[0].kind == client_frame_kind::error);
    CHECK(parse_json(frames[0].payload)->at("code") == "bad_argument");
    caf::anon_send(b.connector,
                   client_frame{1, static_cast<uint8_t>(client_frame_kind::cancel), 1, {}});
    b.run();
    REQUIRE(b.asked->unfollows.size() == 1);
    CHECK(b.asked->unfollows[0].id == job_id{5});
  }

  TEST_CASE("a wait that is withdrawn at once is never begun") {
    bench b;
    b.wait_for(1);
    b.wait_for(2);
    caf::anon_send(b.connector,
                   client_frame{1, static_cast<uint8_t>(client_frame_kind::cancel), 1, {}});
    b.run();
    REQUIRE(b.asked->follows.size() == 1);
    REQUIRE(b.asked->follows[0].jobs.size() == 1);
    CHECK(b.asked->follows[0].jobs[0].id == job_id{2});
    CHECK(b.answers().size() == 1);
  }
}
