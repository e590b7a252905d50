// See tcp_plan.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/tcp_plan.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>

#include <fmt/format.h>

#include "runtime/duration.hpp"
#include "runtime/hostlist.hpp"
#include "runtime/limits.hpp"
#include "runtime/tcp_key.hpp"

namespace hactor {

namespace {

/// Longer lists are shown by their ends.
constexpr size_t shown_bytes_max = 400;

std::string shown(const std::vector<std::string>& hosts) {
  auto text = format_hostlist(hosts);
  if (text.size() > shown_bytes_max)
    text.replace(shown_bytes_max / 2, text.size() - shown_bytes_max, "...");
  return text;
}

std::string without_domain(const std::string& host) { return host.substr(0, host.find('.')); }

bool is_number(const std::string& host) {
  return host.find(':') != std::string::npos
         || host.find_first_not_of("0123456789.") == std::string::npos;
}

/// "node1" and "node1.cluster" are one host, "node1.a" and "node1.b" are not.
bool same_host(const std::string& a, const std::string& b) {
  if (a == b)
    return true;
  if (is_number(a) || is_number(b))
    return false;
  auto one_is_short = a.find('.') == std::string::npos || b.find('.') == std::string::npos;
  return one_is_short && without_domain(a) == without_domain(b);
}

bool resolves_to_here(const std::string& host) {
  auto found = resolve({host, 0});
  return found && std::ranges::any_of(*found, [](auto& a) { return is_local(a); });
}

std::string own_host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "localhost";
}

std::string strip(std::string line) {
  line.erase(std::min(line.find('#'), line.size()));
  auto blank = " \t\r";
  auto first = line.find_first_not_of(blank);
  if (first == std::string::npos)
    return {};
  return line.substr(first, line.find_last_not_of(blank) - first + 1);
}

caf::error wrong(std::string what) { return make_error(ec::bad_argument, std::move(what)); }

caf::error plan_by_hosts(const config& c, tcp_plan& plan) {
  auto hosts = read_hosts(c.text("transport.hosts"));
  if (!hosts)
    return std::move(hosts.error());
  if (hosts->empty())
    return wrong(fmt::format("transport.hosts={}: names no host", c.text("transport.hosts")));
  plan.hosts = std::move(*hosts);
  plan.size = static_cast<uint32_t>(plan.hosts.size());
  auto size = c.integer("transport.size");
  if (size != 0 && size != plan.size)
    return wrong(fmt::format("transport.size={}, but transport.hosts has {} hosts", size,
                             plan.size));
  plan.own_port = static_cast<uint16_t>(c.integer("transport.port"));
  plan.meeting = {plan.hosts.front(), plan.own_port};
  if (!plan.rank) {
    auto place = find_place(plan.hosts, plan.own_host, resolves_to_here);
    if (!place)
      return std::move(place.error());
    plan.rank = *place;
  }
  return caf::none;
}

caf::error plan_by_meeting(const config& c, tcp_plan& plan) {
  auto where = parse_endpoint(c.text("transport.rendezvous"));
  if (!where)
    return wrong("transport.rendezvous: " + context_of(where.error()));
  plan.meeting = std::move(*where);
  auto size = c.integer("transport.size");
  if (size == 0)
    return wrong("transport.rendezvous needs transport.size=N, the number of brokers");
  plan.size = static_cast<uint32_t>(size);
  return caf::none;
}

} // namespace

caf::expected<std::vector<std::string>> read_hosts(const std::string& text) {
  if (text.find('/') == std::string::npos)
    return parse_hostlist(text);
  std::ifstream in{text};
  if (!in)
    return make_errno_error(ec::system_failed, "transport.hosts: " + text, errno);
  std::vector<std::string> result;
  size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    auto some = parse_hostlist(strip(std::move(line)));
    if (!some)
      return make_error(code_of(some.error()),
                        fmt::format("{}:{}: {}", text, number, context_of(some.error())));
    result.insert(result.end(), some->begin(), some->end());
    if (result.size() > limits::ranks_max)
      return make_error(ec::too_big, fmt::format("{}: more than {} hosts, the most that an "
                                                 "instance may have", text, limits::ranks_max));
  }
  return result;
}

caf::expected<uint32_t> find_place(const std::vector<std::string>& hosts, const std::string& own,
                                   const std::function<bool(const std::string&)>& is_here) {
  std::vector<size_t> places;
  auto look = [&](auto&& matches) {
    for (size_t i = 0; i < hosts.size() && places.size() < 2; ++i)
      if (matches(hosts[i]))
        places.push_back(i);
  };
  look([&](auto& host) { return host == own; });
  if (places.empty())
    look([&](auto& host) { return same_host(host, own); });
  if (places.empty())
    look(is_here);
  if (places.empty())
    return wrong(fmt::format("this host, {}, is not in transport.hosts={}, neither by name nor by "
                             "one of its addresses", own, shown(hosts)));
  if (places.size() > 1)
    return wrong(fmt::format("this host, {}, is more than one entry of transport.hosts={}: say "
                             "which with transport.rank={} or {}", own, shown(hosts), places[0],
                             places[1]));
  return static_cast<uint32_t>(places[0]);
}

caf::expected<tcp_plan> plan_tcp(const config& c) {
  tcp_plan plan;
  plan.own_host = c.text("hostname").empty() ? own_host_name() : c.text("hostname");
  auto rank = c.integer("transport.rank");
  if (rank >= 0)
    plan.rank = static_cast<uint32_t>(rank);
  auto by_hosts = !c.text("transport.hosts").empty();
  auto by_meeting = !c.text("transport.rendezvous").empty();
  if (by_hosts == by_meeting)
    return wrong(by_hosts
                   ? "transport.hosts and transport.rendezvous: only one of them can say where to "
                     "meet"
                   : "transport=tcp needs transport.hosts=HOSTLIST, or transport.rendezvous="
                     "HOST:PORT with transport.size=N");
  if (auto failed = by_hosts ? plan_by_hosts(c, plan) : plan_by_meeting(c, plan))
    return failed;
  if (plan.size > limits::ranks_max)
    return make_error(ec::too_big, fmt::format("{} brokers: an instance has at most {}", plan.size,
                                               limits::ranks_max));
  if (plan.rank && *plan.rank >= plan.size)
    return wrong(fmt::format("transport.rank={}: an instance of {} has ranks 0 to {}", *plan.rank,
                             plan.size, plan.size - 1));
  plan.key_path = c.text("transport.key").empty() ? default_key_path() : c.text("transport.key");
  if (plan.key_path.empty())
    return wrong("transport.key=FILE is needed: HOME is not set");
  plan.start_ns_max = span_of(c.duration_s("transport.start_timeout")).count();
  plan.silence_ms = short_span_ms(c.duration_s("transport.heartbeat_timeout"));
  return plan;
}

} // namespace hactor
