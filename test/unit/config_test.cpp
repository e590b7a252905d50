// runtime/config and runtime/attributes: the table, setting, getting.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/config.hpp"

#include <algorithm>
#include <cmath>

#include "runtime/limits.hpp"

#include <doctest/doctest.h>

using namespace hactor;

TEST_SUITE("unit") {

  TEST_CASE("every attribute has a default that its own row allows") {
    config c;
    for (const auto& row : attribute_table()) {
      INFO(std::string{row.name});
      CHECK(find_attribute(row.name) == &row);
      if (!row.read_only)
        CHECK_FALSE(c.set(row.name, row.default_value));
      c.fix(row.name, row.default_value);
      CHECK(*c.get(row.name) == row.default_value);
      CHECK(row.meaning.back() == '.');
    }
    CHECK(find_attribute("zzz") == nullptr);
    CHECK(find_attribute("") == nullptr);
  }

  TEST_CASE("defaults agree with the limits that the code uses") {
    config c;
    CHECK(c.duration_s("exec.kill_timeout") == limits::kill_timeout_s);
    CHECK(c.integer("exec.tree_fanout") == limits::tree_fanout);
    CHECK(c.integer("runtime.workers") == 2);
    CHECK(c.duration_s("transport.heartbeat") == limits::heartbeat_s);
    CHECK(c.duration_s("transport.heartbeat_timeout") == limits::heartbeat_timeout_s);
  }

  TEST_CASE("an item sets an attribute") {
    config c;
    CHECK_FALSE(c.set_item("log-filename=/tmp/a=b"));
    CHECK(c.text("log-filename") == "/tmp/a=b");
    CHECK_FALSE(c.set_item("exec.kill_timeout=2m"));
    CHECK(c.duration_s("exec.kill_timeout") == 120);
    CHECK_FALSE(c.set("exec.kill_timeout", "infinity"));
    CHECK(c.duration_s("exec.kill_timeout") == HUGE_VAL);
    CHECK_FALSE(c.set_item("log-level=debug"));
    CHECK(c.text("log-level") == "debug");
    CHECK_FALSE(c.set("exec.tree_fanout", "2"));
    CHECK(c.integer("exec.tree_fanout") == 2);
    CHECK(c.number("exec.tree_fanout") == 2);
    CHECK_FALSE(c.set_item("hostname="));
  }

  TEST_CASE("values of the wrong kind or out of bounds are refused with what would be right") {
    struct row {
      const char* item;
      const char* told;
    };
    config c;
    for (const auto& [item, told] :
         {row{"exec.tree_fanout=0", "an integer from 1 to 16384"},
          row{"exec.tree_fanout=16385", "16384"}, row{"exec.tree_fanout=2.5", "an integer"},
          row{"exec.tree_fanout=", "an integer"}, row{"exec.tree_fanout=2x", "an integer"},
          row{"exec.kill_timeout=-1", "a duration"}, row{"exec.kill_timeout=5 s", "a duration"},
          row{"transport.heartbeat=1ms", "from 0.01"},
          row{"runtime.workers=65", "to 64"},
          row{"sched.graph_format=yaml", "one of grug|"},
          row{"sched.graph_format=", "one of"}, row{"log-level=loud", "one of emerg|"},
          row{"sched.queue_depth=0", "from 1"},
          row{"sched.policy", "needs a value"}}) {
      INFO(std::string{item});
      auto e = c.set_item(item);
      CHECK(code_of(e) == ec::bad_argument);
      INFO(render(e));
      CHECK(render(e).find(told) != std::string::npos);
    }
    CHECK(c.integer("exec.tree_fanout") == 16);
  }

  TEST_CASE("an unknown attribute is refused with names that are near") {
    config c;
    CHECK(render(c.set_item("sched.polcy=fcfs"))
          == "there is no attribute 'sched.polcy'; did you mean sched.policy?");
    CHECK(code_of(c.set("nothing-like-it-at-all", "1")) == ec::bad_argument);
    CHECK(code_of(c.set_item("")) == ec::bad_argument);
    CHECK(code_of(c.set_item("=x")) == ec::bad_argument);
    auto value = c.get("log-levle");
    REQUIRE_FALSE(value);
    CHECK(code_of(value.error()) == ec::unknown_key);
    CHECK(render(value.error()).find("did you mean log-level?") != std::string::npos);
  }

  TEST_CASE("read-only attributes are set by the broker alone") {
    config c;
    CHECK(code_of(c.set_item("size=4")) == ec::not_permitted);
    CHECK(c.integer("size") == 1);
    c.fix("size", "4");
    CHECK(c.integer("size") == 4);
    CHECK(*c.get("version") != "");
  }

  TEST_CASE("the list tells values, defaults and meanings, sorted by name") {
    config c;
    CHECK_FALSE(c.set("hostname", "n1"));
    auto entries = c.list();
    CHECK(entries.size() == attribute_table().size());
    CHECK(std::is_sorted(entries.begin(), entries.end(),
                         [](const auto& a, const auto& b) { return a.name < b.name; }));
    auto entry = std::find_if(entries.begin(), entries.end(),
                              [](const auto& e) { return e.name == "hostname"; });
    REQUIRE(entry != entries.end());
    CHECK(entry->value == "n1");
    CHECK_FALSE(entry->is_default);
    CHECK_FALSE(entry->read_only);
    CHECK_FALSE(entry->meaning.empty());
  }

  TEST_CASE("a copy has its own values") {
    config a;
    auto b = a;
    CHECK_FALSE(b.set("hostname", "b"));
    CHECK(a.text("hostname").empty());
  }

} // TEST_SUITE
