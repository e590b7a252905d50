// See columns.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/columns.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <numeric>

#include <sys/ioctl.h>
#include <unistd.h>

#include "runtime/duration.hpp"
#include "runtime/near.hpp"
#include "runtime/utf8_text.hpp"

namespace hactor::tools {

namespace {

const field_name* find_field(std::span<const field_name> known, std::string_view name) {
  for (auto& f : known)
    if (f.name == name
        || (f.name.ends_with(".*") && name.starts_with(f.name.substr(0, f.name.size() - 1))))
      return &f;
  return nullptr;
}

std::string title_of(std::span<const field_name> known, const std::string& name) {
  auto* f = find_field(known, name);
  if (f && !f->name.ends_with(".*"))
    return std::string{f->title};
  auto title = name;
  for (auto& c : title)
    c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return title;
}

// Counts code points, which is what a terminal shows for the names in question.
size_t length(std::string_view text) {
  return static_cast<size_t>(
    std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string_view first_characters(std::string_view text, size_t count) {
  size_t at = 0;
  for (; at < text.size(); ++at)
    if ((text[at] & 0xc0) != 0x80 && count-- == 0)
      break;
  return text.substr(0, at);
}

bool parse_number(std::string_view text, double& value) {
  auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  // "inf" and "nan" are names that somebody gave.
  return code == std::errc{} && end == text.data() + text.size() && std::isfinite(value);
}

class format_reader {
public:
  format_reader(std::string_view text, std::span<const field_name> known)
    : text_(text), known_(known) {}

  caf::expected<table_format> run() {
    if (text_.starts_with("sort:"))
      if (auto e = read_sort())
        return e;
    std::string literal;
    while (at_ < text_.size()) {
      char c = text_[at_];
      bool doubled = at_ + 1 < text_.size() && text_[at_ + 1] == c;
      if ((c == '{' || c == '}') && doubled) {
        literal += c;
        at_ += 2;
      } else if (c == '{') {
        if (auto e = read_field(literal))
          return e;
        literal.clear();
      } else if (c == '}') {
        return wrong("'}' without '{'");
      } else {
        literal += c;
        ++at_;
      }
    }
    result_.tail = literal;
    if (result_.columns.empty())
      return wrong("no field in it");
    return std::move(result_);
  }

private:
  caf::error wrong(const std::string& why) const {
    return make_error(ec::bad_argument, "format '" + std::string{text_} + "': " + why
                                          + "; write e.g. '{id:>12} {name:<10.10} {state}'");
  }

  caf::error check_field(std::string_view name) const {
    if (find_field(known_, name))
      return {};
    std::vector<std::string_view> names;
    for (auto& f : known_)
      names.push_back(f.name);
    return make_error(ec::bad_argument, "format: unknown field '" + std::string{name} + "'"
                                          + did_you_mean(name, names));
  }

  caf::error read_sort() {
    auto end = std::min(text_.find(' '), text_.size());
    auto list = text_.substr(5, end - 5);
    at_ = std::min(end + 1, text_.size());
    while (!list.empty()) {
      auto stop = std::min(list.find(','), list.size());
      auto name = list.substr(0, stop);
      list.remove_prefix(std::min(stop + 1, list.size()));
      bool descending = name.starts_with("-");
      name.remove_prefix(descending ? 1 : 0);
      if (auto e = check_field(name))
        return e;
      result_.sort.push_back({std::string{name}, descending});
    }
    return {};
  }

  static bool take_end(std::string& text, std::string_view end) {
    if (!text.ends_with(end))
      return false;
    text.resize(text.size() - end.size());
    return true;
  }

  caf::error read_field(std::string literal) {
    auto close = text_.find('}', at_);
    if (close == text_.npos)
      return wrong("'{' without '}'");
    auto inside = text_.substr(at_ + 1, close - at_ - 1);
    at_ = close + 1;
    column c;
    if (take_end(literal, "?+:"))
      c.drop_if_empty = c.widen = true;
    else if (take_end(literal, "+:"))
      c.widen = true;
    else if (take_end(literal, "?:"))
      c.drop_if_empty = true;
    c.before = literal;
    auto colon = std::min(inside.find(':'), inside.size());
    auto name = inside.substr(0, colon);
    if (auto bang = name.find('!'); bang != name.npos) {
      auto conversion = name.substr(bang + 1);
      if (conversion.size() != 1 || std::string_view{"DdFHP"}.find(conversion) == name.npos)
        return wrong("conversion '!" + std::string{conversion} + "' is not !D, !d, !F, !H or !P");
      c.conversion = conversion[0];
      name = name.substr(0, bang);
    }
    if (auto e = check_field(name))
      return e;
    c.field = name;
    if (colon < inside.size())
      if (auto e = read_spec(c, take_time(c, inside.substr(colon + 1))))
        return e;
    result_.columns.push_back(std::move(c));
    return {};
  }

  // Of "%b%d %R::>12" behind !d, as flux-jobs has it, the first part is the time's.
  static std::string_view take_time(column& c, std::string_view spec) {
    if (c.conversion != 'd' || spec.find('%') == spec.npos)
      return spec;
    auto split = std::min(spec.find("::"), spec.size());
    c.time = spec.substr(0, split);
    return spec.substr(std::min(split + 2, spec.size()));
  }

  // [[fill]align][0][width][.precision][s|d|f][h][+]
  caf::error read_spec(column& c, std::string_view spec) {
    auto all = std::string{spec};
    auto is_align = [](char x) { return x == '<' || x == '>' || x == '^'; };
    bool zeros = spec.starts_with("0");
    if (spec.size() > 1 && is_align(spec[1])) {
      c.fill = spec[0];
      c.align = spec[1];
      spec.remove_prefix(2);
    } else if (!spec.empty() && is_align(spec[0])) {
      c.align = spec[0];
      spec.remove_prefix(1);
    }
    if (zeros && c.fill == ' ' && c.align == '<') { // as Python does with numbers
      c.fill = '0';
      c.align = '>';
    }
    auto number = [&spec](size_t& to) {
      auto [end, code] = std::from_chars(spec.data(), spec.data() + spec.size(), to);
      spec.remove_prefix(static_cast<size_t>(end - spec.data()));
      return code == std::errc{} && to < 10'000;
    };
    if (!spec.empty() && std::isdigit(static_cast<unsigned char>(spec[0])) && !number(c.width))
      return wrong("width in '" + all + "'");
    if (spec.starts_with(".")) {
      spec.remove_prefix(1);
      if (!number(c.precision))
        return wrong("precision in '" + all + "'");
    }
    for (char x : spec) {
      if (x == 'h')
        c.dash = true;
      else if (x == '+')
        c.mark_cut = true;
      else if (x == 'f')
        c.decimals = true;
      else if (x != 's' && x != 'd')
        return wrong("'" + std::string{x} + "' in '" + all + "'");
    }
    return {};
  }

  std::string_view text_;
  std::span<const field_name> known_;
  size_t at_ = 0;
  table_format result_;
};

std::string cell(const column& c, std::string text) {
  double number = 0;
  if (c.conversion)
    text = convert(c.conversion, text, c.time);
  if (c.decimals && parse_number(text, number)) {
    char buffer[64];
    auto digits = c.precision == std::string::npos ? 6 : static_cast<int>(c.precision);
    std::snprintf(buffer, sizeof(buffer), "%.*f", digits, number);
    text = buffer;
  }
  if (c.dash && text.empty())
    text = "-";
  return escape_controls(text);
}

std::string pad(const column& c, std::string text, size_t width) {
  if (!c.decimals && c.precision != std::string::npos && !c.widen && length(text) > c.precision) {
    bool mark = c.mark_cut && c.precision > 0;
    text = std::string{first_characters(text, c.precision - (mark ? 1 : 0))} + (mark ? "+" : "");
  }
  auto have = length(text);
  if (have >= width)
    return text;
  auto room = width - have;
  auto left = c.align == '>' ? room : c.align == '^' ? room / 2 : 0;
  return std::string(left, c.fill) + text + std::string(room - left, c.fill);
}

void end_line(std::string& out, std::string line, size_t width_max) {
  if (width_max > 0 && length(line) > width_max)
    line = first_characters(line, width_max);
  line.erase(line.find_last_not_of(' ') + 1);
  out += line + "\n";
}

bool less(const std::string& a, const std::string& b) {
  double x = 0;
  double y = 0;
  bool first = parse_number(a, x);
  bool second = parse_number(b, y);
  if (first && second)
    return x < y;
  return first != second ? first : a < b; // one order over all: numbers, then other text
}

} // namespace

caf::expected<table_format> parse_format(std::string_view text, std::span<const field_name> known) {
  return format_reader{text, known}.run();
}

std::string render_table(const table_format& format, std::span<const field_name> known,
                         size_t rows,
                         const std::function<std::string(size_t, const std::string&)>& value,
                         const table_settings& settings) {
  std::vector<size_t> order(rows);
  std::iota(order.begin(), order.end(), 0);
  for (auto key = format.sort.rbegin(); key != format.sort.rend(); ++key) {
    std::vector<std::string> keys(rows);
    for (size_t row = 0; row < rows; ++row)
      keys[row] = value(row, key->field);
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
      return key->descending ? less(keys[b], keys[a]) : less(keys[a], keys[b]);
    });
  }
  std::vector<std::string> lines(rows + 1);
  for (auto& c : format.columns) {
    std::vector<std::string> cells;
    bool empty = true;
    auto width = c.width;
    for (auto row : order) {
      auto text = value(row, c.field);
      empty &= text.empty();
      cells.push_back(cell(c, std::move(text)));
      width = c.widen ? std::max(width, length(cells.back())) : width;
    }
    if (c.drop_if_empty && empty)
      continue;
    auto title = title_of(known, c.field);
    if (c.widen)
      width = std::max(width, length(title));
    auto heading = c;
    heading.decimals = heading.mark_cut = false;
    // A title may be longer than what its values are cut to, as long as the column has room.
    heading.precision = c.width > 0 ? c.width : std::string::npos;
    lines[0] += c.before + pad(heading, title, width);
    for (size_t i = 0; i < rows; ++i)
      lines[i + 1] += c.before + pad(c, std::move(cells[i]), width);
  }
  std::string out;
  for (size_t i = settings.header ? 0 : 1; i < lines.size(); ++i)
    end_line(out, lines[i] + format.tail, settings.width_max);
  return out;
}

std::string convert(char conversion, const std::string& text, const std::string& time) {
  double number = 0;
  if (!parse_number(text, number) || std::abs(number) > 1e15) // no time of ours; nor of time_t
    return text;
  if (conversion == 'F')
    return format_fsd(number);
  char buffer[64];
  if (conversion == 'P') {
    std::snprintf(buffer, sizeof(buffer), "%.3g%%", number * 100);
    return buffer;
  }
  if (conversion == 'H') {
    auto s = std::llround(number);
    std::snprintf(buffer, sizeof(buffer), "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
    return buffer;
  }
  auto seconds = static_cast<time_t>(number);
  std::tm parts{};
  ::localtime_r(&seconds, &parts);
  auto* usual = conversion == 'D' ? "%Y-%m-%dT%H:%M:%S" : "%b%d %H:%M";
  char words[256]; // what is longer is no time that fits into a column
  auto size = std::strftime(words, sizeof(words), time.empty() ? usual : time.c_str(), &parts);
  return std::string{words, size};
}

size_t terminal_width() {
  if (::isatty(1) == 0)
    return 0;
  winsize size{};
  if (::ioctl(1, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    return size.ws_col;
  auto* columns = std::getenv("COLUMNS");
  return columns ? static_cast<size_t>(std::strtoul(columns, nullptr, 10)) : 0;
}

} // namespace hactor::tools
