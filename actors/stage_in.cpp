// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/stage_in.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

#include "runtime/near.hpp"
#include "store/archive.hpp"

namespace hactor {

namespace {

constexpr std::string_view where = "attributes.system.shell.options.stage-in";

constexpr std::array<std::string_view, 3> names{"stage-in.names", "stage-in.pattern",
                                                "stage-in.destination"};

caf::error bad(std::string_view key, const std::string& what, const json& found) {
  return make_error(ec::bad_jobspec, fmt::format("{}{}: {}, found {}", where, key, what,
                                                 dump(found)));
}

caf::error read_names(const json& value, stage_in& to) {
  auto list = value.is_array() ? value : json::array();
  std::string_view rest = value.is_string() ? value.get_ref<const std::string&>() : "";
  while (!rest.empty()) {
    auto end = std::min(rest.find(','), rest.size());
    list.push_back(std::string{rest.substr(0, end)});
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  to.names.clear();
  for (auto& name : list) {
    if (!name.is_string() || check_archive_name(name.get_ref<const std::string&>()))
      return bad(".names", "must be names of archives, joined by commas", value);
    to.names += (to.names.empty() ? "" : ",") + name.get<std::string>();
  }
  return list.empty() ? bad(".names", "must be names of archives, joined by commas", value)
                      : caf::error{};
}

/// [local:|global:]PATH
caf::error read_destination(const json& value, stage_in& to) {
  auto text = value.is_string() ? value.get<std::string>() : std::string{};
  auto colon = text.find(':');
  if (colon < text.find('/')) {
    auto scope = text.substr(0, colon);
    to.once = scope == "global";
    if (scope != "local" && !to.once)
      return bad(".destination", "must begin with local: or global:, or be a path", value);
    text.erase(0, colon + 1);
  }
  if (text.empty() || text.find('\0') != std::string::npos)
    return bad(".destination", "must be a folder, [local:|global:]PATH", value);
  to.folder = std::move(text);
  return {};
}

} // namespace

std::vector<std::string_view> stage_in_options() { return {names.begin(), names.end()}; }

caf::expected<std::optional<stage_in>> read_stage_in(const json& options) {
  auto* asked = find_json(options, "stage-in");
  if (asked == nullptr || *asked == false || *asked == 0)
    return std::optional<stage_in>{};
  stage_in wanted;
  if (!asked->is_object()) {
    if (*asked != true && *asked != 1)
      return bad("", "must be 1, or a mapping with names, pattern or destination", *asked);
    return std::optional{wanted};
  }
  for (auto& [key, value] : asked->items()) {
    caf::error wrong;
    if (key == "names")
      wrong = read_names(value, wanted);
    else if (key == "destination")
      wrong = read_destination(value, wanted);
    else if (key != "pattern")
      wrong = make_error(ec::bad_jobspec,
                         fmt::format("{}.{}: is none of names, pattern and destination{}", where,
                                     key, did_you_mean("stage-in." + key, stage_in_options())));
    else if (!value.is_string() || value.get_ref<const std::string&>().empty())
      wrong = bad(".pattern", "must be a pattern of paths like '*.dat'", value);
    else
      wanted.pattern = value.get<std::string>();
    if (wrong)
      return wrong;
  }
  return std::optional{wanted};
}

std::vector<std::string> stage_in_command(const stage_in& wanted, const std::string& program,
                                          const std::string& tmpdir, bool verbose) {
  std::vector<std::string> words{program, "archive", "extract", "--name=" + wanted.names,
                                 "--directory=" + (wanted.folder.empty() ? tmpdir : wanted.folder)};
  if (verbose)
    words.emplace_back("--verbose");
  if (!wanted.pattern.empty())
    words.insert(words.end(), {"--", wanted.pattern});
  return words;
}

std::string stage_in_failure(std::string_view said, const std::string& how) {
  constexpr std::string_view speaker = "hactor-archive-extract: ";
  // What else it has said are the files that it has put there.
  auto at = said.rfind(speaker);
  auto why = at == said.npos ? std::string_view{} : said.substr(at + speaker.size());
  why = why.substr(0, why.find('\n'));
  why = why.substr(0, why.find("; --overwrite")); // which nobody can say to us
  return why.empty() ? "stage-in " + how : fmt::format("stage-in: {}", why);
}

} // namespace hactor
