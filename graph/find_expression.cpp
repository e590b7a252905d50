// graph/find_expression: the parser, and the walk over the graph.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/find_expression.hpp"

#include <algorithm>
#include <cctype>

#include "graph/claim_id.hpp"
#include "runtime/hostlist.hpp"
#include "runtime/ids.hpp"
#include "runtime/near.hpp"

namespace hactor {

namespace {

/// Nesting of parentheses; the parser calls itself.
constexpr size_t depth_max = 64;

const std::vector<std::string_view> keys{"status",   "sched-now",     "sched-future", "property",
                                         "names",    "jobid-alloc",   "jobid-tag",    "jobid-span",
                                         "agfilter", "jobid-reserved"};

std::string lower(std::string_view text) {
  std::string out{text};
  for (auto& c : out)
    c = static_cast<char>(std::tolower(static_cast<uint8_t>(c)));
  return out;
}

bool is_blank(char c) { return c == ' ' || c == '\t'; }

} // namespace

// -- reading --------------------------------------------------------------------------------------

class find_expression::parser {
public:
  explicit parser(std::string_view text) : text_(text) {}

  caf::expected<find_expression> run() {
    find_expression result;
    if (auto e = read_terms(result.root_, 0))
      return e;
    if (at_ < text_.size())
      return wrong("')' has no '('");
    result.aggregates_ = aggregates_;
    result.job_ = job_;
    return result;
  }

private:
  caf::error wrong(const std::string& what) const {
    return make_error(ec::bad_argument, what + " in '" + std::string{text_} + "'");
  }

  void skip_blanks() {
    while (at_ < text_.size() && is_blank(text_[at_]))
      ++at_;
  }

  /// The next word, up to a blank or a parenthesis; it is not taken.
  std::string_view peek() {
    skip_blanks();
    auto end = at_;
    while (end < text_.size() && !is_blank(text_[end]) && text_[end] != '(' && text_[end] != ')')
      ++end;
    return text_.substr(at_, end - at_);
  }

  bool at_end() {
    skip_blanks();
    return at_ >= text_.size() || text_[at_] == ')';
  }

  caf::error read_terms(term& to, size_t depth) {
    if (depth > depth_max)
      return wrong("too many parentheses");
    for (auto first = true; first || !at_end(); first = false) {
      auto by_or = false;
      if (auto word = peek(); !first && (word == "and" || word == "or")) {
        by_or = word == "or";
        at_ += word.size();
      }
      auto& next = to.terms.emplace_back();
      next.joined_by_or = by_or;
      if (auto e = read_term(next, depth))
        return e;
    }
    return {};
  }

  caf::error read_term(term& to, size_t depth) {
    auto word = peek();
    while (word == "not") {
      to.negated = !to.negated;
      at_ += word.size();
      word = peek();
    }
    if (at_end())
      return wrong(text_.empty() ? "nothing to look for" : "a condition is missing");
    if (text_[at_] == '(') {
      ++at_;
      if (auto e = read_terms(to, depth + 1))
        return e;
      if (at_ >= text_.size())
        return wrong("')' is missing");
      ++at_;
      return {};
    }
    at_ += word.size();
    return read_condition(to, word);
  }

  caf::error read_condition(term& to, std::string_view word) {
    auto equals = word.find('=');
    if (equals == std::string_view::npos)
      return wrong("'" + std::string{word} + "' is not KEY=VALUE");
    auto key = word.substr(0, equals);
    auto value = word.substr(equals + 1);
    if (key == "status")
      return choose(to, op::status_down, key, value, "down", "up");
    if (key == "sched-now")
      return choose(to, op::allocated, key, value, "allocated", "free");
    if (key == "sched-future")
      return choose(to, op::reserved, key, value, "reserved", "free");
    if (key == "agfilter")
      return read_agfilter(to, value);
    if (key == "names")
      return read_names(to, value);
    if (key == "property") {
      to.what = op::property;
      to.text = value;
      return value.empty() ? wrong("property= needs a name") : caf::error{};
    }
    for (auto [name, what] : {std::pair{"jobid-alloc", op::allocated_to},
                              {"jobid-reserved", op::reserved_to},
                              {"jobid-tag", op::tagged},
                              {"jobid-span", op::spanned}})
      if (key == name)
        return read_job(to, what, value);
    return wrong("unknown condition '" + std::string{key} + "'" + did_you_mean(key, keys));
  }

  caf::error choose(term& to, op what, std::string_view key, std::string_view value,
                    std::string_view yes, std::string_view no) {
    auto word = lower(value);
    to.what = what;
    to.value = word == yes;
    if (word != yes && word != no)
      return wrong(std::string{key} + " is " + std::string{yes} + " or " + std::string{no}
                   + ", not '" + std::string{value} + "'");
    return {};
  }

  caf::error read_agfilter(term& to, std::string_view value) {
    auto word = lower(value);
    to.what = op::constant;
    to.value = aggregates_ = word == "true" || word == "t";
    if (!to.value && word != "false" && word != "f")
      return wrong("agfilter is true or false, not '" + std::string{value} + "'");
    return {};
  }

  caf::error read_names(term& to, std::string_view value) {
    auto names = parse_hostlist(value);
    if (!names)
      return wrong("names= takes a host list: " + render(names.error()));
    to.what = op::name;
    to.names.insert(names->begin(), names->end());
    return {};
  }

  caf::error read_job(term& to, op what, std::string_view value) {
    auto id = parse_job_id(value);
    if (!id)
      return wrong(render(id.error()));
    to.what = what;
    to.job = job_ = id->value;
    return {};
  }

  std::string_view text_;
  size_t at_ = 0;
  bool aggregates_ = false;
  uint64_t job_ = 0;
};

caf::expected<find_expression> find_expression::parse(std::string_view text) {
  return parser{text}.run();
}

// -- finding --------------------------------------------------------------------------------------

class find_expression::search {
public:
  search(const find_expression& expression, const ledger& held, int64_t now)
      : expression_(expression), held_(held), graph_(held.graph()), now_(now) {
    reserved_.resize(graph_.limit());
    for (auto& [job, h] : held.holdings())
      if (h.kind == hold_kind::reserved)
        for (auto& p : h.what.picks)
          if (p.exclusive)
            reserved_[p.at] = true;
    gather_jobs(expression.root_);
  }

  found_vertices run() {
    if (auto root = graph_.root(); root != no_vertex)
      walk(root);
    return std::move(found_);
  }

private:
  /// What one job has, by vertex.
  struct job_facts {
    bool allocated = false;
    std::unordered_set<vertex> tagged, whole;
    std::unordered_map<vertex, type_amounts> spanned; // of what is counted, the amounts below it
  };

  /// What a vertex has from those above it, or itself.
  struct inherited {
    bool down = false, allocated = false, reserved = false;
  };

  void gather_jobs(const term& t) {
    for (auto& sub : t.terms)
      gather_jobs(sub);
    auto names_job = t.what == op::allocated_to || t.what == op::reserved_to || t.what == op::tagged
                     || t.what == op::spanned;
    if (!names_job || jobs_.contains(t.job))
      return;
    auto& facts = jobs_[t.job];
    auto* holding = held_.find(t.job);
    if (holding == nullptr && t.job < claims_max)
      holding = held_.find(claim_id(t.job).value);
    if (holding == nullptr)
      return;
    facts.allocated = holding->kind == hold_kind::allocated;
    for (auto& p : holding->what.picks) {
      facts.tagged.insert(p.at);
      if (p.exclusive)
        facts.whole.insert(p.at);
    }
    // Children come first: when a vertex is reached, all below it is summed.
    std::unordered_map<vertex, type_amounts> below;
    for (auto& p : holding->what.picks) {
      auto sums = std::move(below[p.at]);
      below.erase(p.at);
      auto parent = graph_.parent(p.at);
      if (!sums.empty() && !held_.below(p.at).empty())
        facts.spanned.emplace(p.at, sums);
      if (parent == no_vertex)
        continue;
      if (auto type = graph_.type(p.at); held_.counts(type))
        add(sums, type, p.exclusive ? graph_.units(p.at) : 0);
      for (auto [type, amount] : sums)
        add(below[parent], type, amount);
    }
  }

  static void add(type_amounts& to, type_id type, int64_t amount) {
    for (auto& [t, a] : to)
      if (t == type) {
        a += amount;
        return;
      }
    to.emplace_back(type, amount);
  }

  /// One vertex on the way down; graphs may be deep, so the way is kept here.
  struct frame {
    vertex at;
    inherited state;
    size_t next = 0;  // of its children
    bool any = false; // something below it was found
  };

  frame enter(vertex v, inherited state) const {
    state.down |= graph_.status(v) == vertex_status::down;
    state.allocated |= held_.allocated(v);
    state.reserved |= reserved_[v];
    return {v, state};
  }

  void walk(vertex root) {
    std::vector<frame> way{enter(root, {})};
    while (!way.empty()) {
      auto& top = way.back();
      auto below = graph_.below(top.at);
      if (top.next < below.size()) {
        way.push_back(enter(below[top.next++], top.state));
        continue;
      }
      auto found = leave(top, static_cast<uint16_t>(way.size() - 1));
      way.pop_back();
      if (!way.empty())
        way.back().any |= found;
    }
  }

  /// All below it has been looked at; tells whether it is found, itself or for what is below.
  bool leave(const frame& f, uint16_t depth) {
    auto matches = holds(expression_.root_, f.at, f.state);
    found_.matches += matches ? 1 : 0;
    if (matches)
      found_.hits.push_back(f.at);
    if (!matches && !f.any)
      return false;
    if (expression_.aggregates_ && !note_aggregates(f.at))
      return false;
    found_.what.picks.push_back({f.at, depth, true, false, graph_.units(f.at)});
    return true;
  }

  /// False when the vertex counts nothing, or nothing of the job. ALL:type is for what is above one
  /// of the type, as Fluxion has it: what is of the type does not count its like.
  bool note_aggregates(vertex v) {
    auto tracked = held_.below(v);
    if (tracked.empty())
      return false;
    const type_amounts* of_job = nullptr;
    if (expression_.job_ != 0) {
      auto& spanned = jobs_[expression_.job_].spanned;
      auto at = spanned.find(v);
      if (at == spanned.end())
        return false;
      of_job = &at->second;
    }
    std::vector<std::pair<std::string, std::string>> notes;
    for (auto& t : tracked) {
      if (t.type == graph_.type(v)
          && held_.filter().everywhere.contains(std::string(graph_.types().text(t.type))))
        continue;
      int64_t used = 0;
      if (of_job == nullptr)
        used = t.plan.total() - t.plan.available(held_.pool(), now_, now_ + 1);
      else
        for (auto [type, amount] : *of_job)
          used += type == t.type ? amount : 0;
      notes.emplace_back(graph_.types().text(t.type), "used:" + std::to_string(used) + ", total:"
                                                          + std::to_string(t.plan.total()));
    }
    if (notes.empty())
      return false;
    std::sort(notes.begin(), notes.end());
    found_.aggregates.emplace(v, std::move(notes));
    return true;
  }

  bool holds(const term& t, vertex v, const inherited& state) {
    return is(t, v, state) != t.negated;
  }

  bool is(const term& t, vertex v, const inherited& state) {
    switch (t.what) {
    case op::all: {
      auto result = true;
      for (auto& sub : t.terms) {
        auto next = holds(sub, v, state);
        result = sub.joined_by_or ? result || next : result && next;
      }
      return result;
    }
    case op::status_down:
      return state.down == t.value;
    case op::allocated:
      return state.allocated == t.value;
    case op::reserved:
      return state.reserved == t.value;
    case op::allocated_to:
      return jobs_[t.job].allocated && jobs_[t.job].whole.contains(v);
    case op::reserved_to:
      return !jobs_[t.job].allocated && jobs_[t.job].whole.contains(v);
    case op::tagged:
      return jobs_[t.job].tagged.contains(v);
    case op::spanned:
      return jobs_[t.job].spanned.contains(v);
    case op::constant:
      return t.value;
    case op::name:
      return t.names.contains(graph_.name(v));
    case op::property:
      break;
    }
    return graph_.properties(v).contains(t.text);
  }

  const find_expression& expression_;
  const ledger& held_;
  const resource_graph& graph_;
  int64_t now_;
  std::vector<bool> reserved_; // by vertex: some job will have it
  std::unordered_map<uint64_t, job_facts> jobs_;
  found_vertices found_;
};

found_vertices find_expression::find(const ledger& held, int64_t now) const {
  return search{*this, held, now}.run();
}

} // namespace hactor
