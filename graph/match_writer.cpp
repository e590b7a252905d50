// graph/match_writer: the names of the formats, the trees, and R around its parts.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/match_writer.hpp"

#include <array>

#include "graph/match_text.hpp"
#include "runtime/json.hpp"
#include "runtime/near.hpp"

namespace hactor {

namespace {

constexpr std::array<std::string_view, 9> format_names{"simple", "pretty_simple", "rlite",
                                                       "rv1",    "rv1_nosched",   "rv1_shorthand",
                                                       "jgf",    "jgf_shorthand", "idset"};

void append_line(std::string& out, const resource_graph& graph, const pick& p, bool pretty) {
  out.append(6, ' ');
  out.append(3 * (size_t{p.depth} + 1), '-');
  out += graph.name(p.at);
  out += '[';
  out += std::to_string(p.units);
  out += ':';
  if (pretty)
    out += p.exclusive ? "exclusive" : "shared";
  else
    out += p.exclusive ? 'x' : 's';
  out += "]\n";
}

/// R of the execution system, with `scheduling` behind it when it is not "".
std::string r_text(const selection& what, const match_text::r_parts& r,
                   const std::string& scheduling, const std::string& queue) {
  if (r.lite.empty())
    return {};
  std::string out = R"({"version": 1, "execution": {"R_lite": )" + r.lite;
  out += R"(, "nodelist": )" + r.nodelist;
  if (!r.properties.empty())
    out += R"(, "properties": )" + r.properties;
  out += R"(, "starttime": )" + std::to_string(what.at);
  out += R"(, "expiration": )" + std::to_string(what.end()) + "}";
  if (!scheduling.empty())
    out += R"(, "scheduling": )" + scheduling;
  if (!scheduling.empty() && !queue.empty()) {
    out += R"(, "attributes": {"system": {"scheduler": {"queue": )";
    append_json_string(out, queue);
    out += "}}}";
  }
  return out += "}\n";
}

} // namespace

std::string match_text::tree(const resource_graph& graph, const selection& what, bool pretty) {
  std::string out;
  if (pretty)
    for (auto p = what.picks.rbegin(); p != what.picks.rend(); ++p)
      append_line(out, graph, *p, pretty);
  else
    for (auto& p : what.picks)
      append_line(out, graph, p, pretty);
  return out;
}

std::vector<std::string_view> match_format_names() {
  return {format_names.begin(), format_names.end()};
}

caf::expected<match_format> parse_match_format(std::string_view name) {
  if (name == "pretty")
    return match_format::pretty_simple;
  for (size_t i = 0; i < format_names.size(); ++i)
    if (format_names[i] == name)
      return static_cast<match_format>(i);
  std::string known;
  for (auto n : format_names)
    known += (known.empty() ? "" : ", ") + std::string{n};
  return make_error(ec::bad_argument, "'" + std::string{name} + "' is no format of a match"
                                          + did_you_mean(name, match_format_names())
                                          + "; there are: " + known);
}

std::string write_match(const resource_graph& graph, const selection& what, match_format format,
                        const match_remarks& remarks) {
  if (what.picks.empty())
    return {};
  auto shorthand = format == match_format::rv1_shorthand || format == match_format::jgf_shorthand;
  auto scheduling = [&] {
    return match_text::graph_text(graph, what, shorthand, remarks.aggregates);
  };
  auto resources = [&] { return match_text::resources(graph, what); };
  switch (format) {
  case match_format::simple:
  case match_format::pretty_simple:
    return match_text::tree(graph, what, format == match_format::pretty_simple);
  case match_format::rlite: {
    auto lite = resources().lite;
    return lite.empty() ? lite : lite + "\n";
  }
  case match_format::rv1_nosched:
    return r_text(what, resources(), {}, {});
  case match_format::rv1:
  case match_format::rv1_shorthand:
    return r_text(what, resources(), scheduling(), remarks.queue);
  case match_format::idset:
    return match_text::vertex_numbers(graph, what) + "\n";
  case match_format::jgf:
  case match_format::jgf_shorthand:
    break;
  }
  return scheduling() + "\n";
}

} // namespace hactor
