// Which instance of a 'hactor tree' may run which jobs, so that each runs once even when instances
// are lost. A job is run by a leaf only after all levels above have noted that it may have begun:
// leaves ask for the numbers that they can run soon, and are handed them. Of an instance that ends
// early the numbers that it was not handed go to others; those that it was are lost, and nobody
// runs them again. Words travel as lines of JSON: up on a child's standard output, down on its
// standard input. Pure. Caller: tree_leaf.cpp, tree_run.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/error.hpp"
#include "runtime/json.hpp"
#include "tools/job_set.hpp"

namespace hactor::tools {

/// What a child says: of itself and of all below it. Jobs are numbered from 0 in all of the tree.
struct tree_word {
  job_set want;        ///< Of its share: it asks to be handed these.
  job_set began;       ///< New ones.
  job_set ended;       ///< New ones.
  uint64_t failed = 0; ///< Of all that have ended.
  uint64_t room = 0;   ///< Its share is all handed out, and it could run so many more.

  bool empty() const { return want.empty() && began.empty() && ended.empty() && room == 0; }
};

/// What it is told.
struct tree_answer {
  job_set run;                 ///< Of what it wanted.
  std::optional<job_set> more; ///< To `room`: jobs of others; none: there are no such now.

  bool empty() const { return run.empty() && !more; }
};

/// One line each, without its end. Errors: ec::bad_json.
std::string to_line(const tree_word& word);
std::string to_line(const tree_answer& answer);
caf::expected<tree_word> read_word(const json& said);
caf::expected<tree_answer> read_answer(std::string_view line);

/// What a leaf may run, and what of it has begun and ended.
class tree_supply {
public:
  /// Requires: capacity > 0, the jobs that the leaf can run at once.
  tree_supply(uint64_t first, uint64_t jobs, uint64_t capacity);

  void take(const tree_answer& answer);

  /// What may be run from here on, each given out once.
  job_set take_handed() { return std::exchange(handed_, {}); }

  void began(uint64_t job);
  void ended(uint64_t job, bool well);

  /// What is to be said above, if anything. It asks for what fits beside what it has and has not
  /// ended, and for as many as have ended lately: short jobs do not wait for the way up.
  tree_word take_word(int64_t now_ns);

  /// All of its share and all that it was handed has ended.
  bool idle() const;

  /// And nobody had more for it then.
  bool over() const { return idle() && none_when_idle_; }

private:
  uint64_t open() const { return taken_ - ended_; }

  uint64_t capacity_;
  job_set own_;                    // not asked for
  job_set handed_;                 // not given out
  uint64_t taken_ = 0, ended_ = 0; // counts of all
  uint64_t asked_ = 0;             // wanted, and not handed yet
  bool asks_room_ = false;         // and has no answer
  bool none_ = false;              // was the last answer
  bool none_when_idle_ = false;    // and nothing ran any more when it was asked
  bool asked_idle_ = false;
  job_set new_begun_, new_ended_;
  uint64_t failed_ = 0;
  int64_t window_ns_ = 0;                      // began then
  uint64_t window_ended_ = 0, last_ended_ = 0; // in this one and in the last
};

/// What a child has not run when it ended, and what became of the rest.
struct tree_loss {
  uint64_t ended = 0, failed = 0; ///< As far as it has told.
  uint64_t running = 0;           ///< Had begun and not ended.
  uint64_t unknown = 0;           ///< It was handed these and has not told that they began.
};

/// What a level deals out to its children.
class tree_deal {
public:
  /// `top`: nobody is above who would have to be asked.
  explicit tree_deal(bool top) : top_(top) {}

  /// A child whose share are these jobs; its number, from 0.
  size_t add(uint64_t first, uint64_t jobs);

  void told(size_t child, const tree_word& word);
  void take(const tree_answer& answer); ///< From above.

  /// The child's job has ended. What it was not handed waits for others.
  tree_loss lost(size_t child);

  /// From here on nobody is handed anything.
  void stop() { stopped_ = true; }

  /// What is to be said to children, and above.
  std::vector<std::pair<size_t, tree_answer>> take_answers();
  tree_word take_word();

  const job_set& pool() const { return pool_; }
  uint64_t ended() const; ///< Of all, as far as told.
  bool alone() const;     ///< No child is left.

private:
  struct member {
    job_set own;      // neither wanted nor handed
    job_set wanted;   // above does not know yet
    job_set promised; // of these: in answer to its room
    job_set handed, began, ended;
    uint64_t failed = 0;
    uint64_t room = 0; // that it has asked for, unanswered
    bool left = false;
    tree_answer answer;
  };

  void hand(member& m, const job_set& jobs, bool more);
  job_set ask_for(member& m, const job_set& jobs); ///< What of it all above know of already.
  void serve();

  bool top_, stopped_ = false;
  std::vector<member> members_;
  job_set pool_;    // jobs of those that were lost
  job_set allowed_; // handed to this level, and to no child
  job_set asking_;  // above does not know yet, whoever is to run it
  tree_word up_;
  bool asks_room_ = false; // above, and has no answer
};

} // namespace hactor::tools
