// Tables by format strings: "{id:>12} ?:{queue:<8.8} {name:<10.10+} {nnodes:>6h} {t_run!D}". Fields
// are named in braces with Python's fill, alignment, width and precision; "h" writes "-" for an
// empty value and "+" marks what was cut off. In front of a field, "?:" drops a column without any
// value, "+:" widens it to its longest value, "?+:" does both; "sort:FIELD,-FIELD " in front of all
// sorts. A conversion turns a number into text: !D date and time, !d the same for a person, !F a
// duration, !H H:M:S, !P a share in percent.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/error.hpp"

namespace hactor::tools {

struct column {
  std::string before; ///< Literal text in front of it.
  std::string field;
  char conversion = 0;
  std::string time; ///< Of conversion d: as for strftime(3); "": its own.
  bool drop_if_empty = false;
  bool widen = false;
  char fill = ' ';
  char align = '<';
  size_t width = 0;
  size_t precision = std::string::npos; ///< Most characters; npos: all.
  bool decimals = false;                ///< Type f: `precision` is digits after the point.
  bool dash = false;
  bool mark_cut = false;
};

struct sort_key {
  std::string field;
  bool descending = false;
};

struct table_format {
  std::vector<column> columns;
  std::vector<sort_key> sort;
  std::string tail; ///< Literal text after the last column.
};

/// A field that a table knows.
struct field_name {
  std::string_view name;
  std::string_view title;
};

/// Reads a format. A field "x.y" is known if it is listed, or if "x.*" is.
/// Errors: ec::bad_argument, naming the place, or near names of an unknown field.
caf::expected<table_format> parse_format(std::string_view text, std::span<const field_name> known);

struct table_settings {
  bool header = true;
  size_t width_max = 0; ///< Lines are cut to it; 0: not at all.
};

/// Writes the table. `value(row, field)` is the text of a field, "" for none.
std::string render_table(const table_format& format, std::span<const field_name> known,
                         size_t rows,
                         const std::function<std::string(size_t, const std::string&)>& value,
                         const table_settings& settings);

/// Applies a conversion to a number in text; other text stays. `time` is column::time.
/// Requires: one of D d F H P.
std::string convert(char conversion, const std::string& text, const std::string& time = {});

/// The columns of the terminal on standard output, 0 if it is none.
size_t terminal_width();

} // namespace hactor::tools
