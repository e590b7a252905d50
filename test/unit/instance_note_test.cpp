// workflow/address, instance_note, ssh_way: what names an instance, and how it is found again.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "workflow/instance_note.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <sys/stat.h>
#include <unistd.h>

#include "temp_dir.hpp"
#include "workflow/address.hpp"
#include "workflow/client.hpp"
#include "workflow/ssh_way.hpp"

#include <doctest/doctest.h>

using namespace hactor;
using namespace hactor::workflow;
using hactor::test::temp_dir;

namespace {

using way = instance_address::way;

/// A folder of notes for the time of a test.
struct notes {
  notes() { ::setenv("HACTOR_INSTANCES", (dir / "a/notes").c_str(), 1); }
  ~notes() { ::unsetenv("HACTOR_INSTANCES"); }

  static instance_note make(int64_t identity, const char* name = "") {
    instance_note n;
    n.id = note_id(identity);
    n.identity = std::to_string(identity);
    n.name = name;
    sign(n);
    n.uri = "local:///tmp/x" + n.identity + "/local";
    n.started = static_cast<double>(identity);
    n.command = "sh -c x";
    return n;
  }

  temp_dir dir;
};

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("an instance is named by a URI of three kinds, or by a word") {
    auto tcp = parse_address("tcp://node1:8787/fA2/fB3");
    REQUIRE(tcp);
    CHECK(tcp->by == way::tcp);
    CHECK(tcp->where.text() == "node1:8787");
    CHECK(tcp->inside == "fA2/fB3");
    auto six = parse_address("tcp://[fd00::1]:80");
    REQUIRE(six);
    CHECK(six->where.host == "fd00::1");
    CHECK(six->inside.empty());
    auto ssh = parse_address("ssh://me@node1:2222/tmp/x/local/fA2");
    REQUIRE(ssh);
    CHECK(ssh->by == way::ssh);
    CHECK(ssh->login == "me@node1");
    CHECK(ssh->port == 2222);
    CHECK(ssh->socket == "/tmp/x/local/fA2");
    CHECK(parse_address("ssh://[fd00::1]/x")->login == "fd00::1");
    CHECK(parse_address("ssh://me@[fd00::1]:22/x")->login == "me@fd00::1");
    auto local = parse_address("local:///no/such/socket/fA2");
    REQUIRE(local);
    CHECK(local->socket == "/no/such/socket/fA2");
    auto noted = parse_address("iabc/fA2");
    REQUIRE(noted);
    CHECK(noted->by == way::note);
    CHECK(noted->note == "iabc");
    CHECK(noted->inside == "fA2");
    for (auto* wrong : {"", "/tmp/x", "http://node1/", "tcp://", "tcp://node1", "tcp://node1:0",
                        "tcp://node1:99999", "ssh://", "ssh://node1", "ssh:///tmp/x",
                        "ssh://-oProxyCommand=x/tmp", "ssh://a b/tmp", "ssh://n:0/tmp",
                        "ssh://n:x/tmp", "ssh://me@/tmp"}) {
      auto refused = parse_address(wrong);
      REQUIRE_MESSAGE(!refused, wrong);
      CHECK(code_of(refused.error()) == ec::bad_argument);
      CHECK(render(refused.error()).find(wrong) != std::string::npos);
    }
  }

  TEST_CASE("the words of ssh are those of the environment, and the path is quoted") {
    ::setenv("HACTOR_SSH", "myssh  -o BatchMode=yes ", 1);
    ::setenv("HACTOR_SSH_RCMD", "/opt/hactor", 1);
    auto words = ssh_words(*parse_address("ssh://me@n1:22/tmp/it's/local"));
    CHECK(words
          == std::vector<std::string>{"myssh", "-o", "BatchMode=yes", "-p", "22", "me@n1",
                                      "/opt/hactor", "relay", "'/tmp/it'\\''s/local'"});
    ::unsetenv("HACTOR_SSH");
    ::unsetenv("HACTOR_SSH_RCMD");
    words = ssh_words(*parse_address("ssh://n1/x"));
    CHECK(words == std::vector<std::string>{"ssh", "n1", "hactor", "relay", "'/x'"});
  }

  TEST_CASE("a note is for its owner alone, and says what was written") {
    notes all;
    auto n = notes::make(5, "mine");
    n.tcp = "node1:80";
    n.token = "/home/me/key";
    n.nnodes = 3;
    n.within = "slurm:4711";
    auto path = write_note(n);
    REQUIRE(path);
    struct stat info {};
    REQUIRE(::stat(path->c_str(), &info) == 0);
    CHECK((info.st_mode & 07777) == 0600);
    REQUIRE(::stat((all.dir / "a/notes").c_str(), &info) == 0);
    CHECK((info.st_mode & 07777) == 0700);
    auto read = read_notes();
    REQUIRE(read.size() == 1);
    CHECK(to_json(read[0]) == to_json(n));
    CHECK(is_here(read[0]));
    CHECK_FALSE(is_gone(read[0]));
    CHECK(way_to(read[0]) == n.uri);
    CHECK(ssh_way_to(read[0]) == "ssh://" + n.host + "/tmp/x5/local");
    CHECK(find_note_of("node1:80")->id == n.id);
    remove_note(*path, "local:///tmp/another/local"); // which has taken its place
    CHECK(read_notes().size() == 1);
    remove_note(*path, n.uri);
    CHECK(read_notes().empty());
  }

  TEST_CASE("from another machine the way is TCP, else ssh") {
    auto n = notes::make(5);
    n.host = "elsewhere.example";
    CHECK_FALSE(is_here(n));
    CHECK_FALSE(is_gone(n)); // who knows
    CHECK(way_to(n) == "ssh://elsewhere.example/tmp/x5/local");
    n.tcp = "elsewhere.example:80";
    CHECK(way_to(n) == "tcp://elsewhere.example:80");
  }

  TEST_CASE("whose broker has ended, or whose machine has started anew, is gone") {
    auto n = notes::make(5);
    n.pid_start += 1; // another process has the number
    CHECK(is_gone(n));
    n = notes::make(5);
    n.pid = 1 << 30;
    CHECK(is_gone(n));
    n = notes::make(5);
    n.boot = "before";
    CHECK(is_gone(n));
    CHECK_FALSE(is_here(n));
  }

  TEST_CASE("notes are found by id, by its beginning, or by name") {
    notes all;
    auto a = notes::make(1, "same");
    auto b = notes::make(2, "same");
    auto c = notes::make(3, "other");
    for (auto& n : {a, b, c})
      REQUIRE(write_note(n));
    CHECK(find_note(a.id)->id == a.id);
    CHECK(find_note(c.id.substr(0, 6))->id == c.id);
    CHECK(find_note("other")->id == c.id);
    CHECK(code_of(find_note("same").error()) == ec::bad_argument);
    CHECK(code_of(find_note("i").error()) == ec::bad_argument);
    CHECK(code_of(find_note("none").error()) == ec::no_instance);
    b.pid_start += 1;
    REQUIRE(write_note(b));
    CHECK(find_note("same")->id == a.id); // the other is gone
    CHECK(code_of(connect_socket(b.id).error()) == ec::no_instance);
  }

  TEST_CASE("what is no note of ours is not read") {
    notes all;
    auto n = notes::make(1);
    auto path = write_note(n);
    REQUIRE(path);
    ::chmod(path->c_str(), 0620);
    CHECK(read_notes().empty());
    ::chmod(path->c_str(), 0600);
    CHECK(read_notes().size() == 1);
    for (auto* text : {"", "{", "[]", "{}", "{\"id\":7}", "{\"id\":\"ibad\",\"uri\":\"http://x\"}"})
      std::ofstream{all.dir / "a/notes/ibad.json"} << text;
    ::symlink(path->c_str(), (all.dir / "a/notes/ilink.json").c_str());
    ::mkdir((all.dir / "a/notes/idir.json").c_str(), 0700);
    std::ofstream{all.dir / "a/notes/.ihidden.json"} << dump(to_json(n));
    ::mkfifo((all.dir / "a/notes/ipipe.json").c_str(), 0600); // nobody waits for who writes
    CHECK(read_notes().size() == 1);
    std::ofstream{all.dir / "a/notes/ibad.json"} << dump(to_json(n)) << std::string(70'000, ' ');
    CHECK(read_notes().size() == 1);
    ::unlink((all.dir / "a/notes/ibad.json").c_str());
    if (::geteuid() == 0) {
      REQUIRE(::chown(path->c_str(), 65534, 65534) == 0);
      CHECK(read_notes().empty());
    }
  }

  TEST_CASE("ids are alike before and after a restart, and unlike for instances of one moment") {
    CHECK(note_id(1'795'712'141'722'894'078) == note_id(1'795'712'141'722'894'078));
    CHECK(note_id(1) != note_id(2));
    CHECK(note_id(1).size() == 9);
  }

  TEST_CASE("a folder that cannot be is an error that names it") {
    ::setenv("HACTOR_INSTANCES", "/dev/null/notes", 1);
    auto written = write_note(notes::make(1));
    REQUIRE_FALSE(written);
    CHECK(render(written.error()).find("/dev/null") != std::string::npos);
    CHECK(read_notes().empty());
    ::setenv("HACTOR_INSTANCES", "", 1);
    CHECK(note_folder().empty());
    ::unsetenv("HACTOR_INSTANCES");
  }
}
