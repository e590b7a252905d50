// tools: the jobspecs of batch and alloc, retries, max-fails, files and compat.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <cstdio>
#include <fstream>

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "temp_dir.hpp"
#include "tools/commands.hpp"
#include "tools/submit_options.hpp"

using namespace hactor;
using namespace hactor::tools;

namespace {

caf::expected<parsed_options> parse(const command& of, const std::vector<const char*>& words) {
  return parse_options(of, words);
}

json build(const command& of, const std::vector<const char*>& words) {
  auto options = parse(of, words);
  REQUIRE_MESSAGE(options, render(options.error()));
  auto params = build_submit(*options, {}, "/w");
  REQUIRE_MESSAGE(params, render(params.error()));
  return (*params)["jobspec"];
}

std::string refusal(const std::vector<const char*>& words) {
  auto options = parse(submit_command, words);
  if (!options)
    return context_of(options.error());
  auto params = build_submit(*options, {}, "/w");
  return params ? "accepted" : context_of(params.error());
}

json instance(const std::vector<const char*>& words) {
  auto options = parse(batch_command, words);
  REQUIRE(options);
  auto params = build_instance(*options, {"{{tmpdir}}/script", "x"}, {}, "/w");
  REQUIRE_MESSAGE(params, render(params.error()));
  return (*params)["jobspec"];
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("an instance is one task over all that its job has") {
    auto spec = instance({"-N4", "-n8", "--conf=sched.policy=easy", "s"});
    CHECK(spec["version"] == 9999);
    CHECK(dump(spec["tasks"][0]["count"]) == R"({"total":1})");
    auto words = spec["tasks"][0]["command"].get<std::vector<std::string>>();
    REQUIRE(words.size() == 6);
    CHECK(words[0].ends_with("/hactor"));
    CHECK(words[1] == "start");
    CHECK(words[2] == "--setattr=sched.policy=easy");
    CHECK(words[3] == "--");
    CHECK(words[4] == "{{tmpdir}}/script");
    CHECK(spec["resources"][0]["count"] == 4);
    auto& options = spec["attributes"]["system"]["shell"]["options"];
    CHECK(options["cpu-affinity"] == "on");
    CHECK(instance({"-n2", "s"})["version"] == 1);
    CHECK(instance({"-N1", "s"})["version"] == 1);
    CHECK_FALSE(
        instance({"-N2", "--tasks-per-node=3", "s"})["attributes"]["system"]["shell"]["options"]
            .contains("per-resource"));
    CHECK(instance({"-n2", "--cpu-affinity=off",
                    "s"})["attributes"]["system"]["shell"]["options"]["cpu-affinity"]
          == "off");
  }

  TEST_CASE("--wrap takes its command as an operand or as a value") {
    auto flag = parse(batch_command, {"--wrap", "a", "b"});
    REQUIRE(flag);
    CHECK(flag->has("wrap"));
    CHECK(flag->operands == std::vector<std::string>{"a", "b"});
    auto value = parse(batch_command, {"--wrap=a b", "-n", "2"});
    REQUIRE(value);
    CHECK(value->value("wrap-text") == "a b");
    CHECK(value->value("ntasks") == "2");
    auto later = parse(batch_command, {"--", "s", "--wrap=a"});
    REQUIRE(later);
    CHECK(later->operands.back() == "--wrap=a");
  }

  TEST_CASE("retries are asked for by number, delay and reason") {
    auto retries = [](const std::vector<const char*>& words) {
      return dump(build(submit_command, words)["attributes"]["system"]["retries"]);
    };
    CHECK(retries({"--retries=3", "x"}) == R"({"count":3})");
    CHECK(retries({"--retries=3", "--retry-delay=1m", "--retry-on=node", "x"})
          == R"({"count":3,"delay":60.0,"exit":false,"node":true})");
    CHECK(retries({"--retries=1", "--retry-on=exit:3,7-9,node", "x"})
          == R"({"codes":"3,7-9","count":1,"exit":true,"node":true})");
    CHECK(retries({"--retries=0", "x"}) == "null");
    CHECK(refusal({"--retry-on=node", "x"}) == "--retry-on needs --retries");
    CHECK(refusal({"--retries=1", "--retry-on=moon", "x"}).find("--retry-on: 'moon'") == 0);
    CHECK(refusal({"--retries=1", "--retry-on=exit:300", "x"}).find("--retry-on") == 0);
    CHECK(refusal({"--retries=x", "x"}).find("--retries") == 0);
  }

  TEST_CASE("jobs of one submission share their limit of failures") {
    auto spec = build(submit_command, {"--max-fails=2", "x"});
    auto& limit = spec["attributes"]["system"]["max-fails"];
    CHECK(limit["count"] == 2);
    CHECK(limit["group"].get<std::string>().size() == 16);
    CHECK(refusal({"--max-fails=0", "x"}).find("--max-fails") == 0);
    CHECK_FALSE(build(run_command, {"x"})["attributes"]["system"].contains("max-fails"));
  }

  TEST_CASE("files are carried along with their modes") {
    test::temp_dir dir;
    auto plain = dir / "plain.txt", raw = dir / "raw";
    std::ofstream{plain} << "text\n";
    std::ofstream{raw} << "\xff\xfe";
    ::chmod(plain.c_str(), 0750);
    auto spec = build(submit_command,
                      {"--add-file", plain.c_str(), "--add-file", ("own=" + raw).c_str(), "x"});
    auto& files = spec["attributes"]["system"]["files"];
    CHECK(files["plain.txt"]["data"] == "text\n");
    CHECK(files["plain.txt"]["encoding"] == "utf-8");
    CHECK(files["plain.txt"]["mode"] == (S_IFREG | 0750));
    CHECK(files["own"]["data"] == "//4=");
    CHECK(files["own"]["encoding"] == "base64");
    CHECK(refusal({"--add-file=a/b=/dev/null", "x"}).find("--add-file: 'a/b'") == 0);
    CHECK(refusal({"--add-file=/nowhere/x", "x"}).find("--add-file: /nowhere/x") == 0);
  }

  TEST_CASE("compat is slurm or flux") {
    CHECK(build(run_command,
                {"--compat=slurm", "x"})["attributes"]["system"]["shell"]["options"]["compat"]
          == "slurm");
    CHECK(refusal({"--compat=pbs", "x"}) == "--compat: 'pbs' is neither slurm nor flux");
  }

  TEST_CASE("others' variables of an instance are of the tasks that its options ask for") {
    auto tasks = [](std::vector<const char*> words) {
      words.insert(words.end(), {"--compat=slurm", "x"});
      auto spec = instance(words);
      return dump(spec["attributes"]["system"]["shell"]["options"]["compat-tasks"]);
    };
    CHECK(tasks({"-n4"}) == "4");
    CHECK(tasks({"-n2-4"}) == "0"); // as many as it gets
    CHECK(tasks({"-N2", "-n3"}) == "3");
    CHECK(tasks({"-N2", "--tasks-per-node=4"}) == "8");
  }
}
