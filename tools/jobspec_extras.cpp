// What of a job stands beside its size, its streams and its surroundings: retries, files that it
// carries, and the job that is an instance. See submit_options.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <charconv>
#include <optional>
#include <random>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actors/fluxion_options.hpp"
#include "actors/scheduler_settings.hpp"
#include "runtime/base64.hpp"
#include "runtime/duration.hpp"
#include "runtime/idset.hpp"
#include "runtime/limits.hpp"
#include "runtime/near.hpp"
#include "runtime/utf8_text.hpp"
#include "store/event.hpp"
#include "tools/own_folder.hpp"
#include "tools/session.hpp"
#include "tools/shell_words.hpp"
#include "tools/submit_options.hpp"
#include "tools/submitted.hpp"
#include "tools/text_file.hpp"

namespace hactor::tools {

namespace {

/// Of jobspecs that are more than version 1 has.
constexpr int canonical_version = 9999;

caf::error bad(std::string text) { return make_error(ec::bad_argument, std::move(text)); }

bool knows(const parsed_options& options, std::string_view name) {
  for (auto& row : options.of->options)
    if (name == row.name)
      return true;
  return false;
}

/// "node", "exit", "exit:CODE", and more codes after that.
caf::error read_retry_on(const std::string& text, json& rule) {
  bool node = false, exit = false;
  std::string codes;
  for (auto& word : split_commas(text)) {
    auto code = word.starts_with("exit:") ? word.substr(5) : exit ? word : std::string{};
    if (word == "node") {
      node = true;
    } else if (word == "exit") {
      exit = true;
    } else if (auto set = idset::parse(code); set && !set->empty() && set->last() <= 255) {
      exit = true;
      codes += (codes.empty() ? "" : ",") + code;
    } else {
      return bad("--retry-on: '" + text
                 + "' is not node, exit or exit:CODE,.. with codes 1 to 255");
    }
  }
  idset all;
  for (auto& code : split_commas(codes))
    if (auto set = idset::parse(code))
      all.add_all(*set);
  rule["node"] = node;
  rule["exit"] = exit;
  if (!codes.empty())
    rule["codes"] = all.to_string();
  return {};
}

std::string random_word() {
  std::random_device source;
  return fmt::format("{:08x}{:08x}", source(), source());
}

/// What all jobs that this process submits have in common.
const std::string& own_group() {
  static const auto group = random_word();
  return group;
}

/// Runs the script of an instance, then writes down what became of its jobs. Its words: the program
/// and the file, then the script's.
constexpr const char* dump_script = R"(hactor=$1 file=$2
shift 2
if [ $# -eq 0 ]; then "${SHELL:-/bin/sh}"; else "$@"; fi
code=$?
"$hactor" job list -a -c 0 >"$file" || [ $code -ne 0 ] || code=1
exit $code)";

/// The items of --conf, of which those that name a TOML file stand for what is in it.
caf::expected<std::vector<std::string>> read_settings(const std::vector<std::string>& said) {
  std::vector<std::string> items;
  for (auto& text : said) {
    if (text.find('=') != text.npos || !text.ends_with(".toml")) {
      items.push_back(text);
      continue;
    }
    auto content = read_file(text);
    if (!content)
      return bad("--conf: " + context_of(content.error()));
    config found;
    if (auto notes = apply_fluxion_config(found, text, *content); !notes)
      return bad("--conf: " + context_of(notes.error()));
    for (auto& entry : found.list())
      if (found.is_set(entry.name))
        items.push_back(entry.name + "=" + entry.value);
  }
  return items;
}

/// What --conf says is refused here, not when the job runs. Policies in libraries are left to the
/// broker: a path is as it sees it.
caf::error judge_settings(const std::vector<std::string>& items) {
  config settings;
  bool library = false;
  for (auto& item : items) {
    auto equals = std::min(item.find('='), item.size());
    auto value = equals == item.size() ? "true" : item.substr(equals + 1);
    library = library || value.find('/') != value.npos;
    if (auto e = set_of_nested(settings, item.substr(0, equals), value))
      return bad("--conf: " + render(e));
  }
  if (library)
    return {};
  auto scheduling = read_scheduler_settings(settings);
  return scheduling ? caf::error{} : bad("--conf: " + render(scheduling.error()));
}

} // namespace

caf::error set_retries(json& system, const parsed_options& options) {
  auto count = options.number("retries", 0, 0, limits::retries_max);
  if (!count)
    return std::move(count.error());
  for (auto* other : {"retry-delay", "retry-on", "avoid-last-node"})
    if (*count == 0 && options.has(other))
      return bad("--" + std::string{other} + " needs --retries");
  if (*count > 0) {
    json rule{{"count", *count}};
    auto delay = duration_option(options, "retry-delay", 0);
    if (!delay)
      return std::move(delay.error());
    if (*delay > 0)
      rule["delay"] = *delay;
    if (options.has("retry-on"))
      if (auto e = read_retry_on(options.value("retry-on"), rule))
        return e;
    if (options.has("avoid-last-node"))
      rule["avoid-last-node"] = true;
    system["retries"] = std::move(rule);
  }
  if (!knows(options, "max-fails") || !options.has("max-fails"))
    return {};
  auto fails = options.number("max-fails", 1, 1, limits::jobs_per_request_max);
  if (!fails)
    return std::move(fails.error());
  system["max-fails"] = {{"count", *fails}, {"group", own_group()}};
  return {};
}

caf::expected<uint64_t> jobs_in_flight(const parsed_options& options) {
  std::string option = "max-in-flight", text;
  if (knows(options, option) && std::string_view{options.of->name} != "bulksubmit")
    text = options.value(option);
  for (auto* copies : {"cc", "bcc"}) {
    if (!knows(options, copies) || !options.has(copies))
      continue;
    auto value = options.value(copies);
    auto percent = value.find('%');
    if (percent == value.npos)
      continue;
    if (!text.empty())
      return bad("--max-in-flight and the '%' of --" + std::string{copies} + "=" + value
                 + " exclude each other");
    option = copies;
    text = value.substr(percent + 1);
    if (text.empty())
      text = "%";
  }
  if (text.empty())
    return 0;
  uint64_t most = 0;
  auto number = std::string_view{text}.substr(0, text.find(':'));
  auto end = number.data() + number.size();
  auto [stop, code] = std::from_chars(number.data(), end, most);
  if (code != std::errc{} || stop != end || most < 1 || most > limits::jobs_per_request_max)
    return bad(fmt::format("--{}: '{}' does not say how many jobs are active at once, 1 to {}",
                           option, text, limits::jobs_per_request_max));
  return most;
}

caf::error set_in_flight(json& system, const parsed_options& options) {
  auto most = jobs_in_flight(options);
  if (!most)
    return std::move(most.error());
  if (*most == 0)
    return {};
  auto said = options.has("max-in-flight") ? options.value("max-in-flight") : std::string{};
  auto colon = said.find(':');
  auto group = colon == said.npos ? own_group() : said.substr(colon + 1);
  if (group.empty())
    return bad("--max-in-flight: '" + said + "' has no name of a group behind the colon");
  system["dependencies"].push_back(
      {{"scheme", "max-in-flight"}, {"value", std::to_string(*most)}, {"group", group}});
  return {};
}

caf::error check_event(const parsed_options& options) {
  if (!knows(options, "wait-event") || !options.has("wait-event"))
    return {};
  auto said = options.value("wait-event");
  if (kind_of(event_name(said)))
    return {};
  std::vector<std::string_view> known;
  for (size_t i = 1; i < static_cast<size_t>(event_kind::kind_count); ++i)
    known.push_back(name_of(static_cast<event_kind>(i)));
  return bad("--wait-event: '" + said + "' is not an event of jobs" + did_you_mean(said, known));
}

void add_file(json& system, const std::string& name, const std::string& text, int mode) {
  auto& file = system["files"][name];
  file = {{"mode", S_IFREG | mode}, {"size", text.size()}};
  auto plain = is_utf8(text) && text.find('\0') == std::string::npos;
  file["encoding"] = plain ? "utf-8" : "base64";
  file["data"] = plain ? text : encode_base64(text);
}

namespace {

/// "0755", as for chmod(1).
std::optional<int> read_permissions(std::string_view text) {
  unsigned mode = 0;
  auto end = text.data() + text.size();
  auto [stop, code] = std::from_chars(text.data(), end, mode, 8);
  if (text.empty() || code != std::errc{} || stop != end || mode > 0777)
    return std::nullopt;
  return static_cast<int>(mode);
}

/// A file of hosts, one or a hostlist a line, is read here: where the job runs it may not be.
caf::expected<std::string> read_taskmap(const std::string& said) {
  constexpr std::string_view scheme = "hostfile:";
  if (!said.starts_with(scheme))
    return said;
  auto text = read_file(said.substr(scheme.size()));
  if (!text)
    return bad("--taskmap: " + context_of(text.error()));
  std::string hosts;
  for (std::string_view rest = *text; !rest.empty();) {
    auto end = std::min(rest.find('\n'), rest.size());
    auto line = rest.substr(0, end);
    line = line.substr(0, line.find_last_not_of(" \t\r") + 1);
    if (!line.empty())
      (hosts += hosts.empty() ? "" : ",") += line;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  if (hosts.empty())
    return bad("--taskmap: " + said.substr(scheme.size()) + " names no hosts");
  return "hosts:" + hosts;
}

} // namespace

caf::error set_taskmap(json& shell, const parsed_options& options) {
  if (!options.has("taskmap"))
    return {};
  auto map = read_taskmap(options.value("taskmap"));
  if (!map)
    return std::move(map.error());
  shell["options"]["taskmap"] = std::move(*map);
  return {};
}

caf::error set_files(json& system, const parsed_options& options) {
  for (auto& said : options.all("add-file")) {
    auto equals = said.find('=');
    auto path = equals == said.npos ? said : said.substr(equals + 1);
    auto name = equals == said.npos ? path.substr(path.rfind('/') + 1) : said.substr(0, equals);
    std::optional<int> perms;
    if (auto colon = name.find(':'); equals != said.npos && colon != name.npos) {
      perms = read_permissions(std::string_view{name}.substr(colon + 1));
      if (!perms)
        return bad("--add-file: '" + name.substr(colon + 1)
                   + "' is no set of permissions like 0755");
      name.resize(colon);
    }
    if (name.empty() || name.find('/') != name.npos || name == "." || name == "..")
      return bad("--add-file: '" + name + "' is no name of a file");
    bool is_text = equals != said.npos && path.find('\n') != path.npos; // no name of a file
    auto text = is_text ? caf::expected<std::string>{path} : read_file(path);
    if (!text)
      return bad("--add-file: " + context_of(text.error()));
    struct stat found {};
    auto is_file = !is_text && path != "-" && ::stat(path.c_str(), &found) == 0;
    int mode = is_file ? static_cast<int>(found.st_mode & 0777) : 0600;
    add_file(system, name, *text, perms.value_or(mode | 0400));
  }
  return {};
}

/// How many there are of a resource by a jobspec, with what is inside of it, down to the slots.
static std::optional<uint64_t> slots_in(const json& level) {
  uint64_t sum = 0;
  for (auto& one : level) {
    auto type = one.value("type", "");
    auto* count = find_json(one, "count");
    if (count == nullptr || !count->is_number_unsigned() || type == "or_slot"
        || type == "xor_slot")
      return std::nullopt;
    auto inside = type == "slot"         ? std::optional<uint64_t>{1}
                  : one.contains("with") ? slots_in(one["with"])
                                         : std::optional<uint64_t>{0};
    if (!inside)
      return std::nullopt;
    sum += count->get<uint64_t>() * *inside;
  }
  return sum;
}

std::optional<uint64_t> tasks_asked_for(const json& spec) {
  auto& count = spec["tasks"][0]["count"];
  if (count.contains("total"))
    return count["total"].get<uint64_t>();
  auto& top = spec["resources"][0];
  auto* each = find_json(spec, "attributes.system.shell.options.per-resource");
  if (each == nullptr)
    return slots_in(spec["resources"]);
  if ((*each)["type"] != "node" || !top["count"].is_number_unsigned())
    return std::nullopt;
  return (*each)["count"].get<uint64_t>() * top["count"].get<uint64_t>();
}

caf::expected<json> build_instance(parsed_options options, const std::vector<std::string>& command,
                                   const environment_map& own, const std::string& cwd) {
  auto settings = read_settings(options.all("conf"));
  if (!settings)
    return std::move(settings.error());
  if (auto e = judge_settings(*settings))
    return e;
  // As others install it too: what is found by PATH may be another one, or none.
  std::vector<std::string> words{own_folder() + "/hactor", "start"};
  for (auto& item : *settings)
    words.push_back("--setattr=" + item);
  for (auto& text : options.all("broker-opts")) {
    auto more = split_words(text);
    if (!more)
      return bad("--broker-opts: " + context_of(more.error()));
    for (auto& word : *more)
      words.push_back(word.text);
  }
  words.emplace_back("--");
  if (options.has("dump") || options.has("dump-text")) {
    auto file = options.value("dump-text", "hactor-{{id}}.dump");
    words.insert(words.end(), {"/bin/sh", "-c", dump_script, "dump", own_folder() + "/hactor",
                               file.starts_with("/") ? file : cwd + "/" + file});
  }
  words.insert(words.end(), command.begin(), command.end());
  options.operands = std::move(words);
  auto params = build_submit(options, own, cwd);
  if (!params)
    return params;
  auto& spec = (*params)["jobspec"];
  if (options.has("compat"))
    spec["attributes"]["system"]["shell"]["options"]["compat-tasks"] =
        tasks_asked_for(spec).value_or(0);
  // One task: the instance reaches the other nodes itself.
  spec["tasks"][0]["count"] = {{"total", 1}};
  auto& top = spec["resources"][0];
  if (top["type"] == "node" && top["count"] != 1)
    spec["version"] = canonical_version;
  auto& shell = spec["attributes"]["system"]["shell"]["options"];
  if (shell.is_object())
    shell.erase("per-resource");
  // It has one task, but more nodes than that, and the end of it is the script's.
  if (!shell.contains("exit-timeout"))
    shell["exit-timeout"] = "none";
  if (!options.has("cpu-affinity")) // so that it knows which cores it has
    shell["cpu-affinity"] = "on";
  if (!options.has("gpu-affinity"))
    shell["gpu-affinity"] = "on";
  return params;
}

} // namespace hactor::tools
