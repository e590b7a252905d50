// See submitted.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/submitted.hpp"

#include <algorithm>
#include <charconv>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <set>

#include <sys/stat.h>
#include <unistd.h>

#include "actors/job_spec.hpp"
#include "actors/templates.hpp"
#include "runtime/hostlist.hpp"
#include "runtime/idset.hpp"
#include "runtime/limits.hpp"
#include "tools/submit_options.hpp"
#include "workflow/utf8_words.hpp"

namespace hactor::tools {

std::string working_directory() {
  struct stat named {};
  struct stat here {};
  auto* pwd = std::getenv("PWD");
  if (pwd && pwd[0] == '/' && ::stat(pwd, &named) == 0 && ::stat(".", &here) == 0
      && named.st_ino == here.st_ino && named.st_dev == here.st_dev)
    return pwd;
  char path[PATH_MAX];
  return ::getcwd(path, sizeof(path)) && path[0] == '/' ? path : "";
}

void clean_environment(workflow::environment_map& variables, const std::string& program) {
  static std::set<std::string> told;
  for (auto& sentence : workflow::leave_out_odd(variables))
    if (told.insert(sentence).second)
      std::fputs((program + ": " + sentence + "\n").c_str(), stderr);
}

namespace {

/// How many ranks there are when several share the cores of a host, each with its part; else 0.
size_t ranks_that_split_hosts(client& broker) {
  auto reply = broker.ask("resource.list", json::object());
  auto* execution = reply ? find_json(*reply, "all.execution") : nullptr;
  if (execution == nullptr)
    return 0;
  auto& parts = object_at(*execution, "R_lite"); // one for all ranks that have the same cores
  auto& names = object_at(*execution, "nodelist");
  std::set<std::string> seen;
  size_t ranks = 0;
  if (names.is_array())
    for (auto& name : names)
      if (auto hosts = name.is_string() ? parse_hostlist(name.get<std::string>())
                                        : caf::expected<std::vector<std::string>>{ec::bad_json})
        for (auto& host : *hosts) {
          seen.insert(host);
          ++ranks;
        }
  return seen.size() < ranks && parts.is_array() && parts.size() > 1 ? ranks : 0;
}

/// Says by which options what was refused as too much was asked for.
caf::error with_options(client& broker, const caf::error& e) {
  auto text = context_of(e);
  if (code_of(e) != ec::unsatisfiable || text.find("there is room for") == text.npos
      || text.find(" slot") == text.npos)
    return e;
  text += " (-n says how many slots there are, -c and -g what each has, -N on how many nodes)";
  size_t nodes = 0;
  constexpr std::string_view asked = "asked for ";
  if (text.starts_with(asked) && text.find("node") < text.find("slot"))
    std::from_chars(text.data() + asked.size(), text.data() + text.size(), nodes);
  if (nodes > 0 && nodes <= ranks_that_split_hosts(broker))
    text += "; the brokers of a host split its cores: with 'hactor start --oversubscribe' each has "
            "all of them";
  return make_error(ec::unsatisfiable, std::move(text));
}

} // namespace

caf::expected<std::vector<std::string>> submit_job(client& broker, const json& params) {
  auto reply = broker.ask("submit", params);
  if (!reply)
    return with_options(broker, reply.error());
  std::vector<std::string> ids;
  auto& list = object_at(*reply, "ids");
  if (list.is_array())
    for (auto& id : list)
      if (id.is_string())
        ids.push_back(id.get<std::string>());
  if (ids.empty())
    return make_error(ec::bad_json, "the instance answered the submission without an id");
  return ids;
}

/// Events of the execution alone stand for those of the job that come with them.
std::string event_name(const std::string& said) {
  constexpr std::string_view prefix = "exec.";
  if (!said.starts_with(prefix))
    return said;
  auto name = said.substr(prefix.size());
  if (name == "init" || name == "starting" || name == "shell.init")
    return "alloc";
  if (name == "shell.start")
    return "start";
  if (name == "complete" || name == "done")
    return "finish";
  return name;
}

caf::error wait_for_event(const invocation& call, client& broker,
                          const std::vector<std::string>& ids, const std::string& event) {
  caf::error first;
  auto e = ask_each(broker, "job.wait-event", ids, {{"name", event_name(event)}}, 0,
                    [&](size_t i, caf::expected<json> result) {
                      if (!result && !first)
                        first = make_error(code_of(result.error()),
                                           "job " + ids[i] + ": " + render(result.error()));
                      return true;
                    });
  return e ? e : first;
}

namespace {

/// "0-10:2", which Slurm has for --array and RFC 22 has not, as "0,2,4,6,8,10".
std::string spell_out_steps(const std::string& item) {
  auto dash = item.find('-'), colon = item.find(':');
  uint32_t first = 0, last = 0, step = 0;
  auto read = [&item](size_t from, size_t to, uint32_t& n) {
    auto* end = item.data() + std::min(to, item.size());
    auto [stop, code] = std::from_chars(item.data() + from, end, n);
    return code == std::errc{} && stop == end;
  };
  if (dash > colon || colon == item.npos || !read(0, dash, first) || !read(dash + 1, colon, last)
      || !read(colon + 1, item.npos, step) || step == 0 || last < first
      || (last - first) / step >= limits::jobs_per_request_max)
    return item;
  std::string text;
  for (uint64_t n = first; n <= last; n += step)
    text += (text.empty() ? "" : ",") + std::to_string(n);
  return text;
}

/// The value of --cc or --bcc.
caf::expected<std::string> read_copies(const parsed_options& options, const char* name) {
  std::string text;
  auto value = options.value(name);
  for (auto& item : split_commas(value.substr(0, value.find('%')))) { // jobs_in_flight reads on
    // "1-1", which RFC 22 has not, is what --cc=1-$N becomes with N=1.
    auto dash = item.find('-');
    auto single = dash != std::string::npos && item.substr(0, dash) == item.substr(dash + 1);
    text += (text.empty() ? "" : ",") + (single ? item.substr(0, dash) : spell_out_steps(item));
  }
  auto set = idset::parse(text);
  auto said = std::string{name} == "cc" ? std::string{"--cc (--array)"} : "--bcc";
  if (set && set->empty())
    return make_error(ec::bad_argument, said + ": the set is empty");
  if (!set)
    return make_error(ec::bad_argument, said + ": " + context_of(set.error()));
  return set->to_string();
}

} // namespace

caf::error set_copies(json& params, const parsed_options& options) {
  if (options.has("cc") && options.has("bcc"))
    return make_error(ec::bad_argument, "--cc and --bcc exclude each other");
  for (auto* name : {"cc", "bcc"})
    if (options.has(name)) {
      auto set = read_copies(options, name);
      if (!set)
        return std::move(set.error());
      params[name] = *set;
    }
  auto& flags = params["flags"];
  if (flags.is_null())
    flags = json::array();
  if (std::find(flags.begin(), flags.end(), "waitable") == flags.end())
    flags.push_back("waitable");
  return {};
}

namespace {

/// Does each copy have options of its own?
bool varies(const parsed_options& options) {
  constexpr std::string_view filled_in[] = {"output", "error", "input",      "job-name", "cwd",
                                            "env",    "log",   "env-remove", "wrap-text"};
  auto is_filled_in = [&](std::string_view name) {
    return std::find(std::begin(filled_in), std::end(filled_in), name) != std::end(filled_in);
  };
  return std::any_of(options.values.begin(), options.values.end(), [&](auto& v) {
    return !is_filled_in(v.first->name) && has_cc_place(v.second);
  });
}

} // namespace

caf::expected<json>
build_copies(const parsed_options& options,
             const std::function<caf::expected<json>(const parsed_options&)>& build) {
  auto make = [&](const parsed_options& o) -> caf::expected<json> {
    auto params = build(o);
    if (!params)
      return params;
    if (auto e = set_copies(*params, options))
      return e;
    if (auto e = apply_plugins(o, *params))
      return e;
    return params;
  };
  auto name = options.has("cc") ? "cc" : "bcc";
  if (!options.has(name) || !varies(options))
    return make(options);
  json all;
  if (auto e = set_copies(all, options))
    return e;
  auto values = idset::parse(text_at(all, name));
  auto jobs = json::array();
  for (auto value : values->expand()) {
    auto own = options;
    for (auto& [option, text] : own.values)
      text = fill_cc(std::move(text), value);
    auto one = make(own);
    if (!one)
      return one;
    (*one)[name] = std::to_string(value);
    (*one)["array"] = all[name];
    jobs.push_back(std::move(*one));
  }
  return json{{"jobs", std::move(jobs)}};
}

} // namespace hactor::tools
