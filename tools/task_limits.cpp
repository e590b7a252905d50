// --rlimit and --mem: what tasks may use, as options of the job's shell.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <charconv>
#include <map>

#include <fnmatch.h>
#include <sys/resource.h>

#include "runtime/resource_limits.hpp"
#include "tools/submit_options.hpp"

namespace hactor::tools {

namespace {

caf::error bad(std::string text) { return make_error(ec::bad_argument, std::move(text)); }

/// A limit that is passed on only where it is not what Linux sets by itself: as a rule nothing is.
struct usual_limit {
  std::string_view name;
  rlim_t usual;
};
constexpr usual_limit usual[] = {
    {"core", 0},
    {"stack", rlim_t{8} << 20},
    {"cpu", RLIM_INFINITY},
    {"fsize", RLIM_INFINITY},
    {"data", RLIM_INFINITY},
    {"as", RLIM_INFINITY},
};

/// The soft limit of this process; -1 for none.
json own_limit(int which) {
  rlimit value{};
  ::getrlimit(static_cast<__rlimit_resource>(which), &value);
  return value.rlim_cur == RLIM_INFINITY ? json(-1) : json(value.rlim_cur);
}

caf::expected<json> read_value(std::string_view rule, std::string_view text) {
  for (auto word : {"unlimited", "unlim", "infinity", "inf", "-1"})
    if (text == word)
      return json(-1);
  uint64_t n = 0;
  auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (code != std::errc{} || end != text.data() + text.size())
    return bad("--rlimit: '" + std::string{rule} + "': the value is a number or unlimited");
  return json(n);
}

caf::error apply_rule(std::map<std::string, json>& limits, const std::string& rule) {
  auto removes = rule.starts_with("-");
  auto equals = rule.find('=');
  auto pattern = rule.substr(removes ? 1 : 0, equals == rule.npos ? rule.npos : equals);
  for (auto& letter : pattern)
    letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  if (pattern.starts_with("rlimit_"))
    pattern.erase(0, 7);
  if (pattern == "ofile")
    pattern = "nofile";
  bool found = false;
  for (auto& n : rlimit_names()) {
    std::string name{n.name};
    if (::fnmatch(pattern.c_str(), name.c_str(), 0) != 0)
      continue;
    found = true;
    if (removes) {
      limits.erase(name);
    } else if (equals == rule.npos) {
      limits[name] = own_limit(n.which);
    } else {
      auto value = read_value(rule, std::string_view{rule}.substr(equals + 1));
      if (!value)
        return std::move(value.error());
      limits[name] = std::move(*value);
    }
  }
  if (found)
    return {};
  std::string known;
  for (auto& n : rlimit_names())
    known += (known.empty() ? "" : ", ") + std::string{n.name};
  return bad("--rlimit: '" + rule + "' means none of the limits " + known);
}

} // namespace

caf::error set_task_limits(json& shell, const parsed_options& options) {
  std::map<std::string, json> limits;
  for (auto& u : usual) {
    auto own = own_limit(*find_rlimit(u.name));
    if (own != (u.usual == RLIM_INFINITY ? json(-1) : json(u.usual)))
      limits[std::string{u.name}] = std::move(own);
  }
  for (auto& rule : options.all("rlimit"))
    if (auto e = apply_rule(limits, rule))
      return e;
  if (!limits.empty())
    shell["options"]["rlimit"] = json(std::move(limits));
  for (auto [option, key] :
       {std::pair{"mem", "memory-limit"}, {"mem-per-cpu", "memory-limit-per-core"}}) {
    if (!options.has(option) || options.value(option) == "0")
      continue; // the bare number is megabytes, and the sizes were read before
    auto text = options.value(option);
    auto unit = text.find_first_not_of("0123456789");
    auto letter = unit == text.npos ? 'M' : static_cast<char>(text[unit] & ~0x20);
    shell["options"][key] = text.substr(0, unit) + letter;
  }
  return {};
}

} // namespace hactor::tools
