// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/client_submit.hpp"

#include <string>

#include "actors/client_json.hpp"
#include "runtime/json_scan.hpp"

namespace hactor {

namespace {

/// Larger jobspecs go the long way: the blanks in them could make them larger than what is allowed.
constexpr size_t jobspec_bytes_max = 64u << 10;

class submit_scan {
public:
  explicit submit_scan(std::string_view request) : scan_(request) {}

  bool run() {
    bool is_submit = false, has_jobs = false;
    auto whole = scan_.members([&](std::string_view key) {
      std::string_view method;
      if (!is_submit) { // the method comes first, or the text is not ours to read
        is_submit = key == "method" && scan_.plain_string(method) && method == "submit";
        return is_submit;
      }
      if (key != "params")
        return scan_.value();
      return scan_.members([&](std::string_view name) {
        has_jobs = name == "jobs" && scan_.elements([this] { return job(); });
        return has_jobs;
      });
    });
    return whole && has_jobs && scan_.at_end();
  }

  std::vector<submission> jobs;

private:
  bool job() {
    std::string_view spec;
    auto count = settings_.size();
    auto begin = settings_.begin();
    size_t i = 0;
    bool same = true; // settings as those of the job before
    auto whole = scan_.members([&](std::string_view key) {
      if (key == "jobspec")
        return jobspec(spec);
      scan_.next();
      auto at = scan_.at();
      if (!scan_.value())
        return false;
      std::pair found{key, scan_.since(at)};
      same = same && i < count && begin[static_cast<ptrdiff_t>(i)] == found;
      ++i;
      found_.push_back(found);
      return true;
    });
    same = same && i == count && !jobs.empty();
    settings_.swap(found_);
    found_.clear();
    if (!whole || spec.empty() || (!same && !read_settings()))
      return false;
    jobs.push_back(like_);
    jobs.back().jobspec = spec;
    return true;
  }

  /// Passes a jobspec. The members of many are the same bytes: those are not looked at again.
  bool jobspec(std::string_view& spec) {
    if (scan_.next() != '{')
      return false;
    auto begin = scan_.at();
    size_t i = 0;
    auto whole = scan_.members([&](std::string_view) {
      if (i == members_.size())
        members_.emplace_back();
      auto& before = members_[i++];
      if (scan_.again(before))
        return true;
      auto kind = scan_.next();
      auto at = scan_.at();
      if (!scan_.value())
        return false;
      before = kind == '{' || kind == '[' || kind == '"' ? scan_.since(at) : std::string_view{};
      return true;
    });
    spec = scan_.since(begin);
    return whole && spec.size() <= jobspec_bytes_max;
  }

  /// All but the jobspec is read as on the long way.
  bool read_settings() {
    std::string text = "{\"jobspec\":\"\"";
    for (auto& [key, value] : settings_)
      text.append(",\"").append(key).append("\":").append(value);
    auto object = parse_json(text + "}");
    if (!object)
      return false;
    client_params p{*object};
    like_ = read_submission(*object, p);
    return !p.error;
  }

  json_scan scan_;
  std::vector<std::pair<std::string_view, std::string_view>> settings_, found_;
  std::vector<std::string_view> members_; // of the last jobspec; "": not one to know again
  submission like_;
};

} // namespace

std::optional<std::vector<submission>> scan_submit(std::string_view request) {
  submit_scan scan{request};
  if (!scan.run())
    return std::nullopt;
  return std::move(scan.jobs);
}

} // namespace hactor
