// Fuzzer of actors/scheduler_settings: the text of sched.queues.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/scheduler_settings.hpp"

using namespace hactor;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  config attributes;
  attributes.fix("sched.queues", {reinterpret_cast<const char*>(bytes), size});
  auto settings = read_scheduler_settings(attributes);
  HACTOR_CHECK(settings || !context_of(settings.error()).empty());
  return 0;
}
