// See uri_schemes.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/uri_schemes.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include <fmt/format.h>
#include <unistd.h>

#include "tools/nested.hpp"
#include "workflow/client.hpp"

namespace hactor::tools {

namespace {

using workflow::instance_note;

constexpr std::string_view broker_program = "hactor-start";

constexpr int32_t init_pid = 1; // above all, and has started none

std::string content_of(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

std::string variable_of(const std::string& environment, std::string_view name) {
  for (size_t at = 0; at < environment.size();) {
    auto end = std::min(environment.find('\0', at), environment.size());
    auto entry = std::string_view{environment}.substr(at, end - at);
    if (entry.starts_with(name) && entry.substr(name.size()).starts_with('='))
      return std::string{entry.substr(name.size() + 1)};
    at = end + 1;
  }
  return {};
}

std::string program_of(const std::string& folder) {
  char path[4096];
  auto size = ::readlink((folder + "/exe").c_str(), path, sizeof path);
  std::string_view name{path, static_cast<size_t>(std::max<ssize_t>(size, 0))};
  name = name.substr(name.rfind('/') + 1);
  return std::string{name.substr(0, name.find(" (deleted)"))};
}

/// The process and those above it, nearest first.
std::vector<int32_t> chain_of(int32_t pid, const process_table& all) {
  std::vector<int32_t> chain;
  for (auto at = all.find(pid); at != all.end() && chain.size() <= all.size();
       at = all.find(at->second.parent))
    chain.push_back(at->first);
  return chain;
}

bool is_above(int32_t pid, int32_t other, const process_table& all) {
  auto chain = chain_of(other, all);
  return other != pid && std::find(chain.begin(), chain.end(), pid) != chain.end();
}

/// What the processes that a broker has started are told: of several the outermost.
std::string told_below(int32_t pid, const process_table& all) {
  std::string best;
  for (auto& [other, facts] : all)
    if (!facts.uri.empty() && facts.program != broker_program && is_above(pid, other, all)
        && (best.empty() || facts.uri.size() < best.size()))
      best = facts.uri;
  return best;
}

std::string names_of(const std::vector<const instance_note*>& notes) {
  std::string ids;
  for (auto* n : notes)
    ids += (ids.empty() ? "" : ", ") + n->id;
  return ids;
}

caf::expected<std::string> by_pid(const std::string& word) {
  int32_t pid = 0;
  auto [end, failed] = std::from_chars(word.data(), word.data() + word.size(), pid);
  if (failed != std::errc{} || end != word.data() + word.size() || pid <= 0)
    return make_error(ec::bad_argument, "pid:" + word + ": must be the number of a process");
  std::vector<instance_note> here;
  for (auto& n : workflow::read_notes())
    if (workflow::is_here(n) && !workflow::is_gone(n))
      here.push_back(std::move(n));
  return uri_of_process(pid, read_processes(), here);
}

caf::expected<std::string> by_job_around(const std::string& job) {
  auto notes = workflow::read_notes();
  std::erase_if(notes, [](auto& n) { return workflow::is_gone(n); });
  auto note = note_within(job, notes);
  if (!note)
    return std::move(note.error());
  return workflow::way_to(*note);
}

} // namespace

process_table read_processes() {
  process_table all;
  std::error_code failed;
  for (std::filesystem::directory_iterator at{"/proc", failed}, end; !failed && at != end;
       at.increment(failed)) {
    auto name = at->path().filename().string();
    int32_t pid = 0;
    auto [rest, wrong] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (wrong != std::errc{} || rest != name.data() + name.size())
      continue;
    auto folder = at->path().string();
    auto stat = content_of(folder + "/stat");
    auto state = stat.rfind(") "); // a name may have blanks and brackets
    if (state == stat.npos || state + 4 >= stat.size())
      continue; // it has ended meanwhile
    auto& facts = all[pid];
    std::from_chars(stat.data() + state + 4, stat.data() + stat.size(), facts.parent);
    facts.program = program_of(folder);
    facts.uri = variable_of(content_of(folder + "/environ"), "HACTOR_URI");
  }
  return all;
}

caf::expected<std::string> uri_of_process(int32_t pid, const process_table& all,
                                          const std::vector<instance_note>& here) {
  if (all.count(pid) == 0)
    return make_error(ec::no_instance, fmt::format("pid:{}: there is no such process on this "
                                                   "machine",
                                                   pid));
  std::vector<const instance_note*> below;
  for (auto above : chain_of(pid, all)) {
    auto& facts = all.at(above);
    auto is_broker = facts.program == broker_program;
    std::vector<const instance_note*> brokers;
    for (auto& n : here)
      if (n.pid == above)
        return n.uri;
      else if (is_above(above, n.pid, all))
        brokers.push_back(&n);
    // The environment of a broker, and of what watches over it, tells of the instance around it.
    if (is_broker && brokers.size() == 1)
      return brokers.front()->uri;
    auto told = is_broker ? told_below(above, all) : facts.uri;
    if (!told.empty())
      return told;
    if (above == pid && pid != init_pid)
      below = std::move(brokers);
  }
  if (below.size() == 1)
    return below.front()->uri;
  if (!below.empty())
    return make_error(ec::bad_argument,
                      fmt::format("pid:{}: below it run the instances {}", pid, names_of(below)));
  return make_error(ec::no_instance,
                    fmt::format("pid:{}: the process is of no instance: it has no HACTOR_URI that "
                                "you may read, and no broker that 'hactor ps' shows is it, above "
                                "it or below it",
                                pid));
}

caf::expected<instance_note> note_within(const std::string& job,
                                         const std::vector<instance_note>& notes) {
  std::vector<const instance_note*> found;
  for (auto& n : notes)
    if (n.within == job)
      found.push_back(&n);
  if (found.size() == 1)
    return *found.front();
  if (!found.empty())
    return make_error(ec::bad_argument, fmt::format("{}: the instances {} run in it; name one by "
                                                    "its id",
                                                    job, names_of(found)));
  auto folder = workflow::note_folder();
  std::set<std::string> known;
  for (auto& n : notes)
    if (!n.within.empty())
      known.insert(n.within);
  return make_error(
      ec::no_instance,
      fmt::format("{}: no instance of yours that runs in this job has a note in {}; {}", job,
                  folder.empty() ? "HACTOR_INSTANCES, which is empty" : folder,
                  known.empty() ? "none runs in a job of a batch system"
                                : fmt::format("there are {}", fmt::join(known, ", "))));
}

std::optional<caf::expected<std::string>> uri_by_scheme(const std::string& word) {
  auto colon = word.find(':');
  if (colon == word.npos || word.compare(colon, 3, "://") == 0)
    return std::nullopt;
  auto scheme = word.substr(0, colon);
  auto rest = word.substr(colon + 1);
  if (scheme == "jobid") {
    auto own = workflow::own_uri();
    return own ? find_inside(*own, rest) : std::move(own);
  }
  auto slash = std::min(rest.find('/'), rest.size());
  auto id = rest.substr(0, slash);
  caf::expected<std::string> uri{std::string{}};
  if (scheme == "pid")
    uri = by_pid(id);
  else if (id.empty() || (scheme != "slurm" && scheme != "lsf" && scheme != "pbs"))
    uri = make_error(ec::bad_argument, "'" + word + "' names no instance: " + target_forms);
  else
    uri = by_job_around(scheme + ":" + id);
  if (uri && slash < rest.size())
    uri = find_inside(*uri, std::string_view{rest}.substr(slash + 1));
  return uri;
}

} // namespace hactor::tools
