// A module: an actor within the broker that submits a job of its own when another has ended well,
// and ends the instance when it has seen so many.
//
//     hactor start -S "modules.load=$PWD/libexample_module.so jobs=3" sh -c 'hactor submit ...'
//
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <cstdlib>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>

#include <caf/all.hpp>
#include <hactor/module.hpp>

namespace {

using namespace hactor::workflow;

struct follow_up {
  size_t wanted = 1, asked = 0;
  std::set<job_id> own;
  std::set<job_id> over; // of all jobs: the end of one may be told before its id is

  bool is_done() const {
    return std::count_if(own.begin(), own.end(), [this](auto& id) { return over.count(id) != 0; })
           >= static_cast<ptrdiff_t>(wanted);
  }
};

caf::behavior start(caf::event_based_actor* self, const module_context& context) {
  auto state = std::make_shared<follow_up>();
  for (auto& word : context.arguments) {
    if (word == "throw")
      throw std::runtime_error{"as it was told"};
    if (word.starts_with("jobs="))
      state->wanted = std::strtoul(word.c_str() + 5, nullptr, 10);
  }
  auto instance = context.instance;
  self->request(instance, caf::infinite,
                subscribe_request{.subscriber = self, .names = {"finish", "clean"}})
      .then([](const subscribe_reply&) {});
  auto look = [=] {
    if (state->is_done())
      self->request(instance, caf::infinite, shutdown_request{}).then([](const count_reply&) {});
  };
  return {[=](const job_events& batch) {
    for (auto& e : batch.events) {
      if (e.name == "clean") {
        state->over.insert(e.id);
      } else if (e.context == "{\"status\":0}" && state->asked < state->wanted) {
        ++state->asked;
        job_spec next{.command = {"echo", "after", e.id}, .output = "follow-up." + e.id};
        self->request(instance, caf::infinite, submit_request{{next}})
            .then([=](const submit_reply& r) {
              state->own.insert(r.ids.front());
              look();
            });
      }
    }
    look();
  }};
}

const module_description description{.name = "follow-up", .start = start};

} // namespace

const module_description* hactor_module() { return &description; }
