// CONNECTOR: the clients of this rank's socket (doc/client-protocol.md). Frames come from the
// transport thread as messages; requests go to the actors that answer them. What a client follows
// (output, events, a command) is a stream with a number, by which the answers find it again.
// A client that reads slowly is sent nothing more until it has caught up: nothing piles up for it.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/client_json.hpp"
#include "actors/interfaces.hpp"
#include "actors/launch_plan.hpp"
#include "actors/rank_map.hpp"
#include "runtime/config.hpp"
#include "runtime/stream_socket.hpp"

namespace hactor {

/// What the connector is told at its start.
struct connector_setup {
  poller* sockets = nullptr; // outlives the actor system
  std::shared_ptr<config> attributes;
  rank_t rank = 0;
  uint32_t size = 1;
  uint32_t owner = 0;
  std::string uri;
  int64_t started_ns = 0;
  int64_t epoch_ns = 0; // of the instance: the same after a restart from its state directory
  broker_actor broker;
  ingest_actor ingest;
  exec_actor exec;
  events_actor events;
  std::vector<std::pair<std::string, caf::actor>> named; // of this rank, for stats
  rank_map where;    // of the instance's nodes
  rank_t broker_rank = 0; // this broker's in the system; `rank` is that in the instance
  // Of a nested instance only:
  std::string instance{};  // its path
  caf::actor nested{};     // the clients' connections are closed when it has ended
  rank_services lead{};    // its services
};

enum class client_frame_kind : uint8_t {
  request = 1,
  reply,
  error,
  item,
  lines,
  output,
  cancel,
  input,
  window,
  enter,
};

/// Something that a client follows.
class stream_eventlog;

struct client_stream {
  enum class what : uint8_t { attach, wait, wait_any, wait_event, eventlog, document, events,
                              command, kvs };

  what kind = what::wait;
  uint64_t session = 0;
  uint64_t tag = 0;
  job_id id;
  // wait_any
  std::string waiter; // whose wait it is, in connector_state::end_waiters
  bool all = false;
  // wait_event; eventlog, document: the key of what is watched, "" for all events
  std::string event_name;
  std::string shown; // document: the text that was sent last
  int64_t event_count = 1;
  // attach: one reader a broker that runs the job
  struct reader {
    uint64_t cursor = 0;
    uint64_t address = 0;
    bool busy = false; // a read is under way
    bool waits = false; // nothing there; output_ready will come
    bool done = false;
    uint64_t taken = 0; // of the standard input that was passed, in bytes
    std::optional<uint64_t> backlog; // the end of what was there when it first read
    std::string lost; // why it could not read to the end; "": it has, or still reads
  };
  bool wants_backlog = false; // the client is to know when it has all that was there before
  bool started = false;
  std::vector<input_request> held_input; // came before the job started
  uint64_t input_passed = 0;             // bytes that the client sent
  uint64_t input_taken = 0;              // of them the client knows that all tasks took them
  bool over = false;                     // the job is inactive
  bool ends = false;                     // all that can be read was; the reply is under way
  bool own = false;                      // the client has made the job: it comes when it can
  std::shared_ptr<const stream_eventlog> log; // in the place of output: lines; null: output
  bool follows = true;                        // log: later output is wanted, too
  launch_plan_ptr hides;                 // whose terminals are not shown; null: none are hidden
  std::map<rank_t, reader> readers;
  job_summary end;
  // command
  std::shared_ptr<const command_request> command;
  idset ranks_due;
  json statuses = json::object();
  json failures = json::object();
  std::vector<caf::response_promise> outputs; // not answered while the client is slow
  // events
  kvs_actor kvs_at;       // kvs: where it is watched
  events_actor events_at; // where it is subscribed
  bool tell_begin = false;
  int credits_owed = 0;
  uint64_t next_sequence = 0;

  // A client that heeds what it is told is never so far ahead (tools/attach.cpp).
  static constexpr uint64_t input_bytes_max = 4 << 20;
  bool is_ahead() const { return input_passed - input_taken > input_bytes_max; }
};

struct connector_state {
  static inline const char* name = "connector";
  using pointer = connector_actor::stateful_pointer<connector_state>;

  struct session {
    std::shared_ptr<stream_socket> socket;
    uint32_t userid = 0;
    int32_t pid = 0;                      // of the client; 0: unknown
    std::map<uint64_t, uint64_t> streams; // by the client's tag
    std::string waiter;                   // who it is among end_waiters; "": has not waited yet
    std::map<uint64_t, resize_request> grows; // by the client's tag: for what it waits
    scheduler_actor claims_at; // which ends what the client claimed, when that goes; or null
    std::vector<memo_request> memos; // take back the notes that go with the client
    // A client of an instance below (client_enter.cpp):
    connector_actor inside;            // it gets the frames
    bool entering = false;             // until it is known ...
    std::vector<client_frame> held;    // ... they wait here
    caf::error refusal;                // why there is none
  };

  pointer self = nullptr;
  connector_setup setup;
  int64_t started_steady_ns = 0; // setup.started_ns by the clock that nobody sets
  std::unordered_map<uint64_t, session> sessions;
  std::unordered_map<uint64_t, client_stream> streams;
  std::map<rank_t, rank_services> peers;
  std::map<job_id, connector_actor> nested; // of instances below, which this rank's clients use
  uint64_t last_stream = 0;
  /// Requests that have not been answered, by session and tag.
  struct open_call {
    std::string method;
    int64_t since_ns;
  };
  std::map<std::pair<uint64_t, uint64_t>, open_call> calls;
  int64_t requests = 0;
  uint64_t last_wish = 0; // resize_request.wish
  // What is asked of the job manager together (client_gather.cpp).
  struct wanted_summary {
    job_id id;
    std::function<void(job_summary&)> use;
    std::function<void(const caf::error&)> fail;
  };
  std::vector<uint64_t> to_follow; // streams, by number
  std::vector<wanted_summary> to_summarize;
  std::vector<job_id> waited; // clients were told of their ends
  /// Who waits for whichever jobs end, and who did. Its waits are answered one after the other.
  struct end_waiter {
    uint64_t session = 0; // its last one
    uint64_t tag = 0; // of its requests to the job manager, which knows it by that
    uint64_t asked = 0; // the number of its last stream
    std::deque<uint64_t> streams; // of the first the job manager is asked
  };
  std::map<std::string, end_waiter> end_waiters;
  bool gathers = false;       // ask_gathered is due

  /// Above this many bytes in its socket's queue a client is waited for.
  static constexpr size_t queued_bytes_max = 4 << 20;

  /// Bytes of lines that travel in one frame, unless one line has more.
  static constexpr size_t lines_bytes_per_frame = 1 << 20;

  void reply(uint64_t session, uint64_t tag, const json& value);
  void fail(uint64_t session, uint64_t tag, const caf::error& e);
  /// Lines of any length; of another kind what no frame holds is the error too_big in its place.
  void send(uint64_t session, client_frame_kind kind, uint64_t tag, std::string_view payload);
  /// True when the client does not keep up; client_drained follows when it has.
  bool is_slow(uint64_t session) const;
  uint64_t open_stream(client_stream s);
  void close_stream(uint64_t number);
  static void answer_outputs(client_stream& s);
  /// A client that is too far ahead of what its jobs take of its input is not read from.
  void heed_input(uint64_t session);
};

connector_actor::behavior_type connector_service(connector_state::pointer self,
                                                 connector_setup setup);

/// The frames of a client from here on, also those that were held.
void on_client_frame(connector_state::pointer self, const client_frame& f);

// -- nested instances (client_enter.cpp) ----------------------------------------------------------

/// The client means the instance of this path, "A/B", of which A is ours: its frames go there.
void enter_instance(connector_state::pointer self, uint64_t session, const std::string& path);
/// From the connector around: one of its clients.
void take_client(connector_state::pointer self, client_entered& e);
/// A connector of an instance below has ended; its clients are gone.
void on_nested_down(connector_state::pointer self, const caf::actor_addr& who);

// -- methods (client_methods.cpp) -----------------------------------------------------------------

/// One request of a client.
struct client_call {
  connector_state::pointer self;
  uint64_t session = 0;
  uint64_t tag = 0;
  uint32_t userid = 0;
};

using client_method = void (*)(const client_call& call, client_params& params);

/// Takes back notes beside jobs whose client has gone; those of jobs that have ended stay.
void withdraw_memos(connector_state::pointer self, std::vector<memo_request> memos);

/// Hands jobs to ingest and answers with their ids.
void submit_jobs(const client_call& call, std::vector<submission> jobs);

/// The method of this name; null when there is none.
client_method find_client_method(const std::string& name);
std::vector<std::string_view> client_method_names();

// -- streams (client_streams.cpp, client_attach.cpp) ----------------------------------------------

void start_attach(const client_call& call, client_params& params);
/// The same for guest.output, or guest.input, as an eventlog.
void start_stream_eventlog(const client_call& c, client_params& p, bool input, bool follow);
void start_wait(const client_call& call, client_params& params);
void start_wait_any(const client_call& call, client_params& params);
void start_wait_event(const client_call& call, client_params& params);
void start_eventlog(const client_call& call, client_params& params);
void start_watch(const client_call& c, client_params& p);
void start_events(const client_call& call, client_params& params);
void start_command(const client_call& call, client_params& params);

void watch_document(connector_state::pointer self, uint64_t number,
                    const std::vector<job_event>& events);
void on_job_events(connector_state::pointer self, uint64_t stream,
                   const std::vector<job_event>& events, const idset& ranks);
void on_output_ready(connector_state::pointer self, const output_ready& r);
/// A rank was lost: whoever reads output of it is told that this part is lost.
void readers_lost(connector_state::pointer self, rank_t rank);
/// The same of whoever runs a command there.
void commands_lost(connector_state::pointer self, rank_t rank);
void on_subscribed(connector_state::pointer self, subscribed_events& e);
void on_command_output(connector_state::pointer self, const command_output& o);
void on_command_ended(connector_state::pointer self, const command_ended& e);
/// Looks after the streams of a client that was slow.
void on_drained(connector_state::pointer self, uint64_t session);
/// Has `begin` ask the lead for what a stream is to follow, unless the client withdraws it before.
void follow_at_lead(connector_state::pointer self, uint64_t number,
                    std::function<void(client_stream&, const rank_services&)> begin);
/// Ends a stream with an error to its client.
void fail_stream(connector_state::pointer self, uint64_t number, const caf::error& e);
/// The client withdrew a stream or has gone: those who serve it are told.
void abandon_stream(connector_state::pointer self, uint64_t number);

// -- the key-value store (client_kvs.cpp) ---------------------------------------------------------

void start_kvs_watch(const client_call& call, client_params& params);
void on_kvs_changed(connector_state::pointer self, const kvs_changed& what);

/// Passes standard input on to the job's tasks, or holds it until they are there.
void pass_input(connector_state::pointer self, uint64_t number, uint32_t task, std::string bytes);
/// The same for the size of the client's terminal.
void pass_window(connector_state::pointer self, uint64_t number, uint16_t rows, uint16_t columns);
/// Tells the client how much it may send again.
void on_input_taken(connector_state::pointer self, const input_taken& t);

/// Reads on for an attached client (client_attach.cpp).
void pump_attach(connector_state::pointer self, uint64_t number);
void attach_events(connector_state::pointer self, uint64_t number,
                   const std::vector<job_event>& events, const idset& ranks);
/// The job of an attached client had ended when it came.
void hide_terminals(connector_state::pointer self, uint64_t number, const std::string& jobspec);

/// Calls `use` with the instance's services.
void with_lead(connector_state::pointer self, std::function<void(const rank_services&)> use,
               std::function<void(const caf::error&)> fail);

/// Calls `use` with the services of a broker, or answers the stream's client with the error.
void with_rank(connector_state::pointer self, rank_t rank,
               std::function<void(const rank_services&)> use,
               std::function<void(const caf::error&)> fail);

// -- what is asked for many clients together (client_gather.cpp) ----------------------------------

/// Follows the job of a stream from its first event on, or fails the stream.
void follow_job(connector_state::pointer self, uint64_t number);

/// Calls `use` with the summary of a job.
void with_summary(connector_state::pointer self, job_id id,
                  std::function<void(job_summary&)> use,
                  std::function<void(const caf::error&)> fail);

/// Asks for all that the two above have gathered.
void ask_gathered(connector_state::pointer self);

} // namespace hactor
