// Tests of reapi/: the C functions, as a program of a user's calls them, and the C++ ones where
// they are more than that.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>

#include <doctest/doctest.h>

#include "reapi/reapi_cli.h"
#include "reapi/reapi_cli.hpp"

namespace {

using Flux::resource_model::detail::reapi_cli_t;
using Flux::resource_model::detail::resource_query_t;

/// A cluster of two nodes of two cores, ranks 0 and 1.
std::string two_nodes() {
  std::string nodes = R"({"id":"c","metadata":{"type":"cluster","id":0}})", edges;
  for (std::string n : {"0", "1"}) {
    nodes +=
        R"(,{"id":"n)" + n + R"(","metadata":{"type":"node","id":)" + n + R"(,"rank":)" + n + "}}";
    edges += std::string{edges.empty() ? "" : ","} + R"({"source":"c","target":"n)" + n + R"("})";
    for (std::string c : {"0", "1"}) {
      auto id = "p" + n + c;
      nodes += R"(,{"id":")" + id + R"(","metadata":{"type":"core","id":)" + c + R"(,"rank":)" + n
               + "}}";
      edges += R"(,{"source":"n)" + n + R"(","target":")" + id + R"("})";
    }
  }
  return R"({"graph":{"nodes":[)" + nodes + R"(],"edges":[)" + edges + "]}}";
}

std::string cores(int n) {
  return "version: 1\nresources:\n  - {type: slot, count: 1, label: s, with: [{type: node, count: "
         "1, with: [{type: core, count: "
         + std::to_string(n)
         + "}]}]}\ntasks: [{command: [a], slot: s, count: {per_slot: 1}}]\n"
           "attributes: {system: {duration: 60}}\n";
}

constexpr auto options = R"({"load_format":"jgf","match_format":"rv1","matcher_policy":"low"})";

struct context {
  reapi_cli_ctx_t* ctx = reapi_cli_new();

  explicit context(reapi_cli_ctx_t* c) : ctx{c} {}
  context() { REQUIRE(reapi_cli_initialize(ctx, two_nodes().c_str(), options) == 0); }
  context(const context&) = delete;
  context& operator=(const context&) = delete;
  ~context() { reapi_cli_destroy(ctx); }

  uint64_t job = 0;
  bool reserved = false;
  int64_t at = 0;
  double seconds = 0;
  std::string R;

  int take(bool or_reserve, int n) {
    char* text = nullptr;
    auto rc = reapi_cli_match_allocate(ctx, or_reserve, cores(n).c_str(), &job, &reserved, &text,
                                       &at, &seconds);
    R = text == nullptr ? "" : text;
    std::free(text);
    return rc;
  }

  std::string mode(uint64_t id) {
    char* text = nullptr;
    bool is_reserved = false;
    int64_t when = 0;
    double took = 0;
    if (reapi_cli_info(ctx, id, &text, &is_reserved, &when, &took) != 0)
      return "none";
    std::string result = text;
    std::free(text);
    return result;
  }

  std::string message() {
    auto* text = const_cast<char*>(reapi_cli_get_err_msg(ctx));
    std::string result = text;
    std::free(text);
    return result;
  }
};

} // namespace

TEST_SUITE("unit") {
  TEST_CASE("jobs are held, reserved, told of and cancelled") {
    context c;
    for (uint64_t id : {1, 2}) {
      REQUIRE(c.take(false, 1) == 0);
      CHECK(c.job == id);
      CHECK_FALSE(c.reserved);
      CHECK(c.R.find("R_lite") != std::string::npos);
    }
    CHECK(c.take(false, 1) == 0); // both nodes are taken: a slot has them whole
    CHECK(errno == EBUSY);
    CHECK(c.R.empty());
    REQUIRE(c.take(true, 2) == 0);
    CHECK(c.reserved);
    CHECK(c.at == 60);
    auto later = c.job;
    CHECK(c.mode(1) == "ALLOCATED");
    CHECK(c.mode(later) == "RESERVED");
    CHECK(reapi_cli_cancel(c.ctx, later, false) == 0);
    CHECK(c.mode(later) == "CANCELED");
    CHECK(reapi_cli_cancel(c.ctx, later, false) == -1);
    CHECK(errno == ENOENT);
    CHECK(reapi_cli_cancel(c.ctx, later, true) == 0);
    CHECK(c.mode(99) == "none");
    CHECK(c.message().find("nonexistent job 99") != std::string::npos);
    reapi_cli_clear_err_msg(c.ctx);
    CHECK(c.message().empty());
    char* R = nullptr;
    CHECK(reapi_cli_match_with_jobid(c.ctx, MATCH_ALLOCATE, cores(1).c_str(), 1, &c.reserved, &R,
                                     &c.at, &c.seconds)
          == -1);
    CHECK(errno == EEXIST);
    int64_t V = 0, E = 0, J = 0;
    double load = 0, least = 0, most = 0, average = 0;
    REQUIRE(reapi_cli_stat(c.ctx, &V, &E, &J, &load, &least, &most, &average) == 0);
    CHECK(V == 7);
    CHECK(E == 6);
    CHECK(J == 3);
    CHECK(least <= average);
    CHECK(average <= most);
  }

  TEST_CASE("whether a jobspec could ever be met") {
    context c;
    bool yes = false;
    double seconds = 0;
    CHECK(reapi_cli_match_satisfy(c.ctx, cores(2).c_str(), &yes, &seconds) == 0);
    CHECK(yes);
    CHECK(reapi_cli_match_satisfy(c.ctx, cores(3).c_str(), &yes, &seconds) == 0);
    CHECK_FALSE(yes);
    CHECK(errno == ENODEV);
    CHECK(reapi_cli_match_satisfy(c.ctx, "version: x", &yes, &seconds) == -1);
    CHECK_FALSE(yes);
    CHECK(errno == EINVAL);
  }

  TEST_CASE("R can be taken over, and given back in parts") {
    context c;
    auto R = R"({"version":1,"execution":{"R_lite":[{"rank":"0-1","children":{"core":"0-1"}}],)"
             R"("nodelist":["node[0-1]"],"starttime":0,"expiration":100}})";
    const char* out = nullptr;
    REQUIRE(reapi_cli_update_allocate(c.ctx, 7, R, &c.at, &c.seconds, &out) == 0);
    CHECK(std::string{out}.find("\"0-1\"") != std::string::npos);
    std::free(const_cast<char*>(out));
    CHECK(c.take(false, 1) == 0);
    CHECK(errno == EBUSY);
    auto of_rank = [](const char* rank) {
      return R"({"version":1,"execution":{"R_lite":[{"rank":")" + std::string{rank}
             + R"(","children":{"core":"0-1"}}],"nodelist":["node)" + rank
             + R"("],"starttime":0,"expiration":0}})";
    };
    bool all = true;
    REQUIRE(reapi_cli_partial_cancel(c.ctx, 7, of_rank("0").c_str(), false, &all) == 0);
    CHECK_FALSE(all);
    CHECK(c.take(false, 2) == 0);
    CHECK_FALSE(c.R.empty());
    REQUIRE(reapi_cli_partial_cancel(c.ctx, 7, of_rank("1").c_str(), false, &all) == 0);
    CHECK(all);
    CHECK(c.mode(7) == "CANCELED");
    CHECK(reapi_cli_partial_cancel(c.ctx, 7, of_rank("1").c_str(), false, &all) == -1);
    CHECK(errno == ENOENT);
    CHECK(reapi_cli_partial_cancel(c.ctx, 7, of_rank("1").c_str(), true, &all) == 0);
    CHECK(reapi_cli_update_allocate(c.ctx, 8, "{}", &c.at, &c.seconds, &out) == -1);
  }

  TEST_CASE("the graph grows and shrinks, goes down and comes up") {
    context c;
    auto part = R"({"graph":{"nodes":[{"id":"9","metadata":{"type":"node","id":2,"rank":2,)"
                R"("paths":{"containment":"/cluster0/node2"}}}],"edges":[]}})";
    CHECK(reapi_cli_add_subgraph(c.ctx, part) == 0);
    resource_status_t is = RESOURCE_DOWN;
    CHECK(reapi_cli_get_status(c.ctx, "/cluster0/node2", &is) == 0);
    CHECK(is == RESOURCE_UP);
    CHECK(reapi_cli_remove_subgraph(c.ctx, "/cluster0/node2") == 0);
    CHECK(reapi_cli_remove_subgraph(c.ctx, "/cluster0/node2") == -1);
    CHECK(errno == ENOENT);
    CHECK(reapi_cli_remove_subgraph(c.ctx, "/cluster0") == -1);
    CHECK(errno == EINVAL);
    CHECK(reapi_cli_add_subgraph(c.ctx, "") == -1);

    CHECK(reapi_cli_set_status(c.ctx, "/cluster0/node0", RESOURCE_DOWN) == 0);
    char* found = nullptr;
    REQUIRE(reapi_cli_find(c.ctx, "status=down", "simple", &found) == 0);
    REQUIRE(found != nullptr);
    CHECK(std::string{found}.find("node0") != std::string::npos);
    std::free(found);
    CHECK(reapi_cli_find(c.ctx, "statsu=down", nullptr, &found) == -1);
    CHECK(reapi_cli_set_rank_status(c.ctx, "0-1", RESOURCE_DOWN) == 0);
    CHECK(c.take(false, 1) == 0);
    CHECK(c.R.empty());
    CHECK(reapi_cli_get_rank_status(c.ctx, "1", &is) == 0);
    CHECK(is == RESOURCE_DOWN);
    CHECK(reapi_cli_set_rank_status(c.ctx, nullptr, RESOURCE_UP) == 0);
    CHECK(c.take(false, 1) == 0);
    CHECK_FALSE(c.R.empty());
    CHECK(reapi_cli_set_rank_status(c.ctx, "5", RESOURCE_UP) == -1);
    CHECK(errno == ENOENT);
    CHECK(reapi_cli_set_rank_status(c.ctx, "x", RESOURCE_UP) == -1);
    CHECK(errno == EINVAL);
  }

  TEST_CASE("a clone goes its own way") {
    context c;
    REQUIRE(c.take(false, 1) == 0);
    context twin{reapi_cli_clone(c.ctx)};
    REQUIRE(twin.ctx != nullptr);
    CHECK(twin.mode(1) == "ALLOCATED");
    CHECK(reapi_cli_cancel(twin.ctx, 1, false) == 0);
    CHECK(c.mode(1) == "ALLOCATED");
    REQUIRE(twin.take(false, 1) == 0);
    CHECK(twin.job == 2);
    REQUIRE(c.take(false, 1) == 0);
    CHECK(c.job == 2);
  }

  TEST_CASE("what is wrong is refused, and the context stays as it was") {
    context c;
    CHECK(reapi_cli_initialize(c.ctx, "{}", options) == -1);
    CHECK(errno == EPROTO);
    CHECK(reapi_cli_initialize(c.ctx, two_nodes().c_str(), "[]") == -1);
    CHECK(reapi_cli_initialize(c.ctx, two_nodes().c_str(), R"({"match_fromat":"rv1"})") == -1);
    CHECK(c.message().find("did you mean match_format") != std::string::npos);
    CHECK(reapi_cli_initialize(c.ctx, nullptr, options) == -1);
    CHECK(errno == EINVAL);
    CHECK(c.take(false, 1) == 0);
    CHECK(c.job == 1);
    context empty{reapi_cli_new()};
    CHECK(empty.take(false, 1) == -1);
    CHECK(errno == EINVAL);
    CHECK(reapi_cli_clone(empty.ctx) == nullptr);
    CHECK(reapi_cli_match_allocate(c.ctx, false, nullptr, &c.job, &c.reserved, nullptr, &c.at,
                                   &c.seconds)
          == -1);
    reapi_cli_destroy(nullptr);
    CHECK(match_op_from_string("allocate_orelse_reserve") == MATCH_ALLOCATE_ORELSE_RESERVE);
    CHECK(match_op_from_string("x") == MATCH_UNKNOWN);
    CHECK(std::string{match_op_to_string(MATCH_SATISFIABILITY)} == "satisfiability");
    CHECK_FALSE(match_op_valid(MATCH_UNKNOWN));
  }

  TEST_CASE("in C++ a query is a value, and a graph that cannot be is thrown") {
    CHECK_THROWS_AS(resource_query_t("{}", options), std::runtime_error);
    resource_query_t query{two_nodes(), options};
    bool reserved = false;
    std::string R;
    int64_t at = 0;
    double seconds = 0;
    CHECK(reapi_cli_t::match_allocate(&query, MATCH_WITHOUT_ALLOCATING, cores(1), 5, reserved, R,
                                      at, seconds)
          == 0);
    CHECK_FALSE(query.job_exists(5));
    CHECK(reapi_cli_t::match_allocate(&query, MATCH_ALLOCATE, cores(1), 5, reserved, R, at, seconds)
          == 0);
    CHECK(query.allocation_exists(5));
    CHECK_FALSE(query.reservation_exists(5));
    CHECK(query.get_job_counter() == 6);
    CHECK(query.preorder_count() > 0);
    resource_query_t empty;
    CHECK(reapi_cli_t::cancel(&empty, 5, false) == -1);
    CHECK(reapi_cli_t::get_err_message().find("there is no graph") != std::string::npos);
    reapi_cli_t::clear_err_message();
    empty = query;
    CHECK(reapi_cli_t::cancel(&empty, 5, false) == 0);
    CHECK(query.allocation_exists(5));
  }
}
