// store/archive: what a file is in an archive, and names.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>
#include <sys/stat.h>

#include "store/archive.hpp"

using namespace hactor;

namespace {

constexpr json_where where{ec::store_corrupt, "archive.main"};
constexpr auto blob = "sha256-e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

archive_file read_one(const std::string& text) {
  auto files = read_archive(*parse_json(text), where);
  REQUIRE_MESSAGE(files, render(files.error()));
  REQUIRE(files->size() == 1);
  return files->front();
}

std::string refusal(const std::string& text) {
  auto files = read_archive(*parse_json(text), where);
  if (files)
    return "accepted";
  CHECK(code_of(files.error()) == ec::store_corrupt);
  return context_of(files.error());
}

/// A file of 100 bytes with these blobs.
std::string with_blobs(const std::string& pieces) {
  return R"({"x": {"mode": 33188, "size": 100, "encoding": "blobvec", "data": )" + pieces + "}}";
}

std::string piece(int offset, int size) {
  return dump({offset, size, blob});
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("a file is read as it was written") {
    std::vector<archive_piece> pieces{{0, 9, blob}, {90, 9, blob}};
    archive_file files[] = {{"a/text", S_IFREG | 0644, "hi\n", 17, 3},
                            {"bytes", S_IFREG | 0600, std::string{"\0\xff", 2}, -1, 2},
                            {"empty", S_IFREG | 0600, {}, {}, 0},
                            {"hole", S_IFREG | 0600, {}, 1, 1u << 30},
                            {"large", S_IFREG | 0755, {}, 1, 100, pieces, true},
                            {"folder", S_IFDIR | 0750, {}, 5},
                            {"link", S_IFLNK | 0777, "../a", 6}};
    for (auto& f : files) {
      CAPTURE(f.path);
      auto read = read_one(dump(json::array({to_archive_json(f)})));
      CHECK(read.path == f.path);
      CHECK(read.mode == f.mode);
      CHECK(read.data == f.data);
      CHECK(read.mtime_s == f.mtime_s);
      CHECK(read.size == f.size);
      CHECK(read.in_blobs == f.in_blobs);
      REQUIRE(read.pieces.size() == f.pieces.size());
      for (size_t i = 0; i < f.pieces.size(); ++i) {
        CHECK(read.pieces[i].offset == f.pieces[i].offset);
        CHECK(read.pieces[i].size == f.pieces[i].size);
        CHECK(read.pieces[i].blob == f.pieces[i].blob);
      }
    }
    CHECK(to_archive_json(files[0])["encoding"] == "utf-8");
    CHECK(to_archive_json(files[1])["encoding"] == "base64");
    CHECK_FALSE(to_archive_json(files[3]).contains("data"));
  }

  TEST_CASE("content that is JSON is its text") {
    CHECK(read_one(R"({"x": {"mode": 33188, "data": {"a": 1}}})").data == R"({"a":1})");
  }

  TEST_CASE("blobs lie one behind the other and within the file") {
    CHECK(read_one(with_blobs("[" + piece(0, 50) + "," + piece(60, 40) + "]")).pieces.size() == 2);
    CHECK(read_one(with_blobs("[]")).in_blobs);
    for (auto& wrong :
         {piece(0, 101), piece(100, 1), piece(0, 50) + "," + piece(49, 1), piece(0, 0)}) {
      CAPTURE(wrong);
      CHECK(refusal(with_blobs("[" + wrong + "]")).starts_with("archive.main.x.data: "));
    }
    CHECK(refusal(with_blobs(R"([[0, 1, "sha1-00"]])")).find("sha256-HEX") != std::string::npos);
    CHECK(refusal(with_blobs("[[0, 1]]")).find("OFFSET, SIZE") != std::string::npos);
    CHECK(refusal(with_blobs("7")).find("OFFSET, SIZE") != std::string::npos);
    CHECK(refusal(R"({"x": {"mode": 33188, "encoding": "blobvec", "data": []}})")
          == "archive.main.x.size: missing");
  }

  TEST_CASE("what is no file is refused, with where it is") {
    CHECK(refusal(R"({"x": {"mode": 33188, "size": 3, "encoding": "utf-8", "data": "hi"}})")
          == "archive.main.x.size: is 3, and data has 2 bytes");
    CHECK(refusal(R"({"x": {"mode": 33188, "size": -1}})").starts_with("archive.main.x.size"));
    CHECK(refusal(R"({"x": {"mode": 33188, "encoding": "rot13", "data": "hi"}})")
          == "archive.main.x.encoding: must be utf-8, base64 or blobvec");
    CHECK(refusal(R"({"x": {"mode": 33188, "encoding": "utf-8"}})")
          == "archive.main.x.data: missing");
    CHECK(refusal(R"({"x": {"mode": 33188, "mtime": "now"}})").starts_with("archive.main.x.mtime"));
    for (auto* link : {R"({"x": {"mode": 41471}})", R"({"x": {"mode": 41471, "data": ""}})"})
      CHECK(refusal(link) == "archive.main.x.data: must be where the link leads");
    CHECK(refusal(R"([{"mode": 33188}])") == "archive.main: every file of a list has a path");
    CHECK(refusal("7").starts_with("archive.main: must be a mapping"));
    for (auto* path : {"", "/", "/a", "a/", "a//b", ".", "a/./b", "..", "a/../b"}) {
      CAPTURE(path);
      CHECK_FALSE(is_archive_path(path));
    }
    CHECK(is_archive_path("a/..b/.c"));
  }

  TEST_CASE("a list that grows has nothing that could not be beside the rest") {
    using words = std::vector<std::string>;
    auto file = [](const char* path) { return archive_file{path, S_IFREG | 0644, "x", 1, 1}; };
    auto folder = [](const char* path) { return archive_file{path, S_IFDIR | 0755}; };
    auto link = [](const char* path) { return archive_file{path, S_IFLNK | 0777, "x"}; };
    archive_list list;
    CHECK(list.text() == "[]");
    auto paths = [&list] {
      words all;
      auto files = read_archive(*parse_json(list.text()), where);
      for (auto& f : *files)
        all.push_back(f.path);
      CHECK(list.text_bytes() == list.text().size());
      return all;
    };
    CHECK(paths() == words{});
    for (auto* path : {"a/b/c", "a/b.d", "a/b/e", "ab"})
      list.add(file(path));
    list.add(folder("a/b"));
    list.add(folder("a"));
    CHECK(paths() == words{"a", "a/b", "a/b.d", "a/b/c", "a/b/e", "ab"});
    SUBCASE("the same again") {
      list.add(folder("a/b"));
      list.add(file("a/b/c"));
      CHECK(paths().size() == 6);
    }
    SUBCASE("a folder becomes a file") {
      list.add(file("a/b"));
      CHECK(paths() == words{"a", "a/b", "a/b.d", "ab"});
    }
    SUBCASE("a folder becomes a link") {
      list.add(link("a"));
      CHECK(paths() == words{"a", "ab"});
    }
    SUBCASE("a file becomes a folder, of which it is not told") {
      list.add(file("ab/c/d"));
      CHECK(paths() == words{"a", "a/b", "a/b.d", "a/b/c", "a/b/e", "ab/c/d"});
      list.add(link("ab/c/d/e"));
      CHECK(paths().back() == "ab/c/d/e");
    }
    SUBCASE("nothing stays") {
      for (auto* path : {"a", "ab"})
        list.add(link(path));
      list.add(file("a/x"));
      list.add(file("ab"));
      CHECK(paths() == words{"a/x", "ab"});
    }
    SUBCASE("one alone") {
      archive_list one;
      for (auto& f : {file("x"), link("x"), file("x/y"), folder("x/y/z"), file("x")})
        one.add(f);
      CHECK(one.text_bytes() == one.text().size());
      CHECK(one.files().size() == 1);
    }
  }

  TEST_CASE("paths are cut at their slashes") {
    using words = std::vector<std::string_view>;
    CHECK(path_parts("a/bc//d/") == words{"a", "bc", "", "d", ""});
    CHECK(path_parts("") == words{""});
    CHECK(paths_above("a/bc/d") == words{"a", "a/bc"});
    CHECK(paths_above("a") == words{});
  }

  TEST_CASE("names of archives are parts of keys, and no other key's") {
    for (auto* name : {"main", "data-1", "a_b", "x+y@z:0"})
      CHECK_FALSE(check_archive_name(name));
    for (auto* name : {"", "a.b", "a,b", "a/b", "a b", "x_blobs", "x_new-1-2", "\xc3\xa4"}) {
      CAPTURE(name);
      CHECK(code_of(check_archive_name(name)) == ec::bad_argument);
    }
  }
}
