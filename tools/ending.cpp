// See ending.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/ending.hpp"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <map>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "runtime/clock.hpp"
#include "runtime/duration.hpp"
#include "runtime/idset.hpp"
#include "tools/attach.hpp"
#include "tools/job_fields.hpp"
#include "tools/submitted.hpp"

namespace hactor::tools {

namespace {

/// A terminal that is written to more often than this is no easier to read.
constexpr int64_t redraw_ns = 100'000'000;

size_t error_width() {
  winsize size{};
  return ::ioctl(2, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

class ending {
public:
  ending(const invocation& call, const std::vector<std::string>& ids, const end_settings& how)
      : call_(call), ids_(ids), how_(how), progress_(how.progress && ::isatty(2) == 1) {
    facts_.total = ids.size();
    began_ns_ = steady_ns();
  }

  caf::expected<int> run(client& broker) {
    auto answer = [this](size_t i, caf::expected<json> result) {
      on_end(i, std::move(result));
      return true;
    };
    auto on_frame = [this](size_t i, const frame& f) {
      f.kind == frame_kind::item ? on_item(i, f) : on_output(i, f);
    };
    draw(true);
    auto e = how_.watch
                 ? ask_each(broker, "job.attach", ids_, {{"stdin", false}}, 0, answer, on_frame)
                 : ask_each(broker, "job.wait", ids_, json::object(), 0, answer);
    draw(true);
    if (progress_)
      write_all(2, "\n");
    if (e)
      return e;
    if (how_.jps)
      complain(call_,
               fmt::format("{} jobs in {}, {:.1f} jobs/s", ids_.size(), format_fsd(elapsed_s()),
                           static_cast<double>(ids_.size()) / elapsed_s()));
    return code_;
  }

private:
  line_labels& labels_of(size_t i) {
    auto before = how_.labels.empty() ? std::string{} : how_.labels[i];
    return labels_.try_emplace(i, std::move(before)).first->second;
  }

  double elapsed_s() const {
    return std::max(static_cast<double>(steady_ns() - began_ns_) / 1e9, 1e-6);
  }

  void on_end(size_t i, caf::expected<json> result) {
    ++facts_.ended;
    if (auto lines = labels_.extract(i)) {
      clear();
      if (!write_open_lines(lines.mapped()))
        note_output_failure(errno);
    }
    int status = exit_failed;
    if (!result) {
      say("job " + ids_[i] + ": " + render(result.error()));
    } else {
      status = static_cast<int>(number_at(*result, "status", 1));
      auto note = text_at(*result, "note");
      auto reason = note.empty() ? job_field(*result, "inactive_reason", 0) : note;
      if (status != 0)
        say("job " + ids_[i] + ": "
            + (reason.empty() ? "exit code " + std::to_string(status) : reason));
      else if (note.starts_with("output: ")) // it has done its work, but that is not all there
        say("job " + ids_[i] + ": exception " + note);
    }
    facts_.failed += status != 0;
    code_ = std::max(code_, status);
    draw(false);
  }

  /// Of output that is missing the job is not to blame, but whoever reads it must know.
  void on_item(size_t i, const frame& f) {
    auto warning = warning_of(f);
    if (warning.empty())
      return;
    say("job " + ids_[i] + ": " + warning);
    code_ = std::max<int>(code_, exit_failed);
  }

  void on_output(size_t i, const frame& f) {
    auto part = f.kind == frame_kind::output ? read_output(f.payload) : std::nullopt;
    if (!part)
      return;
    auto bytes = how_.label ? labels_of(i).add(part->task, part->stream, part->bytes)
                            : std::string{part->bytes};
    clear();
    if (write_all(part->stream == 2 ? 2 : 1, bytes))
      return;
    note_output_failure(errno);
    end_if_unheard(call_.program.c_str());
  }

  /// Other lines take the place of the progress line, which follows below them.
  void clear() {
    if (progress_)
      write_all(2, "\r\x1b[K");
    drawn_ns_ = 0;
  }

  void say(const std::string& text) {
    clear();
    complain(call_, text);
  }

  void draw(bool now) {
    if (!progress_ || (!now && steady_ns() - drawn_ns_ < redraw_ns))
      return;
    drawn_ns_ = steady_ns();
    facts_.seconds = elapsed_s();
    facts_.width = error_width();
    write_all(2, "\r\x1b[K" + progress_line(facts_));
  }

  const invocation& call_;
  const std::vector<std::string>& ids_;
  end_settings how_;
  bool progress_;
  std::map<size_t, line_labels> labels_; // by job: the tasks of all are counted from 0
  progress_facts facts_;
  int64_t began_ns_;
  int64_t drawn_ns_ = 0;
  int code_ = exit_ok;
};

} // namespace

std::string progress_line(const progress_facts& f) {
  auto left = fmt::format("CD:{} F:{} of {}", f.ended - f.failed, f.failed, f.total);
  auto share = f.total == 0 ? 1.0 : static_cast<double>(f.ended) / static_cast<double>(f.total);
  auto rate = f.seconds > 0 ? static_cast<double>(f.ended) / f.seconds : 0;
  auto right = fmt::format("{:.0f}% {:.1f} jobs/s", std::floor(share * 100), rate);
  if (f.ended == f.total)
    right += " in " + format_fsd(f.seconds);
  else if (rate > 0)
    right += " ETA " + format_fsd(std::ceil(static_cast<double>(f.total - f.ended) / rate));
  auto used = left.size() + right.size() + 5; // two blanks, two brackets, the last column
  if (f.width >= used + 4) {
    auto bar = std::min<size_t>(f.width - used, 50);
    auto full = static_cast<size_t>(share * static_cast<double>(bar));
    auto text = std::string(full, '=') + std::string(bar - full, ' ');
    if (full > 0 && full < bar)
      text[full - 1] = '>';
    return left + " [" + text + "] " + right;
  }
  auto line = left + " " + right;
  return line.substr(0, f.width > 1 ? f.width - 1 : 0);
}

caf::expected<int> wait_for_ends(const invocation& call, client& broker,
                                 const std::vector<std::string>& ids, const end_settings& how) {
  return ending{call, ids, how}.run(broker);
}

/// "INDEX." of the jobs of an array, in the order of their ids; none of other jobs.
std::vector<std::string> index_labels(const parsed_options& options, size_t jobs) {
  auto name = options.has("cc") ? "cc" : "bcc";
  if (!options.has(name))
    return {};
  auto values = idset::parse(options.value(name));
  std::vector<std::string> labels;
  if (values && values->size() == jobs)
    for (auto index : values->expand())
      labels.push_back(std::to_string(index) + ".");
  return labels;
}

caf::expected<int> after_submit(const invocation& call, client& broker,
                                const std::vector<std::string>& ids) {
  auto& options = call.options;
  if (options.has("wait-event"))
    if (auto e = wait_for_event(call, broker, ids, options.value("wait-event")))
      return e;
  if (options.has("wait") || options.has("watch"))
    return wait_for_ends(call, broker, ids,
                         {options.has("watch"), options.has("label-io"),
                          options.has("progress") && !options.has("quiet"), options.has("jps"),
                          index_labels(options, ids.size())});
  return exit_ok;
}

} // namespace hactor::tools
