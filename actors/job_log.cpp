// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/job_log.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actors/job_archive.hpp"
#include "actors/job_json.hpp"
#include "actors/job_manager_core.hpp"

namespace hactor {

namespace {

constexpr std::string_view suffix = ".jsonl";

/// Bytes that gather before they are written.
constexpr size_t write_bytes = 1u << 16;

caf::error failed(const std::string& path, int errno_value) {
  return make_errno_error(ec::system_failed, path, errno_value);
}

struct file_closer {
  void operator()(std::FILE* f) const { std::fclose(f); }
};
using file_ptr = std::unique_ptr<std::FILE, file_closer>;

/// The last line: no job has its key.
json what_is_left_out(const journal& store, size_t written) {
  return {{"left_out", {{"older", store.ended_count() - written},
                        {"not_ended", store.live_count()}}}};
}

caf::error write_jobs(const journal& store, spec_cache& specs, std::FILE* to, size_t jobs_max,
                      const std::string& path) {
  size_t count = 0;
  std::string text;
  bool is_written = true;
  auto add = [&](const json& line) {
    text += dump(line) + "\n";
    if (text.size() >= write_bytes) {
      is_written = std::fwrite(text.data(), 1, text.size(), to) == text.size();
      text.clear();
    }
    return is_written;
  };
  spec_hash hash; // of `spec`: jobs of one jobspec mostly follow each other
  job_spec_ptr spec;
  auto read = store.each_ended([&](const job_record& record) {
    if (!spec || record.spec != hash) {
      auto loaded = load_spec(store, specs, record.spec);
      if (!loaded)
        return true; // a damaged one is no reason to lose the others
      spec = std::move(*loaded);
      hash = record.spec;
    }
    auto f = fold_record(record);
    ++count;
    return add(to_json(summarize(record.id, f.fold, *spec, record.cc, &f.resources, &f.end)))
           && count < jobs_max;
  });
  if (read)
    return read;
  add(what_is_left_out(store, count));
  is_written = is_written && std::fwrite(text.data(), 1, text.size(), to) == text.size()
               && std::fflush(to) == 0;
  return is_written ? caf::error{} : failed(path, errno);
}

/// Names of the logs of a folder, in order. Who cannot look has none.
std::vector<std::string> logs_of(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code err;
  for (std::filesystem::directory_iterator at{folder, err}, end; !err && at != end;
       at.increment(err))
    if (auto name = at->path().filename().string(); name.ends_with(suffix) && name[0] != '.')
      names.push_back(std::move(name));
  std::sort(names.begin(), names.end());
  return names;
}

} // namespace

std::string job_log_folder() {
  auto variable = [](const char* name) {
    auto* text = std::getenv(name);
    return std::string{text != nullptr && *text == '/' ? text : ""};
  };
  auto state = variable("XDG_STATE_HOME");
  if (auto home = variable("HOME"); state.empty() && !home.empty())
    state = home + "/.local/state";
  return state.empty() ? "" : state + "/hactor/jobs";
}

caf::expected<std::string> write_job_log(const journal& store, spec_cache& specs,
                                         const std::string& folder, const std::string& name,
                                         size_t keep, size_t jobs_max) {
  HACTOR_CHECK(keep > 0);
  if (store.ended_count() + store.live_count() == 0)
    return std::string{};
  std::error_code err;
  std::filesystem::create_directories(std::filesystem::path{folder}.parent_path(), err);
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return failed(folder, errno);
  auto path = folder + "/" + name + std::string{suffix};
  auto part = folder + "/." + name; // nobody finds half a log
  auto fd = ::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  file_ptr file{fd < 0 ? nullptr : ::fdopen(fd, "w")};
  if (!file)
    return failed(part, errno);
  auto problem = write_jobs(store, specs, file.get(), jobs_max, path);
  if (!problem && ::rename(part.c_str(), path.c_str()) != 0)
    problem = failed(path, errno);
  if (problem) {
    ::unlink(part.c_str());
    return problem;
  }
  auto names = logs_of(folder);
  for (size_t i = 0; i + keep < names.size(); ++i)
    ::unlink((folder + "/" + names[i]).c_str());
  return path;
}

caf::expected<std::string> last_job_log(const std::string& folder) {
  auto names = logs_of(folder);
  if (names.empty())
    return make_error(ec::unknown_key,
                      (folder.empty() ? "neither XDG_STATE_HOME nor HOME is set"
                                      : folder + ": has no log of an instance")
                          + "; one is left by instances that ran jobs and had no --statedir");
  return folder + "/" + names.back();
}

} // namespace hactor
