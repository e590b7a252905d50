// graph/request: jobspecs of every shape, what they ask for at least, and their tasks.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/request.hpp"

#include <string>

#include <fmt/format.h>

#include <doctest/doctest.h>

using namespace hactor;

namespace {

struct shape {
  uint32_t nodes = 0; // 0: a slot at the top
  uint32_t slots = 1; // of each node, or all
  uint32_t cores = 1;
  uint32_t gpus = 0;
  bool exclusive = false;

  json resources() const {
    json with = json::array({{{"type", "core"}, {"count", cores}}});
    if (gpus > 0)
      with.push_back({{"type", "gpu"}, {"count", gpus}});
    json slot{{"type", "slot"}, {"count", slots}, {"label", "task"}, {"with", with}};
    if (nodes == 0)
      return json::array({slot});
    json node{{"type", "node"}, {"count", nodes}, {"with", json::array({slot})}};
    if (exclusive)
      node["exclusive"] = true;
    return json::array({node});
  }
};

json document_of(json resources, json count = {{"per_slot", 1}}, json system = json::object()) {
  return {{"version", 1},
          {"resources", std::move(resources)},
          {"tasks",
           json::array(
               {{{"command", json::array({"a"})}, {"slot", "task"}, {"count", std::move(count)}}})},
          {"attributes", {{"system", std::move(system)}}}};
}

caf::expected<resource_request> compile(const json& document) {
  auto spec = parse_jobspec(dump(document));
  if (!spec)
    FAIL(render(spec.error()));
  return compile_request(*spec);
}

resource_request compiled(const json& document) {
  auto request = compile(document);
  if (!request)
    FAIL(render(request.error()));
  return *request;
}

json resources_of(const char* text) {
  auto value = parse_json(text);
  REQUIRE(value);
  return *value;
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("every shape of RFC 25 compiles to its numbers") {
    for (uint32_t nodes : {0u, 1u, 3u})
      for (uint32_t slots : {1u, 2u, 5u})
        for (uint32_t cores : {1u, 4u})
          for (uint32_t gpus : {0u, 2u})
            for (bool exclusive : {false, true}) {
              if (exclusive && nodes == 0)
                continue;
              auto r =
                  compiled(document_of(shape{nodes, slots, cores, gpus, exclusive}.resources()));
              REQUIRE(r.nnodes == nodes);
              REQUIRE(r.slots == (nodes == 0 ? slots : nodes * slots));
              REQUIRE(r.slots_per_node == (nodes == 0 ? 0 : slots));
              REQUIRE(r.cores_per_slot == cores);
              REQUIRE(r.gpus_per_slot == gpus);
              REQUIRE(r.exclusive == exclusive);
              REQUIRE(r.ncores == uint64_t{r.slots} * cores);
              REQUIRE(r.ngpus == uint64_t{r.slots} * gpus);
              REQUIRE(r.plain);
            }
  }

  TEST_CASE("a slot that is a node is a whole node") {
    auto r = compiled(document_of(resources_of(
        R"([{"type":"slot","count":3,"label":"task","with":[{"type":"node","count":1}]}])")));
    CHECK(r.nnodes == 3);
    CHECK(r.slots_per_node == 1);
    CHECK(r.exclusive);
    CHECK(r.cores_per_slot == 1);
    auto with_cores = compiled(document_of(resources_of(
        R"([{"type":"slot","count":3,"label":"task","with":[{"type":"node","count":1,"with":[
        {"type":"core","count":8},{"type":"gpu","count":1}]}]}])")));
    CHECK(with_cores.cores_per_slot == 8);
    CHECK(with_cores.gpus_per_slot == 1);
  }

  TEST_CASE("counts that leave one number are that number") {
    auto r = compiled(document_of(resources_of(
        R"([{"type":"slot","count":"4","label":"task","with":[{"type":"core","count":{"min":2,
        "max":2}}]}])")));
    CHECK(r.slots == 4);
    CHECK(r.cores_per_slot == 2);
  }

  TEST_CASE("task counts are those of the slot, of its parts, or of the job") {
    auto slots = shape{0, 3, 4, 2, false}.resources();
    CHECK(compiled(document_of(slots)).tasks[0].count == 1);
    CHECK(compiled(document_of(slots, {{"per_slot", 5}})).tasks[0].count == 5);
    auto total = compiled(document_of(slots, {{"total", 2}}));
    CHECK(total.tasks[0].spread == task_spread::total);
    CHECK(total.tasks[0].count == 2);
    auto more = compile(document_of(slots, {{"total", 999}}));
    REQUIRE_FALSE(more);
    CHECK(render(more.error()).find("tasks[0].count.total: must be at most the number of slots")
          == 0);
    auto per = [](const char* type, int count) {
      return json{{"per_resource", {{"type", type}, {"count", count}}}};
    };
    CHECK(compiled(document_of(slots, per("core", 2))).tasks[0].count == 8);
    CHECK(compiled(document_of(slots, per("gpu", 3))).tasks[0].count == 6);
    CHECK(compiled(document_of(slots, per("core", 1))).tasks[0].spread == task_spread::per_slot);
  }

  TEST_CASE("duration, constraint and shell options are taken over") {
    auto slots = shape{0, 3, 1, 0, false}.resources();
    CHECK(compiled(document_of(slots)).duration_s == 0);
    auto r = compiled(
        document_of(slots, {{"per_slot", 1}},
                    {{"duration", 90.5},
                     {"constraints", {{"ranks", {"0-3"}}}},
                     {"shell", {{"options", {{"taskmap", "cyclic:2"}, {"verbose", 1}}}}}}));
    CHECK(r.duration_s == 90.5);
    CHECK(dump(r.wants.system.constraints) == R"({"ranks":["0-3"]})");
    CHECK(r.order == task_order::cyclic);
    CHECK(r.cyclic_stride == 2);
  }

  TEST_CASE("tasks are kept to slots of several cores, unless somebody says otherwise") {
    CHECK(compiled(document_of(shape{0, 3, 1}.resources())).cpus.kind == affinity_kind::off);
    for (auto& s : {shape{0, 3, 4}, shape{2, 1, 2, 1}})
      CHECK(compiled(document_of(s.resources())).cpus.kind == affinity_kind::per_task);
    auto deep = resources_of(R"([{"type":"node","count":1,"with":[{"type":"slot","count":2,
        "label":"task","with":[{"type":"socket","count":1,
        "with":[{"type":"core","count":6}]}]}]}])");
    CHECK(compiled(document_of(deep)).cpus.kind == affinity_kind::per_task);
    json off{{"shell", {{"options", {{"cpu-affinity", "off"}}}}}};
    CHECK(compiled(document_of(shape{0, 3, 4}.resources(), {{"per_slot", 1}}, off)).cpus.kind
          == affinity_kind::off);
  }

  TEST_CASE("the options taskmap and per-resource are read in every form") {
    auto slots = shape{2, 2, 1, 0, false}.resources();
    auto with = [&](const char* options) {
      auto value = parse_json(options);
      REQUIRE(value);
      return compiled(document_of(slots, {{"per_slot", 1}}, {{"shell", {{"options", *value}}}}));
    };
    CHECK(with(R"({"taskmap":"block"})").order == task_order::block);
    CHECK(with(R"({"taskmap":"cyclic"})").order == task_order::cyclic);
    CHECK(with(R"({"taskmap":"cyclic"})").cyclic_stride == 1);
    CHECK(with(R"({"taskmap":"cyclic:3"})").cyclic_stride == 3);
    CHECK(with(R"({"taskmap":{"scheme":"cyclic","value":"4"}})").cyclic_stride == 4);
    CHECK(with(R"({"taskmap":{"scheme":"cyclic","value":5}})").cyclic_stride == 5);
    CHECK(with(R"({"taskmap":{"scheme":"block"}})").order == task_order::block);
    using nodes = std::vector<uint32_t>;
    CHECK(with(R"({"taskmap":"manual:[[0,2,1,2]]"})").task_nodes == nodes{0, 1, 0, 1});
    CHECK(with(R"({"taskmap":"manual:0,3;1-2"})").task_nodes == nodes{0, 1, 1, 0});
    auto wrapped = with(
        R"({"taskmap":{"scheme":"manual","value":{"version":1,"map":[[1,1,1,1],[0,1,1,1]]}}})");
    CHECK(wrapped.task_nodes == nodes{1, 0});
    CHECK(with(R"({"taskmap":"hosts:b,a[1-2]"})").task_hosts
          == std::vector<std::string>{"b", "a1", "a2"});
    auto node = with(R"({"per-resource":{"type":"node","count":3}})");
    CHECK(node.tasks[0].spread == task_spread::per_node);
    CHECK(node.tasks[0].count == 3);
    auto core = with(R"({"per-resource":{"type":"core"}})");
    CHECK(core.tasks[0].spread == task_spread::per_core);
    CHECK(core.tasks[0].count == 1);
  }

  TEST_CASE("shapes beyond RFC 25 compile to the least that they ask for") {
    struct row {
      const char* resources;
      uint32_t slots, nodes;
      uint64_t cores;
      uint32_t cores_per_slot;
    };
    for (const auto& [resources, slots, nodes, cores, per_slot] :
         {row{R"([{"type":"slot","count":2,"label":"task","with":[{"type":"core","count":3}]},
                  {"type":"storage","count":1}])",
              2, 0, 6, 3},
          row{R"([{"type":"rack","count":2,"with":[{"type":"slot","count":3,"label":"task","with":
                  [{"type":"node","count":1,"with":[{"type":"socket","count":2,"with":
                  [{"type":"core","count":18}]}]}]}]}])",
              6, 6, 216, 36},
          row{R"([{"type":"node","count":2,"with":[{"type":"slot","count":1,"label":"task",
                  "with":[{"type":"core","count":1}]},{"type":"slot","count":4,"label":"other",
                  "with":[{"type":"core","count":5}]}]}])",
              2, 2, 42, 1},
          row{R"([{"type":"slot","count":"2-4","label":"task","with":[{"type":"core",
                  "count":1}]}])",
              2, 0, 2, 1},
          row{R"([{"type":"slot","count":1,"label":"task","with":[{"type":"core",
                  "count":"3,5"}]}])",
              1, 0, 3, 3},
          row{R"([{"type":"slot","count":1,"label":"task","with":[{"type":"memory","count":8,
                  "unit":"GB"},{"type":"core","count":1}]}])",
              1, 0, 1, 1},
          row{R"([{"type":"slot","count":1,"label":"task","with":[{"type":"gpu","count":1}]}])", 1,
              0, 0, 0},
          row{R"([{"type":"slot","count":3,"label":"task","with":[{"type":"node","count":2}]}])", 3,
              6, 0, 0},
          row{R"([{"type":"node","count":1,"with":[{"type":"socket","count":1,"with":[{"type":
                  "slot","count":1,"label":"task","with":[{"type":"core","count":1}]}]}]}])",
              1, 1, 1, 1}}) {
      INFO(std::string{resources});
      auto r = compiled(document_of(resources_of(resources)));
      CHECK_FALSE(r.plain);
      CHECK(r.slots == slots);
      CHECK(r.nnodes == nodes);
      CHECK(r.ncores == cores);
      CHECK(r.cores_per_slot == per_slot);
    }
  }

  TEST_CASE("a count per resource of a slot counts what is anywhere in it") {
    auto r = compiled(document_of(
        resources_of(R"([{"type":"slot","count":1,"label":"task","with":[{"type":"socket","count":2,
        "with":[{"type":"core","count":9}]}]}])"),
        {{"per_resource", {{"type", "core"}, {"count", 2}}}}));
    CHECK(r.tasks[0].count == 36);
  }

  TEST_CASE("shapes are equal when what is wanted is, whatever the rest") {
    auto slots = shape{0, 3, 1, 0, false}.resources();
    auto a = compiled(document_of(slots, {{"per_slot", 1}}, {{"duration", 5}, {"cwd", "/a"}}));
    auto b = compiled(document_of(slots, {{"per_slot", 2}}, {{"duration", 5}, {"cwd", "/b"}}));
    CHECK(a.shape == b.shape);
    CHECK(compiled(document_of(slots, {{"per_slot", 1}}, {{"duration", 6}})).shape != a.shape);
    CHECK(compiled(document_of(slots, {{"per_slot", 1}}, {{"duration", 5}, {"queue", "q"}})).shape
          != a.shape);
    CHECK(compiled(document_of(slots, {{"per_slot", 1}},
                               {{"duration", 5}, {"constraints", {{"ranks", {"0"}}}}}))
              .shape
          != a.shape);
  }

  TEST_CASE("more slots than there can be are refused") {
    auto many = compile(document_of(resources_of(
        R"([{"type":"node","count":100000,"with":[{"type":"slot","count":100000,"label":
          "task","with":[{"type":"core","count":1}]}]}])")));
    REQUIRE_FALSE(many);
    CHECK(code_of(many.error()) == ec::unsatisfiable);
    CHECK(render(many.error()).starts_with("resources: 10000000000 slots; at most "));
  }

  TEST_CASE("several entries in tasks, each in slots of its label") {
    auto document = document_of(resources_of(
        R"([{"type":"slot","count":2,"label":"task","with":[{"type":"core","count":1}]},
          {"type":"node","count":3,"with":[{"type":"slot","count":2,"label":"b",
            "with":[{"type":"core","count":4}]}]}])"));
    document["tasks"].push_back({{"command", {"b"}},
                                 {"slot", "b"},
                                 {"count", {{"per_resource", {{"type", "core"}, {"count", 1}}}}}});
    document["tasks"].push_back({{"command", {"c"}}, {"slot", "task"}, {"count", {{"total", 5}}}});
    auto r = compiled(document);
    CHECK(r.slot_labels == std::vector<std::string>{"task", "b"});
    CHECK(r.slots == 8);
    REQUIRE(r.tasks.size() == 3);
    CHECK(r.tasks[1].slot == 1);
    CHECK(r.tasks[1].slots == 6);
    CHECK(r.tasks[1].count == 4);
    CHECK(r.tasks[2].slot == 0);
    CHECK(r.tasks[2].spread == task_spread::total);
    CHECK(least_tasks(r) == 2 + 24 + 5);
    document["attributes"]["system"]["shell"]["options"]["per-resource"] = {{"type", "node"}};
    CHECK(render(compile(document).error())
              .starts_with("attributes.system.shell.options.per-resource: is for jobs with one"));
  }

  TEST_CASE("of slots that are a choice the least counts, and tasks run in what is made") {
    auto either = [](const char* type, const char* labels, const char* count = "2") {
      std::string text = R"([{"type":"node","count":1,"with":[
        {"type":"T","count":2,"label":"A","with":[{"type":"core","count":3}]},
        {"type":"T","count":N,"label":"B","with":[{"type":"core","count":1},
                                                  {"type":"gpu","count":1}]}]}])";
      for (auto [from, to] : {std::pair{"\"T\"", fmt::format("\"{}\"", type)},
                              std::pair{"\"T\"", fmt::format("\"{}\"", type)},
                              std::pair{"\"A\"", fmt::format("\"{}\"", labels[0])},
                              std::pair{"\"B\"", fmt::format("\"{}\"", labels[1])},
                              std::pair{"N", std::string{count}}})
        text.replace(text.find(from), std::string_view{from}.size(), to);
      auto document = document_of(resources_of(text.c_str()));
      document["version"] = 9999;
      document["tasks"][0]["slot"] = std::string(1, labels[0]);
      return document;
    };
    auto r = compiled(either("or_slot", "ab"));
    CHECK_FALSE(r.plain);
    CHECK(r.nnodes == 1);
    CHECK(r.slots == 2);
    CHECK(r.ncores == 2);
    CHECK(r.ngpus == 0);
    CHECK(least_tasks(r) == 2);
    CHECK(describe(r) == "1 node with 2 slots of 3 cores or of 1 core and 1 gpu");
    // b is named by no entry: it is run by that of a.
    CHECK(r.label_of_slot == std::vector<std::optional<uint32_t>>{0, 0});
    CHECK(compiled(either("or_slot", "aa")).label_of_slot == r.label_of_slot);
    CHECK(describe(compiled(either("xor_slot", "ab", "1")))
          == "1 node with either 2 slots of 3 cores or 1 slot of 1 core and 1 gpu");

    rset one = {{{0, idset::range(0, 3), idset::single(0)}}, {}, 0, 0, 0, {}, {}};
    one.scheduling = R"({"writer":"hactor","slots":[["0",2]]})";
    CHECK(layout(r, one)->ntasks == 2);
    auto document = either("or_slot", "ab");
    document["tasks"].push_back({{"command", {"b"}}, {"slot", "b"}, {"count", {{"total", 4}}}});
    r = compiled(document);
    CHECK(r.label_of_slot == std::vector<std::optional<uint32_t>>{0, 1});
    one.scheduling = R"({"writer":"hactor","slots":[["0","a",2]]})";
    CHECK(layout(r, one)->ntasks == 2); // no slot of b, so none of its tasks
    one.scheduling = R"({"writer":"hactor","slots":[["0","b",2]]})";
    auto where = layout(r, one);
    REQUIRE(where);
    CHECK(where->ntasks == 4);
    CHECK(where->entry_of(0) == 1);
    one.scheduling = R"({"writer":"hactor","slots":[["0","c",2]]})";
    CHECK(code_of(layout(r, one).error()) == ec::bad_rset);

    auto refused = [&](const json& d) { return render(compile(d).error()); };
    CHECK(refused(either("or_slot", "ab", "3"))
              .starts_with("resources[0].with[1].count: must be 2, as of the or_slot before it"));
    document = either("or_slot", "ab");
    document["tasks"][0]["count"] = {{"per_resource", {{"type", "core"}, {"count", 1}}}};
    CHECK(refused(document).starts_with("tasks[0].count.per_resource.type: must be one of which"));
    document = either("xor_slot", "ab");
    document["resources"][0]["with"][1].erase("label");
    CHECK(refused(document).starts_with("resources[0].with[1].label: missing"));
    auto same = parse_jobspec(dump(either("slot", "aa")));
    REQUIRE_FALSE(same);
    CHECK(render(same.error()).starts_with("resources[0].with[1].label: must be unique"));
  }

  TEST_CASE("options and task counts that do not fit are refused with their path") {
    struct row {
      json count;
      const char* options;
      ec code;
      const char* starts;
    };
    const std::string path = "attributes.system.shell.options.";
    json one{{"per_slot", 1}};
    auto nodes = shape{4, 2, 1, 0, false}.resources();
    for (const auto& [count, options, code, starts] :
         {row{{{"total", 3}}, "{}", ec::bad_jobspec, "tasks[0].count.total: "},
          row{{{"per_slot", 20'000'000}}, "{}", ec::too_big, "tasks[0].count: "},
          row{one, R"({"per-resource":"node"})", ec::bad_jobspec, "per-resource: "},
          row{one, R"({"per-resource":{"count":1}})", ec::bad_jobspec, "per-resource: "},
          row{one, R"({"per-resource":{"type":"gpu"}})", ec::bad_jobspec, "per-resource.type: "},
          row{one, R"({"per-resource":{"type":"node","count":0}})", ec::bad_jobspec,
              "per-resource.count: "},
          row{one, R"({"per-resource":{"type":"node","count":-1}})", ec::bad_jobspec,
              "per-resource.count: "},
          row{one, R"({"per-resource":{"type":"node","count":65537}})", ec::too_big,
              "per-resource.count: 65537 tasks on each node; at most 65536 run on a node"},
          row{{{"per_slot", 65'537}}, "{}", ec::too_big, "tasks[0].count: 131074 tasks on each"},
          row{one, R"({"taskmap":"random"})", ec::bad_jobspec, "taskmap: "},
          row{one, R"({"taskmap":"cyclic:0"})", ec::bad_jobspec, "taskmap: "},
          row{one, R"({"taskmap":"cyclic:1-3"})", ec::bad_jobspec, "taskmap: "},
          row{one, R"({"taskmap":"block:2"})", ec::bad_jobspec, "taskmap: "},
          row{one, R"({"taskmap":7})", ec::bad_jobspec, "taskmap: "},
          row{one, R"({"taskmap":"manual:"})", ec::bad_jobspec, "taskmap: "},
          row{one, R"({"taskmap":"manual:[]"})", ec::bad_jobspec, "taskmap: "},
          row{one, R"({"taskmap":"manual:[[0,1,1]]"})", ec::bad_jobspec, "taskmap: "},
          row{one, R"({"taskmap":"manual:[[0,0,1,1]]"})", ec::bad_jobspec, "taskmap: "},
          row{one, R"({"taskmap":"manual:[[0,16777216,16777216,16777216]]"})", ec::too_big,
              "taskmap: "},
          row{one, R"({"taskmap":"manual:{\"map\":[[0,1,1,1]]}"})", ec::bad_jobspec, "taskmap: "},
          row{one, R"({"taskmap":"manual:0-1;1-2"})", ec::bad_jobspec, "taskmap: "},
          row{one, R"({"taskmap":"manual:0;2"})", ec::bad_jobspec, "taskmap: "},
          row{one, R"({"taskmap":"manual:0;x"})", ec::bad_jobspec, "taskmap: "},
          row{one, R"({"taskmap":"hosts:"})", ec::bad_jobspec, "taskmap: "},
          row{one, R"({"taskmap":"hostfile:x"})", ec::bad_jobspec, "taskmap: "},
          row{one, R"({"taskmap":{"value":7}})", ec::bad_jobspec, "taskmap: "}}) {
      auto value = parse_json(options);
      REQUIRE(value);
      INFO(std::string{options});
      auto request = compile(document_of(nodes, count, {{"shell", {{"options", *value}}}}));
      REQUIRE_FALSE(request);
      auto shown = render(request.error());
      CAPTURE(shown);
      CHECK(code_of(request.error()) == code);
      auto wanted = std::string{starts};
      CHECK(shown.starts_with(wanted.starts_with("tasks") ? wanted : path + wanted));
    }
  }

  TEST_CASE("a request is described for people") {
    auto text = [](const shape& s) { return describe(compiled(document_of(s.resources()))); };
    CHECK(text({0, 1, 1, 0, false}) == "1 slot of 1 core");
    CHECK(text({0, 6, 2, 0, false}) == "6 slots of 2 cores");
    CHECK(text({4, 2, 1, 1, false}) == "4 nodes with 2 slots of 1 core and 1 gpu");
    CHECK(text({1, 1, 8, 2, true}) == "1 whole node with 1 slot of 8 cores and 2 gpus");
    CHECK(describe(compiled(document_of(resources_of(
              R"([{"type":"node","count":2,"exclusive":true,"with":[
                  {"type":"slot","count":1,"label":"task","with":[{"type":"core","count":1}]},
                  {"type":"power","count":300},
                  {"type":"storage","count":4,"unit":"TB"}]}])"))))
          == "2 whole nodes with 1 slot of 1 core, 300 power and 4 TB of storage");
  }

} // TEST_SUITE
