// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/descriptor_room.hpp"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include <poll.h>
#include <sys/resource.h>

#include <fmt/format.h>

namespace hactor {

namespace {

/// What tasks leave to clients, files and the like, where the limit is not too small for that.
constexpr size_t spare_max = 64;

/// What is open for others than tasks may be less a moment later: so many looks in a row.
constexpr int looks_max = 2;

/// The jobs that the path of an instance, "A/B", names.
std::vector<job_id> jobs_of(std::string_view path) {
  std::vector<job_id> jobs;
  while (!path.empty()) {
    auto end = std::min(path.find('/'), path.size());
    if (auto id = parse_job_id(path.substr(0, end)))
      jobs.push_back(*id);
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return jobs;
}

} // namespace

descriptor_room::share::share(std::shared_ptr<descriptor_room> room, const asker& who, size_t need)
    : room_{std::move(room)}, job_{who.job}, around_{jobs_of(who.instance)}, need_{need} {}

std::shared_ptr<descriptor_room> descriptor_room::make(size_t limit,
                                                       std::function<size_t()> open_count) {
  return std::shared_ptr<descriptor_room>{new descriptor_room{limit, std::move(open_count)}};
}

size_t descriptor_room::spare() const { return std::min(spare_max, limit_ / 8); }

descriptor_room::state descriptor_room::share::now() const {
  std::lock_guard guard{room_->mutex_};
  return state_;
}

bool descriptor_room::share::is_first() const {
  std::lock_guard guard{room_->mutex_};
  return !room_->waiting_.empty() && room_->waiting_.front() == this;
}

void descriptor_room::share::look_again() { room_->settle(this); }

std::unique_ptr<descriptor_room::share> descriptor_room::ask(const asker& who, size_t need,
                                                             std::function<void()> tell) {
  auto s = std::make_unique<share>(shared_from_this(), who, need);
  told tells;
  {
    std::lock_guard guard{mutex_};
    waiting_.push_back(s.get());
    around_.insert(s->around_.begin(), s->around_.end());
    tells = let_in(nullptr);
    if (s->state_ == state::waits) // else the caller sees it
      s->tell_ = std::move(tell);
  }
  for (auto& t : tells)
    t();
  return s;
}

void descriptor_room::on_freed() { settle(nullptr); }

/// `looks`: who has come to look again; null: nobody.
void descriptor_room::settle(const share* looks) {
  told tells;
  {
    std::lock_guard guard{mutex_};
    tells = let_in(looks);
  }
  for (auto& t : tells)
    t();
}

/// Lets in who is first as long as there is room; returns whom that is to be told.
descriptor_room::told descriptor_room::let_in(const share* looks) {
  told tells;
  std::optional<size_t> open;
  auto fits = [&](const share& s) {
    if (taken_ + s.need_ <= limit_ / 4)
      return true;
    if (!open)
      open = open_count_();
    return *open + promised_ + s.need_ + spare() <= limit_;
  };
  while (!waiting_.empty()) {
    auto next = waiting_.begin();
    auto& first = **next;
    auto to = first.need_ + spare() > limit_ ? state::refused : state::granted;
    if (to == state::granted && !fits(first)) {
      if (may_one_end()) {
        first.looks_ = 0;
        break;
      }
      next = std::find_if(waiting_.begin(), waiting_.end(),
                          [&](share* s) { return is_within_granted(*s) && fits(*s); });
      if (next == waiting_.end()) {
        if (looks != &first || ++first.looks_ < looks_max)
          break;
        next = waiting_.begin();
        to = state::refused;
      }
    }
    decide(next, to, tells);
  }
  auto* first = waiting_.empty() ? nullptr : waiting_.front();
  if (std::exchange(told_first_, first) != first && first != nullptr && first->tell_)
    tells.push_back(first->tell_);
  return tells;
}

void descriptor_room::decide(std::list<share*>::iterator who, state to, told& tells) {
  auto& s = **who;
  leave_queue(who);
  s.state_ = to;
  if (to == state::granted) {
    granted_.insert(s.job_);
    taken_ += s.need_;
    promised_ += s.promised_ = s.need_;
  }
  if (s.tell_)
    tells.push_back(std::move(s.tell_));
}

void descriptor_room::leave_queue(std::list<share*>::iterator who) {
  for (auto job : (*who)->around_)
    around_.erase(around_.find(job));
  waiting_.erase(who);
}

bool descriptor_room::is_within_granted(const share& s) const {
  return std::any_of(s.around_.begin(), s.around_.end(),
                     [this](job_id job) { return granted_.contains(job); });
}

/// Is a job here whose end does not wait for somebody who waits for room?
bool descriptor_room::may_one_end() const {
  return std::any_of(granted_.begin(), granted_.end(),
                     [this](job_id job) { return !around_.contains(job); });
}

void descriptor_room::opened(share& s) {
  std::lock_guard guard{mutex_};
  promised_ -= std::exchange(s.promised_, 0);
}

void descriptor_room::leave(share& s) {
  {
    std::lock_guard guard{mutex_};
    if (s.state_ == state::waits)
      leave_queue(std::find(waiting_.begin(), waiting_.end(), &s));
    if (s.state_ == state::granted) {
      granted_.erase(granted_.find(s.job_));
      taken_ -= s.need_;
      promised_ -= s.promised_;
    }
  }
  on_freed();
}

caf::error descriptor_room::refusal(const share& s) const {
  return make_error(
      ec::exec_failed,
      fmt::format("its tasks here may need {} file descriptors of the broker, which may have {} "
                  "(ulimit -n) and keeps {} for itself and its clients: start the instance with a "
                  "higher hard limit (ulimit -Hn), or give a node fewer tasks",
                  s.need_, limit_, spare()));
}

size_t open_descriptors(size_t limit) {
  constexpr size_t at_once = 1024;
  pollfd some[at_once];
  size_t open = 0;
  for (size_t first = 0; first < limit; first += at_once) {
    auto count = std::min(at_once, limit - first);
    for (size_t i = 0; i < count; ++i)
      some[i] = {static_cast<int>(first + i), 0, 0};
    ::poll(some, count, 0);
    for (size_t i = 0; i < count; ++i)
      open += (some[i].revents & POLLNVAL) == 0;
  }
  return open;
}

size_t descriptors_max() {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  // Numbers are ints, and a kernel gives out no more than fs.nr_open: a million as it comes.
  return std::min<rlim_t>(files.rlim_cur, 1u << 20);
}

} // namespace hactor
