// See script_words.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/script_words.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>

#include "tools/session.hpp"

namespace hactor::tools {

namespace {

enum class takes : uint8_t { nothing, value, optional };

struct slurm_option {
  char letter; // 0: it has none
  std::string_view name;
  takes what;
  std::string_view own; // ours of the same meaning; "": none; "*": by its value
};

constexpr slurm_option slurm_options[] = {
    {'A', "account", takes::value, "bank"},
    {0, "acctg-freq", takes::value, ""},
    {'a', "array", takes::value, "cc"},
    {0, "batch", takes::value, ""},
    {0, "bb", takes::value, ""},
    {0, "bbf", takes::value, ""},
    {'b', "begin", takes::value, "begin-time"},
    {'D', "chdir", takes::value, "cwd"},
    {0, "cluster", takes::value, ""},
    {'M', "clusters", takes::value, ""},
    {0, "cluster-constraint", takes::value, ""},
    {0, "comment", takes::value, ""},
    {'C', "constraint", takes::value, "requires"},
    {0, "container", takes::value, ""},
    {0, "container-id", takes::value, ""},
    {0, "contiguous", takes::nothing, ""},
    {'S', "core-spec", takes::value, ""},
    {0, "cores-per-socket", takes::value, ""},
    {0, "cpu-bind", takes::value, "*"},
    {0, "cpu-freq", takes::value, ""},
    {0, "cpus-per-gpu", takes::value, "*"},
    {'c', "cpus-per-task", takes::value, "cores-per-task"},
    {0, "deadline", takes::value, ""},
    {0, "delay-boot", takes::value, ""},
    {'d', "dependency", takes::value, "dependency"},
    {'m', "distribution", takes::value, ""},
    {'e', "error", takes::value, "error"},
    {'x', "exclude", takes::value, "exclude"},
    {0, "exclusive", takes::optional, "*"},
    {0, "export", takes::value, "*"},
    {0, "export-file", takes::value, ""},
    {0, "extra", takes::value, ""},
    {'B', "extra-node-info", takes::value, ""},
    {0, "get-user-env", takes::optional, ""},
    {0, "gid", takes::value, ""},
    {0, "gpu-bind", takes::value, "*"},
    {0, "gpu-freq", takes::value, ""},
    {'G', "gpus", takes::value, "*"},
    {0, "gpus-per-node", takes::value, "*"},
    {0, "gpus-per-socket", takes::value, ""},
    {0, "gpus-per-task", takes::value, "*"},
    {0, "gres", takes::value, "*"},
    {0, "gres-flags", takes::value, ""},
    {0, "hint", takes::value, ""},
    {'H', "hold", takes::nothing, "hold"},
    {0, "ignore-pbs", takes::nothing, ""},
    {'i', "input", takes::value, "input"},
    {'J', "job-name", takes::value, "job-name"},
    {0, "kill-on-invalid-dep", takes::value, ""},
    {'L', "licenses", takes::value, ""},
    {0, "mail-type", takes::value, ""},
    {0, "mail-user", takes::value, ""},
    {0, "mcs-label", takes::value, ""},
    {0, "mem", takes::value, "mem"},
    {0, "mem-bind", takes::value, ""},
    {0, "mem-per-cpu", takes::value, "mem-per-cpu"},
    {0, "mem-per-gpu", takes::value, ""},
    {0, "mincpus", takes::value, ""},
    {0, "network", takes::value, ""},
    {0, "nice", takes::optional, "nice"},
    {'k', "no-kill", takes::optional, ""},
    {0, "no-requeue", takes::nothing, ""},
    {'F', "nodefile", takes::value, ""},
    {'w', "nodelist", takes::value, "hosts"},
    {'N', "nodes", takes::value, "*"},
    {'n', "ntasks", takes::value, "*"},
    {0, "ntasks-per-core", takes::value, ""},
    {0, "ntasks-per-gpu", takes::value, "*"},
    {0, "ntasks-per-node", takes::value, "tasks-per-node"},
    {0, "tasks-per-node", takes::value, "tasks-per-node"},
    {0, "ntasks-per-socket", takes::value, ""},
    {0, "open-mode", takes::value, "*"},
    {'o', "output", takes::value, "output"},
    {'O', "overcommit", takes::nothing, ""},
    {'s', "oversubscribe", takes::nothing, ""},
    {0, "parsable", takes::nothing, ""},
    {'p', "partition", takes::value, "queue"},
    {0, "power", takes::value, ""},
    {0, "prefer", takes::value, ""},
    {0, "priority", takes::value, ""},
    {0, "profile", takes::value, ""},
    {0, "propagate", takes::optional, ""},
    {'q', "qos", takes::value, ""},
    {'Q', "quiet", takes::nothing, "quiet"},
    {0, "reboot", takes::nothing, ""},
    {0, "requeue", takes::nothing, ""},
    {0, "reservation", takes::value, ""},
    {0, "resv-ports", takes::optional, ""},
    {0, "segment", takes::value, ""},
    {0, "signal", takes::value, "signal"},
    {0, "sockets-per-node", takes::value, ""},
    {0, "spread-job", takes::nothing, ""},
    {0, "stepmgr", takes::nothing, ""},
    {0, "switches", takes::value, ""},
    {0, "thread-spec", takes::value, ""},
    {0, "threads-per-core", takes::value, ""},
    {'t', "time", takes::value, "time-limit"},
    {0, "time-min", takes::value, ""},
    {0, "tmp", takes::value, ""},
    {0, "tres-bind", takes::value, ""},
    {0, "tres-per-task", takes::value, ""},
    {0, "uid", takes::value, ""},
    {0, "use-min-nodes", takes::nothing, ""},
    {'v', "verbose", takes::nothing, ""},
    {'W', "wait", takes::nothing, "wait"},
    {0, "wait-all-nodes", takes::value, ""},
    {0, "wckey", takes::value, ""},
    {0, "x11", takes::optional, ""},
};

const slurm_option* find_option(char letter) {
  auto i = std::ranges::find(slurm_options, letter, &slurm_option::letter);
  return letter == 0 || i == std::end(slurm_options) ? nullptr : i;
}

const slurm_option* find_option(std::string_view name) {
  auto i = std::ranges::find(slurm_options, name, &slurm_option::name);
  return i == std::end(slurm_options) ? nullptr : i;
}

/// 0: no number.
uint64_t number_of(std::string_view text) {
  uint64_t n = 0;
  auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), n);
  constexpr uint64_t number_max = 1u << 30; // products of two do not overflow
  return code == std::errc{} && end == text.data() + text.size() && n < number_max ? n : 0;
}

/// The number of GPUs of "4", "a100:4", "a100:2,v100:2": of whatever kind.
std::string gpus_of(const std::string& text) {
  uint64_t sum = 0;
  for (auto& part : split_commas(text)) {
    auto colon = part.rfind(':');
    auto n = number_of(std::string_view{part}.substr(colon == part.npos ? 0 : colon + 1));
    if (n == 0)
      return text;
    sum += n;
  }
  return std::to_string(sum);
}

/// The number of GPUs of "gpu", "gpu:2", "gpu:a100:2(S:0)", "gpu:1,nic:1"; "" when there are none.
std::string gpus_of_gres(const std::string& text) {
  uint64_t sum = 0;
  for (auto part : split_commas(text)) {
    part = part.substr(0, part.find('('));
    if (part.starts_with("gres/"))
      part.erase(0, 5);
    if (part != "gpu" && !part.starts_with("gpu:"))
      continue;
    auto last = part.substr(part.rfind(':') + 1); // a name alone is one of them
    auto is_count = !last.empty() && last.find_first_not_of("0123456789") == last.npos;
    sum += is_count ? number_of(last) : 1;
  }
  return sum == 0 ? "" : std::to_string(sum);
}

/// "" when nothing here does the same.
std::string_view binding_of(std::string_view how) {
  for (std::string_view prefix : {"verbose,", "v,", "quiet,", "q,"})
    if (how.starts_with(prefix))
      how.remove_prefix(prefix.size());
  if (how == "none" || how == "no")
    return "off";
  for (std::string_view each : {"cores", "threads", "rank", "single:", "per_task:"})
    if (how == each || (each.ends_with(':') && how.starts_with(each)))
      return "per-task";
  return "";
}

std::vector<std::string> words_of_export(const std::string& names) {
  std::vector<std::string> words;
  if (names == "ALL")
    return words;
  auto list = split_commas(names);
  if (std::find(list.begin(), list.end(), "ALL") == list.end())
    words.emplace_back("--env=-*");
  if (names == "NONE" || names == "NIL")
    return words;
  for (auto& name : list)
    if (name != "ALL")
      words.push_back("--env=" + name);
  return words;
}

} // namespace

/// The words of one line, as they are gone through.
class slurm_line {
public:
  slurm_line(slurm_words& script, const std::vector<std::string>& words)
      : script_{script}, words_{words} {}

  caf::expected<own_words> read() {
    for (; at_ < words_.size(); ++at_) {
      auto& word = words_[at_];
      auto e = word.starts_with("--")                        ? long_option(word)
               : word.starts_with('-') && word.size() > 1 ? letters(word)
                                                             : keep(word);
      if (e)
        return e;
    }
    return std::move(own_);
  }

private:
  caf::error keep(const std::string& word) {
    own_.words.push_back(word);
    return {};
  }

  caf::error long_option(const std::string& word) {
    auto equals = std::min(word.find('='), word.size());
    auto* o = find_option(std::string_view{word}.substr(2, equals - 2));
    if (o == nullptr)
      return keep(word);
    if (equals < word.size())
      return add(*o, word, word.substr(equals + 1));
    return o->what == takes::value ? with_next(*o, word) : add(*o, word, {});
  }

  /// "-n4", "-n 4", "-Hn4".
  caf::error letters(const std::string& word) {
    if (find_option(word[1]) == nullptr)
      return keep(word);
    for (size_t i = 1; i < word.size(); ++i) {
      auto* o = find_option(word[i]);
      auto said = std::string{"-"} + word[i];
      if (o == nullptr)
        return make_error(ec::bad_argument, "unknown option '" + said + "'");
      if (o->what == takes::nothing) {
        if (auto e = add(*o, said, {}))
          return e;
      } else if (i + 1 < word.size()) {
        auto value = word.substr(word[i + 1] == '=' ? i + 2 : i + 1);
        return add(*o, i == 1 ? word : said, value);
      } else {
        return o->what == takes::value ? with_next(*o, said) : add(*o, said, {});
      }
    }
    return {};
  }

  caf::error with_next(const slurm_option& o, const std::string& said) {
    if (at_ + 1 == words_.size())
      return make_error(ec::bad_argument, "option '" + said + "' needs a value");
    return add(o, said, words_[++at_]);
  }

  caf::error ignore(const std::string& said) {
    own_.ignored.push_back(said);
    return {};
  }

  caf::error add(const slurm_option& o, const std::string& said,
                 const std::optional<std::string>& value) {
    if (o.own.empty())
      return ignore(said);
    if (o.own == "*")
      return add_by_value(o.name, said, value.value_or(""));
    return keep("--" + std::string{o.own} + (value ? "=" + *value : ""));
  }

  caf::error add_by_value(std::string_view name, const std::string& said,
                          const std::string& value) {
    if (name == "exclusive") // of a user or a group: the instance is one's own
      return value.empty() ? keep("--exclusive") : ignore(said);
    if (name == "nodes" || name == "ntasks") {
      (name == "nodes" ? script_.nodes_ : script_.tasks_) = value;
      return keep("--" + std::string{name} + "=" + value);
    }
    if (name == "open-mode")
      return keep("--setopt=output.mode=" + value);
    if (name == "export") {
      for (auto& word : words_of_export(value))
        own_.words.push_back(word);
      return {};
    }
    if (name == "cpu-bind" || name == "gpu-bind") {
      auto how = binding_of(value);
      return how.empty() ? ignore(said)
                         : keep((name == "cpu-bind" ? "--cpu-affinity=" : "--gpu-affinity=")
                                + std::string{how});
    }
    if (name == "gres") {
      auto n = gpus_of_gres(value);
      if (n.empty())
        return ignore(said);
      script_.gpus_per_node_ = n;
      return {};
    }
    (name == "gpus"             ? script_.gpus_
     : name == "gpus-per-node"  ? script_.gpus_per_node_
     : name == "gpus-per-task"  ? script_.gpus_per_task_
     : name == "ntasks-per-gpu" ? script_.tasks_per_gpu_
                                : script_.cores_per_gpu_) = gpus_of(value);
    return {};
  }

  slurm_words& script_;
  const std::vector<std::string>& words_;
  size_t at_ = 0;
  own_words own_;
};

caf::expected<own_words> slurm_words::line(const std::vector<std::string>& words) {
  return slurm_line{*this, words}.read();
}

own_words slurm_words::finish() const {
  own_words own;
  auto say = [&own](const char* name, const std::string& value) {
    if (!value.empty())
      own.words.push_back(std::string{"--"} + name + "=" + value);
  };
  auto nodes = std::max<uint64_t>(number_of(nodes_), 1);
  auto tasks = number_of(tasks_);
  auto all = !gpus_.empty()            ? number_of(gpus_)
             : !gpus_per_node_.empty() ? number_of(gpus_per_node_) * nodes
                                       : number_of(gpus_per_task_) * std::max<uint64_t>(tasks, 1);
  auto each = number_of(tasks_per_gpu_);
  if (each != 0 && all == 0 && tasks != 0 && tasks % each == 0)
    all = tasks / each; // so many GPUs as the tasks need
  else if (each != 0 && all != 0 && tasks == 0)
    say("ntasks", std::to_string(tasks = each * all));
  else if (!tasks_per_gpu_.empty() && (each == 0 || all == 0))
    own.ignored.push_back("--ntasks-per-gpu=" + tasks_per_gpu_);
  auto runs = std::max<uint64_t>(tasks, nodes_.empty() ? 1 : nodes);
  if (auto cores = number_of(cores_per_gpu_) * all; cores != 0 && cores % runs == 0)
    say("cores-per-task", std::to_string(cores / runs));
  else if (!cores_per_gpu_.empty())
    own.ignored.push_back("--cpus-per-gpu=" + cores_per_gpu_);
  if (!gpus_per_node_.empty() || !gpus_per_task_.empty()) {
    say("gpus-per-node", gpus_per_node_);
    say("gpus-per-task", gpus_per_task_);
  } else if (all != 0 && all % runs != 0 && all % nodes == 0) { // tasks share those of their node
    if (nodes_.empty())
      say("nodes", "1");
    say("gpus-per-node", std::to_string(all / nodes));
  } else {
    say("gpus", all != 0 ? std::to_string(all) : gpus_);
  }
  return own;
}

std::vector<std::string> from_flux(std::vector<std::string> words) {
  // All but one of its letters are ours too; those behind flags, as in "-lo pty".
  constexpr std::string_view flags = "luxv";
  for (auto& word : words) {
    if (!word.starts_with('-') || word.starts_with("--"))
      continue;
    auto letter = word.find_first_not_of(flags, 1);
    if (letter != word.npos && word[letter] == 'o')
      word[letter] = 'O';
  }
  return words;
}

} // namespace hactor::tools
