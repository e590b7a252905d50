// hactor uri: what names an instance, from here or from elsewhere; hactor relay: the other end of
// an ssh:// URI.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <array>
#include <cerrno>
#include <cstdlib>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/ids.hpp"
#include "tools/commands.hpp"
#include "tools/nested.hpp"
#include "tools/session.hpp"
#include "tools/uri_schemes.hpp"
#include "workflow/address.hpp"
#include "workflow/instance_note.hpp"
#include "workflow/ssh_way.hpp"

namespace hactor::tools {

namespace {

constexpr option_spec uri_options[] = {
    {0, "local", nullptr, "Prints local://, which holds on the instance's machine."},
    {0, "remote", nullptr, "Prints ssh://, which holds everywhere."},
};

constexpr std::string_view local_scheme = "local://";
constexpr std::string_view ssh_scheme = "ssh://";

/// The socket of the broker at the other end and what is behind it, and that broker's machine.
struct place {
  std::string path;
  std::string host;
};

/// Errors: as client::connect, and the broker's.
caf::expected<place> place_of(const std::string& uri) {
  auto where = workflow::parse_address(uri);
  if (!where)
    return std::move(where.error());
  if (uri.starts_with(ssh_scheme)) { // it says both
    auto slash = uri.find('/', ssh_scheme.size());
    return place{uri.substr(slash), uri.substr(ssh_scheme.size(), slash - ssh_scheme.size())};
  }
  place found;
  if (where->by == workflow::instance_address::way::note) {
    auto note = workflow::find_note(where->note);
    if (!note)
      return std::move(note.error());
    found = {note->uri.substr(local_scheme.size()), note->host};
  } else {
    auto inside = where->inside.empty() ? 0 : where->inside.size() + 1;
    auto broker = client::connect(uri.substr(0, uri.size() - inside));
    if (!broker)
      return std::move(broker.error());
    for (auto [name, value] : {std::pair{"uri", &found.path}, {"hostname", &found.host}}) {
      auto answer = broker->ask("attr.get", {{"name", name}});
      if (!answer)
        return std::move(answer.error());
      *value = text_at(*answer, "value");
    }
    found.path = found.path.substr(std::min(local_scheme.size(), found.path.size()));
  }
  if (!where->inside.empty())
    found.path += "/" + where->inside;
  return found;
}

/// The URI of what the word names: a URI, the id of a job that holds an instance, or an instance.
caf::expected<std::string> resolve_target(const std::string& word) {
  if (auto uri = uri_by_scheme(word))
    return std::move(*uri);
  auto own = workflow::own_uri();
  auto path = uri_inside("", word);
  if (own && path)
    return find_inside(*own, word);
  auto where = workflow::parse_address(word);
  if (!where || where->by != workflow::instance_address::way::note)
    return where ? caf::expected<std::string>{word} : std::move(where.error());
  auto note = workflow::find_note(where->note);
  if (!note)
    return !own && path ? std::move(own.error())
           : code_of(note.error()) == ec::no_instance
               ? make_error(ec::no_instance, render(note.error()) + "; " + target_forms)
               : std::move(note.error());
  return workflow::way_to(*note) + (where->inside.empty() ? "" : "/" + where->inside);
}

int run_uri(const invocation& call) {
  auto& o = call.options;
  if (o.has("local") && o.has("remote"))
    return fail_usage(call, make_error(ec::bad_argument, "--local and --remote: only one of them "
                                                         "can be"));
  auto uri = o.operands.empty() ? workflow::own_uri() : resolve_target(o.operands.front());
  if (!uri)
    return fail_usage(call, uri.error());
  if (o.has("local") || o.has("remote")) {
    auto where = place_of(*uri);
    if (!where)
      return fail(call, where.error());
    *uri = o.has("local") ? "local://" + where->path : "ssh://" + where->host + where->path;
  }
  print_line(*uri);
  return exit_ok;
}

/// One direction of the relay.
struct flow {
  int from;
  int to;
  std::array<char, 64 << 10> bytes;
  size_t begin = 0;
  size_t end = 0;
  bool over = false; // nothing more comes

  bool is_done() const { return over && begin == end; }
  void take() {
    auto n = ::read(from, bytes.data(), bytes.size());
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
      return;
    begin = 0;
    end = static_cast<size_t>(std::max<ssize_t>(n, 0));
    over = n <= 0;
  }
  /// False when nobody takes it any more.
  bool give() {
    auto n = ::write(to, bytes.data() + begin, end - begin);
    if (n < 0)
      return errno == EINTR || errno == EAGAIN;
    begin += static_cast<size_t>(n);
    return true;
  }
};

/// Passes on both ways until one end has gone.
void pass_on(int socket) {
  for (int fd : {0, 1, socket})
    if (::isatty(fd) == 0)
      ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
  static flow in{0, socket, {}};
  static flow out{socket, 1, {}};
  while (!in.is_done() && !out.is_done()) {
    std::array<pollfd, 4> fds;
    size_t i = 0;
    for (auto* f : {&in, &out}) { // a negative descriptor is not looked at
      fds[i++] = {f->begin == f->end ? f->from : -1, POLLIN, 0};
      fds[i++] = {f->begin < f->end ? f->to : -1, POLLOUT, 0};
    }
    if (::poll(fds.data(), fds.size(), -1) < 0)
      continue;
    i = 0;
    for (auto* f : {&in, &out}) {
      if (fds[i++].revents != 0)
        f->take();
      if (fds[i++].revents != 0 && !f->give())
        return;
    }
  }
}

int run_relay(const invocation& call) {
  auto path = call.options.operands.front();
  auto fd = workflow::connect_socket(path.starts_with('/') ? "local://" + path : path);
  if (!fd)
    return fail(call, fd.error());
  print(workflow::relay_greeting);
  flush_output();
  pass_on(*fd);
  ::close(*fd);
  return exit_ok;
}

} // namespace

const command uri_command{
    "uri",
    group_instance,
    "prints what names an instance",
    "[OPTIONS] [TARGET]",
    "TARGET is one of\n\n"
    " ID         the instance in a job (ID/ID: in a job of that one); also jobid:ID\n"
    " INSTANCE   an id or a name that hactor ps shows, or the beginning of an id\n"
    " pid:PID    that of a process of this machine: the one that it belongs to, or,\n"
    "            of mpirun and hactor-start, the one that it has started\n"
    " slurm:JOB  the one that runs in this job of Slurm; so are lsf:JOB and pbs:JOB\n"
    " URI        local://, tcp:// or ssh://\n\n"
    "and may have /ID behind it, for one within. Without TARGET the instance of "
    "HACTOR_URI is meant. What is "
    "printed holds here; with --remote it is for other machines, which go through ssh to this "
    "instance's (HACTOR_SSH is the program, default ssh; HACTOR_SSH_RCMD where hactor is there).",
    uri_options,
    usual_exits,
    " hactor uri --remote\n HACTOR_URI=$(hactor uri slurm:4711) hactor jobs\n"
    " hactor uri pid:$(pgrep -n mpirun)",
    false,
    0,
    1,
    run_uri};

const command relay_command{
    "relay",
    group_instance,
    "passes the protocol on from an instance's socket",
    "PATH",
    "Standard input goes to the socket at PATH, what comes from there to standard output. This is "
    "what an ssh:// URI runs on the other machine.",
    {},
    usual_exits,
    " ssh node1 hactor relay /tmp/hactor-x/local",
    false,
    1,
    1,
    run_relay};

} // namespace hactor::tools
