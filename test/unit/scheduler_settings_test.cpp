// actors/scheduler_settings: from attributes to queues and policies, and a graph from a file.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/scheduler_settings.hpp"

#include <fstream>
#include <string>

#include "actors/fluxion_options.hpp"
#include "requests.hpp"
#include "temp_dir.hpp"

#include <doctest/doctest.h>

using namespace hactor;
using namespace hactor::test;

namespace {

caf::expected<scheduler_settings> read(std::initializer_list<const char*> items) {
  config c;
  for (auto item : items)
    REQUIRE_FALSE(c.set_item(item));
  return read_scheduler_settings(c);
}

std::string refusal(std::initializer_list<const char*> items) {
  auto s = read(items);
  if (s)
    return "none";
  CHECK(code_of(s.error()) == ec::bad_argument);
  return render(s.error());
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("without settings there is one queue, first come first served") {
    auto s = read({});
    REQUIRE(s);
    REQUIRE(s->queues.size() == 1);
    CHECK(s->queues[0].name.empty());
    CHECK(s->queues[0].policy->name == "fcfs");
    CHECK(s->queues[0].depth == 32);
    CHECK(s->match->name == "lonode");
  }

  TEST_CASE("attributes set policy, depths and match policy") {
    auto s = read({"sched.policy=hybrid", "sched.queue_depth=41", "sched.reservation_depth=8",
                   "sched.match=hinode"});
    REQUIRE(s);
    CHECK(s->queues[0].policy->name == "hybrid");
    CHECK(s->queues[0].policy->reservation_depth == 8);
    CHECK(s->queues[0].depth == 41);
    CHECK(s->match->name == "hinode");
  }

  TEST_CASE("queues say what is their own and take the rest from the instance") {
    auto s = read({"sched.policy=easy", "sched.queue_depth=10",
                   "sched.queues= batch requires=big,^slow ;debug policy=hybrid reservations=3 "
                   "depth=5 ranks=0-3 hosts=n[0-9];",
                   "sched.default_queue=debug"});
    if (!s)
      FAIL(render(s.error()));
    REQUIRE(s->queues.size() == 2);
    CHECK(s->default_queue == "debug");
    CHECK(s->queues[0].name == "batch");
    CHECK(s->queues[0].policy->name == "easy");
    CHECK(s->queues[0].depth == 10);
    CHECK(dump(s->queues[0].where) == R"({"properties":["big","^slow"]})");
    CHECK(s->queues[1].policy->reservation_depth == 3);
    CHECK(s->queues[1].depth == 5);
    CHECK(dump(s->queues[1].where) == R"({"and":[{"ranks":["0-3"]},{"hostlist":["n[0-9]"]}]})");
  }

  TEST_CASE("settings that are wrong are refused with the attribute and what is wrong") {
    CHECK(refusal({"sched.policy=lifo"}).starts_with("sched.policy: queue policy \"lifo\""));
    CHECK(refusal({"sched.match=best"}).starts_with("sched.match: "));
    CHECK(refusal({"sched.queues=a;a"}) == "sched.queues: queue a: is named twice");
    CHECK(refusal({"sched.queues=a fast"}) == "sched.queues: queue a: \"fast\" is not key=value");
    CHECK(refusal({"sched.prune_filters=core"}).starts_with("sched.prune_filters: "));
    CHECK(refusal({"sched.queues=a size=3"}).find("there are policy, depth") != std::string::npos);
    CHECK(refusal({"sched.queues=a depth=0"}).find("must be 1 to 1000000") != std::string::npos);
    CHECK(refusal({"sched.queues=a ranks=3-1"}).starts_with("sched.queues: queue a: requires"));
    CHECK(refusal({"sched.queues=a policy=x"}).starts_with("sched.queues: queue a: queue policy"));
    CHECK(refusal({"sched.queues=a", "sched.default_queue=b"})
          == "sched.default_queue: sched.queues has no queue b");
  }

  TEST_CASE("the states of queues outlive the scheduler") {
    auto settings = *read({"sched.queues=a;b;c"});
    scheduler_core first{settings}, second{settings};
    CHECK_FALSE(first.stop("a", "maintenance"));
    CHECK_FALSE(first.disable("b", "closed"));
    auto text = queue_states_json(first);
    restore_queue_states(text, second);
    auto states = second.queues();
    CHECK(states[0].started_note == "maintenance");
    CHECK_FALSE(states[0].started);
    CHECK_FALSE(states[1].enabled);
    CHECK(states[2].started);
    CHECK(states[2].enabled);
    CHECK(queue_states_json(second) == text);
    scheduler_core other{*read({"sched.queues=a"})};
    restore_queue_states(text, other); // b is no more
    CHECK_FALSE(other.queues()[0].started);
    for (auto wrong : {"", "{", "[]", R"({"a":{"stopped":7}})"}) {
      scheduler_core untouched{settings};
      restore_queue_states(wrong, untouched);
      CHECK(untouched.queues()[0].started);
    }
  }

  TEST_CASE("a graph comes from a file, and one on which nothing can run is refused") {
    temp_dir dir;
    auto write = [&](const char* name, const std::string& text) {
      auto path = dir / name;
      std::ofstream{path} << text;
      return path;
    };
    auto path = write("r", to_json(machine(3, 2)));
    auto loaded = load_graph({path, "rv1exec", {}, {}, {}});
    if (!loaded)
      FAIL(render(loaded.error()));
    CHECK(same_resources(loaded->all, machine(3, 2)));
    scheduler_core core;
    REQUIRE_FALSE(core.set_graph(std::move(*loaded->graph)));
    CHECK(core.pool().counts(0).cores == 6);
    auto bare = write("bare", R"({"graph":{"nodes":[{"id":"0","metadata":{"type":"cluster"}}],
                                  "edges":[]}})");
    CHECK(render(load_graph({bare, "jgf", {}, {}, {}}).error()).find("nothing can run")
          != std::string::npos);
    CHECK(render(load_graph({path, "jgf", {}, {}, {}}).error())
              .starts_with("resource.graph=" + path));
    CHECK(code_of(load_graph({dir / "none", "jgf", {}, {}, {}}).error()) == ec::system_failed);
    CHECK(code_of(load_graph({path, "yaml", {}, {}, {}}).error()) == ec::bad_argument);
    CHECK(render(load_graph({path, "rv1exec", {}, "containment,power", {}}).error())
              .find("subsystem power: the graph has none")
          != std::string::npos);
    auto bare_nodes = load_graph({path, "rv1exec", {}, {}, {"node"}});
    CHECK(code_of(bare_nodes.error()) == ec::bad_argument); // and no core, so nothing can run
  }

  TEST_CASE("where a graph comes from is judged before it is read") {
    auto source = [](std::initializer_list<const char*> items) -> caf::expected<graph_source> {
      config c;
      for (auto item : items)
        REQUIRE_FALSE(c.set_item(item));
      return read_graph_source(c);
    };
    auto all = source({});
    REQUIRE(all);
    CHECK(all->has("gpu"));
    auto some = source({"resource.allowlist=node,core", "resource.subsystems=CA"});
    REQUIRE(some);
    CHECK_FALSE(some->has("gpu"));
    CHECK(source({"resource.graph=g", "resource.allowlist=storage_node,core"}));
    for (auto& [item, says] :
         {std::pair{"resource.allowlist=node,gpu", "resource.allowlist=node,gpu: must have node"},
          std::pair{"resource.allowlist=node,,core", "resource.allowlist: \"node,,core\": must be"},
          std::pair{"resource.allowlist=core,node,core", "resource.allowlist: "},
          std::pair{"resource.subsystems=PA", "resource.subsystems=PA: must begin with contain"},
          std::pair{"resource.subsystems=a,,b", "resource.subsystems: subsystems \"a,,b\""}}) {
      auto wrong = source({item});
      REQUIRE_FALSE(wrong);
      CHECK_MESSAGE(render(wrong.error()).starts_with(says), render(wrong.error()));
    }
  }

  TEST_CASE("settings that mean less than they say are told of") {
    auto notes = [](const std::vector<std::string>& items, const rset& all, uint32_t brokers) {
      config c;
      for (auto& item : items)
        REQUIRE_FALSE(c.set_item(item));
      auto settings = read_scheduler_settings(c);
      REQUIRE(settings);
      std::string text;
      for (auto& note : scheduling_notes(c, *settings, all, brokers))
        text += note + "\n";
      return text;
    };
    auto four = machine(4, 1);
    CHECK(notes({"sched.policy=hybrid", "sched.reservation_depth=8"}, four, 1).empty());
    CHECK(notes({"sched.policy=easy", "sched.reservation_depth=8"}, four, 1)
          == "sched.reservation_depth=8 is not used: policy easy promises one job a time; hybrid "
             "takes a depth\n");
    CHECK(notes({"sched.queues=a ranks=0-3; b ranks=9"}, four, 1)
          == "queue b: there are no ranks 9; there are 0-3\n"
             "queue b: no node is for it; it needs {\"ranks\":[\"9\"]}\n");
    CHECK(notes({"sched.queues=a requires=gpu ranks=2-5"}, four, 1).find("ranks 4-5;")
          != std::string::npos);
    CHECK(notes({"sched.tree=2"}, four, 1)
          == "sched.tree=2 is not used: sched.policy=fcfs; hierarchy makes children\n");
    CHECK(notes({"sched.policy=hierarchy", "sched.tree=4"}, four, 1).empty());
    CHECK(notes({"sched.policy=hierarchy", "sched.tree=9"}, machine(1, 2), 1)
          == "sched.tree=9: there is room for 2 children only\n");
    CHECK(
        notes({"sched.queues=a policy=fcfs reservations=3; b policy=hybrid reservations=3"}, four,
              1)
        == "queue a: reservations=3 is not used: policy fcfs promises no job a time; hybrid takes "
           "a depth\n");
    CHECK(notes({"resource.graph=g", "resource.fake=nodes=2"}, four, 4)
          == "resource.fake=nodes=2 is not used: resource.graph=g is\n");
    CHECK(notes({"resource.subsystems=C+PA"}, four, 4)
          == "resource.subsystems=C+PA is not used: there is no resource.graph\n");
    CHECK(notes({"resource.subsystems=containment"}, four, 4).empty());
    CHECK(notes({"resource.graph=g"}, four, 2)
          == "resource.graph=g: no broker has ranks 2-3: what is granted there runs on the broker "
             "of rank modulo 2\n");
    CHECK(notes({"resource.graph=g"}, machine(2, 1), 4)
          == "resource.graph=g: it has nothing of the brokers of ranks 2-3: no job will run "
             "there\n");
    CHECK(refusal({"sched.queues=;"}).starts_with("sched.queues: \";\" names no queue"));
  }

  TEST_CASE("Fluxion's option strings set what they mean; a person's own settings stay") {
    auto set = [](std::string_view variable, std::string_view text, const char* own = nullptr) {
      config c;
      if (own != nullptr)
        REQUIRE_FALSE(c.set_item(own));
      auto notes = apply_fluxion_options(c, variable, text);
      if (!notes)
        return "refused: " + render(notes.error());
      std::string all;
      for (auto& entry : c.list())
        if (!entry.is_default)
          all += entry.name + "=" + entry.value + "\n";
      for (auto& note : *notes)
        all += note + "\n";
      return all;
    };
    constexpr auto q = qmanager_options_variable, r = resource_options_variable;
    for (auto text : {"queue-policy=easy queue-params=queue-depth=41,reservation-depth=8",
                      "  queue-policy=easy queue-params=queue-depth=41 "
                      "policy-params=reservation-depth=8"})
      CHECK(set(q, text) == "sched.policy=easy\nsched.queue_depth=41\nsched.reservation_depth=8\n");
    CHECK(set(q, "queue-policy-per-queue=batch:easy debug:fcfs "
                 "queue-params-per-queue=batch:queue-depth=5")
          == "sched.queues=batch policy=easy depth=5; debug policy=fcfs\n");
    CHECK(set(q, "queue-policy=easy", "sched.policy=hybrid")
          == "sched.policy=hybrid\nFLUXION_QMANAGER_OPTIONS: queue-policy is not used: "
             "sched.policy is set\n");
    CHECK(set(r, "load-format=jgf load-file=/g.json match-policy=hinode "
                 "prune-filters=ALL:core,ALL:ssd traverser=flexible update-interval=5")
          == "resource.graph=/g.json\nsched.match=hinode\nsched.prune_filters=ALL:core,ALL:ssd\n"
             "sched.traverser=flexible\nFLUXION_RESOURCE_OPTIONS: update-interval means nothing "
             "here: what goes up or down is told at once\n");
    for (auto text : {"queue-policy=easy,queue-params=queue-depth=41",
                      "queue-params=queue-depth=41,queue-policy=easy"})
      CHECK(set("FLUX_QMANAGER_OPTIONS", text) == "sched.policy=easy\nsched.queue_depth=41\n");
    CHECK(set("FLUX_RESOURCE_OPTIONS", "load-allowlist=node,core,gpu,match-policy=low")
          == "resource.allowlist=node,core,gpu\nsched.match=low\n");
    CHECK(set(r, "reserve-vtx-vec=2000001").find("must be an integer 1 to 2000000")
          != std::string::npos);
    CHECK(set(r, "update-interval=soon").find("update-interval must be an integer >= 0")
          != std::string::npos);
    CHECK(set(r, "match-format=jgf").find("must be one of rv1_nosched|rv1") != std::string::npos);
    CHECK(set(r, "traverser=best").find("must be one of simple|flexible") != std::string::npos);
    CHECK(set("FLUX_QMANAGER_OPTIONS", "queue-parms=queue-depth=4,queue-policy=easy")
              .starts_with("refused: FLUX_QMANAGER_OPTIONS: there is no option \"queue-parms\""));
    CHECK(set(q, "").empty());
    CHECK(set(q, "queue-polcy=easy").find("\"queue-polcy\"; did you mean queue-policy")
          != std::string::npos);
    CHECK(set(q, "queue-params=queue-deep=3").find("did you mean queue-depth")
          != std::string::npos);
    CHECK(set(q, "queue-params=queue-depth=0").find("sched.queue_depth") != std::string::npos);
    CHECK(set(q, "queue-policy").find("is not queue-policy=VALUE") != std::string::npos);
    CHECK(set(q, "queue-policy-per-queue=easy").find("is not QUEUE:VALUE") != std::string::npos);
    CHECK(set(q, "match-policy=low").find("there is no option") != std::string::npos);
    CHECK(set(r, "load-format=yaml").find("sched.graph_format") != std::string::npos);
  }

  TEST_CASE("Fluxion's tables in a file set what they mean; what else was set stays") {
    auto set = [](std::string_view text, std::vector<std::string> own = {}) {
      config c;
      for (auto& item : own)
        REQUIRE_FALSE(c.set_item(item));
      auto notes = apply_fluxion_config(c, "f.toml", text);
      if (!notes)
        return "refused: " + render(notes.error());
      std::string all;
      for (auto& entry : c.list())
        if (!entry.is_default)
          all += entry.name + "=" + entry.value + "\n";
      for (auto& note : *notes)
        all += note + "\n";
      return all;
    };
    CHECK(set("[sched-fluxion-qmanager]\nqueue-policy = \"hybrid\" # a comment\n"
              "queue-params = \"queue-depth=8192,max-queue-depth=1000000\"\n"
              "policy-params = \"reservation-depth=64\"\n"
              "[sched-fluxion-resource]\nmatch-policy = \"lonodex\"\n")
          == "sched.match=lonodex\nsched.policy=hybrid\nsched.queue_depth=8192\n"
             "sched.reservation_depth=64\nf.toml:3: max-queue-depth means nothing here\n");
    CHECK(set("[queues.zz]\nrequires = [\"big\",\"new\"]\n[queues.debug]\n"
              "[sched-fluxion-qmanager]\nqueue-policy-per-queue = \"debug:easy\"\n")
          == "sched.queues=zz requires=big,new; debug policy=easy\n");
    CHECK(set("[sched-fluxion-qmanager]\nqueue-policy=\"easy\"\n", {"sched.policy=fcfs"})
          == "f.toml:2: queue-policy is not used: sched.policy is set\n");
    CHECK(set("[sched-fluxion-resource]\nreserve-vtx-vec = 200000\n[bootstrap]\nx = 1\n")
          == "f.toml:3: bootstrap means nothing here\n"
             "f.toml:2: reserve-vtx-vec means nothing here: memory is taken as vertices come\n");
    CHECK(set("[sched-fluxion-resource]\ntraverser = \"flexible\"\nmatch-format = \"rv1\"\n"
              "match-subsystems = \"C+PA\"\nprune-filters = \"rack:core\"\n"
              "load-allowlist = \"node,core\"\n")
          == "resource.allowlist=node,core\nresource.subsystems=C+PA\nsched.match_format=rv1\n"
             "sched.prune_filters=rack:core\nsched.traverser=flexible\n");
    CHECK(set("").empty());
    struct {
      const char* text;
      const char* says;
    } refused[] = {
        {"[sched-fluxion-qmanager]\nqueue-policy = \n", "f.toml:2: "},
        {"\n[sched-fluxion-qmanager]\nqueue-polcy = \"easy\"\n",
         "f.toml:3: there is no option \"queue-polcy\"; did you mean queue-policy"},
        {"[sched-fluxion-qmanager]\nqueue-policy = 3\n",
         "f.toml:2: queue-policy must be a string, found an integer"},
        {"[sched-fluxion-qmanager]\nqueue-policy = \"\"\n", "f.toml:2: queue-policy is empty"},
        {"[sched-fluxion-qmanager]\nqueue-params = \"queue-depth=0\"\n", "f.toml:2: "},
        {"[sched-fluxion-qmanager]\nqueue-params = \"queue-deep=1\"\n", "f.toml:2: "},
        {"[sched-fluxion-resource]\nreserve-vtx-vec = \"x\"\n",
         "f.toml:2: reserve-vtx-vec must be an integer, found a string"},
        {"[sched-fluxion-resource]\nreserve-vtx-vec = 0\n",
         "f.toml:2: reserve-vtx-vec must be an integer 1 to 2000000, found \"0\""},
        {"[sched-fluxion-resource]\nupdate-interval = -1\n",
         "f.toml:2: update-interval must be an integer >= 0"},
        {"[sched-fluxion-resource]\nload-format = \"yaml\"\n", "sched.graph_format"},
        {"[sched-fluxion-resourc]\n", "f.toml:1: there is no table \"sched-fluxion-resourc\"; did"},
        {"sched-fluxion-resource = 3\n", "f.toml:1: sched-fluxion-resource must be a table"},
        {"[queues]\nbatch = 1\n", "f.toml:2: queues.batch must be a table"},
        {"[queues.\"a b\"]\n", "f.toml:1: \"a b\" is no name for a queue"},
        {"[queues.a]\nrequires = \"x\"\n", "queues.a.requires must be a list"},
        {"[queues.a]\nrequires = [\"x,y\"]\n", "queues.a.requires must be a list"},
        {"[queues.a]\nrequire = []\n", "queues.a: there is no key \"require\""},
    };
    for (auto& c : refused) {
      auto said = set(c.text);
      CHECK_MESSAGE(said.starts_with("refused: "), said);
      CHECK_MESSAGE(said.find(c.says) != std::string::npos, said);
    }
  }

} // TEST_SUITE
