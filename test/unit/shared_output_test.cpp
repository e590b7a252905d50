// Which output files the jobs of one submission share, and what becomes of them.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include "actors/shared_output.hpp"

using namespace hactor;

namespace {

json spec_of(const json& output, const std::string& cwd = "/here") {
  return {{"attributes",
           {{"system", {{"cwd", cwd}, {"shell", {{"options", {{"output", output}}}}}}}}}};
}

struct outcome {
  bool appends = false;
  std::vector<std::string> emptied;
  friend bool operator==(const outcome&, const outcome&) = default;
};

outcome share(const json& output, const std::string& cwd = "/here") {
  auto spec = spec_of(output, cwd);
  auto files = share_output(spec, "name");
  auto* mode = find_json(spec, "attributes.system.shell.options.output.mode");
  CHECK(files.has_value() == (mode != nullptr && *mode == "append" && !output.contains("mode")));
  return {files.has_value(), files.value_or(std::vector<std::string>{})};
}

json file(const std::string& path) { return {{"stdout", {{"type", "file"}, {"path", path}}}}; }

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("a file of all copies is emptied once and appended to") {
    CHECK((share(file("one.out")) == outcome{true, {"/here/one.out"}}));
    CHECK((share(file("/abs/{{name}}")) == outcome{true, {"/abs/name"}}));
    CHECK((share({{"stderr", {{"path", "err"}}}}) == outcome{true, {"/here/err"}}));
    CHECK((share({{"stdout", {{"path", "o.{cc}"}}}, {"stderr", {{"path", "e"}}}})
           == outcome{true, {"/here/e"}}));
  }

  TEST_CASE("a file of each job stays its own") {
    for (auto* name : {"{{id}}", "{{jobid}}", "%j", "o.{cc}", "o.{cc+1}", "%A.%a", "{{tmpdir}}/o",
                       "{{array.index}}", "{{id.dec}}"})
      CHECK_MESSAGE((share(file(name)) == outcome{}), name);
    CHECK((share(json::object()) == outcome{}));
  }

  TEST_CASE("a file whose name is not known yet is appended to, and emptied by nobody") {
    for (auto* name : {"o.{{taskid}}", "%t", "o.{{node.name}}", "%N", "{{size}}", "{{nnodes}}",
                       "{{array.id}}", "{{attempt}}", "{{of_plugin}}"})
      CHECK_MESSAGE((share(file(name)) == outcome{true, {}}), name);
    CHECK((share(file("o"), "/in/{cc}") == outcome{true, {}}));
    CHECK((share(file("o"), "") == outcome{true, {}}));
  }

  TEST_CASE("who says that files are appended to, has it so") {
    auto output = file("o");
    output["mode"] = "append";
    CHECK((share(output) == outcome{}));
    output["mode"] = "truncate";
    auto spec = spec_of(output);
    CHECK(share_output(spec, "") == std::vector<std::string>{"/here/o"});
  }

} // TEST_SUITE
