// See queue_policy.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/queue_policy.hpp"

#include <algorithm>
#include <atomic>
#include <iterator>

#include <fmt/format.h>

#include "actors/python_policy.hpp"
#include "graph/policy_library.hpp"
#include "runtime/log.hpp"

namespace hactor {

namespace {

struct built_in {
  const char* name;
  uint32_t depth;
  bool stop;
};

constexpr built_in built_ins[] = {
    {"fcfs", 0, true},
    {"easy", 1, false},
    {"hybrid", hybrid_depth_default, false},
    {"conservative", reservation_depth_max, false},
};

/// A queue policy of a user's, whose order holds until it fails.
class foreign_queue_policy : public queue_policy {
public:
  explicit foreign_queue_policy(std::string path) : path_{std::move(path)} {}

  bool before(const job_facts& a, const job_facts& b) const final {
    if (!off_.load(std::memory_order_relaxed)) {
      std::string failure;
      auto order = compare(facts(a), facts(b), failure);
      if (!failure.empty() && !off_.exchange(true))
        log_error("the order of queue policy {} of {} is turned off, and the usual one holds: "
                  "comparing jobs {} and {} {}",
                  name, path_, to_string(a.id), to_string(b.id), failure);
      if (failure.empty() && order != 0)
        return order < 0;
    }
    return queue_policy::before(a, b);
  }

  bool gave_up() const final { return off_.load(std::memory_order_relaxed); }

protected:
  /// < 0, 0 or > 0; or `failure`: what it did instead.
  virtual int compare(const hactor_job& a, const hactor_job& b, std::string& failure) const = 0;

private:
  static hactor_job facts(const job_facts& j) {
    auto& r = *j.request;
    return {j.id.value, j.priority, j.t_submit_ns, r.nnodes, r.ncores, r.ngpus, r.duration_s};
  }

  std::string path_;
  mutable std::atomic<bool> off_{false};
};

class c_queue_policy final : public foreign_queue_policy {
public:
  c_queue_policy(const std::string& path, const hactor_queue_policy& policy)
      : foreign_queue_policy{path}, policy_{policy} {
    name = policy.name;
    reservation_depth = std::min(policy.reservation_depth, reservation_depth_max);
    stop_at_blocked = policy.stop_at_blocked != 0;
  }

private:
  int compare(const hactor_job& a, const hactor_job& b, std::string& failure) const override {
    if (policy_.compare == nullptr)
      return 0;
    try {
      return policy_.compare(&a, &b);
    } catch (...) {
      failure = "threw " + what_was_thrown();
      return 0;
    }
  }

  const hactor_queue_policy& policy_;
};

class python_queue_policy final : public foreign_queue_policy {
public:
  python_queue_policy(const std::string& path, std::shared_ptr<python_order> order)
      : foreign_queue_policy{path}, order_{std::move(order)} {
    name = order_->name;
    reservation_depth = std::min(order_->reservation_depth, reservation_depth_max);
    stop_at_blocked = order_->stop_at_blocked;
  }

private:
  int compare(const hactor_job& a, const hactor_job& b, std::string& failure) const override {
    std::string raised;
    auto order = order_->compare(a, b, raised);
    if (!raised.empty())
      failure = "raised " + raised;
    return order;
  }

  std::shared_ptr<python_order> order_;
};

caf::expected<std::shared_ptr<queue_policy>> load(const std::string& path) {
  if (is_python_path(path)) {
    auto order = load_python_order(path);
    if (!order)
      return std::move(order.error());
    return std::make_shared<python_queue_policy>(path, std::move(*order));
  }
  auto all = load_policies(path);
  if (!all)
    return std::move(all.error());
  const auto* own = (*all)->queue;
  if (own == nullptr || own->name == nullptr)
    return make_error(ec::bad_argument,
                      fmt::format("policy library {}: it has no queue policy", path));
  return std::make_shared<c_queue_policy>(path, *own);
}

} // namespace

bool queue_policy::before(const job_facts& a, const job_facts& b) const {
  if (a.priority != b.priority)
    return a.priority > b.priority;
  if (a.t_submit_ns != b.t_submit_ns)
    return a.t_submit_ns < b.t_submit_ns;
  return a.id < b.id;
}

caf::expected<std::shared_ptr<const queue_policy>> make_queue_policy(const std::string& name,
                                                                     uint32_t reservation_depth) {
  std::shared_ptr<queue_policy> policy;
  if (is_policy_path(name)) {
    auto loaded = load(name);
    if (!loaded)
      return std::move(loaded.error());
    policy = std::move(*loaded);
  } else {
    auto known = std::find_if(std::begin(built_ins), std::end(built_ins),
                              [&](const built_in& b) { return name == b.name; });
    if (known == std::end(built_ins))
      return make_error(ec::bad_argument,
                        fmt::format("queue policy \"{}\": there are fcfs, easy, hybrid and "
                                    "conservative; the name of a library or a Python file has a "
                                    "slash",
                                    name));
    policy = std::make_shared<queue_policy>();
    policy->name = known->name;
    policy->reservation_depth = known->depth;
    policy->stop_at_blocked = known->stop;
    if (name != "hybrid")
      reservation_depth = 0;
  }
  if (reservation_depth > 0)
    policy->reservation_depth = std::min(reservation_depth, reservation_depth_max);
  return std::shared_ptr<const queue_policy>{std::move(policy)};
}

} // namespace hactor
