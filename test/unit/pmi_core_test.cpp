// actors/pmi_core: the process manager's side of PMI-1.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/pmi_core.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

using namespace hactor;

namespace {

const mpi_world all{mpi_world::whole, 0, 4};

pmi_core make() { return {"job", all, {2, 3}, "(vector,(0,2,2))"}; }

/// What task 0 is told for a line.
std::string reply(pmi_core& p, const std::string& line) {
  pmi_core::effects e;
  p.on_bytes(0, line + "\n", e);
  CHECK(e.failure.empty());
  return e.replies.empty() ? "" : e.replies[0].second;
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("the mapping of ranks to nodes is a list of blocks") {
    CHECK(pmi_process_mapping({0, 0, 1, 1, 2, 2}) == "(vector,(0,3,2))");
    CHECK(pmi_process_mapping({0, 0, 0, 1}) == "(vector,(0,1,3),(1,1,1))");
    CHECK(pmi_process_mapping({0, 1, 0, 1}) == "(vector,(0,2,1))");
    CHECK(pmi_process_mapping({0, 0, 1, 0, 0, 1, 0}) == "(vector,(0,1,2),(1,1,1))");
    CHECK(pmi_process_mapping({0}) == "(vector,(0,1,1))");
    CHECK(pmi_process_mapping({0, 0, 0, 0}) == "(vector,(0,1,4))");
  }

  TEST_CASE("a mapping that MPICH could not read is none") {
    std::vector<uint32_t> backwards(90);
    for (uint32_t i = 0; i < 90; ++i)
      backwards[i] = 89 - i;
    CHECK(pmi_process_mapping(backwards).empty());
    backwards.resize(60);
    auto text = pmi_process_mapping(backwards);
    CHECK(text.size() > 500);
    CHECK(text.size() <= 600);
    std::vector<uint32_t> dealt(20'000);
    for (uint32_t i = 0; i < 20'000; ++i)
      dealt[i] = i % 200;
    CHECK(pmi_process_mapping(dealt) == "(vector,(0,200,1))");
  }

  TEST_CASE("a mapping that is none is not told, for MPICH would try to read it") {
    pmi_core p{"job", all, {0, 1}, ""};
    auto said = reply(p, "cmd=get kvsname=job key=PMI_process_mapping");
    CHECK(said.find("rc=-1") != std::string::npos);
  }

  TEST_CASE("what is known of the job can be got without that anybody has put it") {
    auto p = make();
    p.preset("flux.taskmap", pmi_taskmap({0, 0, 1, 1}));
    p.preset("flux.instance-level", "2");
    p.preset("long", std::string(1025, 'v'));
    CHECK(reply(p, "cmd=get kvsname=job key=flux.taskmap")
          == "cmd=get_result rc=0 msg=success value={\"version\":1,\"map\":[[0,2,2,1]]}\n");
    CHECK(reply(p, "cmd=get kvsname=job key=flux.instance-level")
          == "cmd=get_result rc=0 msg=success value=2\n");
    CHECK(reply(p, "cmd=get kvsname=job key=long") == "cmd=get_result rc=0 msg=success value=\n");
    CHECK(p.take_values().empty()); // each node has them itself
  }

  TEST_CASE("another key-value space, and a put of nothing, are refused") {
    auto p = make();
    CHECK(reply(p, "cmd=put kvsname=other key=a value=x")
          == "cmd=put_result rc=-1 msg=no_such_kvsname\n");
    CHECK(reply(p, "cmd=get kvsname=other key=PMI_process_mapping")
          == "cmd=get_result rc=-1 msg=no_such_kvsname\n");
    for (auto* words : {"key=a", "value=x", "key= value=x"})
      CHECK(reply(p, "cmd=put kvsname=job " + std::string{words})
            == "cmd=put_result rc=-1 msg=needs_key_and_value\n");
    CHECK(reply(p, "cmd=put kvsname=job key=a value=") == "cmd=put_result rc=0 msg=success\n");
  }

  TEST_CASE("a client that begins is told what it must know") {
    auto p = make();
    CHECK_FALSE(p.is_inside(0));
    CHECK(reply(p, "cmd=init pmi_version=1 pmi_subversion=1")
          == "cmd=response_to_init pmi_version=1 pmi_subversion=1 rc=0\n");
    CHECK(p.is_inside(0));
    CHECK_FALSE(p.is_inside(1));
    CHECK(reply(p, "cmd=init pmi_version=2 pmi_subversion=0").find("rc=-1") != std::string::npos);
    CHECK(reply(p, "cmd=get_maxes") == "cmd=maxes kvsname_max=256 keylen_max=64 vallen_max=1024\n");
    CHECK(reply(p, "cmd=get_universe_size") == "cmd=universe_size size=4\n");
    CHECK(reply(p, "cmd=get_appnum") == "cmd=appnum appnum=0\n");
    CHECK(reply(p, "cmd=get_my_kvsname") == "cmd=my_kvsname kvsname=job\n");
    CHECK(reply(p, "cmd=get kvsname=job key=PMI_process_mapping")
          == "cmd=get_result rc=0 msg=success value=(vector,(0,2,2))\n");
    CHECK(reply(p, "cmd=finalize") == "cmd=finalize_ack\n");
    CHECK_FALSE(p.is_inside(0));
  }

  TEST_CASE("what is put is there at once here, and for all with the barrier") {
    auto p = make();
    CHECK(reply(p, "cmd=put kvsname=job key=a value=x y=z") == "cmd=put_result rc=0 msg=success\n");
    CHECK(reply(p, "cmd=get kvsname=job key=a") == "cmd=get_result rc=0 msg=success value=x y=z\n");
    CHECK(reply(p, "cmd=get kvsname=job key=b").find("rc=-1") != std::string::npos);
    pmi_core::effects e;
    p.on_bytes(0, "cmd=barrier_in\n", e);
    CHECK_FALSE(e.barrier);
    p.on_bytes(1, "cmd=barri", e); // cut anywhere
    p.on_bytes(1, "er_in\n", e);
    CHECK(e.barrier);
    CHECK(e.replies.empty());
    CHECK(p.take_values() == "a=x y=z\n");
    CHECK(p.take_values().empty());
    p.on_barrier("a=x y=z\nb=other\n", e);
    REQUIRE(e.replies.size() == 2);
    CHECK(e.replies[1] == std::pair<uint32_t, std::string>{1, "cmd=barrier_out\n"});
    CHECK(reply(p, "cmd=get kvsname=job key=b") == "cmd=get_result rc=0 msg=success value=other\n");
  }

  TEST_CASE("what is not offered is refused, and the connection goes on") {
    auto p = make();
    pmi_core::effects e;
    p.on_bytes(0, "mcmd=spawn\nnprocs=1\nexecname=x\nendcmd\ncmd=get_appnum\n", e);
    REQUIRE(e.replies.size() == 2);
    CHECK(e.replies[0].second == "cmd=spawn_result rc=-1\n");
    CHECK(e.replies[1].second == "cmd=appnum appnum=0\n");
    CHECK(reply(p, "cmd=publish_name service=s port=p").find("rc=-1") != std::string::npos);
    CHECK(reply(p, "cmd=put kvsname=job key=k value=" + std::string(2000, 'v')).find("rc=-1")
          != std::string::npos);
  }

  TEST_CASE("an abort, and what is no PMI, end the job and name the rank") {
    pmi_core::effects e;
    make().on_bytes(1, "cmd=abort exitcode=7\n", e);
    CHECK(e.failure == "rank 3 called MPI_Abort with code 7");
    CHECK(e.exit_code == 7);
    e = {};
    make().on_bytes(0, "hello world\n", e);
    CHECK(e.failure.find("rank 2 does not speak PMI") == 0);
    e = {};
    make().on_bytes(0, std::string(100'000, 'x'), e);
    CHECK(e.failure.find("rank 2 does not speak PMI") == 0);
  }

} // TEST_SUITE
