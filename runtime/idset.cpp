// Sorted disjoint runs; the sums are done in 64 bits because a run may end at 2^32 - 1.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/idset.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "runtime/limits.hpp"

namespace hactor {

namespace {

uint64_t run_size(const id_run& run) { return uint64_t{run.last} - run.first + 1; }

// The first run of `runs` that ends at or after `id`.
auto run_at(std::vector<id_run>& runs, uint32_t id) {
  return std::lower_bound(runs.begin(), runs.end(), id,
                          [](const id_run& run, uint32_t x) { return run.last < x; });
}

// Appends a run that starts at or after the start of the last one; joins it where they touch.
void append_run(std::vector<id_run>& runs, const id_run& run) {
  if (!runs.empty() && uint64_t{runs.back().last} + 1 >= run.first)
    runs.back().last = std::max(runs.back().last, run.last);
  else
    runs.push_back(run);
}

// Reads one id off the front of `text`; returns what is wrong, or "".
std::string_view read_id(std::string_view& text, uint32_t& id) {
  auto end = text.data() + text.size();
  auto [stop, failure] = std::from_chars(text.data(), end, id);
  if (failure == std::errc::result_out_of_range)
    return "an id is too large";
  if (failure != std::errc{})
    return "a number is missing";
  if (text[0] == '0' && stop - text.data() > 1)
    return "an id has leading zeros";
  if (id >= limits::idset_universe_max)
    return "an id is too large";
  text.remove_prefix(static_cast<size_t>(stop - text.data()));
  return {};
}

// Reads "a" or "a-b" off the front of `text`; returns what is wrong, or "".
std::string_view read_run(std::string_view& text, id_run& run) {
  if (auto why = read_id(text, run.first); !why.empty())
    return why;
  run.last = run.first;
  if (text.empty() || text[0] != '-')
    return {};
  text.remove_prefix(1);
  if (auto why = read_id(text, run.last); !why.empty())
    return why;
  return run.last > run.first ? std::string_view{} : "a run must go up";
}

} // namespace

idset idset::range(uint32_t first, uint32_t last) {
  HACTOR_CHECK(first <= last);
  idset result;
  result.runs_.push_back({first, last});
  return result;
}

caf::expected<idset> idset::parse(std::string_view text) {
  auto fail = [&](std::string_view why) {
    return make_error(ec::bad_idset,
                      fmt::format("'{}' is not an idset: {}; right are e.g. 0-3,7 or [0-3,7], "
                                  "ascending, ids below {}",
                                  text.substr(0, 80), why, limits::idset_universe_max));
  };
  auto rest = text;
  if (!rest.empty() && (rest.front() == '[' || rest.back() == ']')) {
    if (rest.size() < 2 || rest.front() != '[' || rest.back() != ']')
      return fail("a bracket is missing");
    rest = rest.substr(1, rest.size() - 2);
  }
  idset result;
  if (rest.empty())
    return result;
  for (;;) {
    id_run run;
    if (auto why = read_run(rest, run); !why.empty())
      return fail(why);
    if (!result.empty() && run.first <= result.last())
      return fail("ids must ascend without repeats");
    append_run(result.runs_, run);
    if (rest.empty())
      return result;
    if (rest[0] != ',')
      return fail(fmt::format("'{}' is not expected", rest[0]));
    rest.remove_prefix(1);
  }
}

std::string idset::to_string() const {
  fmt::memory_buffer out;
  auto sink = std::back_inserter(out);
  for (const auto& run : runs_) {
    if (out.size() > 0)
      out.push_back(',');
    if (run.first == run.last)
      fmt::format_to(sink, "{}", run.first);
    else
      fmt::format_to(sink, "{}-{}", run.first, run.last);
  }
  return fmt::to_string(out);
}

uint64_t idset::size() const {
  uint64_t count = 0;
  for (const auto& run : runs_)
    count += run_size(run);
  return count;
}

bool idset::contains(uint32_t id) const {
  auto run = std::lower_bound(runs_.begin(), runs_.end(), id,
                              [](const id_run& r, uint32_t x) { return r.last < x; });
  return run != runs_.end() && run->first <= id;
}

bool idset::contains_all(const idset& other) const {
  auto mine = runs_.begin();
  for (const auto& theirs : other.runs_) {
    while (mine != runs_.end() && mine->last < theirs.first)
      ++mine;
    // Runs do not touch, so one of mine must hold the whole of theirs.
    if (mine == runs_.end() || mine->first > theirs.first || mine->last < theirs.last)
      return false;
  }
  return true;
}

bool idset::intersects(const idset& other) const {
  auto a = runs_.begin();
  auto b = other.runs_.begin();
  while (a != runs_.end() && b != other.runs_.end()) {
    if (a->last < b->first)
      ++a;
    else if (b->last < a->first)
      ++b;
    else
      return true;
  }
  return false;
}

uint32_t idset::first() const {
  HACTOR_CHECK(!runs_.empty());
  return runs_.front().first;
}

uint32_t idset::last() const {
  HACTOR_CHECK(!runs_.empty());
  return runs_.back().last;
}

void idset::add(uint32_t id) { add_range(id, id); }

void idset::add_range(uint32_t first, uint32_t last) {
  HACTOR_CHECK(first <= last);
  if (runs_.empty() || runs_.back().first <= first) { // the usual case: ids come in order
    append_run(runs_, {first, last});
    return;
  }
  // [from, to) are the runs that overlap or touch first..last.
  auto from = run_at(runs_, first == 0 ? 0 : first - 1);
  auto to = from;
  while (to != runs_.end() && to->first <= uint64_t{last} + 1)
    ++to;
  if (from == to) {
    runs_.insert(from, {first, last});
    return;
  }
  from->first = std::min(from->first, first);
  from->last = std::max(std::prev(to)->last, last);
  runs_.erase(from + 1, to);
}

void idset::remove(uint32_t id) {
  auto run = run_at(runs_, id);
  if (run == runs_.end() || run->first > id)
    return;
  if (run->first == run->last) {
    runs_.erase(run);
  } else if (run->first == id) {
    ++run->first;
  } else if (run->last == id) {
    --run->last;
  } else {
    id_run upper{id + 1, run->last};
    run->last = id - 1;
    runs_.insert(run + 1, upper);
  }
}

void idset::add_all(const idset& other) {
  if (other.runs_.empty())
    return;
  if (other.runs_.size() == 1) {
    auto run = other.runs_.front();
    add_range(run.first, run.last);
    return;
  }
  std::vector<id_run> merged;
  merged.reserve(runs_.size() + other.runs_.size());
  auto a = runs_.begin();
  auto b = other.runs_.begin();
  while (a != runs_.end() || b != other.runs_.end()) {
    bool take_a = b == other.runs_.end() || (a != runs_.end() && a->first <= b->first);
    append_run(merged, take_a ? *a++ : *b++);
  }
  runs_ = std::move(merged);
}

void idset::remove_all(const idset& other) {
  std::vector<id_run> kept;
  kept.reserve(runs_.size() + other.runs_.size());
  auto cut = other.runs_.begin();
  for (auto run : runs_) {
    while (cut != other.runs_.end() && cut->last < run.first)
      ++cut;
    // `cut` may reach into the next run too, so the inner walk has its own iterator.
    auto at = cut;
    bool rest = true; // run.first..run.last still has to be kept
    while (rest && at != other.runs_.end() && at->first <= run.last) {
      if (at->first > run.first)
        kept.push_back({run.first, at->first - 1});
      rest = at->last < run.last;
      if (rest)
        run.first = at->last + 1;
      ++at;
    }
    if (rest)
      kept.push_back(run);
    if (at != cut)
      cut = std::prev(at);
  }
  runs_ = std::move(kept);
}

idset idset::intersect(const idset& other) const {
  idset result;
  auto a = runs_.begin();
  auto b = other.runs_.begin();
  while (a != runs_.end() && b != other.runs_.end()) {
    auto first = std::max(a->first, b->first);
    auto last = std::min(a->last, b->last);
    if (first <= last)
      result.runs_.push_back({first, last});
    if (a->last < b->last)
      ++a;
    else
      ++b;
  }
  return result;
}

idset idset::take_first(uint64_t count) {
  idset taken;
  auto run = runs_.begin();
  while (count > 0) {
    HACTOR_CHECK(run != runs_.end());
    auto available = run_size(*run);
    if (count < available) {
      auto last = static_cast<uint32_t>(run->first + count - 1);
      taken.runs_.push_back({run->first, last});
      run->first = last + 1;
      break;
    }
    taken.runs_.push_back(*run++);
    count -= available;
  }
  runs_.erase(runs_.begin(), run);
  return taken;
}

uint32_t idset::nth(uint64_t index) const {
  for (const auto& run : runs_) {
    if (index < run_size(run))
      return static_cast<uint32_t>(run.first + index);
    index -= run_size(run);
  }
  HACTOR_CHECK(!"index < size()");
  return 0;
}

std::vector<uint32_t> idset::expand() const {
  std::vector<uint32_t> ids;
  ids.reserve(size());
  for (const auto& run : runs_)
    for (uint64_t id = run.first; id <= run.last; ++id)
      ids.push_back(static_cast<uint32_t>(id));
  return ids;
}

} // namespace hactor
