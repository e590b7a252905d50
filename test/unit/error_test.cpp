// runtime/error: codes, contexts, rendering.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/error.hpp"

#include <cerrno>
#include <csignal>
#include <set>

#include <sys/wait.h>
#include <unistd.h>

#include <caf/atom.hpp>
#include <caf/exit_reason.hpp>
#include <caf/sec.hpp>

#include <doctest/doctest.h>

using namespace hactor;

TEST_SUITE("unit") {

  TEST_CASE("every error code has its own name and a sentence that ends") {
    std::set<std::string> names;
    for (int i = 0; i < static_cast<int>(ec::code_count); ++i) {
      auto code = static_cast<ec>(i);
      CHECK(names.insert(to_string(code)).second);
      CHECK(sentence(code).back() == '.');
    }
    CHECK(to_string(ec::bad_jobspec) == "bad_jobspec");
    CHECK(to_string(ec::system_failed) == "system_failed");
  }

  TEST_CASE("an error carries its code and its context") {
    auto e = make_error(ec::bad_id, "'x' is not a job id");
    CHECK(code_of(e) == ec::bad_id);
    CHECK(context_of(e) == "'x' is not a job id");
    CHECK(render(e) == "'x' is not a job id");
  }

  TEST_CASE("an error without context is rendered as the sentence of its code") {
    auto e = make_error(ec::rank_lost);
    CHECK(context_of(e).empty());
    CHECK(render(e) == "The broker that should answer has died.");
  }

  TEST_CASE("no error is ok") {
    caf::error none;
    CHECK(code_of(none) == ec::ok);
    CHECK(context_of(none).empty());
    CHECK(render(none) == "No error.");
    CHECK_FALSE(make_error(ec::ok));
  }

  TEST_CASE("errors of CAF are system_failed and are rendered with CAF's names") {
    caf::error timeout = caf::sec::request_timeout;
    CHECK(code_of(timeout) == ec::system_failed);
    CHECK(context_of(timeout).empty());
    CHECK(render(timeout) == "system(request_timeout)");
    CHECK(render(caf::error{caf::exit_reason::kill}) == "exit(kill)");
    CHECK(render(caf::error{7, caf::atom("other")}) == "other(7)");
  }

  TEST_CASE("a code of our category from a newer peer is not ours to name") {
    caf::error newer{250, caf::atom("hactor")};
    CHECK(code_of(newer) == ec::system_failed);
    CHECK(render(newer) == "hactor(250)");
  }

  TEST_CASE("a broken invariant stops the process with file, line and expression") {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    auto child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      ::signal(SIGABRT, SIG_DFL); // doctest's handler would report a failed test
      ::dup2(ends[1], STDERR_FILENO);
      check_failed("file.cpp", 7, "a < b");
    }
    ::close(ends[1]);
    char text[200];
    auto size = ::read(ends[0], text, sizeof text);
    ::close(ends[0]);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGABRT);
    REQUIRE(size > 0);
    CHECK(std::string(text, static_cast<size_t>(size)) == "file.cpp:7: broken invariant: a < b\n");
  }

  TEST_CASE("an errno error says what was tried and why it failed") {
    auto e = make_errno_error(ec::store_failed, "open '/x'", ENOENT);
    CHECK(code_of(e) == ec::store_failed);
    CHECK(render(e) == "open '/x': No such file or directory");
  }

} // TEST_SUITE
