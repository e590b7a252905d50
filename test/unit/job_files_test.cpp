// actors/job_files: files that jobs carry.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <fstream>
#include <iterator>

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actors/job_files.hpp"
#include "temp_dir.hpp"

using namespace hactor;

namespace {

std::string refusal(const char* text) {
  auto read = read_job_files(*parse_json(text));
  if (read)
    return "accepted";
  CHECK(code_of(read.error()) == ec::bad_jobspec);
  return context_of(read.error());
}

std::string content(const std::string& name) {
  std::ifstream file{name};
  return {std::istreambuf_iterator<char>{file}, {}};
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("files, folders and links are made in the job's folder") {
    test::temp_dir dir;
    auto files = read_job_files(*parse_json(R"({
      "script": {"mode": 33216, "encoding": "utf-8", "size": 2, "data": "hi"},
      "a/b/raw": {"mode": 33188, "encoding": "base64", "data": "//4="},
      "conf.json": {"mode": 33188, "data": {"x": 1}},
      "empty": {"mode": 33188, "size": 0},
      "zeros": {"mode": 33188, "size": 4},
      "folder": {"mode": 16832},
      "link": {"mode": 41471, "data": "script"}})"));
    REQUIRE_MESSAGE(files, render(files.error()));
    REQUIRE_FALSE(write_job_files(*files, dir / "."));
    CHECK(content(dir / "script") == "hi");
    CHECK(content(dir / "a/b/raw") == "\xff\xfe");
    CHECK(content(dir / "conf.json") == R"({"x":1})");
    CHECK(content(dir / "link") == "hi");
    CHECK(content(dir / "zeros") == std::string(4, '\0'));
    struct stat s {};
    CHECK(::stat((dir / "script").c_str(), &s) == 0);
    CHECK((s.st_mode & 07777) == 0700);
    CHECK(::stat((dir / "folder").c_str(), &s) == 0);
    CHECK(S_ISDIR(s.st_mode));
    CHECK_FALSE(write_job_files(*files, dir / ".")); // the same is there
    std::ofstream{dir / "script"} << "ho";
    auto again = write_job_files(*files, dir / ".");
    CHECK(code_of(again) == ec::exec_failed); // nothing is overwritten
    CHECK(content(dir / "script") == "ho");
    auto list = read_job_files(*parse_json(R"([{"path": "x", "mode": 33188, "data": ""}])"));
    REQUIRE(list);
    CHECK(list->front().path == "x");
  }

  TEST_CASE("a link does not lead a file out of the folder") {
    test::temp_dir dir;
    auto files = read_job_files(*parse_json(R"([
      {"path": "out", "mode": 41471, "data": "/nowhere"},
      {"path": "out", "mode": 33188, "encoding": "utf-8", "data": "x"}])"));
    REQUIRE(files);
    CHECK(write_job_files(*files, dir / "."));
  }

  TEST_CASE("what is no file is refused, with its path") {
    for (auto path : {"", "/etc/x", "../x", "a/../b", "a//b", ".", "a/."})
      CHECK(refusal(dump(json{{path, {{"mode", 33188}}}}).c_str()).find("must be a path below")
            != std::string::npos);
    CHECK(refusal(R"({"x": {}})").find("attributes.system.files.x: must be a mapping with mode")
          == 0);
    CHECK(refusal(R"({"x": {"mode": 8630}})").find("regular file") != std::string::npos);
    CHECK(refusal(R"({"x": {"mode": 33188, "encoding": "base64", "data": "!"}})").find("base64")
          != std::string::npos);
    CHECK(refusal(R"({"x": {"mode": 33188, "size": 0, "encoding": "blobvec", "data": []}})")
              .find("stage-in")
          != std::string::npos);
    CHECK(refusal("[1]").find("path") != std::string::npos);
    CHECK(refusal("1").find("must be a mapping") != std::string::npos);
  }
}
