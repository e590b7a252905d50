// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/fluxion_options.hpp"

#include <algorithm>
#include <map>
#include <span>

#include <fmt/format.h>

#include "runtime/near.hpp"

namespace hactor {

namespace {

/// An option, and the attribute that it means: null when it means nothing here, "{" when it has
/// options of its own, "q" when it is about queues by name.
struct known_option {
  std::string_view name;
  const char* attribute;
};

constexpr auto nested = "{";
constexpr auto of_queues = "q";

constexpr known_option qmanager_options[] = {
    {"queue-policy", "sched.policy"},
    {"queue-params", nested},
    {"policy-params", nested},
    {"queues", of_queues},
    {"queue-policy-per-queue", of_queues},
    {"queue-params-per-queue", of_queues},
    {"policy-params-per-queue", of_queues},
    {"enforce-queue-limits", nullptr},
};
constexpr known_option params[] = {
    {"queue-depth", "sched.queue_depth"},
    {"reservation-depth", "sched.reservation_depth"},
    {"max-queue-depth", nullptr},
    {"max-reservation-depth", nullptr},
};
constexpr known_option resource_options[] = {
    {"match-policy", "sched.match"}, {"policy", "sched.match"},
    {"load-file", "resource.graph"}, {"load-format", "sched.graph_format"},
    {"hwloc-xml", "resource.graph"}, {"grug-conf", "resource.graph"},
    {"load-allowlist", nullptr},     {"hwloc-whitelist", nullptr},
    {"match-format", nullptr},       {"match-subsystems", nullptr},
    {"subsystems", nullptr},         {"prune-filters", nullptr},
    {"traverser", nullptr},          {"reserve-vtx-vec", nullptr},
    {"update-interval", nullptr},    {"feasibility-idle", nullptr},
};

class reader {
public:
  reader(config& to, std::string_view variable) : to_{to}, variable_{variable} {
    for (auto& entry : to.list())
      if (!entry.is_default)
        own_.push_back(entry.name);
  }

  caf::error read(std::string_view text) {
    auto known = variable_ == qmanager_options_variable
                     ? std::span<const known_option>{qmanager_options}
                     : std::span<const known_option>{resource_options};
    while (!text.empty()) {
      auto word = next(text, " \t\n");
      if (word.empty())
        continue;
      // "queue-policy-per-queue=batch:easy debug:fcfs" is one option.
      if (word.find('=') == word.npos && list_ != nullptr) {
        *list_ += " " + std::string{word};
        continue;
      }
      if (auto e = option(word, known))
        return e;
    }
    return set_queues();
  }

  std::vector<std::string> notes;

private:
  static std::string_view next(std::string_view& rest, std::string_view separators) {
    auto end = std::min(rest.find_first_of(separators), rest.size());
    auto word = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return word;
  }

  caf::error bad(std::string_view what) const {
    return make_error(ec::bad_argument, fmt::format("{}: {}", variable_, what));
  }

  caf::error option(std::string_view word, std::span<const known_option> known) {
    auto equals = word.find('=');
    auto name = word.substr(0, equals);
    auto is = std::find_if(known.begin(), known.end(),
                           [&](const known_option& o) { return o.name == name; });
    if (is == known.end()) {
      std::vector<std::string_view> names;
      for (auto& o : known)
        names.push_back(o.name);
      auto hint = did_you_mean(name, names);
      return bad(
          fmt::format("there is no option \"{}\"{}", name,
                      hint.empty() ? fmt::format("; there are {}", fmt::join(names, ", ")) : hint));
    }
    if (equals == word.npos || equals + 1 == word.size())
      return bad(fmt::format("\"{}\" is not {}=VALUE", word, name));
    return take(*is, word.substr(equals + 1));
  }

  caf::error take(const known_option& o, std::string_view value) {
    list_ = nullptr;
    if (o.attribute == nullptr) {
      notes.push_back(fmt::format("{}: {} means nothing here", variable_, o.name));
    } else if (o.attribute == of_queues) {
      list_ = &by_queue_[o.name];
      *list_ = value;
    } else if (o.attribute == nested) {
      while (!value.empty())
        if (auto word = next(value, ","); !word.empty())
          if (auto e = option(word, params))
            return e;
    } else if (std::find(own_.begin(), own_.end(), o.attribute) != own_.end()) {
      notes.push_back(fmt::format("{}: {} is not used: {} is set", variable_, o.name, o.attribute));
    } else if (auto e = to_.set(o.attribute, value)) {
      return bad(render(e));
    }
    return {};
  }

  /// "batch:easy debug:fcfs" by queue. Parameters of one queue may have commas.
  caf::expected<std::map<std::string, std::string>> of_each(std::string_view option) {
    std::map<std::string, std::string> result;
    auto all = by_queue_.find(option);
    std::string_view rest = all == by_queue_.end() ? std::string_view{} : all->second;
    while (!rest.empty()) {
      auto word = next(rest, " \t\n");
      auto colon = word.find(':');
      if (word.empty())
        continue;
      if (colon == word.npos)
        return bad(fmt::format("{}: \"{}\" is not QUEUE:VALUE", option, word));
      result[std::string{word.substr(0, colon)}] = word.substr(colon + 1);
    }
    return result;
  }

  /// Writes sched.queues.
  caf::error set_queues() {
    std::vector<std::string> names;
    std::string_view rest = by_queue_["queues"];
    while (!rest.empty())
      if (auto word = next(rest, " \t\n"); !word.empty())
        names.emplace_back(word);
    auto policies = of_each("queue-policy-per-queue");
    auto depths = of_each("queue-params-per-queue");
    auto reservations = of_each("policy-params-per-queue");
    for (auto* each : {&policies, &depths, &reservations}) {
      if (!*each)
        return std::move(each->error());
      for (auto& [queue, value] : **each)
        if (std::find(names.begin(), names.end(), queue) == names.end())
          names.push_back(queue);
    }
    std::string text;
    for (auto& name : names) {
      text += (text.empty() ? "" : "; ") + name;
      if (auto p = policies->find(name); p != policies->end())
        text += " policy=" + p->second;
      for (auto* each : {&*depths, &*reservations})
        if (auto p = each->find(name); p != each->end())
          if (auto e = add_params(p->second, text))
            return e;
    }
    if (text.empty())
      return {};
    return take({"queues", "sched.queues"}, text);
  }

  caf::error add_params(std::string_view value, std::string& text) {
    while (!value.empty()) {
      auto word = next(value, ",");
      auto equals = std::min(word.find('='), word.size());
      auto name = word.substr(0, equals);
      if (name == "queue-depth")
        text += fmt::format(" depth{}", word.substr(equals));
      else if (name == "reservation-depth")
        text += fmt::format(" reservations{}", word.substr(equals));
      else if (!name.empty())
        return bad(fmt::format("there is no parameter \"{}\" of a queue; there are queue-depth and "
                               "reservation-depth",
                               name));
    }
    return {};
  }

  config& to_;
  std::string_view variable_;
  std::vector<std::string> own_;
  std::map<std::string_view, std::string> by_queue_;
  std::string* list_ = nullptr; // what words without "=" go on with
};

} // namespace

caf::expected<std::vector<std::string>>
apply_fluxion_options(config& attributes, std::string_view variable, std::string_view text) {
  reader r{attributes, variable};
  if (auto e = r.read(text))
    return e;
  return std::move(r.notes);
}

} // namespace hactor
