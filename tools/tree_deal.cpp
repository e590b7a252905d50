// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/tree_deal.hpp"

#include <algorithm>

#include "tools/client.hpp"

namespace hactor::tools {

namespace {

/// What a leaf ends in this time it may have beyond what it can run at once: longer than the way
/// up and down takes.
constexpr int64_t window_ns = 100'000'000;

caf::expected<job_set> jobs_at(const json& j, const char* key) {
  return job_set::parse(text_at(j, key));
}

uint64_t count_at(const json& j, const char* key) {
  return static_cast<uint64_t>(std::max(number_at(j, key), 0.0));
}

} // namespace

std::string to_line(const tree_word& word) {
  auto j = json::object();
  for (auto& [key, jobs] :
       {std::pair{"want", &word.want}, {"began", &word.began}, {"ended", &word.ended}})
    if (!jobs->empty())
      j[key] = jobs->to_string();
  for (auto& [key, n] : {std::pair{"failed", word.failed}, {"room", word.room}})
    if (n > 0)
      j[key] = n;
  return dump({{"word", std::move(j)}});
}

std::string to_line(const tree_answer& answer) {
  auto j = json::object();
  if (!answer.run.empty())
    j["run"] = answer.run.to_string();
  if (answer.more)
    j["more"] = answer.more->to_string();
  return dump(j);
}

caf::expected<tree_word> read_word(const json& said) {
  tree_word word;
  for (auto& [key, to] :
       {std::pair{"want", &word.want}, {"began", &word.began}, {"ended", &word.ended}}) {
    auto jobs = jobs_at(said, key);
    if (!jobs)
      return std::move(jobs.error());
    *to = std::move(*jobs);
  }
  word.failed = count_at(said, "failed");
  word.room = count_at(said, "room");
  return word;
}

caf::expected<tree_answer> read_answer(std::string_view line) {
  auto j = parse_object(line);
  if (!j)
    return std::move(j.error());
  tree_answer answer;
  auto run = jobs_at(*j, "run");
  auto more = jobs_at(*j, "more");
  for (auto* jobs : {&run, &more})
    if (!*jobs)
      return std::move(jobs->error());
  answer.run = std::move(*run);
  if (!object_at(*j, "more").is_null())
    answer.more = std::move(*more);
  return answer;
}

// -- a leaf ---------------------------------------------------------------------------------------

tree_supply::tree_supply(uint64_t first, uint64_t jobs, uint64_t capacity) : capacity_(capacity) {
  if (jobs > 0)
    own_ = {first, jobs};
}

void tree_supply::take(const tree_answer& answer) {
  handed_ += answer.run;
  taken_ += answer.run.size();
  asked_ -= std::min<uint64_t>(asked_, answer.run.size());
  if (!answer.more)
    return;
  asks_room_ = false;
  handed_ += *answer.more;
  taken_ += answer.more->size();
  none_ = answer.more->empty();
  none_when_idle_ = none_ && asked_idle_;
}

void tree_supply::began(uint64_t job) { new_begun_.add({job, job + 1}); }

void tree_supply::ended(uint64_t job, bool well) {
  new_ended_.add({job, job + 1});
  ++ended_;
  ++window_ended_;
  failed_ += well ? 0 : 1;
}

tree_word tree_supply::take_word(int64_t now_ns) {
  if (auto passed = now_ns - window_ns_; passed >= window_ns) {
    last_ended_ = window_ended_ * window_ns / static_cast<uint64_t>(passed);
    window_ended_ = 0;
    window_ns_ = now_ns;
  }
  tree_word word;
  auto goal = capacity_ + std::max(last_ended_, window_ended_);
  auto has = open() + asked_;
  auto fits = goal > has ? goal - has : 0;
  word.want = own_.take_first(fits);
  asked_ += word.want.size();
  fits -= word.want.size();
  if (fits > 0 && !asks_room_ && (!none_ || (idle() && !none_when_idle_))) {
    word.room = fits;
    asks_room_ = true;
    asked_idle_ = idle();
  }
  word.began = std::exchange(new_begun_, {});
  word.ended = std::exchange(new_ended_, {});
  word.failed = failed_;
  return word;
}

bool tree_supply::idle() const { return own_.empty() && asked_ == 0 && open() == 0; }

// -- a level --------------------------------------------------------------------------------------

size_t tree_deal::add(uint64_t first, uint64_t jobs) {
  members_.emplace_back();
  if (jobs > 0)
    members_.back().own = {first, jobs};
  return members_.size() - 1;
}

void tree_deal::hand(member& m, const job_set& jobs, bool more) {
  m.handed += jobs;
  if (!more)
    m.answer.run += jobs;
  else if (m.answer.more)
    *m.answer.more += jobs;
  else
    m.answer.more = jobs;
}

/// `jobs` shall be the child's, once all above know.
job_set tree_deal::ask_for(member& m, const job_set& jobs) {
  auto known = top_ ? jobs : jobs & allowed_;
  allowed_ -= known;
  auto unknown = jobs - known;
  m.wanted += unknown;
  up_.want += unknown - asking_;
  asking_ += unknown;
  return known;
}

void tree_deal::told(size_t child, const tree_word& word) {
  auto& m = members_[child];
  if (m.left)
    return;
  auto began = word.began & m.handed;
  auto ended = word.ended & m.handed;
  m.began += began;
  m.ended += ended;
  m.failed = word.failed;
  if (!top_) {
    up_.began += began;
    up_.ended += ended;
  }
  if (auto wants = word.want & m.own; !wants.empty() && !stopped_) {
    m.own -= wants;
    hand(m, ask_for(m, wants), false);
  }
  if (word.room > 0)
    m.room = word.room;
  serve();
}

/// Who has room is given what others have left.
void tree_deal::serve() {
  uint64_t open = 0;
  for (auto& m : members_) {
    if (m.left || m.room == 0)
      continue;
    auto jobs = stopped_ ? job_set{} : pool_.take_first(m.room);
    if (jobs.empty() && !top_ && !stopped_) {
      open += m.room;
      continue;
    }
    m.room = 0;
    auto known = ask_for(m, jobs);
    m.promised += jobs - known;
    if (!known.empty() || jobs.empty())
      hand(m, known, true);
  }
  if (!asks_room_)
    up_.room = open;
}

void tree_deal::take(const tree_answer& answer) {
  asking_ -= answer.run;
  auto run = answer.run;
  for (auto& m : members_) {
    auto jobs = run & m.wanted;
    if (m.left || jobs.empty())
      continue;
    run -= jobs;
    m.wanted -= jobs;
    auto promised = jobs & m.promised;
    m.promised -= promised;
    hand(m, jobs - promised, false);
    if (!promised.empty())
      hand(m, promised, true);
  }
  // Whoever wanted these is lost.
  pool_ += run;
  allowed_ += run;
  if (!answer.more) {
    serve();
    return;
  }
  asks_room_ = false;
  pool_ += *answer.more;
  allowed_ += *answer.more;
  serve();
  up_.room = 0;
  for (auto& m : members_)
    if (!m.left && std::exchange(m.room, 0) > 0)
      hand(m, {}, true);
}

tree_loss tree_deal::lost(size_t child) {
  auto& m = members_[child];
  if (m.left)
    return {};
  m.left = true;
  pool_ += m.own;
  pool_ += m.wanted;
  m.own = m.wanted = m.promised = {};
  tree_loss loss;
  loss.ended = m.ended.size();
  loss.failed = m.failed;
  loss.running = (m.began - m.ended).size();
  loss.unknown = m.handed.size() - loss.ended - loss.running;
  serve();
  return loss;
}

std::vector<std::pair<size_t, tree_answer>> tree_deal::take_answers() {
  std::vector<std::pair<size_t, tree_answer>> answers;
  for (size_t i = 0; i < members_.size(); ++i)
    if (auto& m = members_[i]; !m.left && !m.answer.empty())
      answers.emplace_back(i, std::exchange(m.answer, {}));
  return answers;
}

tree_word tree_deal::take_word() {
  auto word = std::exchange(up_, {});
  for (auto& m : members_)
    word.failed += m.failed;
  asks_room_ = asks_room_ || word.room > 0;
  return word;
}

uint64_t tree_deal::ended() const {
  uint64_t n = 0;
  for (auto& m : members_)
    n += m.ended.size();
  return n;
}

bool tree_deal::alone() const {
  return std::all_of(members_.begin(), members_.end(), [](auto& m) { return m.left; });
}

} // namespace hactor::tools
