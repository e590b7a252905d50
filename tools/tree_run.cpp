// See the header: the instances of a 'hactor tree' that have others below them.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/tree_run.hpp"

#include <algorithm>
#include <unordered_map>

#include <fmt/format.h>
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

/// What all instances below are told in words.
std::vector<std::string> command_of(const tree_share& share) {
  return {own_folder() + "/hactor",
          "tree",
          "--report",
          "--prefix=" + share.id,
          "--nnodes=" + std::to_string(share.nodes),
          "--ncores-per-node=" + std::to_string(share.cores),
          "--ngpus-per-node=" + std::to_string(share.gpus),
          "--njobs=" + std::to_string(share.jobs),
          "--first=" + std::to_string(share.first),
          std::string{"--task={{tmpdir}}/"} + task_file};
}

class level : tree_part {
public:
  level(const invocation& call, client& broker, const tree_task& task)
      : tree_part(call, broker, task), deal_(!task.reports) {
    for (auto& child : children_of(task))
      add(std::move(child));
  }

  caf::expected<tree_report> run() {
    for (auto step : {&level::begin, &level::submit, &level::await})
      if (auto e = (this->*step)())
        return e;
    for (auto& m : members_)
      report_.add(report_of(m));
    if (auto e = end())
      return e;
    return std::move(report_);
  }

private:
  struct member {
    tree_child child;
    uint64_t leaves;
    std::string id;
    tree_lines said;
    json end;
    tree_loss loss;
    bool over = false;
  };

  caf::error begin() { return tree_part::begin(); }

  void add(tree_child child, bool replaces = false) {
    auto& share = child.share;
    deal_.add(share.first, share.jobs);
    auto leaves = replaces ? 1 : leaves_of({task_.levels.begin() + 1, task_.levels.end()});
    members_.push_back({std::move(child), leaves, {}, {}, {}, {}});
  }

  /// Each child is a job that holds an instance, whose script is its own 'hactor tree'.
  caf::expected<json> describe(const tree_child& child, const tree_level& of) {
    auto& share = child.share;
    std::vector<std::pair<std::string_view, std::string>> values{
        {"nodes", std::to_string(share.nodes)},
        {"ntasks", std::to_string(share.nodes)},
        {"cores-per-task", std::to_string(share.cores)},
        {"job-name", share.id}};
    if (share.gpus > 0)
      values.emplace_back("gpus-per-task", std::to_string(share.gpus));
    for (auto& setting : settings_of(of))
      values.emplace_back("conf", setting);
    auto params = build_instance(made_options(batch_command, values), child.command,
                                 read_environment(environ), working_directory());
    if (!params)
      return params;
    auto& system = (*params)["jobspec"]["attributes"]["system"];
    add_file(system, task_file, text_of(task_), 0600);
    // The first task becomes the script, which is told by its input what it may run.
    system["shell"]["options"]["input"]["stdin"] = {{"type", "service"}, {"ranks", "0"}};
    return params;
  }

  caf::error submit() {
    std::string text;
    std::vector<uint64_t> tags;
    for (size_t i = 0; i < members_.size(); ++i) {
      auto params = describe(members_[i].child, task_.levels.front());
      if (!params)
        return std::move(params.error());
      text += (text.empty() ? "" : ",") + dump(*params);
      if (text.size() < request_bytes && i + 1 < members_.size())
        continue;
      tags.push_back(broker_.request_text("submit", "{\"jobs\":[" + text + "]}"));
      text.clear();
    }
    return take_ids(tags);
  }

  /// One request after another is answered; what was accepted before one that was not is withdrawn.
  caf::error take_ids(const std::vector<uint64_t>& tags) {
    caf::error failed;
    std::vector<std::string> all;
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
        all.insert(all.end(), ids->begin(), ids->end());
    }
    if (failed && !all.empty()) {
      cancel(all);
      broker_.flush();
    }
    if (failed)
      return failed;
    for (size_t i = 0; i < all.size() && i < members_.size(); ++i)
      attach_to(i, std::move(all[i]));
    return {};
  }

  void attach_to(size_t i, std::string id) {
    members_[i].id = std::move(id);
    tags_.emplace(broker_.request("job.attach", {{"id", members_[i].id}, {"stdin", true}}), i);
  }

  caf::error await() {
    while (!tags_.empty()) {
      auto f = next_frame(broker_, signals_, speak(), above());
      if (!f)
        return std::move(f.error());
      auto answers = hear();
      if (!answers)
        return std::move(answers.error());
      for (auto& answer : *answers)
        deal_.take(answer);
      if (*f) {
        if (auto e = take(**f))
          return e;
      } else if (signals_.number() != 0) {
        cancel_all();
      }
      for (auto& [i, answer] : deal_.take_answers())
        tell(i, answer);
    }
    return {};
  }

  /// After how many milliseconds there is more to say above; -1: not before something happens.
  int speak() {
    if (!task_.reports)
      return -1;
    if (auto wait_ms = word_wait_ms(); wait_ms > 0)
      return wait_ms;
    say(deal_.take_word());
    return -1;
  }

  void cancel_all() {
    deal_.stop();
    std::vector<std::string> ids;
    for (auto& m : members_)
      if (!m.over)
        ids.push_back(m.id);
    cancel(ids);
  }

  caf::error take(const frame& f) {
    auto found = tags_.find(f.tag);
    if (found == tags_.end())
      return {};
    auto i = found->second;
    if (f.kind == frame_kind::output) {
      take_output(i, f.payload);
    } else if (auto warning = warning_of(f); !warning.empty()) {
      progress_.clear();
      complain(call_, "job " + members_[i].id + ": " + warning);
    } else if (f.kind == frame_kind::reply || f.kind == frame_kind::error) {
      auto end = result_of(f);
      tags_.erase(found);
      return take_end(i, end ? std::move(*end) : json{{"note", render(end.error())}});
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
    auto& said = members_[i].said;
    said.add(piece->bytes);
    for (auto& word : said.take_words())
      deal_.told(i, word);
    progress_.set(deal_.ended());
  }

  void tell(size_t i, const tree_answer& answer) {
    for (auto& [tag, child] : tags_)
      if (child == i)
        broker_.input(tag, to_line(answer) + "\n", 0);
  }

  caf::error take_end(size_t i, json end) {
    auto& m = members_[i];
    m.over = true;
    m.end = std::move(end);
    auto waiting = deal_.pool().size();
    m.loss = deal_.lost(i);
    auto left = deal_.pool().size();
    if (m.said.report() || signals_.number() != 0)
      return {};
    progress_.clear();
    complain(call_, fmt::format("{}: {}; of its jobs {} had ended, {} ran, {} others may have run, "
                                "{} go to other leaves",
                                m.child.share.id, why(m), m.loss.ended, m.loss.running,
                                m.loss.unknown, left - std::min(waiting, left)));
    return deal_.alone() && left > 0 ? replace(i) : caf::error{};
  }

  static std::string why(member& m) {
    auto note = text_at(m.end, "note");
    return "its instance ended before its jobs had" + (note.empty() ? "" : ": " + note);
  }

  /// No child is left who could take what this one has not begun: a leaf does, over as much of what
  /// it had as is still there. Who has ended before it began anything would only do so again, and
  /// whoever was cancelled was not wanted.
  caf::error replace(size_t i) {
    auto& lost = members_[i];
    if (lost.loss.ended + lost.loss.running == 0 || text_at(lost.end, "result") == "CANCELED")
      return {};
    auto share = lost.child.share;
    auto nodes = nodes_like(share);
    if (!nodes)
      return std::move(nodes.error());
    share.nodes = static_cast<uint32_t>(std::min<uint64_t>(share.nodes, *nodes));
    if (share.nodes == 0)
      return {};
    share.id = fmt::format("{}.{}", task_.share.id, members_.size() + 1);
    share.jobs = 0;
    tree_child child{share, command_of(share)};
    child.command.emplace_back("--leaf");
    auto params = describe(child, task_.levels.back());
    if (!params)
      return std::move(params.error());
    auto reply = broker_.ask("submit", *params);
    if (!reply)
      return std::move(reply.error());
    auto& ids = object_at(*reply, "ids");
    if (!ids.is_array() || ids.size() != 1)
      return make_error(ec::bad_json, "the instance answered a submit without an id");
    add(std::move(child), true);
    attach_to(members_.size() - 1, ids[0].get<std::string>());
    return {};
  }

  /// How many nodes can be used and have as many cores and GPUs.
  caf::expected<uint64_t> nodes_like(const tree_share& share) {
    auto reply = broker_.ask("resource.list", json::object());
    if (!reply)
      return std::move(reply.error());
    auto usable = usable_nodes(*reply);
    if (!usable)
      return std::move(usable.error());
    uint64_t n = 0;
    for (auto& node : usable->nodes)
      n += node.cores.size() >= share.cores && node.gpus.size() >= share.gpus;
    return n;
  }

  /// What a child has said, or that it has not.
  tree_report report_of(member& m) {
    if (auto& said = m.said.report())
      return std::move(*said);
    tree_report lost;
    lost.leaves = m.leaves;
    lost.ended = m.loss.ended;
    lost.failed = m.loss.failed;
    lost.lost = m.loss.running;
    lost.unknown = m.loss.unknown;
    lost.worst = {std::max(static_cast<int>(number_at(m.end, "status", 1)), 1),
                  m.child.share.id,
                  0,
                  m.id,
                  why(m),
                  {}};
    return lost;
  }

  tree_deal deal_;
  std::vector<member> members_;               // as deal_ numbers them
  std::unordered_map<uint64_t, size_t> tags_; // who is attached to
};

} // namespace

std::vector<tree_child> children_of(const tree_task& task) {
  auto below = texts_of(task.levels, 1);
  std::vector<tree_child> children;
  for (auto& share : split(task.share, task.levels.front().width)) {
    if (share.jobs == 0)
      continue;
    auto words = command_of(share);
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

caf::expected<rset> usable_nodes(const json& reply) {
  auto all = parse_rset(dump(object_at(reply, "all")));
  auto up = idset::parse(text_at(reply, "up"));
  auto drained = idset::parse(text_at(reply, "drained"));
  if (!all || !up || !drained)
    return make_error(ec::bad_json, "the instance answered with resources that cannot be read");
  up->remove_all(*drained);
  return restrict_to(*all, *up);
}

caf::expected<tree_report> run_tree(const invocation& call, client& broker, const tree_task& task) {
  if (task.levels.empty())
    return task.outside ? run_scripts(call, broker, task) : run_leaf(call, broker, task);
  return level{call, broker, task}.run();
}

} // namespace hactor::tools