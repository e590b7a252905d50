// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/descriptor_room.hpp"

#include <algorithm>

#include <poll.h>
#include <sys/resource.h>

#include <fmt/format.h>

namespace hactor {

namespace {

/// What tasks leave to clients, files and the like, where the limit is not too small for that.
constexpr size_t spare_max = 64;

} // namespace

std::shared_ptr<descriptor_room> descriptor_room::make(size_t limit,
                                                       std::function<size_t()> open_count) {
  return std::shared_ptr<descriptor_room>{new descriptor_room{limit, std::move(open_count)}};
}

size_t descriptor_room::spare() const { return std::min(spare_max, limit_ / 8); }

bool descriptor_room::fits(size_t need) const {
  if (taken_ + need <= limit_ / 4)
    return true;
  return open_count_() + promised_ + need + spare() <= limit_;
}

descriptor_room::state descriptor_room::share::now() const {
  std::lock_guard guard{room_->mutex_};
  return state_;
}

std::unique_ptr<descriptor_room::share> descriptor_room::ask(size_t need,
                                                             std::function<void()> tell) {
  auto s = std::make_unique<share>(shared_from_this(), need);
  std::vector<std::function<void()>> told;
  {
    std::lock_guard guard{mutex_};
    waiting_.push_back(s.get());
    told = settle();
    if (s->state_ == state::waits) // else the caller sees it
      s->tell_ = std::move(tell);
  }
  for (auto& t : told)
    t();
  return s;
}

/// Lets in who is first as long as there is room; returns whom that is to be told.
std::vector<std::function<void()>> descriptor_room::settle() {
  std::vector<std::function<void()>> told;
  while (!waiting_.empty()) {
    auto& s = *waiting_.front();
    auto never = s.need_ + spare() > limit_;
    if (!never && !fits(s.need_)) {
      if (granted_ > 0)
        break;
      never = true;
    }
    waiting_.pop_front();
    s.state_ = never ? state::refused : state::granted;
    if (!never) {
      ++granted_;
      taken_ += s.need_;
      promised_ += s.promised_ = s.need_;
    }
    if (s.tell_)
      told.push_back(std::move(s.tell_));
  }
  return told;
}

void descriptor_room::on_freed() {
  std::vector<std::function<void()>> told;
  {
    std::lock_guard guard{mutex_};
    told = settle();
  }
  for (auto& tell : told)
    tell();
}

void descriptor_room::opened(share& s) {
  std::lock_guard guard{mutex_};
  promised_ -= std::exchange(s.promised_, 0);
}

void descriptor_room::leave(share& s) {
  {
    std::lock_guard guard{mutex_};
    if (s.state_ == state::waits)
      waiting_.remove(&s);
    if (s.state_ == state::granted) {
      --granted_;
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
