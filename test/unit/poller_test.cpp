// runtime/poller and runtime/bell: nothing is lost, nothing is called after unwatch.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/poller.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

#include "transport_thread.hpp"

#include <doctest/doctest.h>

using namespace hactor;
using namespace hactor::test;

namespace {

struct counting : poller::handler {
  explicit counting(std::function<void(uint32_t)> what = {}) : act(std::move(what)) {}
  void on_ready(uint32_t events) override {
    ++calls;
    last = events;
    if (act)
      act(events);
  }
  std::function<void(uint32_t)> act;
  int calls = 0;
  uint32_t last = 0;
};

struct pipe_pair {
  pipe_pair() { HACTOR_CHECK(pipe2(fd, O_CLOEXEC | O_NONBLOCK) == 0); }
  ~pipe_pair() {
    close_one(0);
    close_one(1);
  }
  void fill() { HACTOR_CHECK(write(fd[1], "x", 1) == 1); }
  void close_one(int i) {
    if (fd[i] >= 0)
      close(fd[i]);
    fd[i] = -1;
  }
  int fd[2];
};

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("posted functions run in order, those that they post in the next round") {
    auto p = make_poller();
    std::string order;
    p->post([&] {
      order += "a";
      p->post([&] { order += "c"; });
    });
    p->post([&] { order += "b"; });
    CHECK(p->has_posted());
    CHECK(p->run_posted());
    CHECK(order == "ab");
    CHECK(p->has_posted());
    CHECK(p->run_posted());
    CHECK(order == "abc");
    CHECK_FALSE(p->run_posted());
    CHECK_FALSE(p->has_posted());
    CHECK(p->is_own_thread());
    std::thread{[&] { CHECK_FALSE(p->is_own_thread()); }}.join();
  }

  TEST_CASE("a handler is called as long as its descriptor is ready") {
    auto p = make_poller();
    pipe_pair pipe;
    auto h = std::make_shared<counting>();
    REQUIRE(p->watch(pipe.fd[0], EPOLLIN, h));
    CHECK_FALSE(p->poll(0));
    pipe.fill();
    CHECK(p->poll(-1));
    CHECK(p->poll(1'000'000));
    CHECK(h->calls == 2);
    CHECK(h->last == EPOLLIN);
    char c = 0;
    CHECK(read(pipe.fd[0], &c, 1) == 1);
    CHECK_FALSE(p->poll(0));
    CHECK_FALSE(p->poll(1'000'000)); // the time passes
  }

  TEST_CASE("what is watched for can be changed; hang-ups come always") {
    auto p = make_poller();
    pipe_pair pipe;
    auto h = std::make_shared<counting>();
    REQUIRE(p->watch(pipe.fd[0], 0, h));
    pipe.fill();
    CHECK_FALSE(p->poll(0));
    REQUIRE(p->modify(pipe.fd[0], EPOLLIN));
    CHECK(p->poll(0));
    REQUIRE(p->modify(pipe.fd[0], 0));
    CHECK_FALSE(p->poll(0));
    pipe.close_one(1);
    CHECK(p->poll(0));
    CHECK((h->last & EPOLLHUP) != 0);
  }

  TEST_CASE("what is not watched cannot be changed, and what is no descriptor not be watched") {
    auto p = make_poller();
    pipe_pair pipe;
    auto not_watched = p->modify(pipe.fd[0], EPOLLIN);
    REQUIRE_FALSE(not_watched);
    CHECK(code_of(not_watched.error()) == ec::system_failed);
    auto no_fd = p->watch(1'000'000, EPOLLIN, std::make_shared<counting>());
    REQUIRE_FALSE(no_fd);
    CHECK(code_of(no_fd.error()) == ec::system_failed);
    p->unwatch(pipe.fd[0]); // harmless
    p->unwatch(1'000'000);
  }

  TEST_CASE("no call follows an unwatch by the handler itself or by another of the same round") {
    auto p = make_poller();
    pipe_pair a, b;
    auto own = std::make_shared<counting>();
    own->act = [&](uint32_t) { p->unwatch(a.fd[0]); };
    REQUIRE(p->watch(a.fd[0], EPOLLIN, own));
    a.fill();
    CHECK(p->poll(0));
    CHECK_FALSE(p->poll(0));
    CHECK(own->calls == 1);
    CHECK(own.use_count() == 1);
    // Both are ready; the first one called takes the other away.
    auto first = std::make_shared<counting>();
    auto second = std::make_shared<counting>();
    first->act = [&](uint32_t) { p->unwatch(b.fd[0]); };
    second->act = [&](uint32_t) { p->unwatch(a.fd[0]); };
    b.fill();
    REQUIRE(p->watch(a.fd[0], EPOLLIN, first));
    REQUIRE(p->watch(b.fd[0], EPOLLIN, second));
    CHECK(p->poll(0));
    CHECK(first->calls + second->calls == 1);
  }

  TEST_CASE("a number that is watched anew does not get the events of its former user") {
    auto p = make_poller();
    pipe_pair a, b;
    auto fresh = std::make_shared<counting>();
    auto replace = [&](int fd) {
      return std::make_shared<counting>([&, fd](uint32_t) {
        for (int one : {a.fd[0], b.fd[0]})
          p->unwatch(one);
        REQUIRE(p->watch(fd, EPOLLIN, fresh));
      });
    };
    REQUIRE(p->watch(a.fd[0], EPOLLIN, replace(b.fd[0])));
    REQUIRE(p->watch(b.fd[0], EPOLLIN, replace(a.fd[0])));
    a.fill();
    b.fill();
    CHECK(p->poll(0));
    CHECK(fresh->calls == 0);
    CHECK(p->poll(0));
    CHECK(fresh->calls == 1);
  }

  TEST_CASE("other threads watch, change and unwatch while the transport thread polls") {
    auto p = make_poller();
    std::atomic<bool> stop{false};
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t)
      threads.emplace_back([&, t] {
        for (int i = 0; i < 300; ++i) {
          pipe_pair pipe;
          auto h = std::make_shared<counting>();
          if (!p->watch(pipe.fd[0], i % 2 == 0 ? EPOLLIN : 0u, h))
            std::abort();
          pipe.fill();
          if (!p->modify(pipe.fd[0], EPOLLIN))
            std::abort();
          p->unwatch(pipe.fd[0]);
        }
        if (t == 0)
          stop = true;
      });
    while (!stop)
      p->poll(100'000);
    for (auto& t : threads)
      t.join();
    CHECK_FALSE(p->poll(0));
  }

  TEST_CASE("a sleeper is woken by a post and by a ring, at once") {
    auto p = make_poller();
    std::atomic<int> ran{0};
    std::thread other{[&] { p->post([&] { ++ran; }); }};
    CHECK(run_until(*p, [&] { return ran == 1; }));
    other.join();
    p->poll(0); // what was posted may have run before its ring came
    // A ring that nobody sleeps for costs nothing and is not kept.
    p->wake();
    CHECK_FALSE(p->poll(0));
    p->own_bell()->about_to_sleep();
    p->wake();
    CHECK(p->poll(-1));
  }

  TEST_CASE("no wake-up is lost under threads that post as fast as they can") {
    constexpr int threads = 3, posts = 30'000;
    auto p = make_poller();
    std::atomic<int> ran{0};
    std::vector<std::thread> all;
    for (int t = 0; t < threads; ++t)
      all.emplace_back([&] {
        for (int i = 0; i < posts; ++i) {
          p->post([&] { ran.fetch_add(1, std::memory_order_relaxed); });
          // Every now and then the sleeper gets to sleep.
          while (i % 64 == 0 && ran.load(std::memory_order_relaxed) + 1 < i)
            std::this_thread::yield();
        }
      });
    CHECK(run_until(*p, [&] { return ran == threads * posts; }));
    for (auto& t : all)
      t.join();
    CHECK(ran == threads * posts);
  }

  TEST_CASE("two threads that wake each other in turn never both sleep") {
    auto a = make_poller();
    auto b = make_poller();
    constexpr int rounds = 20'000;
    std::atomic<int> at{0};
    std::function<void()> ping, pong;
    ping = [&] {
      if (++at < rounds)
        b->post(pong);
    };
    pong = [&] {
      ++at;
      a->post(ping);
    };
    std::atomic<bool> done{false};
    std::thread other{[&] { run_until(*b, [&] { return done.load(); }); }};
    a->post(ping);
    CHECK(run_until(*a, [&] { return at >= rounds; }));
    b->post([&] { done = true; });
    other.join();
  }

  TEST_CASE("a bell that a peer got by its descriptors wakes the owner") {
    auto p = make_poller();
    auto& own = *p->own_bell();
    auto theirs = bell::adopt(dup(own.memory_fd()), dup(own.event_fd()));
    REQUIRE(theirs);
    (*theirs)->ring(); // nobody sleeps
    CHECK_FALSE(p->poll(0));
    own.about_to_sleep();
    (*theirs)->ring();
    CHECK(p->poll(-1));
    CHECK_FALSE(bell::adopt(-1, -1));
  }

} // TEST_SUITE
