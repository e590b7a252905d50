// See the header. The order of things is the order of this file's last function.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "mpi-boot/broker_main.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <caf/scoped_actor.hpp>
#include <fmt/format.h>

#include "actors/fluxion_options.hpp"
#include "actors/graph_changes.hpp"
#include "actors/job_archive.hpp"
#include "actors/job_log.hpp"
#include "actors/job_manager.hpp"
#include "actors/owned_fd.hpp"
#include "actors/registry.hpp"
#include "actors/resource_core.hpp"
#include "actors/scheduler_settings.hpp"
#include "actors/service_maker.hpp"
#include "graph/rv1_reader.hpp"
#include "graph/subsystems.hpp"
#include "mpi-boot/allocation.hpp"
#include "mpi-boot/broker_slot.hpp"
#include "mpi-boot/enclosing.hpp"
#include "mpi-boot/folders.hpp"
#include "mpi-boot/greeting.hpp"
#include "mpi-boot/modules.hpp"
#include "mpi-boot/presence.hpp"
#include "mpi-boot/script.hpp"
#include "mpi-boot/services.hpp"
#include "runtime/clock.hpp"
#include "runtime/duration.hpp"
#include "runtime/end_guard.hpp"
#include "runtime/here.hpp"
#include "runtime/hostlist.hpp"
#include "runtime/limits.hpp"
#include "runtime/log.hpp"
#include "runtime/packed.hpp"
#include "runtime/regular_file.hpp"
#include "runtime/system.hpp"
#include "runtime/tcp_wire.hpp"
#include "runtime/unix_listener.hpp"
#include "workflow/instance_note.hpp"

namespace hactor {

namespace {

/// Why and how this rank ends; told from any thread, waited for on main.
class ending {
public:
  ending() : fd_{::eventfd(0, EFD_CLOEXEC)} {}

  /// The first call decides.
  void tell(int code, bool abrupt) {
    bool expected = false;
    if (!told_.compare_exchange_strong(expected, true))
      return;
    code_ = code;
    abrupt_ = abrupt;
    uint64_t one = 1;
    (void)!::write(fd_.get(), &one, sizeof one);
  }
  int fd() const { return fd_.get(); }
  int code() const { return code_; }
  bool abrupt() const { return abrupt_; } // the instance is broken: no orderly end is possible

private:
  owned_fd fd_;
  std::atomic<bool> told_{false};
  int code_ = 0;
  bool abrupt_ = false;
};

/// Everything that one rank has, in the order of its making.
struct rank_state {
  end_guard guard; // until all else is gone
  std::shared_ptr<config> attributes;
  std::unique_ptr<transport> net;
  broker_folders folders;
  std::shared_ptr<journal> store;
  std::shared_ptr<spec_cache> specs = std::make_shared<spec_cache>();
  std::shared_ptr<job_manager_core> restored;
  std::shared_ptr<output_gate> gate = std::make_shared<output_gate>();
  std::shared_ptr<spool> output;
  std::shared_ptr<task_host> tasks;
  std::shared_ptr<unix_listener> listener;
  presence outside; // lead only
  allocation_watch allocation;                 // likewise
  std::shared_ptr<const machine_cpus> machine; // null: resources are pretended
  rset resources;
  scheduler_settings scheduling;         // lead only
  graph_source source;                   // lead only
  std::shared_ptr<resource_graph> graph; // lead only: of a file, or what was found
  std::vector<loaded_module> modules;
  graph_changes changes; // lead only: that people made in it
  int64_t epoch_ns = 0;
  uint64_t secret = 0;
  uint64_t last_id_ms = 0;
  int64_t started_ns = 0;
  std::string uri;
  ending end;
  std::atomic<bool> drained{false}; // nothing runs any more, and the other brokers may end
};

caf::expected<std::unique_ptr<wire>> open_wire(const way_to_peers& way, int signals) {
  if (way.tcp) {
    auto plan = *way.tcp;
    plan.interrupt_fd = signals; // who waits for hosts that do not come may press ctrl-C
    return open_tcp_wire(plan);
  }
  if (way.how.module.empty())
    return make_null_wire();
  auto path = find_module(way.how, module_folders(own_program()));
  if (!path)
    return std::move(path.error());
  return load_wire(*path);
}

caf::expected<std::unique_ptr<transport>> open_transport(const way_to_peers& way, const config& c,
                                                         int signals) {
  auto w = open_wire(way, signals);
  if (!w)
    return std::move(w.error());
  transport_options o;
  o.goodbye_ns_max = span_of(c.duration_s("transport.goodbye_timeout")).count();
  o.remote_nap_ns_max = c.integer("transport.nap_us") * 1000;
  o.remote_spin_ns = c.integer("transport.spin_us") * 1000;
  return transport::open(std::move(*w), o);
}

/// The lead's journal, with what it remembers.
caf::error open_store(rank_state& s) {
  journal_options o;
  o.directory = s.folders.state;
  o.sync = s.folders.lasting;
  o.owner = s.uri;
  journal_findings found;
  auto store = journal::open(o, &found);
  if (!store)
    return std::move(store.error());
  s.store = std::move(*store);
  for (auto& note : found.notes)
    log_warning("journal: {}", note);
  stored_jobs stored;
  if (auto epoch = s.store->meta("epoch_ns")) {
    s.epoch_ns = std::strtoll(epoch->c_str(), nullptr, 10);
    // Ids are never used twice: begin after the newest that any rank may have given.
    auto counted = count_stored(*s.store);
    if (!counted)
      return std::move(counted.error());
    stored = std::move(*counted);
    s.last_id_ms =
        std::max(static_cast<uint64_t>((s.started_ns - s.epoch_ns) / 1'000'000), stored.last_id_ms);
  } else {
    s.epoch_ns = s.started_ns;
    journal_batch first;
    first.meta.emplace_back("epoch_ns", std::to_string(s.epoch_ns));
    if (auto done = s.store->commit(first); !done)
      return std::move(done.error());
  }
  auto restored = restore_jobs(*s.store, *s.specs, stored);
  if (!restored)
    return std::move(restored.error());
  s.restored = std::move(*restored);
  return caf::none;
}

void say(const std::vector<std::string>& notes) {
  for (auto& note : notes)
    fmt::print(stderr, "hactor-start: {}\n", note);
}

/// How jobs are scheduled, and on what if a file says so.
caf::error read_scheduling(rank_state& s) {
  for (auto variable : fluxion_option_variables)
    if (const auto* text = std::getenv(variable); text != nullptr) {
      auto notes = apply_fluxion_options(*s.attributes, variable, text);
      if (!notes)
        return std::move(notes.error());
      say(*notes);
    }
  if (auto file = s.attributes->text("config"); !file.empty()) {
    auto text = read_regular_file(file, limits::config_text_bytes_max);
    if (!text)
      return std::move(text.error());
    auto notes = apply_fluxion_config(*s.attributes, file, *text);
    if (!notes)
      return std::move(notes.error());
    say(*notes);
  }
  auto settings = read_scheduler_settings(*s.attributes);
  if (!settings)
    return std::move(settings.error());
  s.scheduling = std::move(*settings);
  auto source = read_graph_source(*s.attributes);
  if (!source)
    return std::move(source.error());
  s.source = std::move(*source);
  if (s.source.path.empty())
    return caf::none;
  auto loaded = load_graph(s.source);
  if (!loaded)
    return std::move(loaded.error());
  s.graph = std::move(loaded->graph);
  s.resources = std::move(loaded->all);
  return caf::none;
}

/// This rank's own folders, stores, hardware and modules.
caf::error prepare(rank_state& s, const start_options& options,
                   const caf::expected<std::string>& run, greeting& g) {
  auto modules = load_modules(s.attributes->text("modules.load"));
  if (!modules)
    return std::move(modules.error());
  s.modules = std::move(*modules);
  auto name = s.attributes->text("hostname");
  auto is_first = s.net->node_index() == 0 || !name.empty(); // of its host
  // Of what a file says of this host R tells where it lies only if the file does.
  auto looks = is_first || !s.attributes->text("resource.graph").empty();
  auto own = discover_hardware(looks ? look_at::cores_and_devices : look_at::cores);
  if (!own)
    return std::move(own.error());
  g.own = std::move(*own);
  g.memory_bytes = int64_t{::sysconf(_SC_PHYS_PAGES)} * ::sysconf(_SC_PAGESIZE);
  confine(g.own, options.cores, options.gpus);
  if (!is_first) { // all others of the host would tell the same
    g.own.sockets.clear();
    g.own.numanodes.clear();
  }
  if (!name.empty())
    g.own.hostname = name;
  auto rank = s.net->rank();
  if (!run)
    return run.error();
  auto folders = make_folders(s.attributes->text("statedir"), *run, rank);
  if (!folders)
    return std::move(folders.error());
  s.folders = std::move(*folders);
  s.uri = "local://" + s.folders.socket();
  if (rank == 0) {
    if (auto err = read_scheduling(s)) {
      g.wrong_options = true;
      return err;
    }
    if (auto err = s.outside.prepare(*s.attributes, g.own.hostname)) {
      g.wrong_options = code_of(err) == ec::bad_argument;
      return err;
    }
    if (auto err = open_store(s))
      return err;
    g.epoch_ns = s.epoch_ns;
    if (::getrandom(&g.secret, sizeof g.secret, 0) != sizeof g.secret)
      return make_errno_error(ec::system_failed, "getrandom", errno);
  }
  spool_options o;
  o.directory = s.folders.output;
  auto output = spool::open(o, nullptr);
  if (!output)
    return std::move(output.error());
  s.output = std::move(*output);
  return caf::none;
}

host_levels levels_of(const hardware& own) {
  return {own.sockets, own.numanodes, own.gpu_cores};
}

/// The graph of what was found: sockets and numanodes as the first rank of each host told of them.
caf::error make_graph(rank_state& s, const std::vector<hardware>& all) {
  std::map<std::string, host_levels> by_host;
  for (auto& own : all)
    by_host.try_emplace(own.hostname, levels_of(own));
  std::vector<host_levels> levels;
  for (auto& own : all)
    levels.push_back(by_host[own.hostname]);
  auto graph = graph_of(s.resources, levels);
  if (graph)
    graph = keep_types(std::move(*graph), s.source.allowlist);
  if (!graph)
    return std::move(graph.error());
  s.graph = std::make_shared<resource_graph>(std::move(*graph));
  return caf::none;
}

/// GPUs that resource.allowlist does not name are none of this instance's.
void leave_out_gpus(rank_state& s) {
  if (!s.source.has("gpu"))
    for (auto& node : s.resources.nodes)
      node.gpus = {};
}

/// Everybody hears from everybody: one that cannot take part ends the start of all.
caf::error agree(rank_state& s, const greeting& mine, bool oversubscribe) {
  std::vector<std::string> texts;
  auto failed = s.net->wire().allgather(pack(mine), texts);
  if (!failed.empty())
    return make_error(failure_code(s.net->wire()), failed);
  std::vector<hardware> all;
  int64_t memory_bytes = 0; // of the largest node
  for (rank_t r = 0; r < texts.size(); ++r) {
    auto g = unpack<greeting>(texts[r]);
    if (!g)
      return make_error(
          ec::system_failed,
          fmt::format("rank {} is another hactor than this one, which is {}", r, HACTOR_VERSION));
    if (!g->failure.empty())
      return make_error(g->wrong_options ? ec::bad_argument : ec::system_failed,
                        texts.size() == 1
                            ? g->failure
                            : fmt::format("rank {} on {}: {}", r, g->own.hostname, g->failure));
    if (r == 0) {
      s.epoch_ns = g->epoch_ns;
      s.secret = g->secret;
    }
    memory_bytes = std::max(memory_bytes, g->memory_bytes);
    all.push_back(std::move(g->own));
  }
  auto rank = s.net->rank();
  auto machine = std::make_shared<machine_cpus>(
      machine_cpus{mine.own.hostname, mine.own.core_cpus, false, near_of(levels_of(mine.own))});
  if (!s.attributes->text("resource.graph").empty()) {
    s.machine = std::move(machine); // the graph says by its host names what of it is here
    return caf::none;
  }
  auto fake = s.attributes->text("resource.fake");
  if (!fake.empty()) {
    auto pretended = fake_resources(fake);
    if (!pretended)
      return std::move(pretended.error());
    s.resources = std::move(*pretended);
    leave_out_gpus(s);
    return caf::none;
  }
  s.attributes->fix("resource.node_memory", std::to_string(memory_bytes));
  auto real = divide_hosts(all, oversubscribe);
  s.resources = std::move(real.all);
  leave_out_gpus(s);
  machine->shared = shares_cores(s.resources, rank);
  s.machine = std::move(machine);
  if (rank != 0)
    return caf::none;
  say(real.notes);
  return make_graph(s, all);
}

/// What people changed in the graph before a restart is changed again.
caf::error change_graph(rank_state& s) {
  auto kept = s.store->meta(graph_changes_key);
  if (!kept)
    return caf::none;
  s.changes = graph_changes::from_json(*kept);
  if (s.changes.empty())
    return caf::none;
  std::vector<std::string> notes;
  auto after = make_changes(s.changes, {s.graph, s.resources},
                            attachable_ranks(s.resources, s.net->size(), {}), notes);
  if (!after)
    return std::move(after.error());
  s.graph = std::move(after->graph);
  s.resources = std::move(after->all);
  say(notes);
  return caf::none;
}

/// For --verbose: what this instance is, before its script starts.
void say_what_there_is(const rank_state& s) {
  uint64_t gpus = 0;
  for (auto& node : s.resources.nodes)
    gpus += node.gpus.size();
  fmt::print(stderr, "hactor-start: size {}, transport {}: {} cores and {} GPUs on {}\n",
             s.net->size(), s.net->wire().name(), s.resources.core_count(), gpus,
             format_hostlist(s.resources.nodelist));
  fmt::print(stderr, "hactor-start: state in {}, {}\n", s.folders.state,
             s.folders.lasting ? "which stays" : "which goes with the instance");
  fmt::print(stderr, "hactor-start: HACTOR_URI={}\n", s.uri);
}

/// An instance in an allocation that ends has no more time than that.
void end_with_allocation(rank_state& s) {
  auto end_s = s.resources.expiration > 0 ? 0 : s.allocation.begin(wall_ns() / 1'000'000'000);
  if (end_s == 0)
    return;
  s.resources.starttime = static_cast<double>(s.started_ns) * 1e-9;
  s.resources.expiration = static_cast<double>(end_s);
}

void set_attributes(rank_state& s) {
  auto& a = *s.attributes;
  a.fix("rank", std::to_string(s.net->rank()));
  a.fix("size", std::to_string(s.net->size()));
  a.fix("hostname", s.net->host_of(s.net->rank()));
  a.fix("uri", s.uri);
  a.fix("rundir", s.folders.run);
  a.fix("security.owner", std::to_string(::getuid()));
}

caf::error listen(rank_state& s, const connector_actor& connector) {
  auto last = std::make_shared<uint64_t>(0);
  auto listener = unix_listener::make(
      s.net->poller(), s.folders.socket(), [connector, last](int fd, peer_credentials who) {
        send_here(connector, client_opened{++*last, fd, who.uid, who.pid});
      });
  if (!listener)
    return std::move(listener.error());
  s.listener = std::move(*listener);
  // Who has the owner's token is the owner; its process is one that we cannot know.
  return s.outside.listen(s.net->poller(), s.epoch_ns, [connector, last](int fd) {
    send_here(connector, client_opened{++*last, fd, ::getuid(), 0});
  });
}

/// An instance within a job is found by way of the one around it.
void announce(rank_state& s, const std::vector<std::string>& command) {
  presence_facts facts{s.uri, s.epoch_ns, s.started_ns, {}, command, allocation_job(::getenv)};
  for (rank_t r = 0; r < s.net->size(); ++r)
    facts.hosts.push_back(s.net->host_of(r));
  s.outside.announce(*s.attributes, facts, s.folders.run);
}

/// What has run here is known when the instance is gone. All that ended is durable by now.
void leave_job_log(const rank_state& s) {
  auto keep = static_cast<size_t>(s.attributes->integer("joblog.keep"));
  auto folder = job_log_folder();
  if (keep == 0 || folder.empty())
    return;
  auto name = job_log_name(wall_ns(), workflow::note_id(s.epoch_ns));
  if (auto path = write_job_log(*s.store, *s.specs, folder, name, keep); !path)
    log_warning("no log of the jobs is left (-S joblog.keep=0: none is to be): {}",
                render(path.error()));
}

/// Waits until the instance ends. Signals are the script's, which decides what they mean; when it
/// does not end upon one, the second ends it. The job around may get another end meanwhile.
void wait_for_end(rank_state& s, int signals, uint64_t script, bool on_terminal,
                  enclosing_instance& around, caf::actor_system& system,
                  const rank_actors& actors) {
  int told = 0;
  for (;;) {
    std::array<pollfd, 4> fds{pollfd{s.end.fd(), POLLIN, 0}, pollfd{signals, POLLIN, 0},
                              pollfd{around.fd(), POLLIN, 0}, pollfd{s.allocation.fd(), POLLIN, 0}};
    if (::poll(fds.data(), fds.size(), s.allocation.wait_ms(wall_ns())) < 0)
      continue;
    if (fds[0].revents != 0)
      return;
    if (auto end = fds[2].revents != 0 ? around.take_end() : std::nullopt)
      move_end(actors, *end);
    if (auto end = s.allocation.turn(*s.tasks, wall_ns()))
      move_end(actors, *end);
    if (fds[1].revents == 0)
      continue;
    signalfd_siginfo info;
    if (::read(signals, &info, sizeof info) != sizeof info)
      continue;
    auto signo = static_cast<int>(info.ssi_signo);
    if (signo == SIGUSR1) {
      log_waits(system, actors);
      continue;
    }
    auto of_limit = signo == SIGALRM; // the script's; who does not end upon it is killed, in time
    if (script == 0) { // not the lead
      // A launcher of MPI signals all ranks; the lead decides when all end, and needs us till then.
      // Who asks twice, or signals this broker over TCP, means us alone: for the others, a loss.
      if (!of_limit && (s.net->wire().name() == "tcp" || ++told > 1))
        s.end.tell(128 + signo, true);
      continue;
    }
    // A terminal has given the interrupt to the script already.
    if (on_terminal && (signo == SIGINT || signo == SIGQUIT))
      continue;
    s.tasks->signal(script, !of_limit && ++told > 1 ? SIGKILL : signo);
  }
}

/// The signals that main waits for; blocked in all threads. Tasks are made by the spawner, which
/// resets theirs.
int block_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (auto signo : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGALRM, SIGUSR1})
    sigaddset(&set, signo);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  return ::signalfd(-1, &set, SFD_CLOEXEC);
}

/// Everybody is there: run the script and wait for the end. Returns the exit code.
int run(rank_state& s, caf::actor_system& system, rank_actors& actors, const start_options& options,
        int signals) {
  uint64_t script = 0;
  enclosing_instance around;
  if (s.net->rank() == 0) {
    caf::scoped_actor self{system};
    caf::error missing;
    self->request(actors.broker, caf::infinite, ready_atom_v)
        .receive([](done) {}, [&](caf::error& e) { missing = std::move(e); });
    if (missing) {
      fmt::print(stderr, "hactor-start: {}\n", render(missing));
      s.end.tell(1, true);
      return 1;
    }
    around.tell(s.uri);
    if (!around.is_there())
      announce(s, options.command);
    if (!around.is_there() && s.resources.expiration == 0)
      if (auto end = s.allocation.settle(*s.tasks, wall_ns() / 1'000'000'000))
        move_end(actors, *end);
    auto folder = std::filesystem::path(own_program()).parent_path().string();
    auto started =
        start_script(*s.tasks, options.command, s.uri, folder, [&s](const script_end& end) {
          if (!end.failure.empty())
            fmt::print(stderr, "hactor-start: {}\n", end.failure);
          s.end.tell(end.exit_code, false);
        });
    if (!started) {
      fmt::print(stderr, "hactor-start: {}\n", render(started.error()));
      s.end.tell(126, false);
    } else {
      script = *started;
    }
  }
  wait_for_end(s, signals, script, ::isatty(0) != 0, around, system, actors);
  if (s.net->rank() == 0)
    s.outside.withdraw(s.net->poller());
  if (s.net->rank() == 0 && !s.end.abrupt()) {
    around.leave();
    caf::scoped_actor self{system};
    auto patience = span_of(s.attributes->duration_s("exec.kill_timeout") * 2 + 1);
    self->request(actors.job_manager, patience, drain_atom_v)
        .receive([](done) {},
                 [patience](caf::error& e) {
                   log_warning("not all jobs could be ended within {} s: {}",
                               static_cast<double>(patience.count()) / 1e9,
                               e == caf::sec::request_timeout ? "their processes are killed"
                                                              : render(e));
                 });
    if (!around.is_there() && !s.folders.lasting)
      leave_job_log(s);
    s.drained = true;
    self->request(actors.broker, patience, shutdown_request{"the script has ended"})
        .receive([](done) {},
                 [](caf::error& e) {
                   log_warning("not all brokers have heard of the end: {}", render(e));
                 });
  }
  return s.end.code();
}

/// Tells why there is no instance, and returns the exit status.
int fail_start(const caf::error& e) {
  fmt::print(stderr, "hactor-start: {}\n", render(e));
  return 1;
}

system_options make_system_options(const rank_state& s) {
  system_options o;
  o.workers = static_cast<uint32_t>(s.attributes->integer("runtime.workers"));
  // Deaths here are seen at once; only who lives and is silent must be found out, which an
  // overloaded machine may be for a while.
  auto patience = s.net->all_near() ? 6 : 1;
  auto ms = [&s, patience](const char* attribute) {
    return short_span_ms(patience * s.attributes->duration_s(attribute));
  };
  o.heartbeat_interval_ms = ms("transport.heartbeat");
  o.connection_timeout_ms = ms("transport.heartbeat_timeout");
  return o;
}

service_parts make_parts(rank_state& s) {
  service_parts parts;
  parts.net = s.net.get();
  parts.attributes = s.attributes;
  parts.tasks = s.tasks;
  parts.gate = s.gate;
  parts.output = s.output;
  parts.uri = s.uri;
  parts.rundir = s.folders.run;
  parts.machine = s.machine;
  parts.pmix_spaces = fmt::format("hactor-{:016x}", s.secret);
  parts.epoch_ns = s.epoch_ns;
  parts.started_ns = s.started_ns;
  parts.last_id_ms = s.last_id_ms;
  parts.on_shutdown = [&s](const std::string&) {
    s.end.tell(0, false);
    return s.drained.load();
  };
  parts.on_peer_lost = [&s](rank_t peer) { s.net->mark_lost(peer); };
  parts.on_lead_lost = [&s] {
    log_error("the lead broker was lost: this one ends");
    s.end.tell(1, true);
  };
  parts.on_service_failed = [&s](const std::string& name, const std::string& what) {
    log_error("the {} service has failed, and this broker ends: {}", name, what);
    s.end.tell(1, true);
  };
  parts.store = s.store;
  parts.specs = s.specs;
  parts.restored = s.restored;
  parts.resources = s.resources;
  parts.scheduling = s.scheduling;
  parts.graph = s.graph;
  parts.changes = s.changes;
  return parts;
}

/// What the end of this rank waits for, told from another thread.
class last_actors {
public:
  explicit last_actors(caf::actor_system& system) : system_(&system) {}

  void forget() {
    std::lock_guard guard{mutex_};
    system_ = nullptr;
  }
  std::string waits_for() {
    std::lock_guard guard{mutex_};
    return system_ == nullptr ? "other ranks have not come so far"
                              : fmt::format("{} actors are left", system_->registry().running());
  }

private:
  std::mutex mutex_;
  caf::actor_system* system_; // null: all its actors have ended
};

/// The actor system of this rank, from its first actor to its last. Returns the exit code.
int serve(rank_state& s, const start_options& options, int signals, int spawner_fd) {
  system_config config{*s.net, make_system_options(s), register_messages};
  auto slot = std::make_shared<broker_slot>();
  s.net->on_peer_lost([slot](rank_t peer) { slot->tell(peer); });
  caf::actor_system system{config};
  s.tasks = task_host::make(s.net->poller(), spawner_fd, s.gate, [] { ::_exit(1); });

  auto parts = make_parts(s);
  auto actors = start_services(system, parts);
  if (!actors)
    ::_exit(fail_start(actors.error())); // CAF waits for actors that nobody would end
  slot->set(actors->broker);
  if (auto err = listen(s, actors->connector))
    ::_exit(fail_start(err));
  s.tasks->ready();
  start_modules(system, s.modules, parts, *actors);
  if (options.verbose && s.net->rank() == 0)
    say_what_there_is(s); // whoever reads the URI may use it

  auto code = run(s, system, *actors, options, signals);

  // From here on nothing new comes in; what runs on this node is ended by the supervisor.
  s.net->poller().post([listener = s.listener] { listener->close(); });
  slot->clear();
  if (s.end.abrupt())
    ::_exit(code);
  auto left = std::make_shared<last_actors>(system);
  s.guard.begin(code, std::chrono::seconds(limits::end_timeout_s),
                [left] { return left->waits_for(); });
  stop_services(*actors);
  s.listener.reset();
  system.await_all_actors_done();
  left->forget();
  return code;
}

} // namespace

caf::expected<way_to_peers> find_way(const start_options& options) {
  way_to_peers way;
  if (options.attributes.text("transport") == "tcp") {
    if (!options.mpi.empty() && options.mpi != "none")
      return make_error(ec::bad_argument, fmt::format("--mpi={} and transport=tcp: only one of "
                                                      "them can be",
                                                      options.mpi));
    auto plan = plan_tcp(options.attributes);
    if (!plan)
      return std::move(plan.error());
    way.tcp = std::move(*plan);
    return way;
  }
  auto how = detect_launch([](const char* name) { return std::getenv(name); }, options.mpi);
  if (!how)
    return std::move(how.error());
  way.how = std::move(*how);
  if (!way.how.module.empty())
    if (auto path = find_module(way.how, module_folders(own_program())); !path)
      return std::move(path.error());
  return way;
}

int broker_main(const start_options& options, const way_to_peers& way,
                const caf::expected<std::string>& run, int spawner_fd) {
  auto signals = block_signals();
  rank_state s;
  s.started_ns = wall_ns();
  s.attributes = std::make_shared<config>(options.attributes);
  log_source("broker");
  log_level_max(*parse_log_level(s.attributes->text("log-level")));
  if (auto name = s.attributes->text("log-filename"); !name.empty())
    if (auto err = log_to_file(name))
      return fail_start(err);

  // The other ranks.
  auto net = open_transport(way, *s.attributes, signals);
  if (!net)
    return fail_start(net.error());
  s.net = std::move(*net);
  if (auto err = check_met(way.how, s.net->size())) {
    s.net->close();
    return fail_start(err);
  }
  auto rank = s.net->rank();
  log_source(fmt::format("broker[{}]", rank));

  // What this rank brings; then everybody knows everybody, or nobody starts.
  greeting mine;
  if (auto err = prepare(s, options, run, mine))
    mine.failure = render(err);
  if (auto err = agree(s, mine, options.oversubscribe)) {
    if (rank == 0 || way.tcp) // an MPI launcher would show the same once for each rank
      fail_start(err);
    s.net->close();
    return code_of(err) == ec::bad_argument ? 2 : 1; // as of other commands
  }
  set_attributes(s);
  if (rank == 0)
    if (auto err = change_graph(s))
      ::_exit(fail_start(err)); // the others wait for this rank
  s.resources.starttime = options.starts;
  s.resources.expiration = options.ends;
  if (rank == 0)
    say(scheduling_notes(*s.attributes, s.scheduling, s.resources, s.net->size()));
  if (rank == 0)
    end_with_allocation(s);

  // The actors, and the script.
  auto code = serve(s, options, signals, spawner_fd);

  // No actor is left: what they wrote to is closed.
  (void)s.output->flush();
  s.store.reset();
  s.output.reset();
  // Before MPI's last barrier: a launcher that ends the others when the first exit status is not 0
  // (Open MPI) finds nothing left behind.
  if (run)
    remove_run_folder(*run);
  if (!s.net->close())
    ::_exit(code); // a rank died: MPI could not be ended without it
  return code;
}

} // namespace hactor
