// hactor resource: what the instance has, what is in use.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/rset.hpp"
#include "runtime/hostlist.hpp"
#include "tools/columns.hpp"
#include "tools/commands.hpp"
#include "tools/session.hpp"

namespace hactor::tools {

namespace {

constexpr option_spec list_options[] = {
    {'o', "format", "FORMAT",
     "Columns of state, nnodes, ncores, ngpus, ranks, nodelist. Default: all "
     "but ranks."},
    {'n', "no-header", nullptr, "Leaves the titles out."},
};

constexpr field_name fields[] = {
  {"state", "STATE"}, {"nnodes", "NNODES"}, {"ncores", "NCORES"},
  {"ngpus", "NGPUS"}, {"ranks", "RANKS"},   {"nodelist", "NODELIST"},
};

struct row {
  std::string state;
  rset what;
};

std::string field_of(const row& r, const std::string& field) {
  if (field == "state")
    return r.state;
  if (field == "nnodes")
    return std::to_string(r.what.nodes.size());
  if (field == "ncores")
    return std::to_string(r.what.core_count());
  if (field == "ngpus")
    return std::to_string(r.what.gpu_count());
  return field == "ranks" ? r.what.ranks().to_string() : format_hostlist(r.what.nodelist);
}

caf::expected<rset> read_part(const json& reply, const char* key) {
  return parse_rset(dump(object_at(reply, key)));
}

int run_list(const invocation& call) {
  auto format = parse_format(
    call.options.value("format", "{state:>10} {nnodes:>6} {ncores:>8} {ngpus:>8} {nodelist}"),
    fields);
  if (!format)
    return fail_usage(call, format.error());
  return with_broker(call, [&](client& broker) -> caf::expected<int> {
    auto reply = broker.ask("resource.list", json::object());
    if (!reply)
      return std::move(reply.error());
    auto all = read_part(*reply, "all");
    auto allocated = read_part(*reply, "allocated");
    auto down = idset::parse(text_at(*reply, "down"));
    if (!all || !allocated || !down)
      return make_error(ec::bad_json, "the instance answered with resources that cannot be read");
    auto lost = restrict_to(*all, *down);
    auto used = subtract(*allocated, lost);
    std::vector<row> rows{{"free", subtract(subtract(*all, used), lost)},
                          {"allocated", used},
                          {"down", lost}};
    table_settings settings;
    settings.header = !call.options.has("no-header");
    print(render_table(
      *format, fields, rows.size(),
      [&](size_t i, const std::string& field) { return field_of(rows[i], field); }, settings));
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
  complain(call, "needs a verb: list or R");
  return exit_usage;
}

} // namespace

const command resource_command{"resource", group_instance, "what the instance has", "list|R",
                               "Nodes, cores and GPUs.", {}, usual_exits, " hactor resource list",
                               false, 0, any_number, run_resource};

const command resource_list_command{
  "resource list", group_instance, "lists free, allocated and lost resources", "[OPTIONS]",
  "A node with free and allocated cores is counted in both rows.", list_options, usual_exits,
  " hactor resource list", false, 0, 0, run_list};

const command resource_r_command{"resource R",
                                 group_instance,
                                 "prints all resources as R (RFC 20)",
                                 "",
                                 "The instance's inventory.",
                                 {},
                                 usual_exits,
                                 " hactor resource R",
                                 false,
                                 0,
                                 0,
                                 run_r};

} // namespace hactor::tools
