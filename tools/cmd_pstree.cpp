// hactor pstree: jobs through all nested instances as a tree, labelled as one likes, with columns
// in front of it.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <cstdlib>
#include <map>

#include "tools/commands.hpp"
#include "tools/instance_facts.hpp"
#include "tools/job_choice.hpp"
#include "tools/job_fields.hpp"
#include "tools/nested.hpp"
#include "tools/session.hpp"

namespace hactor::tools {

namespace {

constexpr option_spec options[] = {
    {'a', "all", nullptr,
     "Shows jobs in all states; labels have the state then. The same as "
     "--filter=pending,running,inactive."},
    {'c', "count", "N", "Shows at most N jobs of each instance; 0: all of them. Default: 1000."},
    {'f', "filter", "STATE|RESULT,..",
     "Shows jobs in these states or with these results, as for 'hactor jobs'. Default: running."},
    {'x', "extended", nullptr, "Puts columns in front of the tree: --details=default."},
    {'d', "details", "NAME",
     "Puts the columns of this name in front: default, resources, progress, stats.", "--detail"},
    {0, "detail-format", "FORMAT",
     "Puts columns of a format in front, as for 'hactor jobs -o'; give each field a width."},
    {'n', "no-header", nullptr, "Leaves the titles of the columns out."},
    {'l', "long", nullptr, "Does not cut lines at the width of the terminal or COLUMNS."},
    {'p', "parent-ids", nullptr, "Puts the ids of jobs that hold an instance before their labels."},
    {'L', "level", "N",
     "Goes down N levels of nested instances at most; 0: shows this one's jobs alone. Default: all "
     "there are."},
    {'X', "no-combine", nullptr, "Gives each job a line; else those alike are counted: 3*[sleep]."},
    {'o', "label", "FORMAT",
     "Labels jobs by a format of fields, as for 'hactor jobs -o'. Default: "
     "'{name}', with -a '{name}:{status_abbrev}'."},
    {0, "parent-label", "FORMAT",
     "Labels jobs that hold an instance by this format. Default: that of --label, else '{name}'."},
    {0, "skip-root", "yes|no",
     "Leaves the enclosing instance out, or in. Default: no; with columns or ids: yes."},
    {'C', "compact", nullptr, "Draws the tree narrower."},
    {0, "ascii", nullptr, "Draws the tree with ASCII characters."},
};

struct named_details {
  std::string_view name, format;
};

constexpr named_details details[] = {
    {"default", "{id:>12} {username:<8.8} {status_abbrev:>2.2} {ntasks:>6h} {nnodes:>6h} "
                "{runtime!F:>8h}"},
    {"resources",
     "{id:>12} {instance.resources.all.nnodes:>6} {instance.resources.allocated.nnodes:>6} "
     "{instance.resources.all.ncores:>6} {instance.resources.allocated.ncores:>6} "
     "{instance.resources.all.ngpus:>6} {instance.resources.allocated.ngpus:>6}"},
    {"progress", "{id:>12} {ntasks:>6h} {instance.stats.total:>6} {instance.progress!P:>5} "
                 "{instance.utilization!P:>6} {instance.gpu_utilization!P:>5} {runtime!H:>10}"},
    {"stats", "{id:>12} {instance.stats:^25} {runtime!H:>10}"},
};

/// What the lines of a tree are drawn with.
struct connectors {
  const char *child, *last, *beside, *below;
};
constexpr connectors box{"├── ", "└── ", "│   ", "    "};
constexpr connectors narrow{"├ ", "└ ", "│ ", "  "};
constexpr connectors ascii{"|-- ", "`-- ", "|   ", "    "};

struct tree_node {
  json job;
  std::string label;
  std::string prefix; // its columns, by which jobs are told apart
  std::vector<tree_node> below;
  size_t alike = 1;
};

struct tree_settings {
  table_format label, parent, columns; // the last is empty without columns
  bool asks_instances = false;
  bool combines = true;
  uint64_t levels = 0;
  json params; // of job.list
};

std::string line_of(const table_format& format, const json& job) {
  table_settings settings;
  settings.header = false;
  auto line = render_table(
      format, job_field_names(), 1,
      [&job](size_t, const std::string& field) { return job_field(job, field, now_s()); },
      settings);
  line.pop_back(); // the end of the line
  return line;
}

tree_node make_node(json job, bool is_parent, const tree_settings& s) {
  tree_node node;
  node.label = line_of(is_parent ? s.parent : s.label, job);
  if (!s.columns.columns.empty())
    node.prefix = line_of(s.columns, job);
  node.job = std::move(job);
  return node;
}

std::vector<tree_node> nodes_of(json jobs, const std::string& uri, uint64_t level,
                                const tree_settings& s);

/// A job, and if it holds an instance what is in that one. It may have ended since.
tree_node node_of(json job, const std::string& uri, uint64_t level, const tree_settings& s) {
  if (!holds_instance(job))
    return make_node(std::move(job), false, s);
  auto inside = uri_of(uri, job);
  auto broker = client::connect(inside);
  if (broker && s.asks_instances)
    if (auto facts = instance_facts(*broker))
      job["instance"] = std::move(*facts);
  auto node = make_node(std::move(job), true, s);
  if (broker && level < s.levels)
    if (auto jobs = list_all(*broker, s.params))
      node.below = nodes_of(std::move(*jobs), inside, level + 1, s);
  return node;
}

/// The jobs that an instance lists; those alike are one node, where the first of them stands.
std::vector<tree_node> nodes_of(json jobs, const std::string& uri, uint64_t level,
                                const tree_settings& s) {
  std::vector<tree_node> nodes;
  std::map<std::pair<std::string, std::string>, size_t> places; // of jobs that hold nothing
  for (auto& job : jobs) {
    auto is_leaf = !holds_instance(job);
    auto node = node_of(std::move(job), uri, level, s);
    if (is_leaf && s.combines) {
      auto [at, is_new] = places.try_emplace({node.label, node.prefix}, nodes.size());
      if (!is_new) {
        ++nodes[at->second].alike;
        continue;
      }
    }
    nodes.push_back(std::move(node));
  }
  return nodes;
}

/// The enclosing instance as a job: that which holds it, else what can be said in its place.
json root_job(client& broker, const std::string& uri) {
  if (auto around = uri_around(uri)) {
    auto parent = client::connect(around->first);
    auto list = parent
                    ? parent->ask("job.list", {{"ids", {around->second}}, {"states", states_all}})
                    : caf::expected<json>{parent.error()};
    if (list && object_at(*list, "jobs").size() == 1)
      return object_at(*list, "jobs")[0];
  }
  json job{{"id", "."}, {"name", "."}, {"state", "RUN"}};
  if (auto about = broker.ask("hello", json::object())) {
    job["userid"] = number_at(*about, "owner");
    job["ntasks"] = job["nnodes"] = number_at(*about, "size");
  }
  if (auto uptime = broker.ask("uptime", json::object()))
    job["t_run"] = number_at(*uptime, "started");
  return job;
}

struct tree_line {
  std::string text;
  const json* job;
};

void add_lines(const tree_node& node, const std::string& head, const std::string& indent,
               const connectors& c, std::vector<tree_line>& to) {
  auto text = node.alike == 1 ? node.label : std::to_string(node.alike) + "*[" + node.label + "]";
  to.push_back({head + text, &node.job});
  for (size_t i = 0; i < node.below.size(); ++i) {
    auto is_last = i + 1 == node.below.size();
    add_lines(node.below[i], indent + (is_last ? c.last : c.child),
              indent + (is_last ? c.below : c.beside), c, to);
  }
}

/// What COLUMNS says, else the terminal; 0: as wide as it is.
size_t line_width(const parsed_options& o) {
  if (o.has("long"))
    return 0;
  auto* columns = std::getenv("COLUMNS");
  auto width = columns != nullptr ? std::strtoul(columns, nullptr, 10) : 0;
  return width != 0 ? width : terminal_width();
}

/// The lines, behind the columns of their jobs if there are some.
void print_tree(const std::vector<tree_line>& lines, const parsed_options& o,
                const table_format& columns) {
  std::vector<field_name> known{job_field_names().begin(), job_field_names().end()};
  known.push_back({"tree", ""});
  auto format = columns;
  column tree;
  tree.before = columns.columns.empty() ? "" : columns.tail + " ";
  tree.field = "tree";
  format.columns.push_back(tree);
  format.tail.clear();
  table_settings settings;
  settings.header = !columns.columns.empty() && !o.has("no-header");
  settings.width_max = line_width(o);
  print(render_table(
      format, known, lines.size(),
      [&](size_t row, const std::string& field) {
        return field == "tree" ? lines[row].text : job_field(*lines[row].job, field, now_s());
      },
      settings));
}

/// The format of the columns in front; "" for none.
caf::expected<std::string> columns_text(const parsed_options& o) {
  if (o.has("detail-format"))
    return o.value("detail-format");
  if (!o.has("details") && !o.has("extended"))
    return std::string{};
  auto name = o.value("details", "default");
  for (auto& d : details)
    if (d.name == name)
      return std::string{d.format};
  return make_error(ec::bad_argument, "--details: there is no '" + name
                                          + "'; there are default, resources, progress, stats");
}

caf::expected<tree_settings> read_settings(const parsed_options& o) {
  tree_settings s;
  auto columns = columns_text(o);
  if (!columns)
    return std::move(columns.error());
  auto label = o.value("label", o.has("all") ? "{name}:{status_abbrev}" : "{name}");
  auto parent = o.value("parent-label", o.has("label") ? label : "{name}");
  if (o.has("parent-ids"))
    parent = "{id} " + parent;
  for (auto [text, to] :
       {std::pair{&label, &s.label}, {&parent, &s.parent}, {&*columns, &s.columns}}) {
    if (text->empty() && to == &s.columns)
      continue; // there are none
    auto format = parse_format(*text, job_field_names());
    if (!format)
      return std::move(format.error());
    s.asks_instances = s.asks_instances || shows_instances(*format);
    *to = std::move(*format);
    to->sort.clear(); // the tree has its order
  }
  auto levels = o.number("level", UINT32_MAX, 0, UINT32_MAX);
  auto most = o.number("count", 1000, 0, UINT32_MAX);
  auto filter =
      parse_state_filter(o.has("all") ? "pending,running,inactive" : o.value("filter", "running"));
  if (!levels || !most || !filter)
    return !levels ? std::move(levels.error())
           : !most ? std::move(most.error())
                   : std::move(filter.error());
  s.levels = *levels;
  s.combines = !o.has("no-combine");
  s.params = {{"states", filter->states}, {"max", *most}};
  if (filter->results != 0)
    s.params["results"] = filter->results;
  return s;
}

/// Whether the enclosing instance is left out.
caf::expected<bool> skips_root(const parsed_options& o) {
  if (!o.has("skip-root"))
    return o.has("extended") || o.has("details") || o.has("detail-format") || !o.operands.empty();
  auto said = o.value("skip-root");
  if (said != "yes" && said != "no")
    return make_error(ec::bad_argument, "--skip-root: '" + said + "' is neither yes nor no");
  return said == "yes";
}

caf::expected<int> show_tree(const parsed_options& o, client& broker, const tree_settings& s,
                             bool skips) {
  auto own = workflow::own_uri();
  if (!own)
    return std::move(own.error());
  tree_node root;
  if (!skips) {
    auto job = root_job(broker, *own);
    if (s.asks_instances)
      if (auto facts = instance_facts(broker))
        job["instance"] = std::move(*facts);
    root = make_node(std::move(job), true, s);
  }
  auto params = s.params;
  if (!o.operands.empty()) {
    auto ids = read_ids(o.operands);
    if (!ids)
      return std::move(ids.error());
    params = {{"states", states_all}, {"ids", *ids}};
  }
  auto jobs = list_all(broker, params);
  if (!jobs)
    return std::move(jobs.error());
  root.below = nodes_of(std::move(*jobs), *own, 0, s);
  auto& c = o.has("ascii") ? ascii : o.has("compact") ? narrow : box;
  std::vector<tree_line> lines;
  if (!skips)
    add_lines(root, "", "", c, lines);
  for (size_t i = 0; skips && i < root.below.size(); ++i)
    add_lines(root.below[i], "", "", c, lines);
  print_tree(lines, o, s.columns);
  return exit_ok;
}

int run_pstree(const invocation& call) {
  auto& o = call.options;
  auto settings = read_settings(o);
  if (!settings)
    return fail_usage(call, settings.error());
  auto skips = skips_root(o);
  if (!skips)
    return fail_usage(call, skips.error());
  if (o.has("ascii") && o.has("compact"))
    return fail_usage(call, make_error(ec::bad_argument, "--ascii goes without --compact"));
  return with_broker(call, [&](client& b) { return show_tree(o, b, *settings, *skips); });
}

} // namespace

const command pstree_command{
    "pstree",
    group_instance,
    "shows what runs, through all nested instances, as a tree",
    "[OPTIONS] [ID...]",
    "Shows the running jobs of this instance, or those with the ids, and, below each job that "
    "holds an "
    "instance, those of that one, to any depth. The first line is the enclosing instance: the job "
    "that "
    "holds it, or a point.\n\n"
    "Columns of resources: nodes, cores and GPUs of the instance that a job holds, of each first "
    "all, "
    "then those in use. Of progress: its jobs, the share of them that have ended, the shares of "
    "its cores and GPUs that are in use.",
    options,
    usual_exits,
    " hactor pstree -x\n hactor pstree --skip-root=yes --parent-label='{name} {instance.stats}'",
    false,
    0,
    any_number,
    run_pstree};

} // namespace hactor::tools
