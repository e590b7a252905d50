// INSTANCE: a running hactor as actors of users see it: takes the messages of workflow.hpp, and
// speaks the client protocol (doc/client-protocol.md) over sockets. Requests share one line; every
// subscription has a line of its own, so that a subscriber that is slow holds up nothing else: its
// line is not read, and the broker sends no more. A line that is new asks who is there before it
// asks for anything else. Callers: connect(), and modules within a broker.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include "runtime/json.hpp"
#include "runtime/stream_socket.hpp"
#include "workflow/event_reader.hpp"
#include "workflow/frame.hpp"
#include "workflow/job_writer.hpp"

namespace hactor::workflow {

/// INTERNAL, from the thread of the sockets.
struct line_frame {
  uint64_t line = 0;
  uint8_t kind = 0;
  uint64_t tag = 0;
  std::string payload;

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, line_frame& x) {
    return f(x.line, x.kind, x.tag, x.payload);
  }
};

struct line_closed {
  uint64_t line = 0;
  caf::error why;

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, line_closed& x) {
    return f(x.line, x.why);
  }
};

} // namespace hactor::workflow

CAF_BEGIN_TYPE_ID_BLOCK(hactor_workflow_lines, 30100)
  CAF_ADD_TYPE_ID(hactor_workflow_lines, (hactor::workflow::line_frame))
  CAF_ADD_TYPE_ID(hactor_workflow_lines, (hactor::workflow::line_closed))
CAF_END_TYPE_ID_BLOCK(hactor_workflow_lines)

namespace hactor::workflow {

using instance_service_actor =
    instance_actor::extend<caf::reacts_to<line_frame>, caf::reacts_to<line_closed>,
                           // INTERNAL: dial again; give up on who does not answer.
                           caf::reacts_to<caf::tick_atom>>;

struct instance_setup {
  std::function<caf::expected<int>()> dial; // a connected stream socket, which the caller owns
  poller* sockets = nullptr;
  std::shared_ptr<void> keep; // what must live as long as `sockets`
  double reconnect_s = 0;
  environment_map environment; // that jobs inherit
  std::string cwd;
};

/// One connection to the broker, or the wish to have one.
struct instance_line {
  uint64_t number = 0; // 0: not connected
  std::shared_ptr<stream_socket> socket;
  bool ready = false;   // the instance that we mean has answered
  int64_t since_ns = 0; // of the dialling; without a socket: of the loss
};

struct instance_state {
  static inline const char* name = "hactor.instance";
  using pointer = instance_service_actor::stateful_pointer<instance_state>;

  /// A question on the way. `on_part` gets what comes before the answer.
  struct open_request {
    std::string text;
    bool again = false; // may be asked again over a new line
    std::function<void(caf::expected<json>)> on_end;
    std::function<void(frame_kind, std::string_view)> on_part;
  };

  struct subscription {
    subscription(const subscribe_request& r) : wanted{r}, choice{r.states, r.names} {}

    subscribe_request wanted;
    event_choice choice;
    instance_line line;
    caf::typed_response_promise<subscribe_reply> begun_reply;
    bool begun = false;
    uint64_t next = 0; // of the events that have come
    uint64_t lost = 0; // to be told with the next batch
    std::deque<job_events> waiting;
    int under_way = 0;
    bool paused = false;
    bool is_over = false; // `why` is told when all that waits was taken
    caf::error why;
  };

  explicit instance_state(pointer self) : self{self} {}
  ~instance_state();

  // -- lines (instance.cpp); their owner: 0 for requests, or the number of a subscription ---------
  caf::error dial(instance_line& line, uint64_t owner);
  void hang_up(instance_line& line);
  void on_frame(const line_frame& f);
  void on_closed(const line_closed& c);
  void on_tick();
  instance_line* line_of(uint64_t owner);
  void on_hello(instance_line& line, uint64_t owner, frame_kind kind, std::string_view payload);
  void on_lost(uint64_t owner, const caf::error& why);
  void give_up(uint64_t owner, const caf::error& why);
  void want_tick(int64_t ms);

  // -- requests (instance.cpp) --------------------------------------------------------------------
  /// Returns the tag.
  uint64_t ask(std::string text, bool again, std::function<void(caf::expected<json>)> on_end,
               std::function<void(frame_kind, std::string_view)> on_part = {});
  void send_request(uint64_t tag, open_request& r);
  void send_requests();
  void on_answer(const line_frame& f);

  // -- subscriptions (instance_streams.cpp) -------------------------------------------------------
  caf::result<subscribe_reply> subscribe(const subscribe_request& r);
  void ask_for_events(subscription& s);
  void on_stream_frame(uint64_t number, subscription& s, const line_frame& f);
  void on_lines(uint64_t number, subscription& s, std::string_view text);
  void pump(uint64_t number);
  void end_subscription(uint64_t number, const caf::error& why);
  void drop(uint64_t number);
  void on_down(const caf::actor_addr& who);

  pointer self;
  instance_setup setup;
  std::optional<job_writer> writer;
  std::string identity;                          // of the instance that answered first
  std::unordered_map<uint64_t, uint64_t> owners; // by the numbers of lines
  uint64_t last_line = 0;
  bool ticking = false;

  instance_line control;
  std::map<uint64_t, open_request> requests; // by tag, in the order of their coming
  uint64_t last_tag = 0;

  std::map<uint64_t, subscription> subscriptions;
  uint64_t last_subscription = 0;
};

instance_service_actor::behavior_type instance_service(instance_state::pointer self,
                                                       instance_setup setup);

} // namespace hactor::workflow
