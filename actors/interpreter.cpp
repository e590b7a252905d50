// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/interpreter.hpp"

#include <algorithm>
#include <fstream>

#include <fmt/format.h>
#include <unistd.h>

#include "runtime/utf8_text.hpp"

namespace hactor {

namespace {

std::string in_folder(std::string_view folder, const std::string& name, const std::string& cwd) {
  auto joined = folder.empty() ? name : std::string{folder} + "/" + name;
  return joined.starts_with('/') ? joined : cwd + "/" + joined;
}

/// "" when there is none.
std::string find_file(const std::string& command, std::string_view path, const std::string& cwd) {
  if (command.find('/') != command.npos)
    return in_folder("", command, cwd);
  for (size_t at = 0; at <= path.size();) {
    auto end = std::min(path.find(':', at), path.size());
    auto file = in_folder(path.substr(at, end - at), command, cwd);
    if (::access(file.c_str(), X_OK) == 0)
      return file;
    at = end + 1;
  }
  return "";
}

} // namespace

std::string fault_of_interpreter(const std::string& command, std::string_view path,
                                 const std::string& cwd) {
  constexpr size_t line_max = 256; // what the kernel reads of it
  std::ifstream file{find_file(command, path, cwd), std::ios::binary};
  std::string line(line_max, '\0');
  file.read(line.data(), static_cast<std::streamsize>(line.size()));
  line.resize(static_cast<size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  line.resize(std::min(line.find('\n'), line.size()));
  if (!line.starts_with("#!"))
    return "";
  auto start = std::min(line.find_first_not_of(" \t", 2), line.size());
  auto name = line.substr(start, line.find_first_of(" \t", start) - start);
  if (::access(in_folder("", name, cwd).c_str(), F_OK) == 0)
    return "";
  if (name.ends_with('\r'))
    return fmt::format("its first line ends with a carriage return, which is no part of the "
                       "interpreter's name {}; sed -i 's/\\r$//' {} takes them away",
                       name.substr(0, name.size() - 1), command);
  return fmt::format("its interpreter {} does not exist", escape_controls(name));
}

} // namespace hactor
