// Folders of jobs: whose they are, what is left, which are used again.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include <sys/stat.h>

#include "actors/job_folders.hpp"
#include "ordinary_user.hpp"
#include "temp_dir.hpp"

using namespace hactor;
using namespace hactor::test;

namespace {

struct bench {
  job_folders::slot take() {
    auto s = folders->take();
    REQUIRE_MESSAGE(s, render(s.error()));
    struct stat info {};
    REQUIRE(::stat(s->path.c_str(), &info) == 0);
    CHECK((info.st_mode & 07777) == 0700);
    CHECK(std::filesystem::is_empty(s->path));
    return *s;
  }
  temp_dir dir;
  std::shared_ptr<job_folders> folders = *job_folders::open(dir / "jobs");
};

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("jobs that run together have folders of their own") {
    bench b;
    auto one = b.take(), two = b.take();
    CHECK(one.path != two.path);
  }

  TEST_CASE("a folder that was not touched serves the next job") {
    bench b;
    auto one = b.take();
    CHECK(b.folders->give_back(one));
    CHECK(b.take().path == one.path);
  }

  TEST_CASE("a folder with something in it goes with what is in it") {
    bench b;
    auto one = b.take();
    SUBCASE("a file, made at once") { std::ofstream{one.path + "/x"} << "x"; }
    SUBCASE("a tree") { std::filesystem::create_directories(one.path + "/a/b/c"); }
    SUBCASE("a hidden file") { std::ofstream{one.path + "/.x"} << "x"; }
    CHECK_FALSE(b.folders->give_back(one));
    b.folders->remove_all(one);
    CHECK_FALSE(std::filesystem::exists(one.path));
    CHECK(b.take().path != one.path);
  }

  TEST_CASE("folders that their owner has closed go, too") {
    temp_dir dir;
    ordinary_user user{dir.path()};
    if (!user.can_enter()) {
      MESSAGE("skipped: on this machine only root may enter the folder");
      return;
    }
    temp_dir away;
    auto folders = *job_folders::open(dir / "jobs");
    auto one = *folders->take();
    std::filesystem::create_directories(one.path + "/a/b/c/d");
    std::ofstream{one.path + "/a/b/c/d/f"} << "x";
    std::filesystem::create_directory_symlink(away.path(), one.path + "/a/b/link");
    ::chmod(away.path().c_str(), 0755);
    mode_t mode = 0;
    SUBCASE("read-only") { mode = 0555; }
    SUBCASE("not to be read") { mode = 0333; }
    SUBCASE("not at all") {}
    for (auto* below : {"/a/b/c/d", "/a/b/c", "/a/b", "/a", ""})
      REQUIRE(::chmod((one.path + below).c_str(), mode) == 0);
    CHECK_FALSE(folders->give_back(one));
    folders->remove_all(one);
    CHECK_FALSE(std::filesystem::exists(one.path));
    struct stat info {};
    REQUIRE(::stat(away.path().c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0755); // what links lead to is not ours
  }

  TEST_CASE("a folder whose mode was changed, or that is gone, is no other job's") {
    bench b;
    auto one = b.take();
    SUBCASE("mode") {
      while (true) { // until the change is in another tick than the making
        ::chmod(one.path.c_str(), 0755);
        struct stat info {};
        ::stat(one.path.c_str(), &info);
        if (info.st_ctim.tv_sec != one.changed.tv_sec
            || info.st_ctim.tv_nsec != one.changed.tv_nsec)
          break;
      }
    }
    SUBCASE("gone") { std::filesystem::remove(one.path); }
    CHECK(b.folders->give_back(one));
    CHECK_FALSE(std::filesystem::exists(one.path));
    CHECK(b.take().path != one.path);
  }

  TEST_CASE("a folder that cannot be made is an error that names it") {
    bench b;
    std::filesystem::remove(b.dir / "jobs");
    auto s = b.folders->take();
    REQUIRE_FALSE(s);
    CHECK(render(s.error()).find(b.dir / "jobs") != std::string::npos);
    CHECK_FALSE(job_folders::open(b.dir / "no/such"));
  }
}
