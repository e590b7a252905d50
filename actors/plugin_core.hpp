// The way of one job's plugins on one node, as its shell sees it: what they are asked, what they
// answer, who of them is to blame when their process dies or does not return. Called by
// actors/shell_plugins.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/framed_words.hpp"
#include "actors/plugin_protocol.hpp"

namespace hactor {

class plugin_core {
public:
  /// What a call causes, in order.
  struct effects {
    std::vector<plugin_word> words;         ///< For the process.
    std::vector<plugin_word> said;          ///< log and output: for the job's streams.
    std::optional<std::string> ready;       ///< shell.init is over; the options, "": as they were.
    std::optional<plugin_changes> prepared; ///< The tasks may be started, so changed.
    std::string failure;                    ///< The job is to end. "" when not.
    bool kill = false;                      ///< The process is to be ended.
  };

  /// `patience_ns`: how long a plugin may take to return.
  explicit plugin_core(int64_t patience_ns = 0) : patience_ns_{patience_ns} {}

  // What happens to the job, in this order.
  void begin(int64_t now_ns, const plugin_job& job, effects& out);
  void prepare(int64_t now_ns, const plugin_tasks& tasks, effects& out);
  void on_forked(int64_t now_ns, uint32_t rank, int32_t pid, effects& out);
  void on_started(int64_t now_ns, effects& out);
  void on_exited(int64_t now_ns, uint32_t rank, int32_t status, effects& out);
  /// All tasks have ended. Said once, however often it is called.
  void finish(int64_t now_ns, effects& out);

  /// What the process has written.
  void on_bytes(int64_t now_ns, std::string_view bytes, effects& out);
  /// The process has ended, and how; `well`: with exit code 0.
  void on_gone(const std::string& how, bool well, effects& out);
  /// The time has come that deadline_ns() said. `behind`: nobody reads what plugins say, since the
  /// disk does not keep up; one that has to wait for that is given its time anew.
  void on_deadline(int64_t now_ns, bool behind, effects& out);
  /// Nobody waits for the plugins any more; what becomes of their process is no news.
  void give_up(effects& out);

  /// When patience is lost with a plugin that has not returned, or with the process that has not
  /// ended after the last of them; 0: none is called.
  int64_t deadline_ns() const { return is_awaited() ? deadline_ns_ : 0; }
  /// True when there is no process any more.
  bool is_over() const { return over_; }

private:
  void ask(int64_t now_ns, plugin_word&& word, effects& out);
  void on_word(int64_t now_ns, plugin_word& word, effects& out);
  void give_time(int64_t now_ns);
  void fail(const std::string& why, effects& out);
  std::string who() const;
  bool is_awaited() const { return (asked_ > 0 || finishing_) && !over_ && !given_up_; }

  int64_t patience_ns_;
  int64_t deadline_ns_ = 0;
  int64_t heard_ns_ = 0;     // when the process has said something last
  bool looks_again_ = false; // the deadline was put off until it is known who makes whom wait
  uint32_t asked_ = 0;       // words without an answer
  bool finishing_ = false;
  bool given_up_ = false;
  bool over_ = false;
  std::string plugin_, topic_; // called last
  framed_reader<plugin_word> reader_;
};

} // namespace hactor
