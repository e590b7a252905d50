// See graph_files.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/graph_files.hpp"

#include <cerrno>
#include <cstdio>

#include "graph/graph_reader.hpp"
#include "graph/jgf_reader.hpp"

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

} // namespace hactor::tools
