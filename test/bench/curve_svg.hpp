// A picture of curves over logarithmic axes, as SVG. Caller: tree_bench.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace hactor::bench {

struct curve {
  std::string name;
  std::string colour;
  std::vector<std::pair<double, double>> points; ///< All greater than 0.
  bool dashed = false;
};

/// Requires: x and y within [x_min, x_max] and [y_min, y_max], which are powers of ten.
struct curve_frame {
  double x_min = 1, x_max = 10, y_min = 1, y_max = 10;
  std::string title, x_name, y_name;
};

inline std::string draw_curves(const curve_frame& f, const std::vector<curve>& curves) {
  constexpr double left = 90, top = 40, width = 560, height = 320;
  auto x_of = [&](double x) {
    return left + width * std::log10(x / f.x_min) / std::log10(f.x_max / f.x_min);
  };
  auto y_of = [&](double y) {
    return top + height - height * std::log10(y / f.y_min) / std::log10(f.y_max / f.y_min);
  };
  auto text = [](double x, double y, const char* anchor, const std::string& words) {
    return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n", x, y,
                       anchor, words);
  };
  std::string svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"700\" height=\"430\" "
                    "font-family=\"sans-serif\" font-size=\"12\">\n"
                    "<rect width=\"700\" height=\"430\" fill=\"white\"/>\n";
  svg += text(left, 24, "start", f.title);
  for (auto x = f.x_min; x <= f.x_max * 1.001; x *= 10) {
    svg += fmt::format("<line x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2}\" "
                       "stroke=\"#ddd\"/>\n",
                       x_of(x), top, top + height);
    svg += text(x_of(x), top + height + 18, "middle", fmt::format("{:.0f}", x));
  }
  for (auto y = f.y_min; y <= f.y_max * 1.001; y *= 10) {
    svg += fmt::format("<line x1=\"{1}\" x2=\"{2}\" y1=\"{0:.1f}\" y2=\"{0:.1f}\" "
                       "stroke=\"#ddd\"/>\n",
                       y_of(y), left, left + width);
    svg += text(left - 8, y_of(y) + 4, "end", fmt::format("{:.0f}", y));
  }
  svg += text(left + width / 2, top + height + 40, "middle", f.x_name);
  svg += text(left, top + height + 62, "start", "vertical: " + f.y_name);
  auto row = top + height - 12.0 * 1.5 * static_cast<double>(curves.size());
  for (auto& c : curves) {
    std::string line;
    for (auto& [x, y] : c.points) {
      line += fmt::format("{:.1f},{:.1f} ", x_of(x), y_of(y));
      if (!c.dashed)
        svg += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\" fill=\"{}\"/>\n", x_of(x),
                           y_of(y), c.colour);
    }
    svg += fmt::format("<polyline points=\"{}\" fill=\"none\" stroke=\"{}\"{}/>\n", line, c.colour,
                       c.dashed ? " stroke-dasharray=\"6 4\"" : "");
    row += 18;
    svg += fmt::format("<g fill=\"{}\">{}</g>", c.colour,
                       text(left + width - 8, row - 6, "end", c.name));
  }
  return svg + "</svg>\n";
}

} // namespace hactor::bench
