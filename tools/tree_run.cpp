// See the header: the instances of a 'hactor tree' that have others below them.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/tree_run.hpp"

#include <algorithm>
#include <unordered_map>

#include <unistd.h>

#include "tools/attach.hpp"
#include "tools/commands.hpp"
#include "tools/own_folder.hpp"
#include "tools/submit_options.hpp"
#include "tools/submitted.hpp"
#include "tools/tree_part.hpp"

namespace hactor::tools {

namespace {

/// What all instances have in common is passed down as a file of their jobs: in the words of a
/// command places like {{id}} would be filled on the way.
constexpr const char* task_file = "tree.json";

/// Jobspecs of children in one request.
constexpr size_t request_bytes = 4u << 20;

class level : tree_part {
public:
  level(const invocation& call, client& broker, const tree_task& task)
      : tree_part(call, broker, task), children_(children_of(task)) {}

  caf::expected<tree_report> run() {
    for (auto step : {&level::begin, &level::submit, &level::await})
      if (auto e = (this->*step)())
        return e;
    for (size_t i = 0; i < children_.size(); ++i)
      add(i);
    if (auto e = end())
      return e;
    return std::move(report_);
  }

private:
  caf::error begin() { return tree_part::begin(); }

  /// Each child is a job that holds an instance, whose script is its own 'hactor tree'.
  caf::error submit() {
    auto own = read_environment(environ);
    auto cwd = working_directory();
    auto task = text_of(task_);
    std::string text;
    std::vector<uint64_t> tags;
    for (size_t i = 0; i < children_.size(); ++i) {
      auto& share = children_[i].share;
      std::vector<std::pair<std::string_view, std::string>> values{
          {"nodes", std::to_string(share.nodes)},
          {"ntasks", std::to_string(share.nodes)},
          {"cores-per-task", std::to_string(share.cores)},
          {"job-name", share.id}};
      if (share.gpus > 0)
        values.emplace_back("gpus-per-task", std::to_string(share.gpus));
      for (auto& setting : settings_of(task_.levels.front()))
        values.emplace_back("conf", setting);
      auto params =
          build_instance(made_options(batch_command, values), children_[i].command, own, cwd);
      if (!params)
        return std::move(params.error());
      add_file((*params)["jobspec"]["attributes"]["system"], task_file, task, 0600);
      text += (text.empty() ? "" : ",") + dump(*params);
      if (text.size() < request_bytes && i + 1 < children_.size())
        continue;
      tags.push_back(broker_.request_text("submit", "{\"jobs\":[" + text + "]}"));
      text.clear();
    }
    return take_ids(tags);
  }

  /// One request after another is answered; what was accepted before one that was not is withdrawn.
  caf::error take_ids(const std::vector<uint64_t>& tags) {
    caf::error failed;
    for (auto tag : tags) {
      auto f = broker_.receive();
      while (f && f->tag != tag)
        f = broker_.receive();
      if (!f)
        return std::move(f.error());
      auto ids = ids_in(*f);
      if (!ids)
        failed = std::move(ids.error());
      else
        ids_.insert(ids_.end(), ids->begin(), ids->end());
    }
    if (failed && !ids_.empty()) {
      cancel(ids_);
      broker_.flush();
    }
    return failed;
  }

  caf::error await() {
    said_.resize(ids_.size());
    ends_.resize(ids_.size());
    std::unordered_map<uint64_t, size_t> open;
    for (size_t i = 0; i < ids_.size(); ++i)
      open.emplace(broker_.request("job.attach", {{"id", ids_[i]}, {"stdin", false}}), i);
    while (!open.empty()) {
      auto f = next_frame(broker_, signals_);
      if (!f)
        return std::move(f.error());
      if (!*f) {
        cancel(ids_);
        continue;
      }
      auto found = open.find((*f)->tag);
      if (found == open.end())
        continue;
      auto i = found->second;
      if ((*f)->kind == frame_kind::output) {
        take_output(i, (*f)->payload);
      } else if ((*f)->kind == frame_kind::reply || (*f)->kind == frame_kind::error) {
        auto end = result_of(**f);
        ends_[i] = end ? std::move(*end) : json{{"note", render(end.error())}};
        open.erase(found);
      }
    }
    return {};
  }

  void take_output(size_t i, std::string_view payload) {
    auto piece = read_output(payload);
    if (!piece)
      return;
    if (piece->stream == 2) { // what a child complains of is for the person
      progress_.clear();
      write_all(2, piece->bytes);
      return;
    }
    auto before = said_[i].ended();
    said_[i].add(piece->bytes);
    ended_ += said_[i].ended() - before;
    progress_.set(ended_);
  }

  /// What a child has said, or that it has not.
  void add(size_t i) {
    if (auto& said = said_[i].report()) {
      report_.add(std::move(*said));
      return;
    }
    auto code = std::max(static_cast<int>(number_at(ends_[i], "status", 1)), 1);
    auto note = text_at(ends_[i], "note");
    tree_report lost;
    lost.leaves = leaves_of({task_.levels.begin() + 1, task_.levels.end()});
    lost.ended = said_[i].ended();
    lost.worst = {code,
                  children_[i].share.id,
                  0,
                  ids_[i],
                  "its instance ended before its jobs had" + (note.empty() ? "" : ": " + note),
                  {}};
    report_.add(std::move(lost));
  }

  std::vector<tree_child> children_;
  std::vector<std::string> ids_;
  std::vector<tree_lines> said_;
  std::vector<json> ends_;
  uint64_t ended_ = 0;
};

} // namespace

std::vector<tree_child> children_of(const tree_task& task) {
  auto below = texts_of(task.levels, 1);
  std::vector<tree_child> children;
  for (auto& share : split(task.share, task.levels.front().width)) {
    if (share.jobs == 0)
      continue;
    std::vector<std::string> words{own_folder() + "/hactor",
                                   "tree",
                                   "--report",
                                   "--prefix=" + share.id,
                                   "--nnodes=" + std::to_string(share.nodes),
                                   "--ncores-per-node=" + std::to_string(share.cores),
                                   "--ngpus-per-node=" + std::to_string(share.gpus),
                                   "--njobs=" + std::to_string(share.jobs),
                                   "--first=" + std::to_string(share.first),
                                   std::string{"--task={{tmpdir}}/"} + task_file};
    if (task.levels.size() == 1) {
      words.emplace_back("--leaf");
    } else {
      words.push_back("--topology=" + below.topology);
      words.push_back("--queue-policy=" + below.policies);
      if (below.params.find('=') != below.params.npos)
        words.push_back("--queue-params=" + below.params);
      words.push_back("--match-policy=" + below.matches);
    }
    children.push_back({std::move(share), std::move(words)});
  }
  return children;
}

std::string text_of(const tree_task& t) {
  return dump({{"command", t.command},
               {"jobspec", t.jobspec},
               {"output", t.output},
               {"error", t.error},
               {"logs", t.logs},
               {"rundir", t.rundir},
               {"compat", t.compat},
               {"outside", t.outside}});
}

caf::error read_task(std::string_view text, tree_task& t) {
  auto j = parse_json(text);
  if (!j)
    return std::move(j.error());
  auto words = get_array(*j, "command");
  if (!words)
    return std::move(words.error());
  for (auto& word : **words)
    t.command.push_back(word.is_string() ? word.get<std::string>() : "");
  t.jobspec = object_at(*j, "jobspec");
  t.outside = object_at(*j, "outside") == true;
  for (auto& [key, to] : {std::pair{"output", &t.output},
                          {"error", &t.error},
                          {"logs", &t.logs},
                          {"rundir", &t.rundir},
                          {"compat", &t.compat}})
    *to = text_at(*j, key);
  return {};
}

std::vector<std::string> leaf_command(const tree_task& task) {
  std::vector<std::string> words;
  for (auto& word : task.command)
    words.push_back(fill_tree_fields(word, task.share));
  return words;
}

std::vector<std::pair<std::string, std::string>> leaf_variables(const tree_task& task) {
  std::pair<const char*, std::string> rows[] = {
      {"ID", task.share.id},
      {"JOBSCRIPT_INDEX", "{cc}"},
      {"NNODES", std::to_string(task.share.nodes)},
      {"NCORES_PER_NODE", std::to_string(task.share.cores)},
      {"NGPUS_PER_NODE", std::to_string(task.share.gpus)},
  };
  std::vector<std::pair<std::string, std::string>> variables;
  for (auto* system : {"HACTOR", "FLUX"})
    for (auto& [name, value] : rows)
      if (system == std::string_view{"HACTOR"} || task.compat == "flux")
        variables.emplace_back(std::string{system} + "_TREE_" + name, value);
  return variables;
}

caf::expected<tree_report> run_tree(const invocation& call, client& broker, const tree_task& task) {
  if (task.levels.empty())
    return task.outside ? run_scripts(call, broker, task) : run_leaf(call, broker, task);
  return level{call, broker, task}.run();
}

} // namespace hactor::tools