// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/mpi_worlds.hpp"

#include <algorithm>
#include <iterator>
#include <map>

#include "actors/job_state.hpp"

namespace hactor {

namespace {

/// Of a world's ranks: the hosts counted from 0 again, in the same order.
std::vector<uint32_t> places_in(const mpi_world& world, const std::vector<uint32_t>& places) {
  auto begin = places.begin() + world.first;
  std::vector<uint32_t> own{begin, begin + world.size};
  std::map<uint32_t, uint32_t> number;
  for (auto place : own)
    number.emplace(place, 0);
  uint32_t next = 0;
  for (auto& [place, n] : number)
    n = next++;
  for (auto& place : own)
    place = number[place];
  return own;
}

std::vector<rank_t> brokers_in(const mpi_world& world, const std::vector<rank_t>& brokers) {
  auto begin = brokers.begin() + world.first;
  return {begin, begin + world.size};
}

} // namespace

mpi_worlds::mpi_worlds(job_id id, rank_t self, const shell_work& work, const shell_place& place)
    : id_{id}, self_{self} {
  if (work.worlds.empty())
    return;
  for (uint32_t task = 0; task < work.tasks.size(); ++task) {
    auto rank = work.tasks[task].task_rank;
    auto& world = world_of(work.worlds, rank);
    auto p = std::find_if(parts_.begin(), parts_.end(),
                          [&](const part& x) { return x.world.number == world.number; });
    if (p == parts_.end())
      p = parts_.insert(p, {world, {}, {}, false, std::nullopt, std::nullopt});
    seats_.push_back({static_cast<uint32_t>(p - parts_.begin()),
                      static_cast<uint32_t>(p->tasks.size()), rank - world.first});
    p->tasks.push_back(task);
  }
  for (auto& p : parts_) {
    auto& world = p.world;
    if (world.number != mpi_world::whole) {
      for (auto broker : brokers_in(world, work.brokers))
        p.among.add(broker);
      p.alone = p.tasks.size() == world.size;
    }
    if (!work.places.empty()) {
      auto places = places_in(world, work.places);
      std::vector<uint32_t> ranks;
      for (auto task : p.tasks)
        ranks.push_back(seats_[task].rank);
      p.pmi.emplace(to_string(id) + suffix_of(world), world, std::move(ranks),
                    pmi_process_mapping(places));
      // By these a broker of Flux that is one of the tasks knows where it is.
      p.pmi->preset("flux.instance-level", std::to_string(place.instance_level + 1));
      p.pmi->preset("flux.taskmap", pmi_taskmap(places));
    }
    if (work.pmix)
      p.pmix.emplace(id, world, describe_pmix(work, world, place, id),
                     brokers_in(world, work.brokers), self);
  }
}

void mpi_worlds::on_bytes(uint32_t task, std::string_view bytes, effects& out) {
  auto& p = parts_[seats_[task].part];
  pmi_core::effects caused;
  p.pmi->on_bytes(seats_[task].local, bytes, caused);
  take(p, std::move(caused), out);
}

void mpi_worlds::on_word(const pmix_word& word, effects& out) {
  for (auto& p : parts_) {
    if (!p.pmix || p.pmix->space() != word.space)
      continue;
    pmix_core::effects caused;
    p.pmix->on_word(word, caused);
    take(p, std::move(caused), out);
  }
}

void mpi_worlds::on_exchange(const exchange_whole& whole, effects& out) {
  if (auto* p = find(whole.world))
    give(*p, whole.values, out);
  // Else nothing could be started here, of which exec knows.
}

void mpi_worlds::on_request(const modex_request& r, effects& out) {
  auto* p = find(r.world);
  if (p == nullptr || !p->pmix)
    return; // its tasks have ended
  pmix_core::effects caused;
  p->pmix->on_request(r, caused);
  take(*p, std::move(caused), out);
}

void mpi_worlds::on_reply(const modex_reply& r, effects& out) {
  auto* p = find(r.world);
  if (p == nullptr || !p->pmix)
    return;
  pmix_core::effects caused;
  p->pmix->on_reply(r, caused);
  take(*p, std::move(caused), out);
}

bool mpi_worlds::is_inside(uint32_t task) const {
  if (task >= seats_.size())
    return false;
  auto& s = seats_[task];
  auto& p = parts_[s.part];
  return (p.pmi && p.pmi->is_inside(s.local)) || (p.pmix && p.pmix->is_inside(s.rank));
}

std::string mpi_worlds::rank_name(uint32_t task) const {
  return rank_text(parts_[seats_[task].part].world, seats_[task].rank);
}

std::vector<mpi_world> mpi_worlds::here() const {
  std::vector<mpi_world> all;
  for (auto& p : parts_)
    all.push_back(p.world);
  return all;
}

std::vector<std::pair<std::string, bool>> mpi_worlds::spaces() const {
  std::vector<std::pair<std::string, bool>> all;
  for (auto& p : parts_)
    if (p.pmix)
      all.emplace_back(p.pmix->space(), p.pmix->is_known());
  return all;
}

void mpi_worlds::leave_pmix() {
  for (auto& p : parts_)
    p.pmix.reset();
}

mpi_worlds::part* mpi_worlds::find(int32_t world) {
  auto p = std::find_if(parts_.begin(), parts_.end(),
                        [world](const part& x) { return x.world.number == world; });
  return p == parts_.end() ? nullptr : &*p;
}

/// This broker's part of an exchange.
void mpi_worlds::pass(part& p, std::string values, effects& out) {
  if (p.alone)
    give(p, values, out);
  else
    out.parts.push_back({id_, self_, std::move(values), p.world.number, p.among, true});
}

/// What all ranks of the world have told each other, by one PMI or the other.
void mpi_worlds::give(part& p, const std::string& values, effects& out) {
  if (p.pmix && p.pmix->in_exchange()) {
    pmix_core::effects caused;
    p.pmix->on_exchange(values, caused);
    take(p, std::move(caused), out);
  } else if (p.pmi) {
    pmi_core::effects caused;
    p.pmi->on_barrier(values, caused);
    take(p, std::move(caused), out);
  }
}

void mpi_worlds::take(part& p, pmi_core::effects&& caused, effects& out) {
  for (auto& [local, bytes] : caused.replies)
    out.replies.emplace_back(p.tasks[local], std::move(bytes));
  if (!caused.failure.empty()) {
    out.failure = std::move(caused.failure);
    out.exit_code = caused.exit_code;
  }
  if (caused.barrier)
    pass(p, p.pmi->take_values(), out);
}

void mpi_worlds::take(part& p, pmix_core::effects&& caused, effects& out) {
  std::move(caused.words.begin(), caused.words.end(), std::back_inserter(out.words));
  std::move(caused.asks.begin(), caused.asks.end(), std::back_inserter(out.asks));
  std::move(caused.replies.begin(), caused.replies.end(), std::back_inserter(out.answers));
  if (caused.dropped)
    for (auto task : p.tasks)
      if (seats_[task].rank == *caused.dropped)
        out.dropped = task;
  if (!caused.failure.empty()) {
    out.failure = std::move(caused.failure);
    out.exit_code = caused.exit_code;
  }
  if (caused.part)
    pass(p, std::move(*caused.part), out);
}

} // namespace hactor
