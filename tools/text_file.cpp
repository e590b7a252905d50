// See text_file.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/text_file.hpp"

#include <cerrno>
#include <cstdio>

#include <fmt/format.h>

#include "runtime/limits.hpp"
#include "runtime/regular_file.hpp"

namespace hactor::tools {

caf::expected<std::string> read_file(const std::string& name) {
  constexpr auto most = limits::graph_text_bytes_max;
  if (name != "-") {
    auto text = read_regular_file(name, most);
    return text ? text : make_error(ec::system_failed, context_of(text.error()));
  }
  std::string text;
  char buffer[65536];
  for (size_t n; (n = std::fread(buffer, 1, sizeof buffer, stdin)) > 0;) {
    text.append(buffer, n);
    if (text.size() > most)
      return make_error(ec::too_big, fmt::format("standard input: more than {} bytes", most));
  }
  if (std::ferror(stdin) != 0)
    return make_errno_error(ec::system_failed, "standard input", errno);
  return text;
}

caf::error of_option(std::string_view option, const caf::error& e) {
  return make_error(code_of(e), fmt::format("{}: {}", option, context_of(e)));
}

caf::error write_file(const std::string& name, const std::string& text) {
  auto* file = name == "-" ? stdout : std::fopen(name.c_str(), "we");
  if (file == nullptr)
    return make_errno_error(ec::system_failed, name, errno);
  auto written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if (file != stdout)
    written = std::fclose(file) == 0 && written;
  return written ? caf::error{} : make_errno_error(ec::system_failed, name, errno);
}

} // namespace hactor::tools
