// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/tree_part.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>

#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "runtime/clock.hpp"
#include "tools/attach.hpp"
#include "tools/ending.hpp"
#include "tools/text_file.hpp"

namespace hactor::tools {

namespace {

/// Of what the worst job wrote, its last bytes are passed up.
constexpr size_t output_bytes_max = 4096;

/// Progress is drawn in so many steps at most, and not more often than a person sees.
constexpr uint64_t progress_steps = 100;
constexpr int64_t progress_ns = 200'000'000;

/// What happens in this time is told above in one line.
constexpr int64_t word_ns = 20'000'000;

} // namespace

end_signals::end_signals(bool caught) {
  if (!caught)
    return;
  sigset_t set;
  sigemptyset(&set);
  for (int s : {SIGINT, SIGTERM, SIGHUP})
    sigaddset(&set, s);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  fd_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

end_signals::~end_signals() {
  if (fd_ >= 0)
    ::close(fd_);
}

bool end_signals::read() {
  signalfd_siginfo info;
  if (fd_ < 0 || ::read(fd_, &info, sizeof info) != sizeof info)
    return false;
  if (number_ != 0)
    ::_exit(128 + number_);
  number_ = static_cast<int>(info.ssi_signo);
  return true;
}

caf::expected<std::optional<frame>> next_frame(client& broker, end_signals& signals, int wait_ms,
                                               int above) {
  while (true) {
    if (auto e = broker.flush_now())
      return e;
    auto f = broker.receive_now();
    if (!f || *f)
      return f;
    pollfd fds[] = {
        {broker.fd(), static_cast<short>(broker.unsent() > 0 ? POLLIN | POLLOUT : POLLIN), 0},
        {signals.fd(), POLLIN, 0},
        {above, POLLIN, 0}};
    auto ready = ::poll(fds, 3, wait_ms);
    if (ready < 0 && errno != EINTR)
      return make_errno_error(ec::system_failed, "poll", errno);
    if (signals.read() || ready == 0 || fds[2].revents != 0)
      return std::optional<frame>{};
  }
}

tree_progress::tree_progress(uint64_t jobs, bool draws)
    : jobs_(jobs), draws_(draws && ::isatty(2) == 1), began_ns_(steady_ns()) {
  draw(0);
}

void tree_progress::set(uint64_t ended) {
  if (!draws_)
    return;
  auto step = std::max<uint64_t>(jobs_ / progress_steps, 1);
  if (ended >= jobs_ || ended < told_ + step || steady_ns() - told_ns_ < progress_ns)
    return;
  draw(ended);
}

void tree_progress::clear() {
  if (draws_)
    write_all(2, "\r\x1b[K");
}

void tree_progress::draw(uint64_t ended) {
  told_ = ended;
  told_ns_ = steady_ns();
  if (!draws_)
    return;
  progress_facts facts;
  facts.total = jobs_;
  facts.ended = ended;
  facts.seconds = static_cast<double>(told_ns_ - began_ns_) / 1e9;
  facts.width = std::max<size_t>(terminal_width(), 80);
  write_all(2, "\r\x1b[K" + progress_line(facts));
}

parsed_options made_options(const command& of,
                            const std::vector<std::pair<std::string_view, std::string>>& values) {
  parsed_options o;
  o.of = &of;
  for (auto& [name, value] : values)
    for (auto& row : of.options)
      if (row.name == name)
        o.values.emplace_back(&row, value);
  return o;
}

caf::expected<std::vector<std::string>> ids_in(const frame& f) {
  auto reply = result_of(f);
  if (!reply)
    return std::move(reply.error());
  std::vector<std::string> ids;
  if (auto& list = object_at(*reply, "ids"); list.is_array())
    for (auto& id : list)
      if (id.is_string())
        ids.push_back(id.get<std::string>());
  return ids;
}

void keep_end(std::string& kept, const frame& f) {
  if (auto warning = warning_of(f); !warning.empty())
    kept += (kept.empty() || kept.ends_with('\n') ? "" : "\n") + warning + "\n";
  auto piece = f.kind == frame_kind::output ? read_output(f.payload) : std::nullopt;
  if (piece)
    kept += piece->bytes;
  if (kept.size() > output_bytes_max)
    kept.erase(0, kept.size() - output_bytes_max);
}

tree_part::tree_part(const invocation& call, client& broker, const tree_task& task)
    : call_(call), broker_(broker), task_(task), signals_(!task.reports),
      progress_(task.share.jobs, !task.reports) {
  if (task.reports)
    (void)::fcntl(0, F_SETFL, O_NONBLOCK);
}

caf::error tree_part::begin() {
  row_ = {task_.share.id,    now_s(),         0, 0, task_.share.jobs, task_.share.nodes,
          task_.share.cores, task_.share.gpus};
  auto match = match_us();
  if (!match)
    return std::move(match.error());
  match_before_ = *match;
  return {};
}

/// The instance's own row stands in front.
caf::error tree_part::end() {
  progress_.clear();
  auto match = match_us();
  if (!match)
    return std::move(match.error());
  row_.match_us = *match - match_before_;
  row_.end = now_s();
  report_.rows.insert(report_.rows.begin(), row_);
  if (signals_.number() != 0)
    report_.worst = {128 + signals_.number(), task_.share.id, 0, {}, "interrupted", {}};
  return task_.logs.empty() ? caf::error{} : keep_log();
}

void tree_part::cancel(const std::vector<std::string>& ids) {
  progress_.clear();
  complain(call_, "cancelling " + std::to_string(ids.size()) + " jobs");
  broker_.request("job.cancel", {{"ids", ids}, {"message", "hactor tree was interrupted"}});
}

int tree_part::word_wait_ms() const {
  auto since = steady_ns() - said_ns_;
  return since >= word_ns ? 0 : static_cast<int>((word_ns - since) / 1'000'000) + 1;
}

void tree_part::say(const tree_word& word) {
  if (word.empty())
    return;
  said_ns_ = steady_ns();
  print_line(to_line(word));
  flush_output();
}

caf::expected<std::vector<tree_answer>> tree_part::hear() {
  std::vector<tree_answer> answers;
  if (!task_.reports)
    return answers;
  char buffer[16 << 10];
  ssize_t n = 0;
  while ((n = ::read(0, buffer, sizeof buffer)) > 0)
    heard_.append(buffer, static_cast<size_t>(n));
  if (n == 0 || (errno != EAGAIN && errno != EINTR))
    return make_error(ec::disconnected, "the level above of this tree has gone");
  for (auto end = heard_.find('\n'); end != heard_.npos; end = heard_.find('\n')) {
    auto answer = read_answer(std::string_view{heard_}.substr(0, end));
    if (!answer)
      return std::move(answer.error());
    answers.push_back(std::move(*answer));
    heard_.erase(0, end + 1);
  }
  return answers;
}

caf::expected<double> tree_part::match_us() {
  auto stats = broker_.ask("stats", json::object());
  if (!stats)
    return std::move(stats.error());
  auto& scheduler = object_at(*stats, "scheduler");
  return scheduler.is_object() ? number_at(scheduler, "pass_us") : 0.0;
}

/// The lines of the broker's log that name this instance, as FOLDER/TREEID.log.
caf::error tree_part::keep_log() {
  auto* own = std::getenv("HACTOR_ENCLOSING_ID");
  if (own == nullptr) // the outermost instance's log is not the tree's
    return {};
  std::string kept;
  auto mark = std::string{own} + "]";
  auto reply = broker_.ask("dmesg", json::object(), 60, [&](const frame& f) {
    std::string_view rest = f.payload;
    while (f.kind == frame_kind::lines && !rest.empty()) {
      auto line = rest.substr(0, rest.find('\n'));
      if (line.find(mark) != line.npos)
        kept.append(line).append("\n");
      rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    }
  });
  if (!reply)
    return std::move(reply.error());
  return write_file(task_.logs + "/" + task_.share.id + ".log", kept);
}

} // namespace hactor::tools
