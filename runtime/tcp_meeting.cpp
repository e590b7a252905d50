// See tcp_wire_impl.hpp: how the ranks of an instance over TCP meet, and the calls that all of them
// make together, which go by way of the lead. Before the transport thread runs these block, under
// deadlines.
//
//   a follower -> lead  join    as join_request
//   lead -> follower    refused {why}, or, once all are there,
//                       table   as seating
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "runtime/clock.hpp"
#include "runtime/hostlist.hpp"
#include "runtime/log.hpp"
#include "runtime/packed.hpp"
#include "runtime/tcp_wire_impl.hpp"

namespace hactor {

namespace {

/// Between two tries to reach a lead that is not there yet.
constexpr int try_again_ms = 50;

/// For one try: an address that swallows everything must not keep us from the next one.
constexpr int64_t try_ns_max = 5'000'000'000;

/// A home folder on a network file system may show the lead's new key this much later.
constexpr int64_t key_ns_max = 5'000'000'000;

/// What a follower waits longer than the lead, so that it hears of the lead's patience's end.
constexpr int64_t table_extra_ns = 10'000'000'000;

/// For an allgather; in between, the lead may read the journal of a large instance.
constexpr int64_t allgather_ns_max = 600'000'000'000;

/// How long the last words to those that are refused may take.
constexpr int64_t last_words_ns = 1'000'000'000;

struct join_request {
  uint32_t size = 0;
  int32_t rank = -1; // -1: any
  uint16_t port = 0; // where it listens
  std::string name;  // of its host

  template <class Archive>
  void serialize(Archive& a) {
    a(size, rank, port, name);
  }
};

struct seat {
  uint16_t port = 0;
  std::string host; // as a number, as the lead saw it; empty on the lead's host
  std::string name;

  template <class Archive>
  void serialize(Archive& a) {
    a(port, host, name);
  }
};

struct seating {
  tcp_instance instance{};
  uint32_t rank = 0; // of whom it is sent to
  std::vector<seat> seats;

  template <class Archive>
  void serialize(Archive& a) {
    a(instance, rank, seats);
  }
};

wire_buffer to_bytes(const std::string& text) { return {text.begin(), text.end()}; }
std::string to_text(const wire_buffer& bytes) { return {bytes.begin(), bytes.end()}; }

/// A host's name as lists of hosts take it.
std::string one_word(std::string name) {
  std::erase_if(name, [](char c) { return static_cast<unsigned char>(c) <= ' '; });
  return name.empty() ? "unnamed" : name;
}

/// True when something listens there: then the lead has its key.
bool is_listening(const tcp_address& at) {
  auto fd = begin_connect(at);
  if (!fd)
    return false;
  pollfd ready{*fd, POLLOUT, 0};
  int problem = 1;
  socklen_t size = sizeof problem;
  if (::poll(&ready, 1, 1000) == 1)
    ::getsockopt(*fd, SOL_SOCKET, SO_ERROR, &problem, &size);
  ::close(*fd);
  return problem == 0;
}

} // namespace

caf::error tcp_wire::open() {
  if (auto failed = open_epoll())
    return failed;
  auto failed = meet();
  if (failed && interrupted_)
    return make_error(ec::cancelled, "a signal came while this broker waited for the others");
  // From here on signals are somebody else's, who would not sleep beside one that is not taken.
  if (plan_.interrupt_fd >= 0)
    ::epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, plan_.interrupt_fd, nullptr);
  return failed;
}

caf::error tcp_wire::meet() {
  auto deadline = steady_ns() + plan_.start_ns_max;
  for (;;) {
    auto fd = bind_meeting_place();
    if (!fd)
      return std::move(fd.error());
    if (*fd < 0)
      return follow();
    auto failed = lead(*fd);
    if (!failed || leads_ || plan_.rank || code_of(failed) != ec::busy)
      return failed;
    // Two may be bound to one port as long as none listens. One of them does so first, or none:
    // Linux may refuse both that begin in the same instant, so nobody is a follower by that alone.
    if (someone_leads() || interrupted_ || steady_ns() >= deadline)
      return follow();
    nap(1 + make_nonce().front() % try_again_ms);
  }
}

bool tcp_wire::someone_leads() const {
  auto found = resolve(plan_.meeting);
  return found && std::ranges::any_of(*found, is_listening);
}

bool tcp_wire::wait_until(const std::function<bool()>& done, int64_t deadline_ns) {
  while (!done()) {
    auto left = deadline_ns - steady_ns();
    if (left <= 0 || interrupted_)
      return false;
    turn(static_cast<int>(std::clamp<int64_t>(left / 1'000'000, 1, 1000)));
  }
  return true;
}

void tcp_wire::nap(int ms) {
  wait_until([] { return false; }, steady_ns() + int64_t{ms} * 1'000'000);
}

/// The socket of the lead, or -1: another broker is the lead. A name may mean an address of this
/// host's inside only (127.0.1.1), so that all addresses are bound for it; a number is meant.
caf::expected<int> tcp_wire::bind_meeting_place() {
  if (plan_.rank && *plan_.rank != 0)
    return -1;
  auto must = plan_.rank.has_value();
  auto found = resolve(plan_.meeting);
  if (!found && !must)
    return -1; // follow() tries again, and says so in the end
  const tcp_address* at = nullptr;
  if (found && found->size() == 1 && found->front().host() == plan_.meeting.host)
    at = &found->front();
  if (at != nullptr && at->is_wildcard())
    return make_error(ec::bad_argument,
                      fmt::format("{}: every host would take this address for its own; name the "
                                  "host of rank 0",
                                  plan_.meeting.text()));
  if (!must && !std::ranges::any_of(*found, [](auto& a) { return is_local(a); }))
    return -1;
  auto fd = bind_tcp(at, plan_.meeting.port);
  if (!fd && code_of(fd.error()) == ec::busy && !must)
    return -1;
  if (!fd)
    return make_error(code_of(fd.error()),
                      fmt::format("rank 0 cannot listen at {}: {}", plan_.meeting.text(),
                                  context_of(fd.error())));
  return fd;
}

// -- the lead ------------------------------------------------------------------------------------

caf::error tcp_wire::lead(int fd) {
  auto deadline = steady_ns() + plan_.start_ns_max;
  auto key = load_or_make_key(plan_.key_path);
  if (!key) {
    ::close(fd);
    return std::move(key.error());
  }
  key_ = *key;
  auto random = make_nonce();
  std::copy_n(random.begin(), instance_.size(), instance_.begin());
  peers_[0].name = one_word(plan_.own_host);
  if (auto failed = start_listening(fd))
    return failed;
  leads_ = true;
  if (!wait_until([this] { return joiners_.size() + 1 == size(); }, deadline)) {
    auto missing = who_is_missing();
    refuse_all("not all brokers came: " + missing);
    return make_error(ec::timed_out,
                      fmt::format("not all brokers came to {} within {} s (transport."
                                  "start_timeout): {}",
                                  plan_.meeting.text(), plan_.start_ns_max / 1'000'000'000,
                                  missing));
  }
  seat_all();
  send_tables();
  return caf::none;
}

std::string tcp_wire::who_is_missing() const {
  std::vector<std::string> there{peers_[0].name};
  std::vector<bool> taken(size());
  for (auto& j : joiners_) {
    there.push_back(j.name);
    if (j.rank)
      taken[*j.rank] = true;
  }
  auto text = fmt::format("{} of {}", size() - there.size(), size());
  if (plan_.hosts.empty())
    return text + " missing; there are " + format_hostlist(there);
  std::vector<std::string> missing;
  for (uint32_t r = 1; r < size(); ++r)
    if (!taken[r])
      missing.push_back(plan_.hosts[r]);
  return text + " missing: " + format_hostlist(missing);
}

/// Why a broker cannot take part, "" when it can.
std::string tcp_wire::refusal(uint32_t wanted_size, std::optional<uint32_t> wanted) const {
  if (wanted_size != size())
    return fmt::format("it was started for {} brokers, rank 0 on {} for {}", wanted_size,
                       peers_[0].name, size());
  if (complete_ || joiners_.size() + 1 >= size())
    return fmt::format("all {} brokers of the instance are there already", size());
  if (!wanted)
    return {};
  if (*wanted == 0)
    return fmt::format("rank 0 is taken by {}", peers_[0].name);
  if (*wanted >= size())
    return fmt::format("rank {}: the instance has ranks 0 to {}", *wanted, size() - 1);
  for (auto& j : joiners_)
    if (j.rank == wanted)
      return fmt::format("rank {} is taken by {}", *wanted, j.name);
  return {};
}

void tcp_wire::on_join(tcp_link& l, const wire_buffer& bytes) {
  auto wanted = unpack<join_request>(to_text(bytes));
  if (!wanted) {
    l.close_when_sent();
    return;
  }
  joiner j;
  j.link = l.id();
  if (wanted->rank >= 0)
    j.rank = static_cast<uint32_t>(wanted->rank);
  j.port = wanted->port;
  j.name = one_word(std::move(wanted->name));
  auto from = peer_of(l.fd());
  j.host = from.is_loopback() ? "" : from.host();
  if (auto why = refusal(wanted->size, j.rank); !why.empty()) {
    log_warning("network: {} at {} was refused: {}", j.name, from.host(), why);
    l.send(tcp_frame::refused, to_bytes(why));
    l.close_when_sent();
    return;
  }
  joiners_.push_back(std::move(j));
}

/// Those that asked for a rank have it; the others get what is left, in the order of their coming.
void tcp_wire::seat_all() {
  std::vector<bool> taken(size());
  taken[0] = true;
  for (auto& j : joiners_)
    if (j.rank)
      taken[*j.rank] = true;
  uint32_t next = 0;
  for (auto& j : joiners_) {
    if (!j.rank) {
      while (taken[next])
        ++next;
      taken[next] = true;
      j.rank = next;
    }
    auto& e = links_[j.link];
    e.rank = j.rank;
    peers_[*j.rank] = peer{j.host, j.port, j.name, e.link.get()};
  }
  complete_ = true;
}

void tcp_wire::send_tables() {
  seating all{instance_, 0, {}};
  for (auto& p : peers_)
    all.seats.push_back({p.port, p.host, p.name});
  for (all.rank = 1; all.rank < size(); ++all.rank)
    if (auto* out = peers_[all.rank].out; out != nullptr)
      out->send(tcp_frame::table, to_bytes(pack(all)));
}

/// Tells everybody why nothing comes of it, as far as they listen.
void tcp_wire::refuse_all(const std::string& why) {
  std::vector<tcp_link*> all;
  for (auto& [id, e] : links_)
    if (e.link->is_open() && !e.link->dialled())
      all.push_back(e.link.get());
  for (auto* l : all)
    l->send(tcp_frame::refused, to_bytes(why));
  wait_until(
      [this] {
        return std::ranges::none_of(links_, [](auto& x) { return x.second.link->has_queued(); });
      },
      steady_ns() + last_words_ns);
}

// -- the others ----------------------------------------------------------------------------------

/// False: there is none yet. Once the lead listens, it has one: then it is soon here or never.
bool tcp_wire::get_key(const tcp_address& at, int64_t& deadline_ns, std::string& why) {
  auto found = load_key(plan_.key_path);
  if (found) {
    key_ = *found;
    return true;
  }
  why = context_of(found.error());
  if (code_of(found.error()) != ec::unknown_key) {
    deadline_ns = 0;
  } else {
    why += ": every broker needs the key of rank 0 there, with mode 0600; copy it from "
           + plan_.meeting.host + " (transport.key)";
    if (is_listening(at))
      deadline_ns = std::min(deadline_ns, steady_ns() + key_ns_max);
  }
  return false;
}

/// The link by which the lead has let us in; 0: not this time.
uint64_t tcp_wire::join_at(const tcp_address& at, int64_t deadline_ns) {
  join_end_.reset();
  auto fd = begin_connect(at);
  if (!fd) {
    join_end_ = {context_of(fd.error()), false};
    return 0;
  }
  tune_tcp(*fd, plan_.silence_ms);
  auto* l = add_link(*fd, true, tcp_purpose::join);
  auto id = l->id();
  auto done = [this, id] { return join_end_ || links_[id].link->is_open(); };
  if (wait_until(done, std::min(deadline_ns, steady_ns() + try_ns_max)) && !join_end_)
    return id;
  if (!join_end_) {
    join_end_ = {"it does not answer", false};
    links_[id].link->close();
    forget_link(*links_[id].link);
  }
  return 0;
}

caf::error tcp_wire::follow() {
  // Where others find us: at the port that all use, if it is free here.
  auto own = bind_tcp(nullptr, plan_.own_port);
  if (!own && plan_.own_port != 0)
    own = bind_tcp(nullptr, 0);
  if (!own)
    return std::move(own.error());
  if (auto failed = start_listening(*own))
    return failed;
  auto deadline = steady_ns() + plan_.start_ns_max;
  auto have_key = false;
  std::string last;
  do {
    auto found = resolve(plan_.meeting);
    if (!found)
      last = context_of(found.error());
    for (auto& at : found ? *found : std::vector<tcp_address>{}) {
      if (!have_key && !(have_key = get_key(at, deadline, last)))
        break;
      auto link = join_at(at, deadline);
      if (link != 0) {
        lead_host_ = at.host();
        return take_seat(link, steady_ns() + plan_.start_ns_max + table_extra_ns);
      }
      last = join_end_->why;
      if (join_end_->hopeless)
        return make_error(ec::network_failed,
                          fmt::format("rank 0 at {}: {} (transport.key={})", plan_.meeting.text(),
                                      last, plan_.key_path));
    }
    nap(try_again_ms);
  } while (steady_ns() < deadline && !interrupted_);
  if (!have_key)
    return make_error(ec::unknown_key, last);
  return make_error(ec::timed_out,
                    fmt::format("rank 0 at {} could not be reached within {} s (transport."
                                "start_timeout): {}",
                                plan_.meeting.text(), plan_.start_ns_max / 1'000'000'000, last));
}

/// Asks for a rank and waits until the lead has everybody.
caf::error tcp_wire::take_seat(uint64_t link, int64_t deadline_ns) {
  join_request wanted{size(), plan_.rank ? static_cast<int32_t>(*plan_.rank) : -1,
                      port_of(listen_fd_), plan_.own_host};
  links_[link].link->send(tcp_frame::join, to_bytes(pack(wanted)));
  auto done = [this] { return complete_ || join_end_ || !refused_.empty(); };
  auto in_time = wait_until(done, deadline_ns);
  if (complete_)
    return caf::none;
  auto where = plan_.meeting.text();
  if (!refused_.empty())
    return make_error(ec::network_failed,
                      fmt::format("rank 0 at {} refused this broker: {}", where, refused_));
  if (!in_time)
    return make_error(ec::timed_out,
                      fmt::format("rank 0 at {} does not say which rank this is", where));
  return make_error(ec::network_failed,
                    fmt::format("rank 0 at {} went away before all brokers were there: {}", where,
                                join_end_->why));
}

bool tcp_wire::read_table(const wire_buffer& bytes) {
  auto all = unpack<seating>(to_text(bytes));
  if (!all || all->seats.size() != size() || all->rank == 0 || all->rank >= size())
    return false;
  for (uint32_t r = 0; r < size(); ++r) {
    auto& s = all->seats[r];
    peers_[r].port = s.port;
    peers_[r].host = std::move(s.host);
    peers_[r].name = std::move(s.name);
  }
  instance_ = all->instance;
  rank_ = all->rank;
  return true;
}

// -- frames that are no messages -----------------------------------------------------------------

void tcp_wire::on_lead_frame(tcp_link& l, tcp_frame kind, wire_buffer bytes) {
  auto text = to_text(bytes);
  if (kind == tcp_frame::refused) {
    refused_ = text;
    if (failure_.empty())
      failure_ = text;
  } else if (kind == tcp_frame::table && !complete_) {
    complete_ = read_table(bytes);
    if (complete_) {
      links_[l.id()].rank = 0;
      peers_[0].out = &l;
    } else {
      join_end_ = {"it sent no table of ranks", true};
    }
  } else if (kind == tcp_frame::spread) {
    spread_ = std::move(text);
  } else if (kind == tcp_frame::released) {
    released_ = true;
  } else if (kind == tcp_frame::lost) {
    auto r = std::strtoul(text.c_str(), nullptr, 10);
    if (r > 0 && r < size() && r != rank_)
      lose(static_cast<uint32_t>(r), "rank 0 says so");
  }
}

void tcp_wire::on_follower_frame(tcp_link&, uint32_t from, tcp_frame kind, wire_buffer bytes) {
  if (!leads_)
    return;
  if (kind == tcp_frame::gather) {
    gathered_.resize(size());
    gathered_[from] = to_text(bytes);
  } else if (kind == tcp_frame::arrived) {
    peers_[from].arrived = true;
  }
}

// -- what all do together ------------------------------------------------------------------------

std::string tcp_wire::allgather(const std::string& mine, std::vector<std::string>& all) {
  return rank_ == 0 ? gather_at_lead(mine, all) : gather_by_lead(mine, all);
}

std::string tcp_wire::gather_at_lead(const std::string& mine, std::vector<std::string>& all) {
  gathered_.resize(size());
  gathered_[0] = mine;
  auto done = [this] {
    return !failure_.empty() || std::ranges::all_of(gathered_, [](auto& x) { return !!x; });
  };
  if (!wait_until(done, steady_ns() + allgather_ns_max) && failure_.empty())
    failure_ = "not all brokers answered in time";
  if (!failure_.empty()) {
    refuse_all(failure_);
    return failure_;
  }
  all.clear();
  for (auto& x : gathered_)
    all.push_back(std::move(*x));
  gathered_.assign(size(), std::nullopt);
  auto text = pack(all);
  for (uint32_t r = 1; r < size(); ++r)
    if (peers_[r].out != nullptr)
      peers_[r].out->send(tcp_frame::spread, to_bytes(text));
  return {};
}

std::string tcp_wire::gather_by_lead(const std::string& mine, std::vector<std::string>& all) {
  spread_.reset();
  if (peers_[0].out != nullptr)
    peers_[0].out->send(tcp_frame::gather, to_bytes(mine));
  auto done = [this] { return spread_ || !failure_.empty(); };
  auto in_time = wait_until(done, steady_ns() + allgather_ns_max);
  if (auto parts = unpack<std::vector<std::string>>(spread_.value_or(""));
      parts && parts->size() == size()) {
    all = std::move(*parts);
    return {};
  }
  if (!failure_.empty())
    return failure_;
  return in_time ? "rank 0 sent what is no answer" : "rank 0 did not answer in time";
}

bool tcp_wire::barrier_begin() {
  ending_ = true;
  peers_[rank_].arrived = true;
  if (rank_ != 0 && peers_[0].out != nullptr)
    peers_[0].out->send(tcp_frame::arrived, {});
  return true;
}

bool tcp_wire::barrier_done() {
  if (rank_ != 0)
    return released_;
  if (!released_) {
    if (!std::ranges::all_of(peers_, [](auto& p) { return p.arrived; }))
      return false;
    released_ = true;
    for (uint32_t r = 1; r < size(); ++r)
      if (peers_[r].out != nullptr)
        peers_[r].out->send(tcp_frame::released, {});
  }
  // Nothing that is still queued is sent once we are gone.
  return !has_pending();
}

} // namespace hactor
