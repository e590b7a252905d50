// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "mpi-boot/presence.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <filesystem>
#include <set>

#include <unistd.h>

#include "mpi-boot/folders.hpp"
#include "runtime/log.hpp"
#include "runtime/tcp_address.hpp"
#include "workflow/instance_note.hpp"

namespace hactor {

namespace {

constexpr size_t name_bytes_max = 64;
constexpr size_t command_bytes_max = 4096;

caf::error check_name(const std::string& name) {
  auto plain = [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_' || c == '.'; };
  if (name.size() <= name_bytes_max && std::all_of(name.begin(), name.end(), plain))
    return caf::none;
  return make_error(ec::bad_argument,
                    fmt::format("instance.name={}: a name has at most {} letters, digits and any "
                                "of -_.",
                                name, name_bytes_max));
}

/// "[HOST:]PORT", where the port may be 0. Errors: ec::bad_argument.
caf::expected<tcp_endpoint> parse_place(const std::string& text) {
  auto wrong = [&text] {
    return make_error(ec::bad_argument,
                      fmt::format("connector.tcp={}: must be PORT or HOST:PORT, with a port from 0 "
                                  "(any) to 65535",
                                  text));
  };
  tcp_endpoint place;
  auto colon = text.rfind(':');
  auto digits = std::string_view{text}.substr(colon == text.npos ? 0 : colon + 1);
  auto [rest, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), place.port);
  if (digits.empty() || failed != std::errc{} || rest != digits.data() + digits.size())
    return wrong();
  if (colon == text.npos)
    return place;
  auto whole = parse_endpoint(text.substr(0, colon + 1) + "1"); // its port may not be 0
  if (!whole)
    return wrong();
  place.host = whole->host;
  return place;
}

/// The command on one line.
std::string shown(const std::vector<std::string>& words) {
  std::string text;
  for (auto& w : words) {
    if (!text.empty())
      text += ' ';
    for (unsigned char c : w)
      text += std::iscntrl(c) ? ' ' : static_cast<char>(c);
    if (text.size() > command_bytes_max) {
      text.resize(command_bytes_max);
      return text.append("...");
    }
  }
  return text;
}

caf::expected<int> bind_at(const tcp_endpoint& place, bool& everywhere) {
  everywhere = place.host.empty();
  if (everywhere)
    return bind_tcp(nullptr, place.port);
  auto all = resolve(place);
  if (!all)
    return std::move(all.error());
  everywhere = all->front().is_wildcard();
  return bind_tcp(&all->front(), place.port);
}

} // namespace

caf::error presence::prepare(config& attributes, const std::string& host) {
  if (auto wrong = check_name(attributes.text("instance.name")))
    return wrong;
  auto text = attributes.text("connector.tcp");
  if (text.empty())
    return caf::none;
  auto place = parse_place(text);
  if (!place)
    return std::move(place.error());
  for (auto* name : {"connector.key", "transport.key"})
    if (token_path_.empty())
      token_path_ = attributes.text(name);
  if (token_path_.empty())
    token_path_ = default_key_path();
  if (token_path_.empty())
    return make_error(ec::bad_argument, "connector.tcp needs connector.key=FILE: HOME is not set");
  std::error_code ignored;
  token_path_ = std::filesystem::absolute(token_path_, ignored).string();
  auto token = load_or_make_key(token_path_);
  if (!token)
    return make_error(code_of(token.error()), "connector.key: " + render(token.error()));
  token_ = *token;
  bool everywhere = false;
  auto bound = bind_at(*place, everywhere);
  if (!bound)
    return make_error(code_of(bound.error()),
                      fmt::format("connector.tcp={}: {}", text, render(bound.error())));
  bound_ = owned_fd{*bound};
  tcp_endpoint told{everywhere ? host : place->host, port_of(*bound)};
  attributes.fix("connector.tcp", told.text());
  return caf::none;
}

caf::error presence::listen(poller& p, int64_t identity, tcp_door::accepted what) {
  if (!bound_)
    return caf::none;
  auto door =
      tcp_door::make(p, bound_.release(), token_, static_cast<uint64_t>(identity), std::move(what));
  if (!door)
    return std::move(door.error());
  door_ = std::move(*door);
  return caf::none;
}

void presence::announce(const config& attributes, const presence_facts& facts,
                        const std::string& run) {
  if (workflow::note_folder().empty())
    return;
  workflow::instance_note n;
  n.id = workflow::note_id(facts.identity);
  n.identity = std::to_string(facts.identity);
  n.name = attributes.text("instance.name");
  sign(n);
  n.uri = facts.uri;
  if (door_) {
    n.tcp = attributes.text("connector.tcp");
    n.token = token_path_;
  }
  n.size = static_cast<uint32_t>(facts.hosts.size());
  n.nnodes = static_cast<uint32_t>(std::set(facts.hosts.begin(), facts.hosts.end()).size());
  n.started = static_cast<double>(facts.started_ns) * 1e-9;
  n.command = shown(facts.command);
  n.version = attributes.text("version");
  n.within = facts.within;
  auto path = write_note(n);
  if (!path) {
    log_warning("'hactor ps' will not show this instance: {}", render(path.error()));
    return;
  }
  note_ = *path;
  uri_ = n.uri;
  (void)!::symlink(note_.c_str(), note_link(run).c_str());
}

void presence::withdraw(poller& p) {
  if (!note_.empty())
    workflow::remove_note(note_, uri_);
  note_.clear();
  if (door_)
    p.post([door = std::move(door_)] { door->close(); });
}

} // namespace hactor
