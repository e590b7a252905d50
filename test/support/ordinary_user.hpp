// To be a user who is not root for a while, whom permissions of files and folders bind.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string>

#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

namespace hactor::test {

/// This thread alone, as far as files are concerned, until the object ends. Who is not root stays
/// who he is.
class ordinary_user {
public:
  /// Gives the user `folder`, that he can make something in it.
  explicit ordinary_user(const std::string& folder) : was_root_{::geteuid() == 0} {
    struct stat info {};
    if (was_root_ && ::chown(folder.c_str(), nobody, nobody) == 0)
      ::setfsuid(nobody);
    can_enter_ = ::stat((folder + "/.").c_str(), &info) == 0;
  }
  ordinary_user(const ordinary_user&) = delete;
  ordinary_user& operator=(const ordinary_user&) = delete;
  ~ordinary_user() {
    if (was_root_)
      ::setfsuid(0);
  }

  /// False on a machine where only root may enter the folders above.
  bool can_enter() const { return can_enter_; }

private:
  static constexpr unsigned nobody = 65534;
  bool was_root_;
  bool can_enter_ = false;
};

} // namespace hactor::test
