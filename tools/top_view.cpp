// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/top_view.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "tools/columns.hpp"
#include "tools/job_fields.hpp"

namespace hactor::tools {

namespace {

constexpr auto list_format =
    "{id:>12} ?:{queue:<8.8+} {ntasks:>6h} {nnodes:>6h} {runtime!F:>8h} {t_remaining!F:>8h} "
    "?+:{name:<1} {nodelist}";

constexpr size_t bar_cells = 20;

/// Counts code points, which is what a terminal shows.
std::string cut(std::string text, size_t width) {
  size_t seen = 0;
  for (size_t at = 0; width > 0 && at < text.size(); ++at)
    if ((text[at] & 0xc0) != 0x80 && seen++ == width) {
      text.resize(at);
      break;
    }
  return text;
}

std::string bar(uint64_t used, uint64_t all) {
  auto cells = all == 0 ? 0
                        : static_cast<size_t>(std::ceil(static_cast<double>(bar_cells * used)
                                                        / static_cast<double>(all)));
  cells = std::min(cells, bar_cells);
  return "[" + std::string(cells, '|') + std::string(bar_cells - cells, ' ') + "]";
}

/// "1:02:03" from a moment on: a picture that is drawn each second needs no parts of one.
std::string since(double then, double now) {
  return convert('H', std::to_string(std::floor(std::max(now - then, 0.0))));
}

std::string job_text(const top_job& j, const std::string& field, double now) {
  if (field == "name")
    return std::string(2 * j.depth, ' ') + job_field(j.job, field, now) + (j.holds ? " +" : "");
  auto text = job_field(j.job, field, now);
  if ((field == "runtime" || field == "t_remaining") && !text.empty())
    text.resize(std::min(text.find('.'), text.size()));
  return text;
}

struct key_row {
  std::string_view bytes;
  top_key key;
};

constexpr key_row keys[] = {
    {"\x1b[A", top_key::up},       {"\x1bOA", top_key::up},    {"k", top_key::up},
    {"\x1b[B", top_key::down},     {"\x1bOB", top_key::down},  {"j", top_key::down},
    {"\x1b[5~", top_key::page_up}, {"\x02", top_key::page_up}, {"\x1b[6~", top_key::page_down},
    {"\x06", top_key::page_down},  {" ", top_key::page_down},  {"\x1b[H", top_key::first},
    {"g", top_key::first},         {"\x1b[F", top_key::last},  {"G", top_key::last},
    {"\r", top_key::enter},        {"\n", top_key::enter},     {"\x1b[C", top_key::enter},
    {"\x1bOC", top_key::enter},    {"l", top_key::enter},      {"\x1b[D", top_key::leave},
    {"\x1bOD", top_key::leave},    {"h", top_key::leave},      {"\x7f", top_key::leave},
    {"\b", top_key::leave},        {"\t", top_key::queue},     {"r", top_key::recursive},
    {"\x1a", top_key::suspend},    {"q", top_key::quit},       {"\x03", top_key::quit},
};

} // namespace

namespace {

std::string queue_line(const top_queue& q) {
  return fmt::format("queue {}  nodes {}  {} waiting{}  {} running{}{}", q.name, q.nodes, q.waiting,
                     q.held > 0 ? fmt::format(" ({} held)", q.held) : "", q.running,
                     q.enabled ? "" : "  disabled", q.started ? "" : "  stopped");
}

} // namespace

std::vector<std::string> top_header(const top_facts& f, double now, size_t width) {
  auto where = f.path.empty() ? std::string{"the instance"} : "instance " + f.path;
  std::vector<std::string> lines{
      fmt::format("{}  {} {}  level {}  owner {}", where, f.state, since(f.started, now), f.level,
                  f.owner),
      fmt::format("nodes {} up{}  cores {} {}/{}", f.nodes_up,
                  f.nodes_down > 0 ? fmt::format(" {} down", f.nodes_down) : "",
                  bar(f.cores_used, f.cores), f.cores_used, f.cores),
      fmt::format("jobs {} waiting  {} running  {} completed  {} failed", f.waiting, f.running,
                  f.completed, f.failed)};
  if (!f.queue.empty()) // how its jobs have ended is not counted apart
    lines[2] = fmt::format("jobs {} waiting  {} running", f.waiting, f.running);
  for (auto& queue : f.queues)
    lines.push_back(queue_line(queue));
  if (f.gpus > 0)
    lines[1] += fmt::format("  gpus {} {}/{}", bar(f.gpus_used, f.gpus), f.gpus_used, f.gpus);
  if (f.rate >= 0 && f.queue.empty())
    lines[2] += fmt::format("  {:.1f} jobs/s", f.rate);
  for (auto& line : lines)
    line = cut(std::move(line), width);
  return lines;
}

std::vector<std::string> top_list(const top_facts& f, double now, size_t first, size_t count,
                                  size_t width) {
  static const auto format = parse_format(list_format, job_field_names());
  first = std::min(first, f.jobs.size());
  count = std::min(count, f.jobs.size() - first);
  table_settings settings;
  settings.width_max = width;
  auto text = render_table(
      *format, job_field_names(), count,
      [&](size_t row, const std::string& field) {
        return job_text(f.jobs[first + row], field, now);
      },
      settings);
  std::vector<std::string> lines;
  for (size_t at = 0; at < text.size();) {
    auto end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

size_t top_rows_around(const top_facts& facts) {
  constexpr size_t others = 6; // three of the header, a message, the titles, the keys
  return others + facts.queues.size();
}

void top_place::fit(size_t jobs, size_t rows) {
  rows = std::max<size_t>(rows, 1);
  selected = std::min(selected, jobs == 0 ? 0 : jobs - 1);
  first = std::min(first, selected);
  if (selected >= first + rows)
    first = selected - rows + 1;
}

std::string top_screen(const top_facts& f, double now, const top_place& place, size_t rows,
                       size_t columns, std::string_view message) {
  constexpr std::string_view clear_line = "\x1b[K", inverse = "\x1b[7m", bold = "\x1b[1m",
                             plain = "\x1b[0m", next = "\r\n";
  std::string out = "\x1b[H";
  auto put = [&](std::string_view line, std::string_view look) {
    out.append(look).append(line).append(look.empty() ? "" : plain).append(clear_line).append(next);
  };
  auto header = top_header(f, now, columns);
  for (size_t i = 0; i < header.size(); ++i)
    put(header[i], i == 0 ? bold : std::string_view{});
  put(cut(std::string{message}, columns), bold);
  auto around = top_rows_around(f);
  auto seen = rows > around ? rows - around : 1;
  auto list = top_list(f, now, place.first, seen, columns);
  for (size_t i = 0; i < list.size(); ++i)
    put(list[i], i > 0 && place.first + i - 1 == place.selected ? inverse : std::string_view{});
  out.append("\x1b[J");
  // The last row has no end: the screen must not move.
  auto help =
      cut("Up Down choose  Enter into  Left out  Tab queues  r all levels  q quit", columns);
  out += fmt::format("\x1b[{};1H{}{}", rows, help, clear_line);
  return out;
}

std::vector<top_key> key_reader::feed(std::string_view bytes) {
  std::vector<top_key> found;
  open_ += bytes;
  std::string_view rest = open_;
  while (!rest.empty()) {
    auto* row = std::find_if(std::begin(keys), std::end(keys),
                             [&](auto& k) { return rest.starts_with(k.bytes); });
    if (row != std::end(keys)) {
      found.push_back(row->key);
      rest.remove_prefix(row->bytes.size());
      continue;
    }
    auto begins = std::any_of(std::begin(keys), std::end(keys),
                              [&](auto& k) { return k.bytes.starts_with(rest); });
    if (begins) // the rest of it may come
      break;
    rest.remove_prefix(1);
  }
  open_ = std::string{rest};
  return found;
}

} // namespace hactor::tools
