// Templates of output files and of commands.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include "actors/job_spec.hpp"
#include "actors/templates.hpp"

using namespace hactor;

namespace {

template_values values() {
  template_values v{"fABC", "name", 5, 3, 2, 8, "n7", "/tmp/j"};
  v.local = 1;
  v.nnodes = 4;
  return v;
}

std::string fill(const std::string& text) { return fill_template(text, values()); }

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("file templates know Flux's and Slurm's names") {
    struct {
      const char* text;
      const char* expected;
    } table[] = {
        {"plain.out", "plain.out"},
        {"{{id}}.{{jobid}}.{{id.f58}}", "fABC.fABC.fABC"},
        {"{{name}}-{{size}}", "name-8"},
        {"{{taskid}}{{task.id}}", "33"},
        {"{{nodeid}}{{node.id}}", "22"},
        {"{cc}", "5"},
        {"%j-%x-%t-%n-%a-%A", "fABC-name-3-2-5-fABC"},
        {"%4t.%3a", "0003.005"},
        {"%99j", "%99j"},
        {"{{ntasks}}.{{nnodes}}.{{task.rank}}.{{task.index}}", "8.4.3.1"},
        {"{{node.index}}.{{attempt}}", "2.1"},
        {"{{id.dec}}.{{id.wrong}}", "30867.{{id.wrong}}"},
        {"{{tmpdir}}/%N.{{node.name}}", "/tmp/j/n7.n7"},
        {"100%%", "100%"},
        {"%%j", "%j"},
        {"%q%", "%q%"},
        {"{{unknown}}", "{{unknown}}"},
        {"", ""},
    };
    for (auto& t : table) {
      CAPTURE(t.text);
      CHECK(fill(t.text) == t.expected);
    }
  }

  TEST_CASE("what a value holds stays as it is") {
    template_values v{"fABC", "{{id}}%j{cc}", 5, 3, 2, 8};
    CHECK(fill_template("{{name}}.%x", v) == "{{id}}%j{cc}.{{id}}%j{cc}");
    v.cc = -1;
    CHECK(fill_template("{cc}{{name}}", v) == "{cc}{{id}}%j{cc}");
  }

  TEST_CASE("the number of a copy may be counted from elsewhere") {
    template_values v;
    v.cc = 9;
    CHECK(fill_template("{cc} {cc+1} {cc-9} {cc-12}", v) == "9 10 0 -3");
    for (std::string text :
         {"{cc", "{cc+}", "{cc-1", "{cc*2}", "{cc+1x}", "{cc+-1}", "{cc+99999999999}"}) {
      CAPTURE(text);
      CHECK_FALSE(has_cc_place(text));
      CHECK(fill_template(text, v) == text);
      CHECK(fill_cc(text, 9) == text);
    }
    CHECK(has_cc_place("{cc {cc+2}"));
    CHECK(fill_cc("{cc {cc+2}{cc}", 9) == "{cc 119");
  }

  TEST_CASE("a template names a task or it does not") {
    for (auto text : {"{{taskid}}", "a{{task.id}}b", "out.%t"})
      CHECK(names_task(text));
    for (auto text : {"", "out", "%j", "{{id}}", "{{size}}"})
      CHECK_FALSE(names_task(text));
  }

  TEST_CASE("who writes a file of a node or a task is on one node") {
    for (auto text : {"%n", "%N", "{{node.name}}", "{{taskid}}", "%04t", "{{task.index}}"})
      CHECK(names_node(text));
    for (auto text : {"", "out", "%j", "{{id}}", "{{nnodes}}"})
      CHECK_FALSE(names_node(text));
  }

  TEST_CASE("in commands only what stands in double braces is a place") {
    CHECK(fill_tags("{{tmpdir}}/x %j {cc} {{nope}} {{", values())
          == "/tmp/j/x %j {cc} {{nope}} {{");
  }
}
