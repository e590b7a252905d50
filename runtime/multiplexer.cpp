// See multiplexer.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/multiplexer.hpp"

#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/defaults.hpp>
#include <caf/io/datagram_servant.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>

#include "runtime/clock.hpp"
#include "runtime/here.hpp"

namespace hactor {

namespace {

thread_local caf::execution_unit* here = nullptr; // what unit_here answers

/// Messages taken before what they caused is sent: a bound on the delay of replies.
constexpr int receive_batch = 32;

/// Between two looks while a transfer waits for us to push it on.
constexpr int64_t pending_nap_ns = 20'000;

/// A look at peers elsewhere costs 20 us: at one each millisecond, 2 % of a core. After so many
/// naps without work they are this much longer, and an idle broker costs half a percent.
constexpr uint32_t quiet_naps = 100;
constexpr int64_t quiet_factor = 4;

/// Busy steps between two looks at the sockets.
constexpr uint64_t poll_interval = 4;

constexpr std::string_view host_prefix = "rank-";

std::optional<rank_t> parse_host(std::string_view host, uint32_t size) {
  if (!host.starts_with(host_prefix))
    return {};
  rank_t result = 0;
  auto end = host.data() + host.size();
  auto [rest, error] = std::from_chars(host.data() + host_prefix.size(), end, result);
  if (error != std::errc{} || rest != end || result >= size)
    return {};
  return result;
}

int64_t longest_local_spin_ns(const transport& t) {
  auto ranks = t.node_ranks().size();
  auto cores = std::max<int64_t>(sysconf(_SC_NPROCESSORS_ONLN), 1);
  return ranks > 1 && ranks <= static_cast<size_t>(cores) ? t.options().local_spin_ns : 0;
}

} // namespace

caf::execution_unit* unit_here() noexcept {
  return here;
}

multiplexer::multiplexer(caf::actor_system* system, transport& t)
  : caf::io::network::multiplexer(system),
    transport_(t),
    throughput_max_(caf::get_or(system->config(), "scheduler.max-throughput",
                                caf::defaults::scheduler::max_throughput)),
    guests_(*system, *this),
    hung_up_(t.size()),
    spoken_to_(t.size(), false),
    local_spin_(longest_local_spin_ns(t)),
    own_thread_{[&t] { t.poller().wake(); }} {
  transport_.set_multiplexer_listener([this](rank_t peer) { on_peer_lost(peer); });
}

multiplexer::~multiplexer() {
  transport_.set_multiplexer_listener(nullptr);
  for (auto p : shared_)
    caf::scheduler::abstract_coordinator::cleanup_and_release(p);
  for (auto p : local_)
    caf::scheduler::abstract_coordinator::cleanup_and_release(p);
}

// -- making connections and listeners ----------------------------------------------------------

caf::expected<caf::io::scribe_ptr> multiplexer::new_tcp_scribe(const std::string& host,
                                                               uint16_t port) {
  auto peer = parse_host(host, transport_.size());
  if (!peer || *peer == transport_.rank() || transport_.is_lost(*peer))
    return caf::sec::cannot_connect_to_node;
  auto key = uint64_t{transport_.rank()} << 40 | next_key_.fetch_add(1);
  caf::io::scribe_ptr result;
  result = caf::make_counted<connection>(*this, next_handle_.fetch_add(1), *peer, key, true, port);
  return result;
}

caf::expected<caf::io::doorman_ptr> multiplexer::new_tcp_doorman(uint16_t port, const char*,
                                                                 bool) {
  std::lock_guard guard{mutex_};
  if (port == 0)
    while (ports_.count(port = next_port_--) != 0 || port == 0) {
    }
  if (!ports_.insert(port).second)
    return caf::sec::cannot_open_port;
  caf::io::doorman_ptr result;
  result = caf::make_counted<listener>(*this, next_handle_.fetch_add(1), port);
  return result;
}

// Sockets of actors are no part of this backend: hactor's own sockets are on the poller.
caf::io::scribe_ptr multiplexer::new_scribe(caf::io::network::native_socket) {
  HACTOR_CHECK(!"no scribe from a socket");
  return nullptr;
}

caf::io::doorman_ptr multiplexer::new_doorman(caf::io::network::native_socket) {
  HACTOR_CHECK(!"no doorman from a socket");
  return nullptr;
}

caf::io::datagram_servant_ptr
multiplexer::new_datagram_servant(caf::io::network::native_socket) {
  HACTOR_CHECK(!"no datagrams");
  return nullptr;
}

caf::io::datagram_servant_ptr
multiplexer::new_datagram_servant_for_endpoint(caf::io::network::native_socket,
                                               const caf::io::network::ip_endpoint&) {
  HACTOR_CHECK(!"no datagrams");
  return nullptr;
}

caf::expected<caf::io::datagram_servant_ptr>
multiplexer::new_remote_udp_endpoint(const std::string&, uint16_t) {
  return caf::sec::feature_disabled;
}

caf::expected<caf::io::datagram_servant_ptr>
multiplexer::new_local_udp_endpoint(uint16_t, const char*, bool) {
  return caf::sec::feature_disabled;
}

// -- the loop ------------------------------------------------------------------------------------

multiplexer::supervisor_ptr multiplexer::make_supervisor() {
  struct guard final : supervisor {
    explicit guard(multiplexer* m) : owner(m) {}
    ~guard() override {
      owner->dispatch([m = owner] { m->stopping_ = true; });
    }
    multiplexer* owner;
  };
  return supervisor_ptr{new guard(this)};
}

void multiplexer::exec_later(caf::resumable* what) {
  switch (what->subtype()) {
    case caf::resumable::io_actor:
    case caf::resumable::function_object:
      break;
    default:
      if (std::this_thread::get_id() == thread_id())
        guests_.add(what);
      else
        system().scheduler().enqueue(what);
      return;
  }
  if (std::this_thread::get_id() == thread_id()) {
    local_.push_back(what);
    return;
  }
  {
    std::lock_guard guard{mutex_};
    shared_.push_back(what);
    queued_.store(1, std::memory_order_seq_cst);
  }
  transport_.poller().wake();
}

void multiplexer::run_once() {
  while (!step())
    idle();
}

void multiplexer::run() {
  pthread_setname_np(pthread_self(), "hactor-io");
  prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0); // naps of 20 us would last 70
  here = this;
  uint64_t busy = 0;
  while (!stopping_ || has_queued()) {
    if (!step()) {
      idle();
      continue;
    }
    idle_since_ns_ = 0;
    naps_ = 0;
    local_spin_.found();
    if (++busy % poll_interval == 0)
      transport_.poller().poll(0);
  }
  farewell();
  here = nullptr;
}

// One round. Returns whether there was anything to do.
bool multiplexer::step() {
  ++counts_.loops;
  bool busy = transport_.poller().run_posted();
  busy |= run_queue();
  busy |= ship_dirty();
  busy |= receive();
  busy |= guests_.run();
  busy |= ship_dirty(); // replies by handlers of what was received
  transport_.wire().progress();
  return busy;
}

bool multiplexer::run_queue() {
  if (queued_.load(std::memory_order_acquire) != 0) {
    std::lock_guard guard{mutex_};
    queued_.store(0, std::memory_order_seq_cst);
    local_.insert(local_.end(), shared_.begin(), shared_.end());
    shared_.clear();
  }
  if (local_.empty())
    return false;
  batch_.swap(local_);
  for (auto p : batch_) {
    switch (p->resume(this, throughput_max_)) {
      case caf::resumable::resume_later:
        local_.push_back(p);
        break;
      case caf::resumable::shutdown_execution_unit:
        break;
      default:
        caf::intrusive_ptr_release(p);
    }
  }
  batch_.clear();
  return true;
}

bool multiplexer::ship_dirty() {
  if (dirty_.empty())
    return false;
  std::vector<connection_ptr> all;
  all.swap(dirty_);
  for (auto& c : all)
    if (!c->is_closed())
      c->ship();
  return true;
}

bool multiplexer::receive() {
  wire_message m;
  for (int i = 0; i < receive_batch; ++i) {
    if (!transport_.wire().try_receive(m))
      return i > 0;
    ++counts_.messages_received;
    counts_.bytes_received += m.bytes.size();
    handle(m);
    transport_.wire().give_buffer(std::move(m.bytes));
  }
  return true;
}

/// Looks again for a while, or sleeps until there is something to do.
void multiplexer::idle() {
  auto now = steady_ns();
  if (idle_since_ns_ == 0)
    idle_since_ns_ = now;
  auto& p = transport_.poller();
  auto idle_ns = now - idle_since_ns_;
  if (transport_.all_ring() ? local_spin_.go_on(idle_ns)
                            : idle_ns < transport_.options().remote_spin_ns) {
    if (++looks_ % poll_interval == 0 && p.poll(0))
      idle_since_ns_ = 0;
    sched_yield(); // a peer or a task may need this core
    return;
  }
  local_spin_.gave_up();
  p.own_bell()->about_to_sleep();
  // From here on whoever brings work rings; what came before is found by this last look.
  if (step()) {
    p.own_bell()->awake();
    idle_since_ns_ = 0;
    naps_ = 0;
    return;
  }
  ++counts_.sleeps;
  auto begin = steady_ns();
  auto nap = nap_ns();
  if (auto again = on_idle_thread(); again >= 0)
    nap = nap < 0 ? again : std::min(nap, again);
  if (p.poll(nap))
    local_spin_.woken_after(steady_ns() - begin);
  p.own_bell()->awake();
}

int64_t multiplexer::nap_ns() {
  if (transport_.size() == 1 || transport_.wire().wake_fd() >= 0)
    return -1;
  if (transport_.wire().has_pending())
    return pending_nap_ns;
  ++naps_;
  if (!transport_.all_ring()) {
    auto doubled = pending_nap_ns << std::min(naps_, 16u);
    auto longest = transport_.options().remote_nap_ns_max;
    return std::min(doubled, naps_ > quiet_naps ? quiet_factor * longest : longest);
  }
  // The bell tells all. But an MPI may owe a peer something that only calls into it deliver: it
  // gets a few, ever less often.
  constexpr int64_t ms = 1'000'000;
  return naps_ == 1 ? ms : naps_ == 2 ? 10 * ms : naps_ == 3 ? 100 * ms : 1000 * ms;
}

// -- what arrives --------------------------------------------------------------------------------

void multiplexer::handle(wire_message& m) {
  HACTOR_CHECK(m.bytes.size() >= sizeof(frame));
  auto f = read_frame(m.bytes);
  switch (f.kind) {
    case frame_kind::connect:
      on_connect(m.peer, f);
      break;
    case frame_kind::data:
      on_data(m, f);
      break;
    case frame_kind::fin:
      on_fin(f);
      break;
    case frame_kind::goodbye:
      transport_.note_goodbye(m.peer);
      break;
    default:
      HACTOR_CHECK(!"a frame of an unknown kind");
  }
}

void multiplexer::on_connect(rank_t from, const frame& f) {
  auto i = listeners_.find(f.port);
  if (i == listeners_.end()) {
    send_frame(from, frame{frame_kind::fin, 0, 1, 0, f.key});
    return;
  }
  listener_ptr where = i->second;
  where->accept(
    caf::make_counted<connection>(*this, next_handle_.fetch_add(1), from, f.key, false, f.port));
}

void multiplexer::on_data(const wire_message& m, const frame& f) {
  auto end = end_of(f.key, f.to_initiator != 0);
  connection_ptr to;
  if (auto i = connections_.find(end); i != connections_.end()) {
    to = i->second;
    to->set_known();
  } else if (hung_up_ends_.count(end) != 0) { // never for a connection that we refused
    to = stand_in(m.peer);
  }
  if (!to)
    return;
  auto bytes = m.bytes.data() + sizeof(frame);
  auto size = m.bytes.size() - sizeof(frame);
  auto rest = to->feed(bytes, size);
  if (rest > 0)
    if (auto other = stand_in(m.peer))
      other->feed(bytes + size - rest, rest);
}

void multiplexer::on_fin(const frame& f) {
  auto i = connections_.find(end_of(f.key, f.to_initiator != 0));
  if (i == connections_.end())
    return;
  connection_ptr ended = i->second;
  connections_.erase(i);
  ended->fail();
}

void multiplexer::on_peer_lost(rank_t peer) {
  std::vector<connection_ptr> all;
  for (auto& [end, c] : connections_)
    if (c->peer() == peer)
      all.push_back(c);
  for (auto& c : all) {
    forget(*c);
    c->fail();
  }
}

connection_ptr multiplexer::stand_in(rank_t peer) {
  for (auto& [end, c] : connections_)
    if (c->peer() == peer && c->can_stand_in()) {
      ++counts_.rerouted;
      return c;
    }
  ++counts_.dropped;
  return nullptr;
}

// -- what connections and listeners ask for ------------------------------------------------------

void multiplexer::add(connection* c) {
  connections_[end_of(c->key(), c->is_initiator())] = c;
}

void multiplexer::forget(connection& c) {
  connections_.erase(end_of(c.key(), c.is_initiator()));
}

void multiplexer::hang_up(connection& c) {
  auto peer = c.peer();
  auto& fins = hung_up_[peer];
  fins.push_back(
    frame{frame_kind::fin, 0, static_cast<uint8_t>(c.is_initiator() ? 0 : 1), 0, c.key()});
  hung_up_ends_.insert(end_of(c.key(), c.is_initiator()));
  for (auto& [end, other] : connections_)
    if (other->peer() == peer)
      return;
  for (auto& f : fins) {
    send_frame(peer, f);
    hung_up_ends_.erase(end_of(f.key, f.to_initiator == 0));
  }
  fins.clear();
}

void multiplexer::send(rank_t peer, wire_buffer bytes) {
  spoken_to_[peer] = true;
  ++counts_.messages_sent;
  counts_.bytes_sent += bytes.size();
  transport_.send(peer, std::move(bytes));
}

void multiplexer::send_frame(rank_t peer, const frame& f) {
  ship_dirty(); // what was written before goes first
  auto bytes = take_buffer();
  write_frame(bytes, f);
  send(peer, std::move(bytes));
}

void multiplexer::listen(uint16_t port, listener* l) {
  if (l != nullptr)
    listeners_[port] = l;
  else
    listeners_.erase(port);
}

void multiplexer::free_port(uint16_t port) {
  listeners_.erase(port);
  std::lock_guard guard{mutex_};
  ports_.erase(port);
}

// -- the end -------------------------------------------------------------------------------------

// Every rank says goodbye to each peer that it ever spoke to with a synchronous send, so that all
// that it sent before has been received; then all pass a barrier, still receiving (the NBX scheme).
void multiplexer::farewell() {
  auto deadline = steady_ns() + transport_.options().goodbye_ns_max;
  while (!dirty_.empty() || !guests_.empty() || has_queued())
    step();
  say_goodbye();
  auto& w = transport_.wire();
  while (w.has_pending() && steady_ns() < deadline)
    farewell_step();
  // After a death no barrier completes. The living wait for each other's goodbyes: who leaves
  // early takes what it was sent with it.
  if (transport_.lost_count() == 0 && !w.has_pending())
    pass_barrier(deadline);
}

void multiplexer::say_goodbye() {
  for (rank_t r = 0; r < transport_.size(); ++r) {
    if (!spoken_to_[r] || r == transport_.rank())
      continue;
    wire_buffer bytes;
    write_frame(bytes, frame{frame_kind::goodbye, 0, 0, 0, 0});
    transport_.send_synchronously(r, std::move(bytes));
  }
}

void multiplexer::pass_barrier(int64_t deadline) {
  auto& w = transport_.wire();
  if (!w.barrier_begin())
    return;
  bool passed = w.barrier_done();
  while (!passed && transport_.lost_count() == 0 && steady_ns() < deadline) {
    farewell_step();
    passed = w.barrier_done();
  }
  if (passed)
    transport_.set_clean();
}

bool multiplexer::farewell_step() {
  bool busy = step();
  transport_.poller().poll(busy ? 0 : pending_nap_ns);
  return busy;
}

} // namespace hactor
