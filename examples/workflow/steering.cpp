// Steered simulations, as MuMMI runs them, in small: a model says where it is worth looking, so
// many simulations as there are slots look there, each result makes the model better, and what
// runs is stopped when it no longer belongs to what is best. Nothing is polled: the program sleeps
// until a job has ended.
//
//     hactor start -- example_steering [SLOTS [RESULTS]]
//
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <caf/all.hpp>
#include <hactor/workflow.hpp>

namespace {

using namespace hactor::workflow;

/// What there is to know costs a simulation: this one takes its time, then prints what it found.
job_spec simulation_of(double x) {
  auto script =
      "sleep 0.1; awk 'BEGIN { x = " + std::to_string(x) + "; print -(x - 0.3) * (x - 0.3) }'";
  return {.command = {"sh", "-c", script}, .name = "simulation"};
}

/// The model: where nothing is known, hope; else what the nearest result says.
class model {
public:
  void learn(double x, double value) { known_[x] = value; }

  double promise(double x) const {
    auto nearest = 0.1;
    auto value = 0.0; // nobody has looked near here
    for (auto& [at, found] : known_)
      if (std::abs(at - x) < nearest) {
        nearest = std::abs(at - x);
        value = found;
      }
    return value;
  }

  std::pair<double, double> best() const {
    return *std::max_element(known_.begin(), known_.end(),
                             [](auto& a, auto& b) { return a.second < b.second; });
  }

private:
  std::map<double, double> known_;
};

struct steering_state {
  static inline const char* name = "steering";

  instance_actor instance;
  size_t slots = 32;
  size_t wanted = 200; // results
  model knowledge;
  std::mt19937 random{1};
  std::map<job_id, double> running; // what each looks at
  bool stopping = false;
  size_t asked = 0; // submitted, not yet known by an id
  size_t results = 0, stopped = 0;
  size_t most = 0; // that ever ran at once
};

using pointer = caf::stateful_actor<steering_state>*;

void fail(pointer self, const char* what, const caf::error& e) {
  std::fprintf(stderr, "steering: %s: %s\n", what, error_text(e).c_str());
  self->quit(e);
}

void look(pointer self);

/// The job has ended: its result makes the model better, unless it was stopped.
void on_end(pointer self, double x, const output_reply& r) {
  auto& st = self->state;
  st.running.erase(r.result.id);
  if (r.result.outcome == job_outcome::completed) {
    ++st.results;
    st.knowledge.learn(x, std::strtod(r.out.c_str(), nullptr));
  } else if (r.result.outcome == job_outcome::canceled) {
    ++st.stopped;
  } else {
    std::fprintf(stderr, "steering: %s: %s\n", r.result.id.c_str(), r.result.note.c_str());
  }
  look(self);
}

/// Submits simulations of these; each is read until its end.
void run(pointer self, const std::vector<double>& chosen) {
  submit_request all;
  for (auto x : chosen)
    all.jobs.push_back(simulation_of(x));
  self->state.asked += chosen.size();
  self->request(self->state.instance, caf::infinite, std::move(all))
      .then(
          [self, chosen](const submit_reply& r) {
            auto& st = self->state;
            st.asked -= chosen.size();
            for (size_t i = 0; i < r.ids.size(); ++i) {
              st.running[r.ids[i]] = chosen[i];
              self->request(st.instance, caf::infinite, output_request{r.ids[i]})
                  .then([self, x = chosen[i]](const output_reply& o) { on_end(self, x, o); },
                        [self](const caf::error& e) { fail(self, "a result", e); });
            }
            st.most = std::max(st.most, st.running.size());
            if (st.results >= st.wanted)
              look(self); // these came too late
          },
          [self](const caf::error& e) { fail(self, "submit", e); });
}

/// Looks at many places, keeps the best so many as there are slots, stops what fell out.
void look(pointer self) {
  auto& st = self->state;
  if (st.results >= st.wanted) {
    if (st.running.empty() && st.asked == 0) {
      std::printf("%zu results, %zu stopped, at most %zu at once; the best: x = %.3f\n", st.results,
                  st.stopped, st.most, st.knowledge.best().first);
      return self->quit();
    }
    if (!st.running.empty() && st.asked == 0 && !std::exchange(st.stopping, true)) {
      cancel_request rest{.message = "there are results enough"};
      for (auto& [id, x] : st.running)
        rest.ids.push_back(id);
      self->request(st.instance, caf::infinite, std::move(rest))
          .then([](const count_reply&) {}, [](const caf::error&) {}); // they may have ended
    }
    return;
  }
  struct candidate {
    double promise, x;
    job_id id; // "": does not run yet
  };
  std::vector<candidate> all;
  for (auto& [id, x] : st.running)
    all.push_back({st.knowledge.promise(x), x, id});
  std::uniform_real_distribution<double> anywhere{0, 1};
  for (size_t i = 0; i < 4 * st.slots; ++i) {
    auto x = anywhere(st.random);
    all.push_back({st.knowledge.promise(x), x, {}});
  }
  // What runs is preferred to what promises the same.
  std::stable_sort(all.begin(), all.end(), [](auto& a, auto& b) { return a.promise > b.promise; });
  cancel_request losers{.message = "no longer among the best"};
  for (size_t i = st.slots; i < all.size(); ++i)
    if (!all[i].id.empty())
      losers.ids.push_back(all[i].id);
  if (!losers.ids.empty())
    self->request(st.instance, caf::infinite, std::move(losers))
        .then([](const count_reply&) {}, [](const caf::error&) {}); // they may have ended
  std::vector<double> chosen;
  for (size_t i = 0; i < st.slots && chosen.size() + st.running.size() + st.asked < st.slots; ++i)
    if (all[i].id.empty())
      chosen.push_back(all[i].x);
  if (!chosen.empty())
    run(self, chosen);
}

caf::behavior steering(pointer self, instance_actor instance, size_t slots, size_t wanted) {
  auto& st = self->state;
  st.instance = std::move(instance);
  st.slots = slots;
  st.wanted = wanted;
  look(self);
  return {[](caf::unit_t) {}};
}

} // namespace

int main(int argc, char** argv) {
  caf::actor_system_config config;
  caf::actor_system system{config};
  auto instance = connect(system);
  if (!instance) {
    std::fprintf(stderr, "steering: %s\n", error_text(instance.error()).c_str());
    return 1;
  }
  auto number = [&](int i, int otherwise) {
    return static_cast<size_t>(argc > i ? std::atoi(argv[i]) : otherwise);
  };
  auto driver = system.spawn(steering, std::move(*instance), number(1, 32), number(2, 200));
  caf::scoped_actor self{system};
  self->wait_for(driver);
  return 0;
}
