// A directory of its own for a test, removed with all that is in it.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace hactor::test {

class temp_dir {
public:
  /// Made under TMPDIR or /tmp.
  temp_dir() {
    const char* base = std::getenv("TMPDIR");
    path_ = std::string{base != nullptr ? base : "/tmp"} + "/hactor-test-XXXXXX";
    if (mkdtemp(path_.data()) == nullptr)
      std::abort();
  }
  temp_dir(const temp_dir&) = delete;
  temp_dir& operator=(const temp_dir&) = delete;
  ~temp_dir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

private:
  std::string path_;
};

} // namespace hactor::test
