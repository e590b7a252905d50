// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/job_formats.hpp"

#include <algorithm>
#include <cstdlib>
#include <sstream>

#include <toml++/toml.h>
#include <unistd.h>

#include "runtime/near.hpp"
#include "tools/own_folder.hpp"
#include "tools/text_file.hpp"

namespace hactor::tools {

namespace {

struct own_format {
  const char* name;
  const char* text;
  const char* description;
};

constexpr own_format formats[] = {
    {"default",
     "{id:>12} ?:{queue:<8.8+} {username:<8.8+} {name:<10.10+} {status_abbrev:>2.2} "
     "{ntasks:>6h} {nnodes:>6h} {contextual_time!F:>8h} {contextual_info}",
     "what one looks at most"},
    {"cute",
     "{id:>12} ?:{queue:<8.8+} {username:<8.8+} {name:<10.10+} {status_emoji:>4} "
     "{ntasks:>6h} {nnodes:>6h} {contextual_time!F:>8h} {contextual_info}",
     "the default with a picture for the state"},
    {"long",
     "{id:>12} ?:{queue:<8.8+} {username:<8.8+} {name:<10.10+} {status:>9.9} {ntasks:>6h} "
     "{nnodes:>6h} {t_submit!d:>12h} {t_remaining!F:>12h} {contextual_time!F:>8h} "
     "{contextual_info}",
     "with times"},
    {"deps",
     "{id:>12} ?:{queue:<8.8+} {name:<10.10+} {urgency:>3} {priority:>10h} {state:>8.8} "
     "{dependencies}",
     "urgency, priority, and what jobs wait for"},
    {"endreason",
     "{id:>12} ?:{queue:<8.8+} {username:<8.8+} {name:<10.10+} {status_abbrev:>2.2} "
     "{t_inactive!d:>12h} {inactive_reason}",
     "when and why jobs ended"},
    {"usage",
     "{id:>12} {name:<10.10+} {status_abbrev:>2.2} {attempts:>5h} {runtime!F:>8h} "
     "{user_s:>9h} {system_s:>9h} {maxrss_kb:>10h} {read_kb:>10h} {written_kb:>10h} "
     "{inactive_reason}",
     "what jobs have used"},
};

void put(std::vector<named_format>& all, named_format f) {
  for (auto& known : all)
    if (known.name == f.name) {
      known = std::move(f);
      return;
    }
  all.push_back(std::move(f));
}

caf::error wrong(const std::string& file, const std::string& what) {
  return make_error(ec::bad_argument, file + ": " + what);
}

/// [formats.NAME] with format, and description if they like.
caf::error read_formats(const std::string& file, std::vector<named_format>& all) {
  auto text = read_file(file);
  if (!text)
    return std::move(text.error());
  toml::table tables;
  try {
    tables = toml::parse(*text, file);
  } catch (const toml::parse_error& e) {
    return wrong(file + ":" + std::to_string(e.source().begin.line), std::string{e.description()});
  }
  auto* own = tables["formats"].as_table();
  if (own == nullptr)
    return wrong(file, "has no tables [formats.NAME]");
  for (auto&& [name, node] : *own) {
    auto* table = node.as_table();
    auto format = table == nullptr ? std::nullopt : (*table)["format"].value<std::string>();
    if (!format)
      return wrong(file, "formats." + std::string{name.str()} + " needs a text 'format'");
    put(all, {std::string{name.str()}, *format,
              (*table)["description"].value_or(std::string{"from " + file})});
  }
  return {};
}

} // namespace

caf::expected<std::vector<named_format>> job_formats() {
  std::vector<named_format> all;
  for (auto& f : formats)
    all.push_back({f.name, f.text, f.description});
  for (auto& folder : configuration_folders())
    if (auto file = folder + "/hactor/jobs.toml"; ::access(file.c_str(), F_OK) == 0)
      if (auto e = read_formats(file, all))
        return e;
  return all;
}

caf::expected<std::string> find_job_format(const std::string& said) {
  auto* usual = std::getenv("HACTOR_JOBS_FORMAT_DEFAULT");
  auto name = !said.empty() ? said : usual != nullptr && *usual != 0 ? usual : "default";
  if (name.find('{') != name.npos)
    return name;
  auto all = job_formats();
  if (!all)
    return std::move(all.error());
  std::vector<std::string_view> names;
  for (auto& f : *all) {
    if (f.name == name)
      return f.text;
    names.push_back(f.name);
  }
  return make_error(ec::bad_argument, "format '" + name
                                          + "' has no field like {id}, and is no "
                                            "name of a format"
                                          + did_you_mean(name, names));
}

} // namespace hactor::tools
