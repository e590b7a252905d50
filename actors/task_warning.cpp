// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/task_warning.hpp"

#include <fmt/format.h>
#include <sys/wait.h>

#include "runtime/signals.hpp"

namespace hactor {

namespace {

constexpr std::string_view between = "; ";

void append(std::string& sum, std::string_view text) {
  if (text.empty())
    return;
  if (!sum.empty())
    sum += between;
  sum += text;
}

} // namespace

std::string task_warning(uint32_t task, const std::string& host, int wait_status) {
  auto head = fmt::format("task {} (host {}): ", task, host);
  if (!WIFSIGNALED(wait_status))
    return head + fmt::format("exited with {}", WEXITSTATUS(wait_status));
  auto signo = WTERMSIG(wait_status);
  return head + fmt::format("killed by signal {} ({})", signo, signal_text(signo));
}

split_warning split_warnings(std::string_view warnings) {
  if (!warnings.starts_with("task "))
    return {{}, warnings};
  auto end = warnings.find(between);
  if (end == std::string_view::npos)
    return {warnings, {}};
  return {warnings.substr(0, end), warnings.substr(end + between.size())};
}

void add_warnings(std::string& sum, std::string_view part, bool is_worse) {
  auto [of_task, others] = split_warnings(part);
  append(sum, others);
  auto [kept, rest] = split_warnings(sum);
  if (of_task.empty() || (!kept.empty() && !is_worse))
    return;
  std::string all{of_task};
  append(all, rest);
  sum = std::move(all);
}

} // namespace hactor
