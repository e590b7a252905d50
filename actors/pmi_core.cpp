// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/pmi_core.hpp"

#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "graph/request.hpp"

namespace hactor {

namespace {

// What get_maxes tells. MPICH's addresses of one rank are up to some hundred bytes, cut by itself
// into values of this size when they are longer.
constexpr size_t name_max = 256;
constexpr size_t key_max = 64;
constexpr size_t value_max = 1024;

/// MPICH 4.0 writes beyond its buffer when the mapping has 700 bytes, though values may have 1024.
constexpr size_t mapping_max = 600;

/// A task's line without its end; a client that sends more speaks something else.
constexpr size_t line_max = 64 << 10;

/// The shortest beginning of which all is a repetition, the last one perhaps not to its end. O(n).
size_t period_of(const std::vector<uint32_t>& nodes) {
  std::vector<size_t> border(nodes.size() + 1, 0); // of each beginning, as Knuth, Morris and Pratt
  for (size_t i = 1, k = 0; i < nodes.size(); ++i) {
    while (k > 0 && nodes[i] != nodes[k])
      k = border[k];
    k += nodes[i] == nodes[k];
    border[i + 1] = k;
  }
  return nodes.size() - border[nodes.size()];
}

} // namespace

std::string pmi_process_mapping(const std::vector<uint32_t>& nodes) {
  struct block {
    uint32_t node, count, tasks;
  };
  std::vector<block> blocks;
  auto period = period_of(nodes);
  if (period == 1)
    period = nodes.size(); // all on one node
  for (size_t i = 0; i < period;) {
    auto end = i;
    while (end < period && nodes[end] == nodes[i])
      ++end;
    auto tasks = static_cast<uint32_t>(end - i);
    if (!blocks.empty() && blocks.back().tasks == tasks
        && blocks.back().node + blocks.back().count == nodes[i])
      ++blocks.back().count;
    else
      blocks.push_back({nodes[i], 1, tasks});
    i = end;
  }
  std::string text = "(vector";
  for (auto& b : blocks)
    text += fmt::format(",({},{},{})", b.node, b.count, b.tasks);
  text += ")";
  return text.size() <= mapping_max ? text : "";
}

std::string pmi_taskmap(const std::vector<uint32_t>& nodes) {
  job_layout where;
  for (uint32_t task = 0; task < nodes.size(); ++task) {
    if (where.tasks.size() <= nodes[task])
      where.tasks.resize(nodes[task] + 1);
    where.tasks[nodes[task]].add(task);
  }
  return R"({"version":1,"map":)" + taskmap_json(where) + "}";
}

pmi_core::pmi_core(std::string space, const mpi_world& world, std::vector<uint32_t> ranks,
                   std::string mapping)
  : name_{std::move(space)}, world_{world}, ranks_{std::move(ranks)}, peers_{ranks_.size()} {
  if (!mapping.empty()) // MPICH finds out by itself when there is none, but not of an empty one
    values_["PMI_process_mapping"] = std::move(mapping);
}

void pmi_core::preset(const std::string& key, std::string value) {
  values_[key] = value.size() > value_max ? std::string{} : std::move(value);
}

void pmi_core::on_bytes(uint32_t task, std::string_view bytes, effects& out) {
  auto& partial = peers_[task].partial;
  partial += bytes;
  size_t begin = 0;
  for (size_t end; (end = partial.find('\n', begin)) != partial.npos; begin = end + 1)
    on_line(task, std::string_view{partial}.substr(begin, end - begin), out);
  partial.erase(0, begin);
  if (partial.size() > line_max && out.failure.empty())
    out.failure = fmt::format("{} does not speak PMI on descriptor {}", rank_name(task), pmi_fd);
}

pmi_words read_pmi_line(std::string_view line) {
  pmi_words w;
  while (!line.empty()) {
    auto equals = line.find('=');
    if (equals == line.npos)
      break;
    auto key = line.substr(0, equals);
    line.remove_prefix(equals + 1);
    auto end = key == "value" ? line.size() : std::min(line.find(' '), line.size());
    w.emplace(key, line.substr(0, end));
    line.remove_prefix(end);
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  }
  return w;
}

void pmi_core::on_line(uint32_t task, std::string_view line, effects& out) {
  if (peers_[task].multi_line) { // of a request that was refused at its first line
    peers_[task].multi_line = line != "endcmd";
    return;
  }
  auto w = read_pmi_line(line);
  if (auto reply = answer(task, w, out); !reply.empty())
    out.replies.emplace_back(task, "cmd=" + reply + "\n");
}

std::string pmi_core::answer(uint32_t task, const pmi_words& w, effects& out) {
  auto named = [&w](std::string_view key) -> std::string_view {
    auto found = w.find(key);
    return found == w.end() ? std::string_view{} : found->second;
  };
  if (named("mcmd") == "spawn") {
    peers_[task].multi_line = true;
    return "spawn_result rc=-1";
  }
  auto command = named("cmd");
  if (command == "init") {
    peers_[task].inside = true;
    auto same = named("pmi_version") == "1";
    return fmt::format("response_to_init pmi_version=1 pmi_subversion=1 rc={}", same ? 0 : -1);
  }
  if (command == "get_maxes")
    return fmt::format("maxes kvsname_max={} keylen_max={} vallen_max={}", name_max, key_max,
                       value_max);
  if (command == "get_appnum")
    return "appnum appnum=0";
  if (command == "get_universe_size")
    return fmt::format("universe_size size={}", world_.size);
  if (command == "get_my_kvsname")
    return "my_kvsname kvsname=" + name_;
  if (command == "put" || command == "get") {
    auto space = w.find("kvsname");
    if (space != w.end() && space->second != name_)
      return fmt::format("{}_result rc=-1 msg=no_such_kvsname", command);
    return command == "put" ? put(w) : get(w);
  }
  if (command == "barrier_in") {
    out.barrier = ++waiting_ == ranks_.size();
    return {};
  }
  if (command == "finalize") {
    peers_[task].inside = false;
    return "finalize_ack";
  }
  if (command == "abort") {
    auto code = named("exitcode");
    out.exit_code = 1;
    std::from_chars(code.data(), code.data() + code.size(), out.exit_code);
    out.failure = fmt::format("{} called MPI_Abort with code {}", rank_name(task), out.exit_code);
    return {};
  }
  if (command == "publish_name" || command == "lookup_name" || command == "unpublish_name")
    return fmt::format("{}_result rc=-1 msg=not_offered",
                       command.substr(0, command.find('_')));
  if (out.failure.empty())
    out.failure = fmt::format("{} does not speak PMI on descriptor {}", rank_name(task), pmi_fd);
  return {};
}

std::string pmi_core::put(const pmi_words& w) {
  auto key = w.find("key");
  auto value = w.find("value");
  if (key == w.end() || key->second.empty() || value == w.end())
    return "put_result rc=-1 msg=needs_key_and_value";
  if (key->second.size() > key_max || value->second.size() > value_max)
    return "put_result rc=-1 msg=too_long";
  values_[key->second] = value->second;
  fresh_ += key->second + "=" + value->second + "\n";
  return "put_result rc=0 msg=success";
}

std::string pmi_core::get(const pmi_words& w) const {
  auto key = w.find("key");
  auto found = key == w.end() ? values_.end() : values_.find(key->second);
  if (found == values_.end())
    return "get_result rc=-1 msg=key_not_found value=unknown";
  return "get_result rc=0 msg=success value=" + found->second;
}

std::string pmi_core::take_values() { return std::exchange(fresh_, {}); }

void pmi_core::on_barrier(std::string_view values, effects& out) {
  while (!values.empty()) {
    auto line = values.substr(0, values.find('\n'));
    values.remove_prefix(std::min(line.size() + 1, values.size()));
    auto equals = line.find('=');
    values_[std::string{line.substr(0, equals)}] = line.substr(equals + 1);
  }
  waiting_ = 0;
  for (uint32_t task = 0; task < ranks_.size(); ++task)
    out.replies.emplace_back(task, "cmd=barrier_out\n");
}

} // namespace hactor
