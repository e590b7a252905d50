// hactor submit --dag: the jobs of a file, whose dependencies may name each other, as one request.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "tools/shell_words.hpp"
#include "tools/submit_options.hpp"
#include "tools/submitted.hpp"

namespace hactor::tools {

namespace {

caf::error bad(std::string text) { return make_error(ec::bad_argument, std::move(text)); }

/// Of the submission as a whole.
constexpr std::string_view common_options[] = {"dag",        "wait",   "wait-event", "watch",
                                               "progress",   "jps",    "quiet",      "log",
                                               "log-stderr", "dry-run"};

caf::error add_words(std::vector<std::string>& words, const std::string& key, const json& value) {
  if (value.is_array()) {
    for (auto& one : value)
      if (auto e = add_words(words, key, one))
        return e;
    return {};
  }
  if (value == false || value.is_null())
    return {};
  if (value == true)
    words.push_back("--" + key);
  else if (value.is_string())
    words.push_back("--" + key + "=" + value.get<std::string>());
  else if (value.is_number())
    words.push_back("--" + key + "=" + dump(value));
  else
    return bad(fmt::format("\"{}\" must be a text, a number, true, or a list of such", key));
  return {};
}

/// The words of the command line that an object stands for.
caf::expected<std::vector<std::string>> words_of(const json& object) {
  std::vector<std::string> words, command;
  for (auto& [key, value] : object.items()) {
    if (key != "command") {
      if (auto e = add_words(words, key, value))
        return e;
      continue;
    }
    if (value.is_string()) {
      auto split = split_words(value.get_ref<const std::string&>());
      if (!split)
        return bad("\"command\": " + context_of(split.error()));
      for (auto& word : *split)
        command.push_back(std::move(word.text));
      continue;
    }
    for (auto& word : value.is_array() ? value : json::array({value})) {
      if (!word.is_string())
        return bad("\"command\" must be a list of words, or a text");
      command.push_back(word.get<std::string>());
    }
  }
  words.push_back("--");
  words.insert(words.end(), command.begin(), command.end());
  return words;
}

class dag_reader {
public:
  dag_reader(const parsed_options& options, const environment_map& own, const std::string& cwd)
      : options_{options}, own_{own}, cwd_{cwd} {}

  /// The jobs of a line, as submissions: one, or each copy of --cc that has its own options.
  caf::expected<json> jobs(std::string_view line) {
    if (!line.starts_with('{')) {
      auto split = split_words(line);
      if (!split)
        return bad(context_of(split.error()));
      std::vector<std::string> words;
      for (auto& word : *split)
        words.push_back(std::move(word.text));
      return of_words(words);
    }
    auto object = parse_json(line);
    if (!object || !object->is_object())
      return bad(object ? "is no JSON object" : context_of(object.error()));
    if (object->contains("jobspec"))
      return json::array({of_jobspec(std::move(*object))});
    auto words = words_of(*object);
    if (!words)
      return std::move(words.error());
    return of_words(*words);
  }

private:
  static json of_jobspec(json object) {
    if (!object.contains("flags"))
      object["flags"] = json::array({"waitable"});
    return object;
  }

  caf::expected<json> of_words(const std::vector<std::string>& words) {
    std::vector<const char*> texts;
    for (auto& word : words)
      texts.push_back(word.c_str());
    auto own = parse_options(*options_.of, texts);
    if (!own)
      return bad(context_of(own.error()));
    for (auto name : common_options)
      if (own->has(name))
        return bad(fmt::format("--{} is of all jobs: it stands before --dag", name));
    if (own->operands.empty())
      return bad("has no command");
    auto all = options_;
    std::erase_if(all.values, [&](auto& x) { return is_common(x.first->name); });
    all.values.insert(all.values.end(), own->values.begin(), own->values.end());
    all.operands = own->operands;
    auto params = build_copies(all, [this](auto& o) { return build_submit(o, own_, cwd_); });
    if (!params)
      return params;
    if (auto* copies = find_json(*params, "jobs"))
      return *copies;
    return json::array({std::move(*params)});
  }

  static bool is_common(std::string_view name) {
    return std::find(std::begin(common_options), std::end(common_options), name)
           != std::end(common_options);
  }

  const parsed_options& options_;
  const environment_map& own_;
  const std::string& cwd_;
};

} // namespace

caf::expected<submitted_dag> build_dag(const parsed_options& options, std::string_view text,
                                       const environment_map& own, const std::string& cwd) {
  dag_reader reader{options, own, cwd};
  auto jobs = json::array();
  submitted_dag dag;
  size_t number = 0;
  for (size_t start = 0; start < text.size();) {
    auto end = std::min(text.find('\n', start), text.size());
    auto line = text.substr(start, end - start);
    start = end + 1;
    ++number;
    line.remove_prefix(std::min(line.find_first_not_of(" \t\r"), line.size()));
    if (line.empty() || line.starts_with('#'))
      continue;
    auto made = reader.jobs(line);
    if (!made)
      return make_error(code_of(made.error()),
                        fmt::format("--dag: line {}: {}", number, context_of(made.error())));
    for (auto& job : *made) {
      jobs.push_back(std::move(job));
      dag.lines.push_back(number);
    }
  }
  if (jobs.empty())
    return bad("--dag: the file has no jobs");
  dag.params = {{"jobs", std::move(jobs)}};
  return dag;
}

caf::error of_line(const submitted_dag& dag, const caf::error& e) {
  auto text = render(e);
  constexpr std::string_view mark = "jobs[";
  if (!text.starts_with(mark))
    return e;
  size_t i = 0;
  auto end = text.data() + text.size();
  auto [stop, code] = std::from_chars(text.data() + mark.size(), end, i);
  if (code != std::errc{} || i >= dag.lines.size() || !std::string_view{stop, end}.starts_with("]"))
    return e;
  auto& spec = object_at(dag.params["jobs"][i], "jobspec");
  auto name = text_at(object_at(object_at(object_at(spec, "attributes"), "system"), "job"), "name");
  return make_error(code_of(e), fmt::format("line {}{}{}", dag.lines[i],
                                            name.empty() ? "" : " (" + name + ")", stop + 1));
}

} // namespace hactor::tools
