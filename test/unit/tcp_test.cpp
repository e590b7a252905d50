// runtime/tcp_key, tcp_address, tcp_plan: who may join, where the others are, which rank this is.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/tcp_key.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "runtime/tcp_plan.hpp"
#include "temp_dir.hpp"

using namespace hactor;
using namespace hactor::test;

namespace {

void write_file(const std::string& path, const std::string& text, mode_t mode = 0600) {
  std::ofstream{path, std::ios::binary} << text;
  REQUIRE(::chmod(path.c_str(), mode) == 0);
}

config attributes(const std::vector<std::string>& items) {
  config c;
  for (auto& x : items) {
    auto failed = c.set_item(x);
    REQUIRE_MESSAGE(!failed, render(failed));
  }
  return c;
}

/// The error of a plan, "" when there is none.
std::string refusal(const std::vector<std::string>& items) {
  auto plan = plan_tcp(attributes(items));
  return plan ? "" : render(plan.error());
}

bool nowhere(const std::string&) { return false; }

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("a key is made once, for its owner only, and then read") {
    temp_dir dir;
    auto path = dir / "a/b/key";
    CHECK(code_of(load_key(path).error()) == ec::unknown_key);
    auto made = load_or_make_key(path);
    REQUIRE(made);
    struct stat is {};
    REQUIRE(::stat(path.c_str(), &is) == 0);
    CHECK((is.st_mode & 07777) == 0600);
    CHECK(is.st_size == tcp_key_size);
    auto again = load_or_make_key(path);
    REQUIRE(again);
    CHECK(*again == *made);
    CHECK(*load_key(path) == *made);
    auto other = load_or_make_key(dir / "other");
    REQUIRE(other);
    CHECK(*other != *made);
  }

  TEST_CASE("a key that others may use, of another owner or size, is refused with the reason") {
    temp_dir dir;
    auto path = dir / "key";
    for (mode_t mode : {0640, 0604, 0660, 0777}) {
      write_file(path, std::string(32, 'k'), mode);
      auto k = load_or_make_key(path);
      REQUIRE_FALSE(k);
      CHECK(code_of(k.error()) == ec::not_permitted);
      CHECK(render(k.error()).find("chmod 600") != std::string::npos);
    }
    for (size_t size : {0, 31, 33}) {
      write_file(path, std::string(size, 'k'));
      auto k = load_or_make_key(path);
      REQUIRE_FALSE(k);
      CHECK(code_of(k.error()) == ec::bad_argument);
    }
    CHECK(code_of(load_key(dir.path()).error()) == ec::bad_argument);
    if (::geteuid() == 0) {
      write_file(path, std::string(32, 'k'));
      REQUIRE(::chown(path.c_str(), 65534, 65534) == 0);
      auto k = load_key(path);
      REQUIRE_FALSE(k);
      CHECK(code_of(k.error()) == ec::not_permitted);
      CHECK(render(k.error()).find("65534") != std::string::npos);
    }
  }

  TEST_CASE("a proof holds for its key, role, both nonces and text only") {
    tcp_key a{1}, b{2};
    auto n = make_nonce();
    auto m = make_nonce();
    CHECK(n != m);
    auto proof = prove(a, "dialler", n, m, "text");
    CHECK(same_proof(proof, prove(a, "dialler", n, m, "text")));
    CHECK_FALSE(same_proof(proof, prove(b, "dialler", n, m, "text")));
    CHECK_FALSE(same_proof(proof, prove(a, "acceptor", n, m, "text")));
    CHECK_FALSE(same_proof(proof, prove(a, "dialler", m, n, "text")));
    CHECK_FALSE(same_proof(proof, prove(a, "dialler", n, m, "texts")));
  }

  TEST_CASE("HOST:PORT is read, and everything else refused") {
    struct row {
      const char* text;
      const char* host;
      uint16_t port;
    };
    for (auto& r : {row{"node1:8787", "node1", 8787}, row{"10.0.0.1:1", "10.0.0.1", 1},
                    row{"[fd00::1]:65535", "fd00::1", 65535}}) {
      auto e = parse_endpoint(r.text);
      REQUIRE(e);
      CHECK(e->host == r.host);
      CHECK(e->port == r.port);
      CHECK(e->text() == r.text);
    }
    for (auto* text : {"", "node1", ":1", "node1:", "node1:0", "node1:65536", "node1:x", "a:b:1",
                       "[]:1", "node1:1 "}) {
      CAPTURE(text);
      auto e = parse_endpoint(text);
      REQUIRE_FALSE(e);
      CHECK(code_of(e.error()) == ec::bad_argument);
    }
  }

  TEST_CASE("addresses of this host are known as such") {
    auto loop = resolve({"127.0.0.1", 7});
    REQUIRE(loop);
    CHECK(is_local(loop->front()));
    CHECK(loop->front().is_loopback());
    CHECK(loop->front().host() == "127.0.0.1");
    CHECK(loop->front().port() == 7);
    auto foreign = resolve({"192.0.2.1", 7}); // TEST-NET-1 is nobody's
    REQUIRE(foreign);
    CHECK_FALSE(is_local(foreign->front()));
    CHECK(resolve({"0.0.0.0", 7})->front().is_wildcard());
    auto none = resolve({"no-such-host.invalid", 7});
    REQUIRE_FALSE(none);
    CHECK(code_of(none.error()) == ec::network_failed);
    CHECK(render(none.error()).find("no-such-host.invalid") != std::string::npos);
  }

  TEST_CASE("a host finds its place in the list by its name, with or without domain") {
    std::vector<std::string> hosts{"n1", "n2", "n10", "big.site"};
    CHECK(*find_place(hosts, "n1", nowhere) == 0);
    CHECK(*find_place(hosts, "n2.site", nowhere) == 1);
    CHECK(*find_place(hosts, "big", nowhere) == 3);
    CHECK(*find_place(hosts, "x", [](auto& h) { return h == "n10"; }) == 2);
    // The same first name in another domain is another host.
    CHECK_FALSE(find_place(hosts, "big.other", nowhere));
    auto missing = find_place(hosts, "n3", nowhere);
    REQUIRE_FALSE(missing);
    CHECK(code_of(missing.error()) == ec::bad_argument);
    CHECK(render(missing.error()).find("n3") != std::string::npos);
    CHECK(render(missing.error()).find("n[1-2,10],big.site") != std::string::npos);
    auto twice = find_place({"n1", "n2", "n1"}, "n1", nowhere);
    REQUIRE_FALSE(twice);
    CHECK(render(twice.error()).find("transport.rank=0 or 2") != std::string::npos);
    // An exact name counts before a short one.
    CHECK(*find_place({"n1.a", "n1"}, "n1", nowhere) == 1);
  }

  TEST_CASE("a file of hosts has one on a line, comments and lists") {
    temp_dir dir;
    auto path = dir / "hosts";
    write_file(path, "# ours\nn1\n\n  n2  # second\nn[5-6]\n");
    auto hosts = read_hosts(path);
    REQUIRE(hosts);
    CHECK(*hosts == std::vector<std::string>{"n1", "n2", "n5", "n6"});
    write_file(path, "n1\nn[2\n");
    auto bad = read_hosts(path);
    REQUIRE_FALSE(bad);
    CHECK(code_of(bad.error()) == ec::bad_hostlist);
    CHECK(render(bad.error()).find("hosts:2: ") != std::string::npos);
    CHECK(code_of(read_hosts(dir / "none").error()) == ec::system_failed);
    CHECK(read_hosts("n[1-3]")->size() == 3);
  }

  TEST_CASE("attributes that do not fit together are refused by name") {
    auto contains = [](const std::string& text, const char* part) {
      CAPTURE(text);
      CHECK(text.find(part) != std::string::npos);
    };
    contains(refusal({}), "transport.hosts=HOSTLIST");
    contains(refusal({"transport.hosts=a", "transport.rendezvous=a:1"}), "only one");
    contains(refusal({"transport.rendezvous=a:1"}), "transport.size=N");
    contains(refusal({"transport.rendezvous=a", "transport.size=2"}), "HOST:PORT");
    contains(refusal({"transport.rendezvous=a:1", "transport.size=2", "transport.rank=2"}),
             "ranks 0 to 1");
    contains(refusal({"transport.hosts=a,b", "transport.size=3", "transport.rank=0"}), "2 hosts");
    contains(refusal({"transport.hosts=a[", "transport.rank=0"}), "a[");
  }

  TEST_CASE("a plan says rank, size and where to meet") {
    auto by_hosts
      = plan_tcp(attributes({"transport.hosts=x,me", "hostname=me", "transport.port=99"}));
    REQUIRE(by_hosts);
    CHECK(by_hosts->rank == 1u);
    CHECK(by_hosts->size == 2);
    CHECK(by_hosts->meeting.text() == "x:99");
    CHECK(by_hosts->own_port == 99);
    auto by_meeting = plan_tcp(attributes({"transport.rendezvous=x:5", "transport.size=9",
                                           "transport.key=/k", "transport.start_timeout=2s"}));
    REQUIRE(by_meeting);
    CHECK_FALSE(by_meeting->rank);
    CHECK(by_meeting->size == 9);
    CHECK(by_meeting->key_path == "/k");
    CHECK(by_meeting->start_ns_max == 2'000'000'000);
  }

} // TEST_SUITE
