// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/job_waits.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "runtime/duration.hpp"

namespace hactor {

namespace {

std::string span_text(int64_t ns) { return format_fsd(static_cast<double>(ns) / 1e9); }

} // namespace

void add_waits(std::vector<job_wait>& all, std::vector<job_wait>&& more) {
  for (auto& w : more) {
    auto same = std::find_if(all.begin(), all.end(), [&w](const job_wait& a) {
      return a.owner == w.owner && a.reason == w.reason && a.then == w.then
             && a.tasks.empty() == w.tasks.empty();
    });
    if (same == all.end() && all.size() >= job_waits_max) {
      same = all.end() - 1;
      if (same->reason != "and more that is not shown")
        *same = {"", "and more that is not shown"};
      same->brokers.add_all(w.brokers);
    } else if (same == all.end()) {
      all.push_back(std::move(w));
    } else {
      same->tasks.add_all(w.tasks);
      same->brokers.add_all(w.brokers);
      same->age_ns = std::max(same->age_ns, w.age_ns);
      same->left_ns = std::max(same->left_ns, w.left_ns);
    }
  }
}

std::string to_text(const job_wait& w) {
  auto text = w.tasks.empty() ? w.reason
                              : fmt::format("{} {} {}", w.tasks.size() == 1 ? "task" : "tasks",
                                            w.tasks.to_string(), w.reason);
  if (w.age_ns >= 0)
    text += ", for " + span_text(w.age_ns);
  if (w.left_ns >= 0)
    text +=
        "; at most " + span_text(w.left_ns) + " more" + (w.then.empty() ? "" : ", then " + w.then);
  return text;
}

} // namespace hactor
