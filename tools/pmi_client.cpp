// See pmi_client.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/pmi_client.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>

#include <fcntl.h>
#include <unistd.h>

#include "actors/pmi_core.hpp"

namespace hactor::tools {

namespace {

/// A line of PMI-1 is short; who sends more without an end speaks something else.
constexpr size_t line_bytes_max = 64 << 10;

std::string variable(const char* name) {
  auto* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// A whole text as a number; -1 for anything else.
int number_of(std::string_view text) {
  int number = -1;
  auto [rest, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  return failed == std::errc{} && rest == text.data() + text.size() ? number : -1;
}

class wire_client final : public pmi_client {
public:
  explicit wire_client(int fd) : fd_(fd) {}

  caf::error begin() override {
    auto answer = ask("cmd=init pmi_version=1 pmi_subversion=1", "response_to_init");
    if (!answer)
      return std::move(answer.error());
    auto maxes = ask("cmd=get_maxes", "maxes");
    if (!maxes)
      return std::move(maxes.error());
    auto named = ask("cmd=get_my_kvsname", "my_kvsname");
    if (!named)
      return std::move(named.error());
    space = (*named)["kvsname"];
    auto own = number_of(variable("PMI_RANK"));
    auto all = number_of(variable("PMI_SIZE"));
    if (own < 0 || all <= own)
      return make_error(ec::system_failed, "PMI_RANK and PMI_SIZE say '" + variable("PMI_RANK")
                                               + "' of '" + variable("PMI_SIZE") + "'");
    rank = static_cast<uint32_t>(own);
    size = static_cast<uint32_t>(all);
    return {};
  }

  caf::error put(const std::string& key, const std::string& value) override {
    return tell("cmd=put kvsname=" + space + " key=" + key + " value=" + value, "put_result");
  }

  caf::error barrier() override { return tell("cmd=barrier_in", "barrier_out"); }

  caf::expected<std::string> get(const std::string& key, uint32_t) override {
    auto answer = ask("cmd=get kvsname=" + space + " key=" + key, "get_result");
    if (!answer)
      return make_error(code_of(answer.error()) == ec::system_failed ? ec::unknown_key
                                                                     : code_of(answer.error()),
                        key + ": " + render(answer.error()));
    return (*answer)["value"];
  }

  caf::error end() override { return tell("cmd=finalize", "finalize_ack"); }

private:
  /// Where the answer has no more than that it was done.
  caf::error tell(const std::string& line, std::string_view wanted) {
    auto answer = ask(line, wanted);
    return answer ? caf::error{} : std::move(answer.error());
  }

  /// Errors: ec::disconnected; ec::system_failed for another answer, or one that refuses.
  caf::expected<pmi_words> ask(const std::string& line, std::string_view wanted) {
    if (trace)
      trace("> " + line);
    auto out = line + "\n";
    for (size_t sent = 0; sent < out.size();) {
      auto n = ::write(fd_, out.data() + sent, out.size() - sent);
      if (n < 0 && errno != EINTR)
        return make_errno_error(ec::disconnected, "PMI_FD", errno);
      sent += static_cast<size_t>(std::max<ssize_t>(n, 0));
    }
    auto answer = read_line();
    if (!answer)
      return std::move(answer.error());
    if (trace)
      trace("< " + *answer);
    auto w = read_pmi_line(*answer);
    auto refused = w.contains("rc") && w["rc"] != "0";
    if (w["cmd"] != wanted || refused)
      return make_error(ec::system_failed, "'" + line + "' was answered by '" + *answer + "'");
    return w;
  }

  caf::expected<std::string> read_line() {
    while (true) {
      if (auto end = in_.find('\n'); end != in_.npos) {
        auto line = in_.substr(0, end);
        in_.erase(0, end + 1);
        return line;
      }
      char bytes[4096];
      auto n = ::read(fd_, bytes, sizeof bytes);
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return make_errno_error(ec::disconnected, "PMI_FD", errno);
      if (n == 0 || in_.size() > line_bytes_max)
        return make_error(ec::disconnected, n == 0 ? "PMI_FD was closed by the other end"
                                                   : "PMI_FD: what comes there is not PMI-1");
      in_.append(bytes, static_cast<size_t>(n));
    }
  }

  int fd_;
  std::string in_;
};

/// One task, which meets nobody.
class single_client final : public pmi_client {
public:
  caf::error begin() override {
    space = "single";
    return {};
  }
  caf::error put(const std::string& key, const std::string& value) override {
    values_[key] = value;
    return {};
  }
  caf::error barrier() override { return {}; }
  caf::expected<std::string> get(const std::string& key, uint32_t) override {
    auto found = values_.find(key);
    if (found == values_.end())
      return make_error(ec::unknown_key, key + ": a single task has what it has put itself");
    return found->second;
  }
  caf::error end() override { return {}; }

private:
  pmi_words values_;
};

caf::expected<std::unique_ptr<pmi_client>> make_wire_client() {
  auto text = variable("PMI_FD");
  auto fd = number_of(text);
  if (fd < 0)
    return make_error(ec::bad_argument, "--method=simple: PMI_FD is "
                                            + (text.empty() ? "not set" : "'" + text + "'")
                                            + ": no process manager offers PMI-1 to this task");
  if (::fcntl(fd, F_GETFD) < 0)
    return make_errno_error(ec::bad_argument, "PMI_FD=" + text, errno);
  return std::unique_ptr<pmi_client>{new wire_client{fd}};
}

} // namespace

caf::expected<std::unique_ptr<pmi_client>> make_pmi_client(const std::string& method) {
  if (method == "simple" || (method.empty() && !variable("PMI_FD").empty()))
    return make_wire_client();
  if (method == "pmix" || (method.empty() && !variable("PMIX_RANK").empty()))
    return make_pmix_client();
  if (method == "single" || (method.empty() && variable("HACTOR_JOB_SIZE") == "1"))
    return std::unique_ptr<pmi_client>{new single_client};
  if (!method.empty())
    return make_error(ec::bad_argument,
                      "--method: '" + method + "' must be simple, pmix or single");
  if (!variable("HACTOR_JOB_ID").empty())
    return make_error(ec::no_instance, "this job's tasks are offered no PMI (-O pmi=off?)");
  return make_error(ec::no_instance, "this is no task of a job, and has nobody to meet: try "
                                     "'hactor run -n 4 hactor pmi barrier'");
}

} // namespace hactor::tools
