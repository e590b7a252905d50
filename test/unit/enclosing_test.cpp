// mpi-boot/enclosing: the note beside the job around an instance, and when that job ends.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "mpi-boot/enclosing.hpp"

#include <poll.h>

#include <atomic>
#include <cstdlib>

#include "fake_broker.hpp"
#include "runtime/log.hpp"

#include <doctest/doctest.h>

using namespace hactor;
using namespace hactor::test;

namespace {

std::string r_until(int second) {
  return R"({"version":1,"execution":{"R_lite":[{"rank":"0","children":{"core":"0"}}],)"
         R"("nodelist":["n0"],"starttime":10,"expiration":)"
         + std::to_string(second) + "}}";
}

/// An instance around this one, and ours within its job f7.
struct bench {
  bench() : around{[this](fake_broker& b, const fake_broker::frame& f) { serve(b, f); }, dir} {
    log_level_max(log_level::emerg);
    ::setenv("HACTOR_ENCLOSING_URI", around.uri().c_str(), 1);
    ::setenv("HACTOR_ENCLOSING_ID", "f7", 1);
    inside.tell("local:///inside");
  }
  ~bench() { ::unsetenv("HACTOR_ENCLOSING_ID"); }

  void serve(fake_broker& b, const fake_broker::frame& f) {
    if (b.requests.back().first == "job.watch") {
      watch_tag = f.tag; // before the item after which a test looks
      ++watches;
      b.send(fake_broker::frame_kind::item, f.tag, dump(json{{"value", r_until(100)}}));
      return;
    }
    memo_tag = f.tag;
    b.reply(f.tag, json::object());
  }
  /// The next end that is told, or 0.
  double end_within(int ms) {
    for (;;) {
      pollfd p{inside.fd(), POLLIN, 0};
      if (inside.fd() < 0 || ::poll(&p, 1, ms) <= 0)
        return 0;
      if (auto end = inside.take_end())
        return *end;
    }
  }

  temp_dir dir;
  std::atomic<uint64_t> watch_tag{0}, memo_tag{0};
  std::atomic<int> watches{0};
  fake_broker around;
  enclosing_instance inside;
};

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("the end of the job around is followed") {
    bench b;
    REQUIRE(b.inside.is_there());
    CHECK(b.end_within(5000) == 100);
    b.around.send(fake_broker::frame_kind::item, b.watch_tag, dump(json{{"value", r_until(200)}}));
    CHECK(b.end_within(5000) == 200);
    b.inside.leave();
    auto& requests = b.around.stop();
    CHECK(requests[0].second["memo"]["uri"] == "local:///inside");
    CHECK(requests[0].second["own"] == true);
    CHECK(requests.back().second["memo"]["uri"].is_null());
  }

  TEST_CASE("an answer that comes too late, or a watch that has failed, does not drop the note") {
    bench b;
    CHECK(b.end_within(5000) == 100);
    b.around.reply(b.memo_tag, json::object()); // had it timed out, it would come now
    b.around.refuse(b.watch_tag, "timed_out", "no answer within 30 s");
    CHECK(b.end_within(5000) == 100); // watched again
    CHECK(b.watches == 2);
    b.around.send(fake_broker::frame_kind::item, b.watch_tag, dump(json{{"value", r_until(300)}}));
    CHECK(b.end_within(5000) == 300);
    b.around.refuse(b.watch_tag, "unknown_job", "f7: no job has this id");
    CHECK(b.end_within(100) == 0);
    CHECK(b.watches == 2);
    CHECK(b.inside.fd() >= 0); // the note is ours as long as this is open
    b.around.hang_up();
    CHECK(b.end_within(5000) == 0);
    CHECK(b.inside.fd() < 0);
  }
}
