// See text_file.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/text_file.hpp"

#include <cerrno>
#include <cstdio>

namespace hactor::tools {

caf::expected<std::string> read_file(const std::string& name) {
  auto* file = name == "-" ? stdin : std::fopen(name.c_str(), "re");
  if (file == nullptr)
    return make_errno_error(ec::bad_argument, name, errno);
  std::string text;
  char buffer[65536];
  for (size_t n; (n = std::fread(buffer, 1, sizeof buffer, file)) > 0;)
    text.append(buffer, n);
  auto failed = std::ferror(file) != 0;
  auto code = errno;
  if (file != stdin)
    std::fclose(file);
  if (failed)
    return make_errno_error(ec::bad_argument, name, code);
  return text;
}

caf::error write_file(const std::string& name, const std::string& text) {
  auto* file = name == "-" ? stdout : std::fopen(name.c_str(), "we");
  if (file == nullptr)
    return make_errno_error(ec::bad_argument, name, errno);
  auto written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if (file != stdout)
    written = std::fclose(file) == 0 && written;
  return written ? caf::error{} : make_errno_error(ec::system_failed, name, errno);
}

} // namespace hactor::tools
