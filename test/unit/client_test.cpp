// tools/client and session against a broker by script.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/client.hpp"

#include "fake_broker.hpp"
#include "tools/session.hpp"

#include <doctest/doctest.h>

using namespace hactor;
using namespace hactor::tools;
using workflow::frame_payload_size_max;
using hactor::test::fake_broker;

TEST_SUITE("unit") {

  TEST_CASE("a request is answered by its reply, with the frames before it handed out") {
    fake_broker b{[](fake_broker& self, const frame& f) {
      self.reply(f.tag + 1000, {{"not", "mine"}});
      self.send(frame_kind::lines, f.tag, "one\ntwo\n");
      self.reply(f.tag, {{"a", 1}});
    }};
    {
      client c{b.client_fd()};
      std::string lines;
      auto result = c.ask("method", {{"p", 2}}, 20,
                          [&](const frame& f) { lines += f.payload; });
      REQUIRE(result);
      CHECK(dump(*result) == R"({"a":1})");
      CHECK(lines == "one\ntwo\n");
      CHECK(c.unsent() == 0);
    }
    auto& requests = b.stop();
    REQUIRE(requests.size() == 1);
    CHECK(requests[0].first == "method");
    CHECK(dump(requests[0].second) == R"({"p":2})");
  }

  TEST_CASE("errors keep their code and message") {
    fake_broker b{[](fake_broker& self, const frame& f) {
      switch (self.requests.size()) {
        case 1: return self.refuse(f.tag, "unknown_job", "no such job");
        case 2: return self.refuse(f.tag, "of_the_future", "");
        case 3: return self.send(frame_kind::reply, f.tag, "[1]");
        case 4: return self.send(frame_kind::error, f.tag, "{");
        default: return self.reply(f.tag, json::object());
      }
    }};
    client c{b.client_fd()};
    auto ask = [&] { return c.ask("m", json::object(), 20); };
    auto first = ask();
    REQUIRE_FALSE(first);
    CHECK(code_of(first.error()) == ec::unknown_job);
    CHECK(render(first.error()) == "no such job");
    auto second = ask();
    REQUIRE_FALSE(second);
    CHECK(render(second.error()) == "the instance refused: of_the_future");
    CHECK(code_of(ask().error()) == ec::bad_json);
    CHECK(code_of(ask().error()) == ec::bad_json);
    CHECK(ask());
  }

  TEST_CASE("a broker that goes away, keeps silent or speaks another language is an error") {
    fake_broker gone{[](fake_broker& self, const frame&) { self.hang_up(); }};
    client a{gone.client_fd()};
    auto first = a.ask("m", json::object(), 20);
    REQUIRE_FALSE(first);
    CHECK(code_of(first.error()) == ec::disconnected);
    CHECK(code_of(a.ask("m", json::object(), 20).error()) == ec::disconnected);
    fake_broker silent{[](fake_broker&, const frame&) {}};
    client b{silent.client_fd()};
    CHECK(code_of(b.ask("m", json::object(), 0.05).error()) == ec::timed_out);
    fake_broker other{[](fake_broker& self, const frame&) { self.raw("HTTP/1.1 400 Bad\r\n"); }};
    client c{other.client_fd()};
    CHECK(code_of(c.ask("m", json::object(), 20).error()) == ec::too_big);
  }

  TEST_CASE("large requests and answers pass while both sides write") {
    std::string big(3 << 20, 'x');
    fake_broker b{[&](fake_broker& self, const frame& f) {
      self.send(frame_kind::lines, f.tag, big);
      self.reply(f.tag, {{"size", f.payload.size()}});
    }};
    client c{b.client_fd()};
    uint64_t last = 0;
    for (int i = 0; i < 4; ++i)
      last = c.request("m", {{"text", big}});
    int lines = 0;
    while (true) {
      auto f = c.receive(20);
      REQUIRE(f);
      lines += f->kind == frame_kind::lines && f->payload == big;
      if (f->kind == frame_kind::reply && f->tag == last)
        break;
    }
    CHECK(lines == 4);
    auto none = c.receive_now();
    REQUIRE(none);
    CHECK_FALSE(*none);
  }

  TEST_CASE("a request beyond the bound is refused here, and the connection goes on") {
    fake_broker b{[](fake_broker& self, const frame& f) { self.reply(f.tag, json::object()); }};
    client c{b.client_fd()};
    auto refused = c.ask("huge", {{"t", std::string(frame_payload_size_max, 'x')}}, 20);
    REQUIRE_FALSE(refused);
    CHECK(code_of(refused.error()) == ec::too_big);
    CHECK(render(refused.error()).find("'huge'") != std::string::npos);
    CHECK(c.ask("m", json::object(), 20));
  }

  TEST_CASE("input and cancels are sent with their tag; a client can be moved") {
    fake_broker b{[](fake_broker& self, const frame& f) {
      if (f.kind == frame_kind::cancel)
        self.refuse(f.tag, "cancelled", "");
    }};
    {
      client first{b.client_fd()};
      client c{std::move(first)};
      auto tag = c.request("stream", json::object());
      c.input(tag, "text");
      c.input(tag, "");
      c.cancel(tag);
      auto f = c.receive(20);
      REQUIRE(f);
      CHECK(f->tag == tag);
      CHECK(code_of(result_of(*f).error()) == ec::cancelled);
      client other;
      other = std::move(c);
      CHECK(other.fd() >= 0);
    }
    auto& requests = b.stop();
    REQUIRE(requests.size() == 4);
    CHECK(requests[1] == std::pair<std::string, json>{"input", "text"});
    CHECK(requests[2] == std::pair<std::string, json>{"input", ""});
    CHECK(requests[3].first == "cancel");
  }

  TEST_CASE("an address that is none, or where nobody is, says so") {
    for (const auto& [uri, code] :
         {std::pair{std::string{"ssh://host"}, ec::bad_argument},
          std::pair{std::string{"local://"}, ec::bad_argument},
          std::pair{"local://" + std::string(200, 'x'), ec::bad_argument},
          std::pair{std::string{"local:///no/such/socket"}, ec::no_instance}}) {
      auto c = client::connect(uri);
      REQUIRE_FALSE(c);
      CHECK(code_of(c.error()) == code);
    }
    unsetenv("HACTOR_URI");
    auto c = client::connect();
    REQUIRE_FALSE(c);
    CHECK(code_of(c.error()) == ec::no_instance);
    CHECK(render(c.error()).find("HACTOR_URI is not set") != std::string::npos);
  }

  TEST_CASE("several requests at once are answered in any order, each for its job") {
    fake_broker b{[tags = std::vector<uint64_t>{}](fake_broker& self, const frame& f) mutable {
      tags.push_back(f.tag);
      if (tags.size() < 3)
        return;
      self.reply(tags[2], {{"n", 2}});
      self.output(tags[0], 0, 1, "x");
      self.refuse(tags[0], "unknown_job", "gone");
      self.reply(tags[1], {{"n", 1}});
    }};
    client c{b.client_fd()};
    std::vector<std::string> ids{"a", "b", "c"};
    std::string order;
    auto e = ask_each(
      c, "job.wait", ids, {{"p", 1}}, 20,
      [&](size_t i, caf::expected<json> result) {
        order += ids[i] + (result ? dump((*result)["n"]) : "!");
        return true;
      },
      [&](size_t i, const frame&) { order += ids[i] + "o"; });
    CHECK_FALSE(e);
    CHECK(order == "c2aoa!b1");
  }

  TEST_CASE("what the broker sends is read with defaults, never trusted") {
    json object{{"text", "a"}, {"number", 2.5}};
    CHECK(text_at(object, "text") == "a");
    CHECK(text_at(object, "number", "else") == "else");
    CHECK(text_at(object, "none").empty());
    CHECK(number_at(object, "number") == 2.5);
    CHECK(number_at(object, "text", 7) == 7);
    CHECK(object_at(object, "none").is_null());
    CHECK(split_commas("a,,b") == std::vector<std::string>{"a", "", "b"});
    auto ids = read_ids(std::vector<std::string>{"1", "x!"});
    REQUIRE_FALSE(ids);
    CHECK(code_of(ids.error()) == ec::bad_id);
  }

} // TEST_SUITE
