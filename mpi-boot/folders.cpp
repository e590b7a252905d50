// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "mpi-boot/folders.hpp"

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include <sys/stat.h>
#include <unistd.h>

#include "runtime/log.hpp"

namespace hactor {

namespace {

caf::error make_folder(const std::string& path) {
  std::error_code err;
  std::filesystem::create_directories(path, err);
  if (err)
    return make_errno_error(ec::store_failed, path, err.value());
  if (::chmod(path.c_str(), 0700) != 0 || ::access(path.c_str(), W_OK | X_OK) != 0)
    return make_errno_error(ec::store_failed, path, errno);
  return caf::none;
}

} // namespace

caf::expected<std::string> make_run_folder(const std::string& rundir,
                                           std::optional<rank_t> rank) {
  if (!rundir.empty() && rank) {
    auto run = rundir + "/" + std::to_string(*rank);
    if (auto err = make_folder(run))
      return err;
    return run;
  }
  if (!rundir.empty()) {
    if (auto err = make_folder(rundir))
      return err;
    auto pattern = rundir + "/broker-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr)
      return make_errno_error(ec::store_failed, pattern, errno);
    return pattern;
  }
  auto* tmp = std::getenv("TMPDIR");
  auto pattern = std::string{tmp != nullptr && *tmp != '\0' ? tmp : "/tmp"} + "/hactor-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr)
    return make_errno_error(ec::store_failed, pattern, errno);
  return pattern;
}

caf::expected<broker_folders> make_folders(const std::string& statedir, const std::string& run,
                                           rank_t rank) {
  broker_folders f;
  f.run = run;
  f.lasting = !statedir.empty();
  std::error_code ignored;
  f.state = f.lasting ? std::filesystem::absolute(statedir, ignored).string() : f.run + "/state";
  f.output = f.state + "/output." + std::to_string(rank);
  if (f.lasting && rank == 0)
    if (auto err = make_folder(f.state))
      return err;
  return f;
}

void remove_run_folder(const std::string& run) {
  std::error_code err;
  std::filesystem::remove_all(run, err);
  if (err)
    log_warning("{}: not removed: {}", run, err.message());
}

} // namespace hactor
