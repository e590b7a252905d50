// This broker's way to its PMIx server, the program hactor-pmix, which serves the tasks of MPI
// programs that are built with Open MPI. Tasks are given the address of a door, a listening socket
// of ours; the server is started by the first that knocks, and gets the door: a job of which no
// task asks costs some variables. It lives until this broker ends. When it dies before, the jobs
// that it knew are told, and the next knock starts another.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "actors/framed_words.hpp"
#include "actors/interfaces.hpp"
#include "actors/owned_fd.hpp"
#include "actors/pmix_protocol.hpp"
#include "actors/task_host.hpp"
#include "runtime/poller.hpp"

namespace hactor {

struct pmix_options {
  std::string program; // path of hactor-pmix
  std::string folder;  // for its files; it is made here
  std::string host;    // ours, as jobs name it
};

/// All functions may be called from any thread.
class pmix_host final : public std::enable_shared_from_this<pmix_host> {
public:
  static std::shared_ptr<pmix_host> make(poller& p, std::shared_ptr<task_host> tasks,
                                         pmix_options options);

  /// Makes the door at the first call; returns its port. Errors: ec::system_failed.
  caf::expected<uint16_t> open();

  /// The job's tasks may knock, and `shell` is told their words.
  void add(const std::string& space, shell_actor shell);

  /// The job has ended here; `known`: its server has heard of it.
  void remove(const std::string& space, bool known);

  /// To the server; dropped when there is none.
  void send(const pmix_word& word);

private:
  class door;
  class server_sink;

  pmix_host(poller& p, std::shared_ptr<task_host> tasks, pmix_options options)
      : poller_{p}, tasks_{std::move(tasks)}, options_{std::move(options)} {}
  // On the transport thread:
  void watch_door();
  void start_server();
  void on_server_bytes(std::string_view bytes);
  void on_server_end(const std::string& how);
  void turn_away();

  poller& poller_;
  std::shared_ptr<task_host> tasks_;
  pmix_options options_;
  framed_reader<pmix_word> reader_; // transport thread only
  bool served_ = false; // the server has said something; transport thread only
  std::mutex mutex_;    // guards what follows
  owned_fd door_;
  uint16_t port_ = 0;
  uint64_t server_ = 0;                                 // token; 0: there is none
  std::unordered_map<std::string, shell_actor> shells_; // by space
};

} // namespace hactor
