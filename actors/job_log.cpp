// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/job_log.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string_view>

#include <fcntl.h>
#include <fmt/chrono.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actors/job_archive.hpp"
#include "actors/job_json.hpp"
#include "actors/job_manager_core.hpp"
#include "runtime/clock.hpp"

namespace hactor {

namespace {

constexpr std::string_view suffix = ".jsonl";

/// Bytes that gather before they are written.
constexpr size_t write_bytes = 1u << 16;

caf::error failed(const std::string& path, int errno_value) {
  return make_errno_error(ec::system_failed, path, errno_value);
}

/// How long a log may be in the making, seconds: what is older was left by who was killed.
constexpr time_t making_s = 86'400;

/// The last line: no job has its key. Of those written some may have been purged since.
json what_is_left_out(const journal& store, size_t written) {
  auto ended = store.ended_count();
  return {{"left_out", {{"older", ended > written ? ended - written : 0},
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

/// Whether job_log_name made it; a person may keep files beside the logs.
bool is_log_name(std::string_view name) {
  constexpr std::string_view form = "00000000T000000.000Z-";
  return name.size() > form.size()
         && std::equal(form.begin(), form.end(), name.begin(), [](char wanted, char c) {
              return wanted == '0' ? c >= '0' && c <= '9' : c == wanted;
            });
}

/// Names of the logs of a folder, in order. Who cannot look has none.
std::vector<std::string> logs_of(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code err;
  for (std::filesystem::directory_iterator at{folder, err}, end; !err && at != end;
       at.increment(err))
    if (auto name = at->path().filename().string(); is_log_name(name) && name.ends_with(suffix))
      names.push_back(std::move(name));
  std::sort(names.begin(), names.end());
  return names;
}

void remove_left_parts(const std::string& folder, int64_t now_ns) {
  std::error_code err;
  for (std::filesystem::directory_iterator at{folder, err}, end; !err && at != end;
       at.increment(err)) {
    struct stat info {};
    auto name = at->path().filename().string();
    if (name[0] == '.' && is_log_name(std::string_view{name}.substr(1))
        && ::stat(at->path().c_str(), &info) == 0
        && info.st_mtime < now_ns / 1'000'000'000 - making_s)
      ::unlink(at->path().c_str());
  }
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

std::string job_log_name(int64_t now_ns, const std::string& instance) {
  auto now_ms = now_ns / 1'000'000;
  return fmt::format("{:%Y%m%dT%H%M%S}.{:03}Z-{}",
                     fmt::gmtime(static_cast<std::time_t>(now_ms / 1000)), now_ms % 1000, instance);
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
  auto* file = fd < 0 ? nullptr : ::fdopen(fd, "w");
  if (file == nullptr)
    return failed(part, errno);
  auto problem = write_jobs(store, specs, file, jobs_max, path);
  if (std::fclose(file) != 0 && !problem) // on NFS a full disk may be told of only now
    problem = failed(path, errno);
  if (!problem && ::rename(part.c_str(), path.c_str()) != 0)
    problem = failed(path, errno);
  if (problem) {
    ::unlink(part.c_str());
    return problem;
  }
  auto names = logs_of(folder);
  for (size_t i = 0; i + keep < names.size(); ++i)
    ::unlink((folder + "/" + names[i]).c_str());
  remove_left_parts(folder, wall_ns());
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
