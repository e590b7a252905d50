// Files that tasks write to: names from templates, shared descriptors, labels.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "actors/output_files.hpp"
#include "temp_dir.hpp"

using namespace hactor;
using namespace hactor::test;

namespace {

std::string content(const std::string& path) {
  std::ifstream in{path};
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("a relative name lies below the job's directory, an absolute one where it says") {
    temp_dir d;
    output_files f;
    CHECK(*f.open("o.%t", {"f1", "n", -1, 3, 0, 4}, d.path(), true) == d / "o.3");
    CHECK(*f.open(d / "abs", {}, "/nowhere", true) == d / "abs");
    CHECK(content(d / "o.3") == "");
  }

  TEST_CASE("a name is opened once, so that the second task does not empty it") {
    temp_dir d;
    output_files f;
    REQUIRE(f.open("o", {}, d.path(), true));
    CHECK(!f.write_labelled(d / "o", 1, 1, "a\n"));
    REQUIRE(f.open("o", {}, d.path(), true));
    CHECK(!f.write_labelled(d / "o", 2, 1, "b\n"));
    CHECK(content(d / "o") == "1: a\n2: b\n");
  }

  TEST_CASE("the first node empties the file, the others append") {
    temp_dir d;
    std::ofstream{d / "o"} << "old\n";
    output_files other, first;
    REQUIRE(other.open("o", {}, d.path(), false));
    CHECK(content(d / "o") == "old\n");
    REQUIRE(first.open("o", {}, d.path(), true));
    CHECK(content(d / "o") == "");
    CHECK(!other.write_labelled(d / "o", 1, 1, "x\n"));
    CHECK(!first.write_labelled(d / "o", 0, 1, "y\n"));
    CHECK(content(d / "o") == "1: x\n0: y\n");
  }

  TEST_CASE("each line has its label, also the last one without a newline") {
    temp_dir d;
    output_files f;
    REQUIRE(f.open("o", {}, d.path(), true));
    CHECK(!f.write_labelled(d / "o", 12, 1, "a\n\nb"));
    CHECK(content(d / "o") == "12: a\n12: \n");
    CHECK(!f.write_labelled(d / "o", 12, 1, ""));
    CHECK(!f.write_labelled(d / "o", 12, 1, ""));
    CHECK(content(d / "o") == "12: a\n12: \n12: b\n");
  }

  TEST_CASE("a shared descriptor writes to the same file and is closed on exec") {
    temp_dir d;
    output_files f;
    REQUIRE(f.open("o", {}, d.path(), true));
    auto fd = f.share(d / "o");
    REQUIRE(fd);
    CHECK((::fcntl(fd->get(), F_GETFD) & FD_CLOEXEC) != 0);
    CHECK(::write(fd->get(), "raw", 3) == 3);
    CHECK(!f.write_labelled(d / "o", 0, 1, "x\n"));
    CHECK(content(d / "o") == "raw0: x\n");
  }

  TEST_CASE("a line that comes in pieces has one label, and nothing in it") {
    temp_dir d;
    output_files f;
    f.set_labels("7.", false);
    REQUIRE(f.open("o", {}, d.path(), true));
    std::string line(300'000, 'x');
    for (size_t at = 0; at < line.size(); at += 64'000) {
      CHECK(!f.write_labelled(d / "o", 0, 1, line.substr(at, 64'000)));
      CHECK(!f.write_labelled(d / "o", 1, 2, "other\n"));
    }
    CHECK(!f.write_labelled(d / "o", 0, 1, "\nlast"));
    CHECK(!f.write_labelled(d / "o", 0, 1, ""));
    std::string others;
    for (int i = 0; i < 5; ++i)
      others += "7.1: other\n";
    CHECK(content(d / "o") == others + "7.0: " + line + "\n7.0: last\n");
  }

  TEST_CASE("a file that cannot be made is an error that names it") {
    temp_dir d;
    output_files f;
    auto bad = f.open("no/dir/o", {}, d.path(), true);
    REQUIRE_FALSE(bad);
    CHECK(code_of(bad.error()) == ec::exec_failed);
    CHECK(context_of(bad.error()).find(d / "no/dir/o") != std::string::npos);
  }

  TEST_CASE("a FIFO never makes who opens it wait") {
    temp_dir d;
    auto fifo = d / "p";
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    output_files f;
    auto unread = f.open("p", {}, d.path(), true);
    REQUIRE_FALSE(unread);
    CHECK(render(unread.error()).find("p is a FIFO that nobody reads") != std::string::npos);
    auto input = open_input("p", {}, d.path());
    REQUIRE_FALSE(input);
    CHECK(render(input.error()).find("p is a FIFO; let the command") != std::string::npos);

    owned_fd reader{::open(fifo.c_str(), O_RDONLY | O_NONBLOCK)};
    auto labelled = output_files{}.open_labelled("p", {}, d.path(), true);
    REQUIRE_FALSE(labelled);
    CHECK(render(labelled.error()).find("p is no regular file") != std::string::npos);
    REQUIRE(f.open("p", {}, d.path(), true));
    auto fd = f.share(fifo);
    REQUIRE(fd);
    CHECK((::fcntl(fd->get(), F_GETFL) & O_NONBLOCK) == 0); // a task waits for its reader
    CHECK(::write(fd->get(), "raw", 3) == 3);
    char got[8];
    CHECK(::read(reader.get(), got, sizeof got) == 3);
  }

  TEST_CASE("files that no task can be given are named with what they are") {
    temp_dir d;
    owned_fd at{::socket(AF_UNIX, SOCK_STREAM, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    (d / "s").copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::bind(at.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    for (auto [name, why] : {std::pair{"s", "s is a socket"}, std::pair{".", ". is a directory"}}) {
      auto input = open_input(name, {}, d.path());
      REQUIRE_FALSE(input);
      CHECK(code_of(input.error()) == ec::exec_failed);
      CHECK(render(input.error()).find(why) != std::string::npos);
    }
    auto output = output_files{}.open("s", {}, d.path(), true);
    REQUIRE_FALSE(output);
    CHECK(render(output.error()).find("s is a socket") != std::string::npos);
    auto null = open_input("/dev/null", {}, "/");
    REQUIRE(null);
    CHECK((::fcntl(null->get(), F_GETFL) & O_NONBLOCK) == 0);
  }

  TEST_CASE("a full disk is told as such") {
    output_files f;
    REQUIRE(f.open_labelled("/dev/full", {}, "/", false));
    auto e = f.write_labelled("/dev/full", 0, 1, "x\n");
    CHECK(code_of(e) == ec::disk_full);
    CHECK(render(e).find("/dev/full") != std::string::npos);
  }
}
