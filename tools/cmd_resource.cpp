// hactor resource: what the instance has, what is in use, what is taken out of use.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <functional>

#include "graph/rset.hpp"
#include "runtime/hostlist.hpp"
#include "tools/columns.hpp"
#include "tools/commands.hpp"
#include "tools/session.hpp"

namespace hactor::tools {

namespace {

constexpr option_spec list_options[] = {
    {'o', "format", "FORMAT",
     "Columns of state, nnodes, ncores, ngpus, memory, ranks, nodelist; memory is what all jobs of "
     "a nested instance may use on each node together. Default: all but ranks, memory where there "
     "is such a limit."},
    {'n', "no-header", nullptr, "Leaves the titles out."},
};

constexpr option_spec status_options[] = {
    {'o', "format", "FORMAT",
     "Columns of state, up, nnodes, ranks, nodelist. Default: all but ranks."},
    {'n', "no-header", nullptr, "Leaves the titles out."},
};

constexpr option_spec drain_options[] = {
    {'u', "update", nullptr, "Changes the reason of what is drained already."},
    {'o', "format", "FORMAT",
     "For the list: columns of timestamp, state, reason, nnodes, ranks, nodelist."},
    {'n', "no-header", nullptr, "Leaves the titles out."},
};

constexpr field_name drain_fields[] = {
    {"timestamp", "TIMESTAMP"}, {"state", "STATE"}, {"reason", "REASON"},
    {"nnodes", "NNODES"},       {"ranks", "RANKS"}, {"nodelist", "NODELIST"},
};

constexpr field_name status_fields[] = {
    {"state", "STATE"},       {"up", "UP"}, {"nnodes", "NNODES"}, {"ranks", "RANKS"},
    {"nodelist", "NODELIST"},
};

constexpr field_name fields[] = {
    {"state", "STATE"}, {"nnodes", "NNODES"}, {"ncores", "NCORES"},
    {"ngpus", "NGPUS"}, {"memory", "MEMORY"}, {"ranks", "RANKS"},
    {"nodelist", "NODELIST"},
};

/// As --mem has it: "200M", "4G"; "" for none.
std::string memory_text(int64_t bytes) {
  constexpr int64_t mb = 1 << 20, gb = 1 << 30;
  if (bytes <= 0)
    return {};
  return bytes % gb == 0 ? std::to_string(bytes / gb) + "G" : std::to_string(bytes / mb) + "M";
}

struct row {
  std::string state;
  rset what = {};
  bool up = true;
  double since = 0;
  std::string reason = {};
  int64_t memory = 0; // bytes of each node that all jobs may use together; 0: any amount
};

std::string field_of(const row& r, const std::string& field) {
  if (field == "state")
    return r.state;
  if (field == "up")
    return r.up ? "y" : "n";
  if (field == "timestamp")
    return std::to_string(r.since);
  if (field == "reason")
    return r.reason;
  if (field == "nnodes")
    return std::to_string(r.what.nodes.size());
  if (field == "ncores")
    return std::to_string(r.what.core_count());
  if (field == "ngpus")
    return std::to_string(r.what.gpu_count());
  if (field == "memory")
    return memory_text(r.memory);
  return field == "ranks" ? r.what.ranks().to_string() : format_hostlist(r.what.nodelist);
}

caf::expected<rset> read_part(const json& reply, const char* key) {
  return parse_rset(dump(object_at(reply, key)));
}

/// What the instance says of its resources.
struct picture {
  rset all, allocated;
  rset off; // marked as down by a person, or below what is
  idset down;
  std::vector<row> drains; // one for each reason and time
  idset drained;
  int64_t memory = 0;                   // as in row
};

caf::expected<picture> look(client& broker) {
  auto reply = broker.ask("resource.list", json::object());
  if (!reply)
    return std::move(reply.error());
  auto all = read_part(*reply, "all");
  auto allocated = read_part(*reply, "allocated");
  auto off = read_part(*reply, "off");
  auto down = idset::parse(text_at(*reply, "down"));
  if (!all || !allocated || !off || !down)
    return make_error(ec::bad_json, "the instance answered with resources that cannot be read");
  picture p{std::move(*all), std::move(*allocated), std::move(*off), std::move(*down), {}, {},
            static_cast<int64_t>(number_at(*reply, "memory"))};
  for (auto& d : object_at(*reply, "drains")) {
    auto rank = idset::single(static_cast<uint32_t>(number_at(d, "rank")));
    auto state = p.allocated.ranks().intersects(rank) ? "draining" : "drained";
    auto since = number_at(d, "since");
    auto reason = text_at(d, "reason");
    auto known = std::find_if(p.drains.begin(), p.drains.end(), [&](const row& r) {
      return r.state == state && r.since == since && r.reason == reason;
    });
    p.drained.add_all(rank);
    if (known == p.drains.end())
      p.drains.push_back({state, restrict_to(p.all, rank), true, since, reason});
    else
      known->what = unite(known->what, restrict_to(p.all, rank));
  }
  return p;
}

/// Prints rows; nothing when the format is wrong, which was complained of. `of_limited`: the
/// default where memory is limited.
int print_rows(const invocation& call, std::span<const field_name> known,
               const char* default_format,
               const std::function<caf::expected<std::vector<row>>(client&)>& make,
               const char* of_limited = nullptr) {
  auto format = parse_format(call.options.value("format", default_format), known);
  if (!format)
    return fail_usage(call, format.error());
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    auto rows = make(broker);
    if (!rows)
      return std::move(rows.error());
    if (of_limited != nullptr && !call.options.has("format") && rows->front().memory > 0)
      format = parse_format(of_limited, known);
    table_settings settings;
    settings.header = !call.options.has("no-header");
    print(render_table(
        *format, known, rows->size(),
        [&](size_t i, const std::string& field) { return field_of((*rows)[i], field); }, settings));
    return exit_ok;
  });
}

int run_list(const invocation& call) {
  return print_rows(call, fields, "{state:>10} {nnodes:>6} {ncores:>8} {ngpus:>8} {nodelist}",
                    [](client& broker) -> caf::expected<std::vector<row>> {
                      auto p = look(broker);
                      if (!p)
                        return std::move(p.error());
                      auto unusable = p->down;
                      unusable.add_all(p->drained);
                      auto lost = restrict_to(p->all, p->down);
                      auto used = subtract(p->allocated, lost);
                      auto out = subtract(unite(restrict_to(p->all, unusable), p->off), used);
                      std::vector<row> rows{{"free", subtract(subtract(p->all, used), out)},
                                            {"allocated", used},
                                            {"down", out}};
                      for (auto& r : rows)
                        r.memory = p->memory;
                      return rows;
                    },
                    "{state:>10} {nnodes:>6} {ncores:>8} {ngpus:>8} {memory:>8} {nodelist}");
}

int run_status(const invocation& call) {
  return print_rows(call, status_fields, "{state:>10} {up:>2} {nnodes:>6} {nodelist}",
                    [](client& broker) -> caf::expected<std::vector<row>> {
                      auto p = look(broker);
                      if (!p)
                        return std::move(p.error());
                      for (auto& share : p->off.nodes) // all of the node
                        if (*p->all.find(share.rank) == share)
                          p->down.add(share.rank);
                      auto use = p->all.ranks();
                      use.remove_all(p->down);
                      use.remove_all(p->drained);
                      std::vector<row> rows{{"avail", restrict_to(p->all, use)}};
                      if (!p->down.empty())
                        rows.push_back({"offline", restrict_to(p->all, p->down), false});
                      for (auto state : {"draining", "drained"})
                        for (bool up : {true, false}) {
                          idset ranks;
                          for (auto& d : p->drains)
                            if (d.state == state)
                              ranks.add_all(d.what.ranks());
                          auto off = ranks.intersect(p->down);
                          if (up)
                            ranks.remove_all(off);
                          else
                            ranks = off;
                          if (!ranks.empty())
                            rows.push_back({std::string{state} + (up ? "" : "*"),
                                            restrict_to(p->all, ranks), up});
                        }
                      return rows;
                    });
}

/// Ranks or hosts, as the text says, in the parameters of a request.
void add_targets(json& params, const std::string& text) {
  // "1-2,0" is no host: what is wrong with it as ranks is what a person wants to know.
  auto as_ranks = text.find_first_not_of("0123456789-,[]") == std::string::npos;
  params[as_ranks ? "ranks" : "hosts"] = text;
}

int list_drains(const invocation& call) {
  return print_rows(call, drain_fields, "{timestamp!d:<15} {state:<8} {reason:<30} {nodelist}",
                    [](client& broker) -> caf::expected<std::vector<row>> {
                      auto p = look(broker);
                      if (!p)
                        return std::move(p.error());
                      return std::move(p->drains);
                    });
}

int run_drain(const invocation& call) {
  auto& words = call.options.operands;
  if (words.empty())
    return list_drains(call);
  json params{{"drain", true}, {"update", call.options.has("update")}};
  add_targets(params, words[0]);
  std::string reason;
  for (size_t i = 1; i < words.size(); ++i)
    reason += (i > 1 ? " " : "") + words[i];
  params["reason"] = reason;
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    auto reply = broker.ask("resource.drain", params);
    if (!reply)
      return std::move(reply.error());
    return exit_ok;
  });
}

int run_undrain(const invocation& call) {
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    json params{{"drain", false}};
    add_targets(params, call.options.operands[0]);
    auto reply = broker.ask("resource.drain", params);
    if (!reply)
      return std::move(reply.error());
    return exit_ok;
  });
}

int run_info(const invocation& call) {
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    auto p = look(broker);
    if (!p)
      return std::move(p.error());
    auto counted = [](uint64_t n, const char* what) {
      return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
    };
    print_line(counted(p->all.nodes.size(), "Node") + ", " + counted(p->all.core_count(), "Core")
               + ", " + counted(p->all.gpu_count(), "GPU")
               + (p->memory > 0 ? ", " + memory_text(p->memory) + " of memory on each node" : ""));
    return exit_ok;
  });
}

int run_r(const invocation& call) {
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    auto reply = broker.ask("resource.list", json::object());
    if (!reply)
      return std::move(reply.error());
    print_line(dump(object_at(*reply, "all")));
    return exit_ok;
  });
}

int run_resource(const invocation& call) {
  complain(
      call,
      "needs a verb: list, claims, status, drain, undrain, info, R, grow, shrink, show, attach, "
      "detach, set-status, set-property, remove-property or get-property");
  return exit_usage;
}

} // namespace

const command resource_command{"resource",
                               group_instance,
                               "what the instance has",
                               "list|claims|status|drain|undrain|info|R|grow|shrink|show|attach|"
                               "detach|set-status|set-property|remove-property|get-property",
                               "Nodes, cores and GPUs, and the graph that they are part of.",
                               {},
                               usual_exits,
                               " hactor resource list",
                               false,
                               0,
                               any_number,
                               run_resource};

const command resource_list_command{"resource list",
                                    group_instance,
                                    "lists free, allocated and lost resources",
                                    "[OPTIONS]",
                                    "A node with free and allocated cores is counted in both rows. "
                                    "What nobody may use, since it is "
                                    "lost, drained or marked as down, is down.",
                                    list_options,
                                    usual_exits,
                                    " hactor resource list",
                                    false,
                                    0,
                                    0,
                                    run_list};

const command resource_status_command{
    "resource status",
    group_instance,
    "lists which nodes are usable, drained, offline",
    "[OPTIONS]",
    "A node that is drained and still runs jobs is draining. A state with * is of nodes that are "
    "offline too.",
    status_options,
    usual_exits,
    " hactor resource status",
    false,
    0,
    0,
    run_status};

const command resource_drain_command{
    "resource drain",
    group_instance,
    "takes nodes out of use, or lists those that are",
    "[OPTIONS] [RANKS|HOSTS [REASON...]]",
    "Jobs that run there go on; no new ones start. It stays so over a restart.",
    drain_options,
    usual_exits,
    " hactor resource drain 3-5 broken fan",
    false,
    0,
    any_number,
    run_drain};

const command resource_undrain_command{"resource undrain",
                                       group_instance,
                                       "gives drained nodes back",
                                       "RANKS|HOSTS",
                                       "Jobs may start there again. Names all or none: each of "
                                       "them must be drained. 'hactor resource drain' lists those "
                                       "that are, with reasons.",
                                       {},
                                       usual_exits,
                                       " hactor resource undrain 3-5",
                                       false,
                                       1,
                                       1,
                                       run_undrain};

const command resource_info_command{"resource info",
                                    group_instance,
                                    "counts nodes, cores and GPUs",
                                    "",
                                    "One line, as '4 Nodes, 32 Cores, 8 GPUs': all that the "
                                    "instance has, in use or not. 'hactor resource list' tells "
                                    "what is free.",
                                    {},
                                    usual_exits,
                                    " hactor resource info",
                                    false,
                                    0,
                                    0,
                                    run_info};

const command resource_r_command{"resource R",
                                 group_instance,
                                 "prints all resources as R (RFC 20)",
                                 "",
                                 "All that the instance has, in use or not, with its hosts and "
                                 "properties, and when its time ends: a line of JSON.",
                                 {},
                                 usual_exits,
                                 " hactor resource R",
                                 false,
                                 0,
                                 0,
                                 run_r};

} // namespace hactor::tools
