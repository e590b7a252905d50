// The wire over MPI. Compiled once per MPI into a module of its own (HACTOR_MPI_NAME says which);
// it must need nothing of the program that loads it but wire.hpp.
//
// One communicator and one tag. A message that has been matched is received with MPI_Imrecv, never
// with a blocking call, since a peer that dies in the middle of a transfer would hang the thread.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <mpi.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <deque>

#include "runtime/wire.hpp"

namespace hactor {

namespace {

constexpr int tag = 77;

/// Buffers kept for reuse, and the largest that is kept: a burst must not hold its memory.
constexpr size_t pool_buffers_max = 64;
constexpr size_t pool_buffer_size_max = 1u << 20;

class mpi_wire final : public wire {
public:
  /// Starts MPI. Returns the text of the error, "" when there was none.
  std::string open();

  uint32_t rank() const override { return rank_; }
  uint32_t size() const override { return size_; }
  std::string_view name() const override { return HACTOR_MPI_NAME; }
  std::string allgather(const std::string& mine, std::vector<std::string>& all) override;
  bool send(uint32_t peer, wire_buffer bytes) override;
  bool send_synchronously(uint32_t peer, wire_buffer bytes) override;
  bool try_receive(wire_message& out) override;
  bool progress() override;
  bool has_pending() const override { return !requests_.empty() || !receiving_.empty(); }
  void abandon(uint32_t peer) override;
  bool barrier_begin() override { return ok(MPI_Ibarrier(comm_, &barrier_), "MPI_Ibarrier"); }
  bool barrier_done() override;
  void close() override;
  wire_buffer take_buffer() override;
  void give_buffer(wire_buffer bytes) override;
  std::string last_error() const override { return error_; }

private:
  struct incoming {
    MPI_Request request;
    uint32_t peer;
    wire_buffer bytes;
    bool done;
  };
  struct outgoing {
    uint32_t peer;
    wire_buffer bytes;
  };

  bool ok(int code, const char* call);
  bool wait_politely(MPI_Request& request);
  bool match_next();
  bool take_arrived(wire_message& out);
  bool started(int code, MPI_Request request, uint32_t peer, wire_buffer bytes);

  MPI_Comm comm_ = MPI_COMM_NULL;
  MPI_Request barrier_ = MPI_REQUEST_NULL;
  uint32_t rank_ = 0;
  uint32_t size_ = 1;
  std::vector<bool> abandoned_;
  std::vector<MPI_Request> requests_; // pending sends; outgoing_ has the same order
  std::vector<outgoing> outgoing_;
  std::vector<int> finished_; // scratch of progress()
  std::deque<incoming> receiving_;
  std::vector<wire_buffer> pool_;
  std::string error_;
};

bool mpi_wire::ok(int code, const char* call) {
  if (code == MPI_SUCCESS)
    return true;
  char text[MPI_MAX_ERROR_STRING] = {};
  int length = 0;
  MPI_Error_string(code, text, &length);
  error_ = std::string{call} + ": " + text;
  return false;
}

/// A setting of Open MPI while MPI is started: programs of users, which inherit our environment,
/// shall not have it. What a person has set stays.
class setting_at_start {
public:
  setting_at_start(const char* name, const char* value)
      : name_{getenv(name) == nullptr ? name : nullptr} {
    if (name_ != nullptr)
      setenv(name_, value, 1);
  }
  ~setting_at_start() {
    if (name_ != nullptr)
      unsetenv(name_);
  }
  setting_at_start(const setting_at_start&) = delete;
  setting_at_start& operator=(const setting_at_start&) = delete;

private:
  const char* name_;
};

std::string mpi_wire::open() {
  int provided = 0;
  {
    // Where processes may not read each other's memory (containers), Open MPI's single copy fails
    // in the middle of a transfer. hactor's messages are small: the copy through shared memory will
    // do.
    setting_at_start copies{"OMPI_MCA_btl_vader_single_copy_mechanism", "none"};
    // Where ranks share cores, Open MPI gives the core away at each call that finds nothing. Our
    // loop makes such a call each time round, whether it is busy or not: beside others' work on the
    // cores all that goes through it would take ten times as long.
    setting_at_start yields{"OMPI_MCA_mpi_yield_when_idle", "0"};
    if (!ok(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided), "MPI_Init_thread"))
      return error_;
  }
  if (provided < MPI_THREAD_SERIALIZED)
    return "this MPI offers no MPI_THREAD_SERIALIZED";
  int rank = 0;
  int size = 1;
  MPI_Request request;
  if (!ok(MPI_Comm_idup(MPI_COMM_WORLD, &comm_, &request), "MPI_Comm_idup")
      || !wait_politely(request))
    return error_;
  MPI_Comm_set_errhandler(comm_, MPI_ERRORS_RETURN);
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  MPI_Comm_rank(comm_, &rank);
  MPI_Comm_size(comm_, &size);
  rank_ = static_cast<uint32_t>(rank);
  size_ = static_cast<uint32_t>(size);
  abandoned_.assign(size_, false);
  return {};
}

// Ranks may share cores, and a blocking collective spins: it would take the core from the very rank
// that it waits for.
bool mpi_wire::wait_politely(MPI_Request& request) {
  constexpr timespec nap{0, 50'000};
  for (;;) {
    int done = 0;
    if (!ok(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "MPI_Test of a collective"))
      return false;
    if (done != 0)
      return true;
    nanosleep(&nap, nullptr);
  }
}

std::string mpi_wire::allgather(const std::string& mine, std::vector<std::string>& all) {
  int size = static_cast<int>(mine.size());
  std::vector<int> sizes(size_);
  MPI_Request request;
  if (!ok(MPI_Iallgather(&size, 1, MPI_INT, sizes.data(), 1, MPI_INT, comm_, &request),
          "MPI_Iallgather")
      || !wait_politely(request))
    return error_;
  std::vector<int> offsets(size_);
  int total = 0;
  for (size_t i = 0; i < sizes.size(); ++i) {
    offsets[i] = total;
    total += sizes[i];
  }
  std::string joined(static_cast<size_t>(total), '\0');
  if (!ok(MPI_Iallgatherv(mine.data(), size, MPI_BYTE, joined.data(), sizes.data(), offsets.data(),
                          MPI_BYTE, comm_, &request),
          "MPI_Iallgatherv")
      || !wait_politely(request))
    return error_;
  all.clear();
  for (size_t i = 0; i < sizes.size(); ++i)
    all.push_back(joined.substr(static_cast<size_t>(offsets[i]), static_cast<size_t>(sizes[i])));
  return {};
}

bool mpi_wire::started(int code, MPI_Request request, uint32_t peer, wire_buffer bytes) {
  if (!ok(code, "MPI_Isend"))
    return false;
  requests_.push_back(request);
  outgoing_.push_back({peer, std::move(bytes)});
  return true;
}

bool mpi_wire::send(uint32_t peer, wire_buffer bytes) {
  if (abandoned_[peer])
    return true;
  MPI_Request request;
  int code = MPI_Isend(bytes.data(), static_cast<int>(bytes.size()), MPI_BYTE,
                       static_cast<int>(peer), tag, comm_, &request);
  int done = 0;
  if (code == MPI_SUCCESS && MPI_Test(&request, &done, MPI_STATUS_IGNORE) == MPI_SUCCESS
      && done != 0) {
    give_buffer(std::move(bytes));
    return true;
  }
  return started(code, request, peer, std::move(bytes));
}

bool mpi_wire::send_synchronously(uint32_t peer, wire_buffer bytes) {
  if (abandoned_[peer])
    return true;
  MPI_Request request;
  int code = MPI_Issend(bytes.data(), static_cast<int>(bytes.size()), MPI_BYTE,
                        static_cast<int>(peer), tag, comm_, &request);
  return started(code, request, peer, std::move(bytes));
}

// Matches one message and starts to receive it. False: none has arrived.
bool mpi_wire::match_next() {
  int flag = 0;
  MPI_Message message;
  MPI_Status status;
  if (!ok(MPI_Improbe(MPI_ANY_SOURCE, tag, comm_, &flag, &message, &status), "MPI_Improbe")
      || flag == 0)
    return false;
  int count = 0;
  MPI_Get_count(&status, MPI_BYTE, &count);
  receiving_.push_back(
    {MPI_REQUEST_NULL, static_cast<uint32_t>(status.MPI_SOURCE), take_buffer(), false});
  auto& x = receiving_.back();
  x.bytes.resize(static_cast<size_t>(count));
  if (!ok(MPI_Imrecv(x.bytes.data(), count, MPI_BYTE, &message, &x.request), "MPI_Imrecv")) {
    receiving_.pop_back();
    return false;
  }
  return true;
}

// Takes the first message that is whole and has none of the same peer before it.
bool mpi_wire::take_arrived(wire_message& out) {
  for (size_t i = 0; i < receiving_.size(); ++i) {
    auto& x = receiving_[i];
    if (!x.done) {
      int done = 0;
      if (!ok(MPI_Test(&x.request, &done, MPI_STATUS_IGNORE), "MPI_Test of a receive"))
        done = 0;
      x.done = done != 0;
    }
    bool first = true;
    for (size_t j = 0; j < i && first; ++j)
      first = receiving_[j].peer != x.peer;
    if (!x.done || !first)
      continue;
    out.peer = x.peer;
    out.bytes = std::move(x.bytes);
    receiving_.erase(receiving_.begin() + static_cast<ptrdiff_t>(i));
    return true;
  }
  return false;
}

bool mpi_wire::try_receive(wire_message& out) {
  if (!receiving_.empty() && take_arrived(out))
    return true;
  // Small messages have arrived whole when they match: one test takes them. A few large ones may be
  // on their way at once; more would only hold memory.
  constexpr size_t receiving_max = 16;
  while (receiving_.size() < receiving_max && match_next())
    if (take_arrived(out))
      return true;
  return false;
}

bool mpi_wire::progress() {
  if (requests_.empty())
    return true;
  int count = 0;
  finished_.resize(requests_.size());
  if (!ok(MPI_Testsome(static_cast<int>(requests_.size()), requests_.data(), &count,
                       finished_.data(), MPI_STATUSES_IGNORE),
          "MPI_Testsome"))
    return false;
  if (count == MPI_UNDEFINED || count == 0)
    return true;
  size_t kept = 0;
  for (size_t i = 0; i < requests_.size(); ++i) {
    if (requests_[i] == MPI_REQUEST_NULL) {
      give_buffer(std::move(outgoing_[i].bytes));
      continue;
    }
    if (kept != i) {
      requests_[kept] = requests_[i];
      outgoing_[kept] = std::move(outgoing_[i]);
    }
    ++kept;
  }
  requests_.resize(kept);
  outgoing_.resize(kept);
  return true;
}

void mpi_wire::abandon(uint32_t peer) {
  abandoned_[peer] = true;
  // Neither MPI can cancel a send safely: requests and buffers of the dead are leaked on purpose.
  size_t kept = 0;
  for (size_t i = 0; i < requests_.size(); ++i) {
    if (outgoing_[i].peer == peer) {
      new wire_buffer(std::move(outgoing_[i].bytes));
      continue;
    }
    if (kept != i) {
      requests_[kept] = requests_[i];
      outgoing_[kept] = std::move(outgoing_[i]);
    }
    ++kept;
  }
  requests_.resize(kept);
  outgoing_.resize(kept);
  for (size_t i = 0; i < receiving_.size();)
    if (receiving_[i].peer == peer && !receiving_[i].done) {
      new wire_buffer(std::move(receiving_[i].bytes));
      receiving_.erase(receiving_.begin() + static_cast<ptrdiff_t>(i));
    } else {
      ++i;
    }
}

bool mpi_wire::barrier_done() {
  int done = 0;
  return ok(MPI_Test(&barrier_, &done, MPI_STATUS_IGNORE), "MPI_Test of the barrier") && done != 0;
}

void mpi_wire::close() {
  MPI_Comm_free(&comm_);
  MPI_Finalize();
}

wire_buffer mpi_wire::take_buffer() {
  if (pool_.empty())
    return {};
  auto result = std::move(pool_.back());
  pool_.pop_back();
  return result;
}

void mpi_wire::give_buffer(wire_buffer bytes) {
  if (pool_.size() >= pool_buffers_max || bytes.capacity() > pool_buffer_size_max)
    return;
  bytes.clear();
  pool_.push_back(std::move(bytes));
}

} // namespace

} // namespace hactor

extern "C" __attribute__((visibility("default"))) hactor::wire*
hactor_wire_open(uint32_t abi, char* error, size_t error_size) {
  if (abi != hactor::wire_abi) {
    snprintf(error, error_size, "the module is of wire version %u, the program of %u",
             hactor::wire_abi, abi);
    return nullptr;
  }
  auto result = std::make_unique<hactor::mpi_wire>();
  auto text = result->open();
  if (text.empty())
    return result.release();
  snprintf(error, error_size, "%s", text.c_str());
  return nullptr;
}
