// See python_policy.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/python_policy.hpp"

#include <filesystem>

#include <dlfcn.h>
#include <fmt/format.h>

namespace hactor {

namespace {

caf::error bad(const std::string& path, std::string_view why) {
  return make_error(ec::bad_argument, fmt::format("policy in Python {}: {}", path, why));
}

/// Beside the program, as the modules of the MPIs are: bin/../lib/hactor.
std::string module_path() {
  std::error_code none;
  auto program = std::filesystem::read_symlink("/proc/self/exe", none);
  return program.parent_path() / "../lib/hactor/hactor_python_policy.so";
}

} // namespace

caf::expected<std::shared_ptr<python_order>> load_python_order(const std::string& path) {
  auto module = module_path();
  std::error_code none;
  if (!std::filesystem::exists(module, none))
    return bad(path, fmt::format("hactor was built without Python (there is no {}); on Debian: "
                                 "apt-get install libpython3-dev, and build it again",
                                 module));
  // Python's extension modules look for the interpreter's names in the whole process. It is never
  // closed: an interpreter cannot be taken out of a process.
  auto* library = dlopen(module.c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (library == nullptr)
    return bad(path, dlerror());
  auto* open = reinterpret_cast<open_python_order*>(dlsym(library, open_python_order_name));
  if (open == nullptr)
    return bad(path, fmt::format("{} does not belong to this hactor", module));
  std::string error;
  std::shared_ptr<python_order> order{open(path.c_str(), error)};
  if (!order)
    return bad(path, error);
  return order;
}

} // namespace hactor
