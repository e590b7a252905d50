// tools/packer: files on the disk, as an archive has them.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <fstream>
#include <map>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "temp_dir.hpp"
#include "tools/packer.hpp"

using namespace hactor;
using namespace hactor::tools;

namespace {

/// Packs what is below a folder of its own.
struct packing {
  test::temp_dir dir;
  std::map<std::string, std::string> blobs;
  caf::error refuse; // of each blob
  packer all{{4, 10},
             [this](const std::string& blob, std::string bytes) {
               blobs[blob] = std::move(bytes);
               return refuse;
             },
             [this](archive_file file) {
               files.push_back(std::move(file));
               return refuse;
             }};

  void write(const std::string& name, const std::string& text) {
    std::ofstream{dir / name} << text;
  }
  /// Its paths, without that of the folder.
  std::vector<std::string> paths() {
    std::vector<std::string> found;
    for (auto& f : files)
      found.push_back(f.path.size() < dir.path().size() ? "" : f.path.substr(dir.path().size()));
    return found;
  }
  std::vector<archive_file> files;
};

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("paths in an archive lie below the folder that it is put into") {
    CHECK(*archive_path_of("a") == "a");
    CHECK(*archive_path_of("./a//b/./c/") == "a/b/c");
    CHECK(*archive_path_of("/etc/passwd") == "etc/passwd");
    CHECK(*archive_path_of(".") == "");
    for (auto* wrong : {"..", "../a", "a/../../b", "a/..", "\xff"}) {
      CAPTURE(wrong);
      auto path = archive_path_of(wrong);
      REQUIRE_FALSE(path);
      CHECK(code_of(path.error()) == ec::bad_argument);
    }
  }

  TEST_CASE("small files stand in the archive, others are cut into blobs, equal ones once") {
    packing p;
    p.write("small", "1234");
    p.write("large", "0123456789abcde");
    p.write("twin", "0123456789abcde");
    p.write("empty", "");
    REQUIRE(::symlink("/nowhere", (p.dir / "link").c_str()) == 0);
    REQUIRE_FALSE(p.all.add(p.dir.path()));
    REQUIRE(p.paths() == std::vector<std::string>{"", "empty", "large", "link", "small", "twin"});
    CHECK(p.files[1].size == 0);
    CHECK(p.files[3].data == "/nowhere");
    CHECK(p.files[4].data == "1234");
    CHECK_FALSE(p.files[4].in_blobs);
    auto& large = p.files[2];
    REQUIRE(large.pieces.size() == 2);
    CHECK(p.blobs[large.pieces[0].blob] == "0123456789");
    CHECK(large.pieces[1].offset == 10);
    CHECK(p.blobs[large.pieces[1].blob] == "abcde");
    CHECK(p.files[5].pieces[1].blob == large.pieces[1].blob);
    CHECK(p.blobs.size() == 2);
  }

  TEST_CASE("holes are not read") {
    packing p;
    p.write("f", "0123456789");
    REQUIRE(::truncate((p.dir / "f").c_str(), 1 << 20) == 0);
    REQUIRE_FALSE(p.all.add(p.dir / "f"));
    CHECK(p.files[0].size == 1 << 20);
    // As much is data as the file system keeps together.
    CHECK(p.files[0].pieces.size() < (1 << 19) / 10);
    CHECK(p.blobs[p.files[0].pieces[0].blob] == "0123456789");
  }

  TEST_CASE("what was added is not added again") {
    packing p;
    p.write("f", "12");
    REQUIRE_FALSE(p.all.add(p.dir / "f"));
    REQUIRE_FALSE(p.all.add(p.dir / "./f"));
    REQUIRE_FALSE(p.all.add(p.dir.path()));
    CHECK(p.paths() == std::vector<std::string>{"f", ""});
  }

  TEST_CASE("what could never be put beside the rest is told of") {
    packing p;
    p.write("f", "12");
    REQUIRE(::symlink(".", (p.dir / "link").c_str()) == 0);
    auto link = p.dir / "link", through = p.dir / "link/f";
    SUBCASE("the link first") {
      REQUIRE_FALSE(p.all.add(link));
      auto e = p.all.add(through);
      CHECK(code_of(e) == ec::wrong_state);
      CHECK(context_of(e)
            == through + ": '" + link.substr(1) + "' above it is in the archive, and no folder");
    }
    SUBCASE("the link last") {
      REQUIRE_FALSE(p.all.add(through));
      auto e = p.all.add(link);
      CHECK(code_of(e) == ec::wrong_state);
      CHECK(context_of(e)
            == link + ": is no folder, and '" + through.substr(1) + "' below it is in the archive");
    }
    CHECK(p.files.size() == 1);
  }

  TEST_CASE("who takes the files may end it") {
    packing p;
    for (auto* name : {"1", "2", "3"})
      p.write(name, "12");
    p.refuse = make_error(ec::too_big, "enough");
    CHECK(code_of(p.all.add(p.dir.path())) == ec::too_big);
    CHECK(p.files.size() == 1);
  }

  TEST_CASE("what cannot be archived ends it, by its name") {
    packing p;
    REQUIRE(::mkfifo((p.dir / "fifo").c_str(), 0600) == 0);
    auto e = p.all.add(p.dir.path());
    CHECK(code_of(e) == ec::wrong_state);
    CHECK(context_of(e).starts_with(p.dir / "fifo: is a fifo"));
    e = p.all.add(p.dir / "none");
    CHECK(code_of(e) == ec::system_failed);
    CHECK(context_of(e) == p.dir / "none: No such file or directory");
    CHECK(code_of(p.all.add("")) == ec::bad_argument);
    p.write("large", "0123456789abcde");
    p.refuse = make_error(ec::disk_full, "no room");
    CHECK(code_of(p.all.add(p.dir / "large")) == ec::disk_full);
    CHECK(p.blobs.size() == 1); // no other was tried
  }
}
