// Which seeds a simulation runs, how long, and what is seen over all of them. A failure prints its
// seed and step; HACTOR_SIM_SEED=N replays one seed alone, HACTOR_SIM_STEPS=N makes it longer,
// HACTOR_SIM_SEEDS=N runs that many. Included by the tests of this folder.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <cstdlib>

#include <doctest/doctest.h>

namespace hactor::test {

inline uint64_t from_environment(const char* name, uint64_t otherwise) {
  auto* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

/// A person replays one seed: what only many of them show is not to be asked for.
inline bool is_replay() { return from_environment("HACTOR_SIM_SEED", 0) != 0; }

inline uint64_t first_seed(uint64_t otherwise) {
  return from_environment("HACTOR_SIM_SEED", otherwise);
}
inline uint64_t last_seed(uint64_t first, uint64_t count) {
  return is_replay() ? first_seed(0) : first + from_environment("HACTOR_SIM_SEEDS", count) - 1;
}

/// Runs the seeds; returns how often each kind of thing was seen, over all.
template <class Sim, class Options>
auto run_seeds(Options o, uint64_t first, uint64_t count) {
  decltype(Sim::seen) all;
  o.steps = static_cast<uint32_t>(from_environment("HACTOR_SIM_STEPS", o.steps));
  for (o.seed = first_seed(first); o.seed <= last_seed(first, count); ++o.seed) {
    Sim s{o};
    auto wrong = s.run();
    CHECK_MESSAGE(wrong == "", wrong);
    all += s.seen;
  }
  MESSAGE(all.text());
  return all;
}

} // namespace hactor::test
