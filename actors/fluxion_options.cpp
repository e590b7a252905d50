// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/fluxion_options.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <map>
#include <span>
#include <utility>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "runtime/near.hpp"

namespace hactor {

namespace {

/// An option, and the attribute that it means: null when it means nothing here, "{" when it has
/// options of its own, "q" when it is about queues by name.
struct known_option {
  std::string_view name;
  const char* attribute;
  toml::node_type type = toml::node_type::string; ///< In a file.
  std::string_view why = {};                      ///< It means nothing.
  int64_t least = 0;                              ///< Of an integer that means nothing ...
  int64_t most = INT64_MAX;                       ///< ... and is checked all the same.
};

constexpr auto whole_number = toml::node_type::integer;

constexpr auto nested = "{";
constexpr auto of_queues = "q";

constexpr auto qmanager_table = "sched-fluxion-qmanager";
constexpr auto resource_table = "sched-fluxion-resource";
constexpr auto queues_table = "queues";

constexpr known_option qmanager_options[] = {
    {"queue-policy", "sched.policy"},
    {"queue-params", nested},
    {"policy-params", nested},
    {"queues", of_queues},
    {"queue-policy-per-queue", of_queues},
    {"queue-params-per-queue", of_queues},
    {"policy-params-per-queue", of_queues},
    {"enforce-queue-limits", nullptr, toml::node_type::boolean},
};
constexpr known_option params[] = {
    {"queue-depth", "sched.queue_depth"},
    {"reservation-depth", "sched.reservation_depth"},
    {"max-queue-depth", nullptr},
    {"max-reservation-depth", nullptr},
};
constexpr known_option resource_options[] = {
    {"match-policy", "sched.match"},
    {"policy", "sched.match"},
    {"load-file", "resource.graph"},
    {"load-format", "sched.graph_format"},
    {"hwloc-xml", "resource.graph"},
    {"grug-conf", "resource.graph"},
    {"load-allowlist", "resource.allowlist"},
    {"hwloc-whitelist", "resource.allowlist"},
    {"match-format", "sched.match_format"},
    {"match-subsystems", "resource.subsystems"},
    {"subsystems", "resource.subsystems"},
    {"prune-filters", "sched.prune_filters"},
    {"traverser", "sched.traverser"},
    {"reserve-vtx-vec", nullptr, whole_number, "memory is taken as vertices come", 1, 2'000'000},
    {"update-interval", nullptr, whole_number, "what goes up or down is told at once"},
    {"feasibility-idle", nullptr, whole_number, "what could run is judged at the submit"},
};

class reader {
public:
  /// `where`: what errors and notes begin with.
  reader(config& to, std::string_view where) : to_{to}, where_{where} {
    for (auto& entry : to.list())
      if (to.is_set(entry.name))
        own_.push_back(entry.name);
  }

  caf::error read(std::string_view text, std::span<const known_option> known) {
    while (!text.empty()) {
      auto word = next_option(text, known);
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

  /// The tables of a file; `where` is its name.
  caf::error read(const toml::table& file) {
    auto name = std::exchange(where_, {});
    auto at = [&](const toml::source_region& place) {
      return fmt::format("{}:{}", name, place.begin.line);
    };
    for (auto& [key, node] : file) {
      where_ = at(key.source());
      std::string_view table = key.str();
      auto known = table == qmanager_table ? std::span<const known_option>{qmanager_options}
                                           : std::span<const known_option>{resource_options};
      if (table != qmanager_table && table != resource_table && table != queues_table) {
        auto hint = did_you_mean(table, {qmanager_table, resource_table, queues_table});
        if (!hint.empty())
          return bad(fmt::format("there is no table \"{}\"{}", table, hint));
        notes.push_back(fmt::format("{}: {} means nothing here", where_, table));
        continue;
      }
      if (!node.is_table())
        return bad(fmt::format("{} must be a table, [{}]", table, table));
      std::map<std::pair<toml::source_index, toml::source_index>, const toml::key*> by_place;
      for (auto& [inner, unused] : *node.as_table())
        by_place[{inner.source().begin.line, inner.source().begin.column}] = &inner;
      for (auto& [place, inner] : by_place) {
        where_ = at(inner->source());
        auto& what = *node.as_table()->get(inner->str());
        if (auto e = table == queues_table ? queue(inner->str(), what)
                                           : value(inner->str(), what, known))
          return e;
      }
    }
    where_ = name;
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

  /// Up to a blank, or to a comma before another option: values have commas, too.
  static std::string_view next_option(std::string_view& rest, std::span<const known_option> known) {
    auto end = std::min(rest.find_first_of(" \t\n"), rest.size());
    for (auto comma = rest.find(','); comma < end; comma = rest.find(',', comma + 1)) {
      auto after = rest.substr(comma + 1, end - comma - 1);
      auto equals = after.find('=');
      if (equals != after.npos && find(after.substr(0, equals), known) != nullptr)
        end = comma;
    }
    auto word = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return word;
  }

  caf::error bad(std::string_view what) const {
    return make_error(ec::bad_argument, fmt::format("{}: {}", where_, what));
  }

  static const known_option* find(std::string_view name, std::span<const known_option> known) {
    auto is = std::find_if(known.begin(), known.end(),
                           [&](const known_option& o) { return o.name == name; });
    return is == known.end() ? nullptr : &*is;
  }

  caf::error unknown(std::string_view name, std::span<const known_option> known) const {
    std::vector<std::string_view> names;
    for (auto& o : known)
      names.push_back(o.name);
    auto hint = did_you_mean(name, names);
    return bad(
        fmt::format("there is no option \"{}\"{}", name,
                    hint.empty() ? fmt::format("; there are {}", fmt::join(names, ", ")) : hint));
  }

  caf::error option(std::string_view word, std::span<const known_option> known) {
    auto equals = word.find('=');
    auto name = word.substr(0, equals);
    auto* is = find(name, known);
    if (is == nullptr)
      return unknown(name, known);
    if (equals == word.npos || equals + 1 == word.size())
      return bad(fmt::format("\"{}\" is not {}=VALUE", word, name));
    return take(*is, word.substr(equals + 1));
  }

  /// A key of one of Fluxion's tables.
  caf::error value(std::string_view name, const toml::node& node,
                   std::span<const known_option> known) {
    auto* is = find(name, known);
    if (is == nullptr)
      return unknown(name, known);
    if (node.type() != is->type)
      return bad(fmt::format("{} must be {}, found {}", name, kind(is->type), kind(node.type())));
    auto text =
        node.is_integer() ? std::to_string(*node.value<int64_t>()) : node.value<std::string>();
    if (text && text->find_first_not_of(" \t\n") == text->npos)
      return bad(fmt::format("{} is empty", name));
    return take(*is, text.value_or(""));
  }

  /// [queues.NAME]
  caf::error queue(std::string_view name, const toml::node& node) {
    if (!node.is_table())
      return bad(fmt::format("queues.{} must be a table, [queues.{}]", name, name));
    if (name.empty() || name.find_first_of(" \t\n;=:") != name.npos)
      return bad(fmt::format("\"{}\" is no name for a queue", name));
    by_queue_["queues"] += " " + std::string{name};
    for (auto& [key, inner] : *node.as_table()) {
      if (key.str() == "policy") {
        notes.push_back(fmt::format("{}: queues.{}.policy means nothing here", where_, name));
        continue;
      }
      auto* list = inner.as_array();
      auto is_word = [](const toml::node& n) {
        auto text = n.value<std::string_view>();
        return n.is_string() && !text->empty() && text->find_first_of(" \t\n,;=") == text->npos;
      };
      if (key.str() != "requires")
        return bad(fmt::format("queues.{}: there is no key \"{}\"; there are requires and policy",
                               name, key.str()));
      if (list == nullptr || !std::all_of(list->begin(), list->end(), is_word))
        return bad(fmt::format("queues.{}.requires must be a list of properties", name));
      for (auto& word : *list)
        requires_[std::string{name}] += "," + std::string{*word.value<std::string_view>()};
    }
    return {};
  }

  static std::string_view kind(toml::node_type t) {
    switch (t) {
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "an integer";
    case toml::node_type::boolean:
      return "true or false";
    case toml::node_type::floating_point:
      return "a number with a point";
    case toml::node_type::array:
      return "a list";
    case toml::node_type::table:
      return "a table";
    default:
      return "a date or time";
    }
  }

  caf::error take(const known_option& o, std::string_view value) {
    list_ = nullptr;
    if (o.attribute == nullptr) {
      int64_t number = 0;
      auto [end, err] = std::from_chars(value.data(), value.data() + value.size(), number);
      auto is_number = err == std::errc{} && end == value.data() + value.size();
      if (o.type == whole_number && (!is_number || number < o.least || number > o.most))
        return bad(fmt::format("{} must be an integer {}, found \"{}\"", o.name,
                               o.most == INT64_MAX ? fmt::format(">= {}", o.least)
                                                   : fmt::format("{} to {}", o.least, o.most),
                               value));
      notes.push_back(fmt::format("{}: {} means nothing here{}{}", where_, o.name,
                                  o.why.empty() ? "" : ": ", o.why));
    } else if (o.attribute == of_queues) {
      list_ = &by_queue_[o.name];
      *list_ = value;
    } else if (o.attribute == nested) {
      while (!value.empty())
        if (auto word = next(value, ","); !word.empty())
          if (auto e = option(word, params))
            return e;
    } else if (std::find(own_.begin(), own_.end(), o.attribute) != own_.end()) {
      notes.push_back(fmt::format("{}: {} is not used: {} is set", where_, o.name, o.attribute));
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
      if (auto p = requires_.find(name); p != requires_.end())
        text += " requires=" + p->second.substr(1);
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
  std::string where_;
  std::vector<std::string> own_;
  std::map<std::string_view, std::string> by_queue_;
  std::map<std::string, std::string> requires_; // by queue: ",a,b"
  std::string* list_ = nullptr;                 // what words without "=" go on with
};

} // namespace

caf::expected<std::vector<std::string>>
apply_fluxion_options(config& attributes, std::string_view variable, std::string_view text) {
  reader r{attributes, variable};
  auto known = variable.ends_with("_QMANAGER_OPTIONS")
                   ? std::span<const known_option>{qmanager_options}
                   : std::span<const known_option>{resource_options};
  if (auto e = r.read(text, known))
    return e;
  return std::move(r.notes);
}

caf::expected<std::vector<std::string>>
apply_fluxion_config(config& attributes, std::string_view file, std::string_view text) {
  toml::table tables;
  try {
    tables = toml::parse(text, file);
  } catch (const toml::parse_error& e) {
    return make_error(ec::bad_argument,
                      fmt::format("{}:{}: {}", file, e.source().begin.line, e.description()));
  }
  reader r{attributes, file};
  if (auto e = r.read(tables))
    return e;
  return std::move(r.notes);
}

} // namespace hactor
