// actors/unpacker: files of an archive on the disk.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <cstdlib>
#include <fstream>
#include <iterator>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actors/unpacker.hpp"
#include "ordinary_user.hpp"
#include "temp_dir.hpp"

using namespace hactor;

namespace {

std::string content(const std::string& name) {
  std::ifstream file{name};
  return {std::istreambuf_iterator<char>{file}, {}};
}

struct stat facts(const std::string& name) {
  struct stat s {};
  CHECK(::lstat(name.c_str(), &s) == 0);
  return s;
}

size_t names_in(const std::string& folder) {
  auto all = std::filesystem::directory_iterator{folder};
  return static_cast<size_t>(std::distance(begin(all), end(all)));
}

caf::expected<std::string> ten_letters(const std::string& blob) {
  return std::string(10, blob.back());
}

archive_file in_blobs(const std::string& path, std::vector<archive_piece> pieces) {
  return {path, S_IFREG | 0640, {}, 1000, 100, std::move(pieces), true};
}

caf::error put(const std::string& folder, const archive_file& file, bool overwrite = false,
               const blob_loader& load = ten_letters) {
  auto to = unpacker::open(folder, overwrite);
  REQUIRE(to);
  auto e = to->make(file, load);
  return e ? e : to->finish();
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("what no blob has is a hole") {
    test::temp_dir dir;
    REQUIRE_FALSE(put(dir.path(), in_blobs("a/b", {{10, 10, "x"}, {50, 10, "y"}})));
    auto text = content(dir / "a/b");
    CHECK(text.size() == 100);
    CHECK(text.substr(10, 10) == "xxxxxxxxxx");
    CHECK(text.substr(50, 10) == "yyyyyyyyyy");
    CHECK(text.substr(60) == std::string(40, '\0'));
    CHECK((facts(dir / "a/b").st_mode & 07777) == 0640);
    CHECK(facts(dir / "a/b").st_mtime == 1000);
  }

  TEST_CASE("a file that does not come whole does not come") {
    test::temp_dir dir;
    auto fails = [](const std::string& blob) -> caf::expected<std::string> {
      if (blob == "x")
        return std::string(10, 'x');
      return make_error(ec::disconnected, "the instance has gone");
    };
    auto e = put(dir.path(), in_blobs("f", {{0, 10, "x"}, {10, 10, "y"}}), false, fails);
    CHECK(code_of(e) == ec::disconnected);
    CHECK(context_of(e) == dir / "f: the instance has gone");
    CHECK(code_of(put(dir.path(), in_blobs("f", {{0, 11, "x"}}))) == ec::store_corrupt);
    CHECK(names_in(dir.path()) == 0);
  }

  TEST_CASE("what another is making is left alone") {
    test::temp_dir dir;
    auto others = dir / fmt::format(".hactor.{}.1", ::getpid());
    std::ofstream{others} << "half";
    CHECK_FALSE(put(dir.path(), in_blobs("f", {{0, 10, "x"}})));
    CHECK_FALSE(put(dir.path(), {"l", S_IFLNK | 0777, "f"}));
    CHECK(content(others) == "half");
    CHECK(names_in(dir.path()) == 3);
  }

  TEST_CASE("what is there is replaced only when that is asked for") {
    test::temp_dir dir;
    std::ofstream{dir / "f"} << "mine";
    REQUIRE(::symlink("f", (dir / "l").c_str()) == 0);
    REQUIRE(::mkdir((dir / "d").c_str(), 0750) == 0);
    archive_file f{"f", S_IFREG | 0600, "new"}, d{"d", S_IFDIR | 0700};
    archive_file l{"l", S_IFREG | 0600, "other"}, no_folder{"d", S_IFREG | 0600, "new"};
    CHECK(code_of(put(dir.path(), f)) == ec::busy);
    CHECK(code_of(put(dir.path(), l)) == ec::busy);
    CHECK(code_of(put(dir.path(), no_folder)) == ec::wrong_state); // nor with `overwrite`
    CHECK(content(dir / "f") == "mine");
    CHECK_FALSE(put(dir.path(), d));
    CHECK((facts(dir / "d").st_mode & 0777) == 0750);
    CHECK_FALSE(put(dir.path(), f, true));
    CHECK(content(dir / "f") == "new");
    CHECK_FALSE(put(dir.path(), l, true)); // the link itself, not what it leads to
    CHECK(content(dir / "f") == "new");
    CHECK(content(dir / "l") == "other");
    CHECK(code_of(put(dir.path(), no_folder, true)) == ec::wrong_state);
    CHECK(names_in(dir.path()) == 3);
  }

  TEST_CASE("what is there and is the same stays") {
    test::temp_dir dir;
    auto blob = archive_blobref("xxxxxxxxxx");
    auto loads = 0;
    auto load = [&loads](const std::string&) -> caf::expected<std::string> {
      ++loads;
      return std::string(10, 'x');
    };
    archive_file text{"f", S_IFREG | 0640, "text", 1000, 4};
    archive_file link{"l", S_IFLNK | 0777, "f"}, empty{"e", S_IFREG | 0600};
    auto pieces = in_blobs("b", {{10, 10, blob}, {90, 10, blob}});
    for (auto& file : {text, link, empty, pieces})
      REQUIRE_FALSE(put(dir.path(), file, false, load));
    CHECK(loads == 2);
    auto made = facts(dir / "b").st_ino;
    ::chmod((dir / "f").c_str(), 0604);
    text.mtime_s = 2000;
    for (auto& file : {text, link, empty, pieces}) {
      CAPTURE(file.path);
      CHECK_FALSE(put(dir.path(), file, false, load));
    }
    CHECK(loads == 2); // nothing was asked for
    CHECK(facts(dir / "b").st_ino == made);
    CHECK((facts(dir / "f").st_mode & 07777) == 0604);
    CHECK(facts(dir / "f").st_mtime == 1000);
    CHECK(names_in(dir.path()) == 4);
  }

  TEST_CASE("what comes to be there meanwhile is judged as what was there") {
    test::temp_dir dir;
    auto file = in_blobs("f", {{0, 10, archive_blobref("xxxxxxxxxx")}});
    std::string others = std::string(10, 'x') + std::string(90, '\0');
    bool same = true;
    SUBCASE("the same") {}
    SUBCASE("another") { others.back() = 'y', same = false; }
    auto load = [&](const std::string&) -> caf::expected<std::string> {
      std::ofstream{dir / "f"} << others;
      return std::string(10, 'x');
    };
    auto e = put(dir.path(), file, false, load);
    CHECK(code_of(e) == (same ? ec::ok : ec::busy));
    CHECK(content(dir / "f") == others);
    CHECK(names_in(dir.path()) == 1);
  }

  TEST_CASE("what is there and differs in anything is refused") {
    test::temp_dir dir;
    auto blob = archive_blobref("xxxxxxxxxx");
    auto load = [](const std::string&) -> caf::expected<std::string> {
      return std::string(10, 'x');
    };
    REQUIRE_FALSE(put(dir.path(), {"f", S_IFREG | 0600, "text", 1000, 4}));
    REQUIRE_FALSE(put(dir.path(), {"l", S_IFLNK | 0777, "f"}));
    REQUIRE_FALSE(put(dir.path(), in_blobs("b", {{10, 10, blob}, {90, 10, blob}}), false, load));
    archive_file wrong[] = {{"f", S_IFREG | 0600, "tex", 1000, 3},
                            {"f", S_IFREG | 0600, "tezt", 1000, 4},
                            {"f", S_IFREG | 0600, "text\n", 1000, 5},
                            {"f", S_IFREG | 0700, "text", 1000, 4},
                            {"f", S_IFREG | 0600, {}, 1000, 4},
                            {"f", S_IFLNK | 0777, "f"},
                            {"l", S_IFREG | 0777, "text", 1000, 4},
                            {"l", S_IFLNK | 0777, "ff"},
                            {"l", S_IFLNK | 0777, "g"},
                            in_blobs("b", {}),
                            in_blobs("b", {{10, 10, blob}}),
                            in_blobs("b", {{10, 10, blob}, {80, 10, blob}}),
                            in_blobs("b", {{10, 10, archive_blobref("y")}, {90, 10, blob}})};
    for (auto& file : wrong) {
      CAPTURE(file.path);
      CAPTURE(file.data);
      CHECK(code_of(put(dir.path(), file)) == ec::busy);
    }
    CHECK(content(dir / "f") == "text");
    CHECK(names_in(dir.path()) == 3);
  }

  TEST_CASE("nothing is put through a link") {
    test::temp_dir dir, away;
    REQUIRE(::symlink(away.path().c_str(), (dir / "l").c_str()) == 0);
    for (auto* path : {"l/f", "l/d/f"})
      CHECK(code_of(put(dir.path(), {path, S_IFREG | 0600, "x"}, true)) == ec::wrong_state);
    CHECK(code_of(put(dir.path(), {"l", S_IFDIR | 0700}, true)) == ec::wrong_state);
    CHECK(names_in(away.path()) == 0);
  }

  TEST_CASE("folders get their modes and times when all is in them") {
    test::temp_dir dir;
    auto to = unpacker::open(dir.path(), false);
    REQUIRE(to);
    CHECK_FALSE(to->make({"d", S_IFDIR | 0500, {}, 2000}, {}));
    CHECK_FALSE(to->make({"d/e", S_IFDIR | 0500, {}, 3000}, {}));
    CHECK_FALSE(to->make({"d/e/f", S_IFREG | 0400, "x", 4000}, {}));
    CHECK_FALSE(to->finish());
    CHECK((facts(dir / "d").st_mode & 07777) == 0500);
    CHECK(facts(dir / "d").st_mtime == 2000);
    CHECK(facts(dir / "d/e").st_mtime == 3000);
    CHECK((facts(dir / "d/e/f").st_mode & 07777) == 0400);
    ::chmod((dir / "d").c_str(), 0700); // or it could not be removed
    ::chmod((dir / "d/e").c_str(), 0700);
  }

  TEST_CASE("folders that stand behind what is in them get their modes and times as well") {
    test::temp_dir dir;
    auto to = unpacker::open(dir.path(), false);
    REQUIRE(to);
    REQUIRE(::mkdir((dir / "d").c_str(), 0755) == 0);
    CHECK_FALSE(to->make({"d/e/g/f", S_IFREG | 0400, "x", 4000}, {}));
    CHECK_FALSE(to->make({"d/e/g", S_IFDIR | 0710, {}, 3000}, {}));
    CHECK_FALSE(to->make({"d/e", S_IFDIR | 0770, {}, 2000}, {}));
    CHECK_FALSE(to->make({"d", S_IFDIR | 0770, {}, 1000}, {}));
    CHECK_FALSE(to->finish());
    CHECK((facts(dir / "d/e/g").st_mode & 07777) == 0710);
    CHECK(facts(dir / "d/e/g").st_mtime == 3000);
    CHECK((facts(dir / "d/e").st_mode & 07777) == 0770);
    CHECK(facts(dir / "d/e").st_mtime == 2000);
    CHECK((facts(dir / "d").st_mode & 07777) == 0755); // was there before
  }

  TEST_CASE("folders that are closed to their owner are filled anew") {
    test::temp_dir dir;
    test::ordinary_user user{dir.path()};
    if (!user.can_enter()) {
      MESSAGE("skipped: on this machine only root may enter the folder");
      return;
    }
    REQUIRE(::mkdir((dir / "d").c_str(), 0555) == 0);
    for (auto* path : {"d/f", "d/e/f"}) {
      auto e = put(dir.path(), {path, S_IFREG | 0400, "x"}, true);
      CHECK(context_of(e) == dir / path + ": Permission denied");
    }
    for (auto mode : {0555u, 0u, 0300u}) {
      CAPTURE(mode);
      auto to = unpacker::open(dir.path(), true);
      REQUIRE(to);
      CHECK_FALSE(to->make({"d", S_IFDIR | mode, {}, 2000}, {}));
      CHECK_FALSE(to->make({"d/e", S_IFDIR | mode, {}, 3000}, {}));
      CHECK_FALSE(to->make({"d/e/f", S_IFREG | 0400, "x", 4000}, {}));
      CHECK_FALSE(to->finish());
      CHECK((facts(dir / "d").st_mode & 07777) == mode);
      CHECK(facts(dir / "d").st_mtime == 2000);
    }
    ::chmod((dir / "d").c_str(), 0700);
    CHECK((facts(dir / "d/e").st_mode & 07777) == 0300);
    CHECK(content(dir / "d/e/f") == "x");
    ::chmod((dir / "d/e").c_str(), 0700);
  }

  TEST_CASE("a folder that is none is told of") {
    auto to = unpacker::open("/nowhere/at/all", false);
    REQUIRE_FALSE(to);
    CHECK(context_of(to.error()).starts_with("/nowhere/at/all: "));
  }
}
