// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/tree_report.hpp"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "runtime/duration.hpp"
#include "tools/client.hpp"

namespace hactor::tools {

namespace {

/// More of a line that does not end is no line of ours.
constexpr size_t line_bytes_max = 64u << 20;

constexpr field_name fields[] = {
    {"treeid", "TreeID"},   {"elapse", "Elapsed(sec)"}, {"begin", "Begin(Epoch)"},
    {"end", "End(Epoch)"},  {"match", "Match(usec)"},   {"njobs", "NJobs"},
    {"my_nodes", "NNodes"}, {"my_cores", "CPN"},        {"my_gpus", "GPN"},
    {"nodes", "NNodes"},    {"cores", "CPN"},           {"gpus", "GPN"},
};

uint64_t count_at(const json& j, const char* key) {
  return static_cast<uint64_t>(std::max(number_at(j, key), 0.0));
}

json to_json(const tree_row& r) {
  return {{"id", r.id},     {"begin", r.begin}, {"end", r.end},     {"match", r.match_us},
          {"jobs", r.jobs}, {"nodes", r.nodes}, {"cores", r.cores}, {"gpus", r.gpus}};
}

tree_row read_row(const json& j) {
  return {text_at(j, "id"),
          number_at(j, "begin"),
          number_at(j, "end"),
          number_at(j, "match"),
          count_at(j, "jobs"),
          static_cast<uint32_t>(count_at(j, "nodes")),
          static_cast<uint32_t>(count_at(j, "cores")),
          static_cast<uint32_t>(count_at(j, "gpus"))};
}

} // namespace

void tree_report::add(tree_report child) {
  std::move(child.rows.begin(), child.rows.end(), std::back_inserter(rows));
  if (child.worst.code > worst.code)
    worst = std::move(child.worst);
  ended += child.ended;
  failed += child.failed;
  lost += child.lost;
  unknown += child.unknown;
  leaves += child.leaves;
}

std::string to_line(const tree_report& r) {
  auto rows = json::array();
  for (auto& row : r.rows)
    rows.push_back(to_json(row));
  json report{{"rows", std::move(rows)}, {"ended", r.ended},     {"failed", r.failed},
              {"lost", r.lost},          {"unknown", r.unknown}, {"leaves", r.leaves}};
  if (auto& w = r.worst; w.code != 0)
    report["worst"] = {{"code", w.code}, {"tree", w.tree}, {"index", w.index},
                       {"job", w.job},   {"note", w.note}, {"output", w.output}};
  return dump({{"report", std::move(report)}});
}

void tree_lines::add(std::string_view bytes) {
  for (auto end = bytes.find('\n'); end != bytes.npos; end = bytes.find('\n')) {
    open_ += bytes.substr(0, end);
    take(open_);
    open_.clear();
    bytes.remove_prefix(end + 1);
  }
  open_ += bytes;
  if (open_.size() > line_bytes_max)
    open_.clear();
}

void tree_lines::take(std::string_view line) {
  auto said = parse_object(line);
  if (!said)
    return;
  if (auto& word = object_at(*said, "word"); word.is_object())
    if (auto read = read_word(word))
      words_.push_back(std::move(*read));
  auto& j = object_at(*said, "report");
  if (!j.is_object())
    return;
  tree_report r;
  if (auto& rows = object_at(j, "rows"); rows.is_array())
    for (auto& row : rows)
      if (row.is_object())
        r.rows.push_back(read_row(row));
  r.ended = count_at(j, "ended");
  r.failed = count_at(j, "failed");
  r.lost = count_at(j, "lost");
  r.unknown = count_at(j, "unknown");
  r.leaves = count_at(j, "leaves");
  if (auto& w = object_at(j, "worst"); w.is_object())
    r.worst = {static_cast<int>(number_at(w, "code")),
               text_at(w, "tree"),
               count_at(w, "index"),
               text_at(w, "job"),
               text_at(w, "note"),
               text_at(w, "output")};
  report_ = std::move(r);
}

std::string name_of(const tree_worst& w) {
  return w.index == 0 ? w.tree : fmt::format("{}@index[{}]", w.tree, w.index);
}

std::string summary(const tree_report& r, uint64_t jobs, double seconds) {
  auto text = fmt::format("{} jobs in {} {}: {} done", jobs, r.leaves,
                          r.leaves == 1 ? "leaf" : "leaves", r.ended - r.failed);
  if (r.failed > 0)
    text += fmt::format(", {} failed", r.failed);
  if (r.lost > 0)
    text += fmt::format(", {} lost", r.lost);
  if (r.unknown > 0)
    text += fmt::format(", {} perhaps run", r.unknown);
  if (auto told = r.ended + r.lost + r.unknown; told < jobs)
    text += fmt::format(", {} not run", jobs - told);
  return text
         + fmt::format(", in {} ({:.1f} jobs/s)", format_fsd(seconds),
                       static_cast<double>(r.ended) / std::max(seconds, 1e-6));
}

std::span<const field_name> perf_fields() { return fields; }

const char* const perf_format =
    "{treeid:<15s} {elapse:>20f} {begin:>20f} {end:>20f} {match:>15f} {njobs:>15d} {my_nodes:>5d} "
    "{my_cores:>4d} {my_gpus:>4d}";

std::string perf_field(const tree_row& r, const std::string& field) {
  if (field == "treeid")
    return r.id;
  if (field == "njobs")
    return std::to_string(r.jobs);
  if (field.ends_with("nodes"))
    return std::to_string(r.nodes);
  if (field.ends_with("cores"))
    return std::to_string(r.cores);
  if (field.ends_with("gpus"))
    return std::to_string(r.gpus);
  auto number = field == "elapse"  ? r.end - r.begin
                : field == "begin" ? r.begin
                : field == "end"   ? r.end
                                   : r.match_us;
  return fmt::format("{:.6f}", number);
}

} // namespace hactor::tools
