// The spawner with real processes. Each case has a deadline of its own and must leave nothing.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <cerrno>
#include <string>
#include <thread>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "test/support/supervised.hpp"

using namespace hactor;
using namespace hactor::test;

#define EXPECT(condition) expect((condition), #condition, __LINE__)

namespace {

bool exited_with(int status, int code) { return WIFEXITED(status) && WEXITSTATUS(status) == code; }

bool killed_by(int status, int signo) { return WIFSIGNALED(status) && WTERMSIG(status) == signo; }

/// Runs the broker; it must end with 0 and nothing may be left.
void check_broker(const std::function<void(test_broker&, expectations&)>& body,
                  const supervisor_options& options = {.term_grace_ms = 200}) {
  auto result = supervise(options, [&](test_broker& b) {
    expectations expect;
    body(b, expect);
    return expect.failed;
  });
  CHECK(exited_with(result.status, 0));
  CHECK(result.clean);
}

/// Waits until a process is no more than a zombie, with a deadline.
bool gone(pid_t pid) {
  for (auto deadline = now_ms() + 5000; now_ms() < deadline; ::poll(nullptr, 0, 2))
    if (::kill(pid, 0) != 0)
      return true;
  return false;
}

struct shared_pids { // what a broker tells doctest's process
  shared_pids() { REQUIRE(::pipe2(ends, O_CLOEXEC) == 0); }
  ~shared_pids() {
    ::close(ends[0]);
    ::close(ends[1]);
  }
  void put(pid_t pid) const { CHECK(::write(ends[1], &pid, sizeof pid) == sizeof pid); }
  pid_t get() const {
    pid_t pid = -1;
    CHECK(::read(ends[0], &pid, sizeof pid) == sizeof pid);
    return pid;
  }
  int ends[2];
};

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("exit codes and signals of tasks come back with what they used") {
    check_broker([](test_broker& b, expectations& expect) {
      EXPECT(exited_with(b.run(b.request(1, {"/bin/true"})), 0));
      EXPECT(b.usage.maxrss_kb > 0);
      EXPECT(exited_with(b.run(b.shell(2, "exit 42")), 42));
      EXPECT(killed_by(b.run(b.shell(3, "kill -SEGV $$")), SIGSEGV));
      EXPECT(exited_with(b.run(b.shell(4, "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done")), 0));
      EXPECT(b.usage.utime_us + b.usage.stime_us > 1000);
      EXPECT(b.client.task_count() == 0);
      EXPECT(b.pids.size() == 4);
    });
  }

  TEST_CASE("the supervisor exits with the broker's code") {
    for (int code : {0, 1, 77}) {
      auto result = supervise({}, [=](test_broker&) { return code; });
      CHECK(exited_with(result.status, code));
      CHECK(result.clean);
    }
  }

  TEST_CASE("a command that cannot be started says which step failed and why") {
    check_broker([](test_broker& b, expectations& expect) {
      auto fails = [&](spawn_request r, spawn_step step, int error) {
        auto token = r.token;
        return b.run(std::move(r)) == -1 && b.failures[token].step == step
               && b.failures[token].errno_value == error;
      };
      using enum spawn_step;
      EXPECT(fails(b.request(1, {"no-such-program"}), command, ENOENT));
      EXPECT(fails(b.request(2, {"/no/such/program"}), command, ENOENT));
      EXPECT(fails(b.request(3, {"/etc/passwd"}), command, EACCES));
      EXPECT(fails(b.request(4, {"/usr"}), command, EACCES));
      auto r = b.request(5, {"true"});
      r.cwd = "/no/such/directory";
      EXPECT(fails(std::move(r), cwd, ENOENT));
      r = b.request(6, {"true"});
      r.inherit(3, 900);
      EXPECT(fails(std::move(r), fd, EBADF));
      r = b.request(7, {"true"});
      r.cpus = {60000};
      EXPECT(fails(std::move(r), cpus, EINVAL));
      r = b.request(8, {"true"});
      r.cpus = {-1};
      EXPECT(fails(std::move(r), cpus, EINVAL));
      r = b.request(9, {"true"});
      r.limits = {{RLIMIT_NOFILE, 10, 5}};
      EXPECT(fails(std::move(r), limit, EINVAL));
      r = b.request(10, {"true"});
      r.environment.clear();
      r.set_env("PATH", "/nowhere:/etc");
      EXPECT(fails(std::move(r), command, ENOENT));
      EXPECT(b.client.task_count() == 0);
      EXPECT(exited_with(b.run(b.request(10, {"true"})), 0)); // the token is free again
    });
  }

  TEST_CASE("a task that stops in exec is its program already, and goes on when it is told to") {
    check_broker([](test_broker& b, expectations& expect) {
      auto stopped = [](pid_t pid) { // of /proc/PID/stat: "PID (NAME) STATE ..."
        auto file = "/proc/" + std::to_string(pid) + "/stat";
        for (auto deadline = now_ms() + 5000; now_ms() < deadline; ::poll(nullptr, 0, 2)) {
          char text[64] = {};
          auto fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
          (void)::read(fd, text, sizeof text - 1);
          ::close(fd);
          if (std::string{text}.find(" (sh) T") != std::string::npos)
            return true;
        }
        return false;
      };
      for (int signo : {SIGCONT, SIGKILL}) {
        auto token = static_cast<uint64_t>(signo);
        auto r = b.shell(token, "exit 3");
        r.stop_in_exec = true;
        EXPECT(!b.client.spawn(std::move(r)));
        b.until([&] { return b.pids.count(token) > 0; });
        EXPECT(stopped(b.pids[token]));
        EXPECT(b.statuses.count(token) == 0);
        EXPECT(!b.client.signal(token, signo));
        b.until([&] { return b.statuses.count(token) > 0; });
        EXPECT(signo == SIGCONT ? exited_with(b.statuses[token], 3)
                                : killed_by(b.statuses[token], SIGKILL));
      }
      auto missing = b.request(1, {"no-such-program"});
      missing.stop_in_exec = true;
      EXPECT(b.run(std::move(missing)) == -1);
      EXPECT(b.failures[1].errno_value == ENOENT);
    });
  }

  TEST_CASE("the command is searched in the job's own PATH, and a plain script is the shell's") {
    char directory[] = "/tmp/hactor_spawner_XXXXXX";
    REQUIRE(::mkdtemp(directory) != nullptr);
    std::string script = std::string(directory) + "/only-here";
    auto* file = std::fopen(script.c_str(), "w");
    REQUIRE(file != nullptr);
    std::fputs("echo \"$0 $1\"\nexit 5\n", file);
    std::fclose(file);
    REQUIRE(::chmod(script.c_str(), 0700) == 0);
    check_broker([&](test_broker& b, expectations& expect) {
      auto r = b.request(1, {"only-here", "arg"});
      r.environment.clear();
      r.set_env("PATH", "/nowhere:" + std::string(directory));
      std::string output;
      EXPECT(exited_with(b.run(std::move(r), output), 5));
      EXPECT(output == script + " arg\n");
      r = b.request(2, {"only-here"}); // an empty entry is the working directory
      r.environment.clear();
      r.set_env("PATH", ":/bin");
      r.cwd = directory;
      EXPECT(exited_with(b.run(std::move(r)), 5));
      EXPECT(b.run(b.request(3, {"only-here"})) == -1); // ours is not asked
      r = b.request(4, {"true"});                       // no PATH at all
      r.environment.clear();
      EXPECT(exited_with(b.run(std::move(r)), 0));
    });
    ::unlink(script.c_str());
    ::rmdir(directory);
  }

  TEST_CASE("a task has the directory, environment and descriptors of its request and no others") {
    check_broker([](test_broker& b, expectations& expect) {
      std::string output;
      auto r = b.shell(1, "pwd; echo $HACTOR_X; env | wc -l; ls /proc/self/fd | tr '\\n' ' '");
      r.cwd = "/usr";
      r.set_env("HACTOR_X", "a b");
      EXPECT(exited_with(b.run(std::move(r), output), 0));
      EXPECT(output.rfind("/usr\na b\n", 0) == 0);
      EXPECT(output.find("0 1 2 3") != output.npos); // 3 is ls's own
      EXPECT(output.find("4") == output.npos);
      output.clear();
      r = b.shell(2, "echo out; echo seven >&7; read x; echo \"<$x>\"");
      int ends[2];
      EXPECT(::pipe2(ends, O_CLOEXEC) == 0);
      r.pass(7, owned_fd{ends[1]});
      EXPECT(exited_with(b.run(std::move(r), output), 0)); // stdin is /dev/null
      EXPECT(output == "out\n<>\n");
      char text[16] = {};
      EXPECT(::read(ends[0], text, sizeof text) == 6);
      EXPECT(::read(ends[0], text, sizeof text) == 0); // nobody holds the other end any more
      ::close(ends[0]);
    });
  }

  TEST_CASE("descriptors that are each other's targets are not lost") {
    check_broker([](test_broker& b, expectations& expect) {
      std::string output;
      int ends[2];
      EXPECT(::pipe2(ends, O_CLOEXEC) == 0);
      auto r = b.shell(1, "echo a >&4; echo b >&5; echo c >&6; echo d >&7");
      r.pass(4, owned_fd{::dup(ends[1])}); // the supervisor gets them as 6, 7, 8, 9 or so
      r.pass(5, owned_fd{::dup(ends[1])});
      r.pass(6, owned_fd{::dup(ends[1])});
      r.pass(7, owned_fd{ends[1]});
      EXPECT(exited_with(b.run(std::move(r)), 0));
      char text[16] = {};
      EXPECT(::read(ends[0], text, sizeof text) == 8);
      EXPECT(std::string(text) == "a\nb\nc\nd\n");
      ::close(ends[0]);
    });
  }

  TEST_CASE("a task has the CPUs and limits of its request, and default signals") {
    ::signal(SIGUSR2, SIG_IGN); // as if a launcher had left it so
    check_broker([](test_broker& b, expectations& expect) {
      cpu_set_t allowed;
      CPU_ZERO(&allowed);
      EXPECT(::sched_getaffinity(0, sizeof allowed, &allowed) == 0);
      int cpu = 0;
      while (!CPU_ISSET(cpu, &allowed))
        ++cpu;
      std::string output;
      auto r = b.shell(1, "grep -E 'Cpus_allowed_list|SigIgn|SigBlk' /proc/self/status; ulimit -n");
      r.cpus = {cpu};
      r.limits = {{RLIMIT_NOFILE, 64, 100}};
      EXPECT(exited_with(b.run(std::move(r), output), 0));
      EXPECT(output.find("Cpus_allowed_list:\t" + std::to_string(cpu) + "\n") != output.npos);
      EXPECT(output.find("SigIgn:\t0000000000000000") != output.npos);
      EXPECT(output.find("SigBlk:\t0000000000000000") != output.npos);
      EXPECT(output.find("\n64\n") != output.npos);
    });
    ::signal(SIGUSR2, SIG_DFL);
  }

  TEST_CASE("a task leads a session without a terminal") {
    check_broker([](test_broker& b, expectations& expect) {
      std::string output;
      auto r = b.shell(1, "[ $(ps -o sid= -p $$) = $$ ] && ! true </dev/tty && echo alone");
      EXPECT(exited_with(b.run(std::move(r), output), 0));
      EXPECT(output.find("alone\n") != output.npos);
    });
  }

  TEST_CASE("a task that leads a session has its terminal, and keys signal its foreground") {
    check_broker([](test_broker& b, expectations& expect) {
      owned_fd keyboard{::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)};
      char name[64];
      EXPECT(::grantpt(keyboard.get()) == 0 && ::unlockpt(keyboard.get()) == 0);
      EXPECT(::ptsname_r(keyboard.get(), name, sizeof name) == 0);
      auto r = b.shell(1, "[ $(ps -o sid= -p $$) = $$ ] && echo leads >/dev/tty && exec sleep 60");
      r.group = spawn_group::terminal;
      for (int fd : {0, 1, 2})
        r.pass(fd, owned_fd{::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC)});
      EXPECT(!b.client.spawn(std::move(r)));
      std::string seen;
      char part[256];
      b.until([&] { return b.pids.count(1) > 0; });
      while (seen.find("leads") == seen.npos) {
        auto n = ::read(keyboard.get(), part, sizeof part);
        if (n <= 0)
          break;
        seen.append(part, static_cast<size_t>(n));
      }
      EXPECT(seen.find("leads") != seen.npos);
      EXPECT(::write(keyboard.get(), "\3", 1) == 1); // ctrl-C
      b.until([&] { return b.statuses.count(1) > 0; });
      EXPECT(killed_by(b.statuses[1], SIGINT));
      // Without one it cannot lead: descriptor 0 is no terminal.
      auto none = b.shell(2, "true");
      none.group = spawn_group::terminal;
      EXPECT(b.run(std::move(none)) == -1);
      EXPECT(b.failures[2].step == spawn_step::group);
    });
  }

  TEST_CASE("tasks have the limit of open files that the supervisor was started with") {
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    auto lower = before;
    lower.rlim_cur = 512;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &lower) == 0);
    check_broker([&](test_broker& b, expectations& expect) {
      std::string output;
      EXPECT(exited_with(b.run(b.shell(1, "ulimit -n"), output), 0));
      EXPECT(output == "512\n");
      rlimit mine{};
      EXPECT(::getrlimit(RLIMIT_NOFILE, &mine) == 0);
      EXPECT(mine.rlim_cur == before.rlim_max);
    });
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  }

  TEST_CASE("a signal reaches the group, or the leader alone, also before the task has started") {
    check_broker([](test_broker& b, expectations& expect) {
      EXPECT(!b.client.spawn(b.shell(1, "sleep 100; true")));
      EXPECT(!b.client.signal(1, SIGTERM));
      b.until([&] { return b.statuses.count(1) == 1; });
      EXPECT(killed_by(b.statuses[1], SIGTERM));
      std::string output;
      auto r = b.shell(2, "trap 'kill $!; exit 9' USR1; sleep 100 & echo; wait");
      int ends[2];
      EXPECT(::pipe2(ends, O_CLOEXEC) == 0);
      r.pass(1, owned_fd{ends[1]});
      EXPECT(!b.client.spawn(std::move(r)));
      b.until([&] { return b.pids.count(2) == 1; });
      char c = 0;
      EXPECT(::read(ends[0], &c, 1) == 1); // the trap is set
      EXPECT(!b.client.signal(2, SIGUSR1, false));
      b.until([&] { return b.statuses.count(2) == 1; });
      EXPECT(exited_with(b.statuses[2], 9));
      ::close(ends[0]);
      EXPECT(code_of(b.client.signal(2, 0)) == ec::bad_argument);
      EXPECT(code_of(b.client.signal(2, 1000)) == ec::bad_argument);
      EXPECT(!b.client.signal(2, SIGTERM)); // it has ended: no error, no effect
    });
  }

  TEST_CASE("what a task leaves in its group is killed when it exits, if asked") {
    check_broker([](test_broker& b, expectations& expect) {
      std::string output; // the read ends only when the sleep has gone, too
      auto begin = now_ms();
      EXPECT(exited_with(b.run(b.shell(1, "sleep 100 & exit 0"), output), 0));
      EXPECT(now_ms() - begin < 20'000);
      output.clear();
      auto r = b.shell(2, "sleep 0.2 && echo late & exit 0");
      r.kill_group_on_exit = false;
      EXPECT(exited_with(b.run(std::move(r), output), 0));
      EXPECT(output == "late\n");
    });
  }

  TEST_CASE("a task in the supervisor's group is not mistaken for a leader") {
    check_broker([](test_broker& b, expectations& expect) {
      std::string output;
      auto r = b.shell(1, "ps -o pgid= -p $$");
      r.group = spawn_group::supervisor;
      EXPECT(exited_with(b.run(std::move(r), output), 0));
      EXPECT(std::atoi(output.c_str()) == ::getpgid(::getppid()));
      r = b.shell(2, "sleep 100; true");
      r.group = spawn_group::supervisor;
      EXPECT(!b.client.spawn(std::move(r)));
      EXPECT(!b.client.signal(2, SIGTERM, true)); // the group would be the supervisor's
      b.until([&] { return b.statuses.count(2) == 1; });
      EXPECT(killed_by(b.statuses[2], SIGTERM));
    });
  }

  TEST_CASE("a task that has left its own group gets the group's signals") {
    check_broker([](test_broker& b, expectations& expect) {
      auto script = "setpgrp(0, getpgrp(getppid())); sleep 100";
      auto r = b.request(1, {"perl", "-e", script});
      r.group = spawn_group::own; // sessions do not share groups
      EXPECT(!b.client.spawn(std::move(r)));
      b.until([&] { return b.pids.count(1) == 1; });
      auto pid = b.pids[1];
      for (auto limit = now_ms() + 5000; ::getpgid(pid) == pid && now_ms() < limit;)
        ::poll(nullptr, 0, 2);
      EXPECT(::getpgid(pid) == ::getpgid(::getppid()));
      EXPECT(!b.client.signal(1, SIGTERM));
      b.until([&] { return b.statuses.count(1) == 1; });
      EXPECT(killed_by(b.statuses[1], SIGTERM));
    });
  }

  TEST_CASE("tasks of a job can share a group, which is nobody else's") {
    check_broker([](test_broker& b, expectations& expect) {
      // Each tells its group, and then waits until it is told to end.
      auto group_of = [&](uint64_t token, const std::string& job) {
        auto r = b.shell(token, "sleep 100; true");
        r.group = spawn_group::job;
        r.set_env("HACTOR_JOB_ID_PATH", job);
        EXPECT(!b.client.spawn(std::move(r)));
        b.until([&] { return b.pids.count(token) == 1; });
        return ::getpgid(b.pids[token]);
      };
      auto first = group_of(1, "/f1");
      EXPECT(first == b.pids[1]);
      EXPECT(group_of(2, "/f1") == first);
      EXPECT(group_of(3, "/f2") == b.pids[3]);
      // The group stays theirs when its first has gone, and a signal is for one task alone.
      EXPECT(!b.client.signal(1, SIGKILL, true));
      b.until([&] { return b.statuses.count(1) == 1; });
      EXPECT(group_of(4, "/f1") == first);
      // `kill 0` is for the tasks of that job alone.
      EXPECT(::kill(-first, SIGTERM) == 0);
      b.until([&] { return b.statuses.count(2) == 1 && b.statuses.count(4) == 1; });
      EXPECT(killed_by(b.statuses[2], SIGTERM));
      EXPECT(b.statuses.count(3) == 0);
      // Once all have gone, the next one begins another.
      EXPECT(group_of(5, "/f1") == b.pids[5]);
    });
  }

  TEST_CASE("signals of tasks to the supervisor are ignored, those of its own command are not") {
    check_broker([](test_broker& b, expectations& expect) {
      sigset_t set, old;
      sigemptyset(&set);
      sigaddset(&set, SIGTERM);
      sigprocmask(SIG_BLOCK, &set, &old);
      auto told = [&](int wait_ms) {
        timespec wait{wait_ms / 1000, wait_ms % 1000 * 1'000'000};
        return sigtimedwait(&set, nullptr, &wait) == SIGTERM;
      };
      EXPECT(exited_with(b.run(b.shell(1, "kill -TERM $PPID; kill -HUP $PPID; exit 3")), 3));
      // A child of a task, which is there when the supervisor looks: before another end is told.
      int ends[2];
      EXPECT(::pipe2(ends, O_CLOEXEC) == 0);
      auto r = b.shell(2, "p=$PPID; sh -c \"kill -TERM $p; echo; sleep 100; exit\"; exit 4");
      r.pass(1, owned_fd{ends[1]});
      EXPECT(!b.client.spawn(std::move(r)));
      b.until([&] { return b.pids.count(2) == 1; });
      pollfd sent{ends[0], POLLIN, 0};
      EXPECT(::poll(&sent, 1, 20'000) == 1);
      EXPECT(exited_with(b.run(b.request(4, {"/bin/true"})), 0));
      EXPECT(!told(0));
      EXPECT(!b.client.signal(2, SIGKILL));
      b.until([&] { return b.statuses.count(2) == 1; });
      ::close(ends[0]);
      r = b.shell(3, "kill -TERM $PPID; exit 5");
      r.inherit(2, 2);
      EXPECT(exited_with(b.run(std::move(r)), 5));
      EXPECT(told(5000));
      EXPECT(::kill(::getppid(), SIGTERM) == 0); // from elsewhere
      EXPECT(told(5000));
      sigprocmask(SIG_SETMASK, &old, nullptr);
    });
  }

  TEST_CASE("bad requests are refused on the spot, and their tokens stay free") {
    check_broker([](test_broker& b, expectations& expect) {
      EXPECT(code_of(b.client.spawn(b.request(1, {}))) == ec::bad_argument);
      auto r = b.request(1, {"true"});
      r.environment.assign(spawn_frame_size_max, '\0');
      EXPECT(code_of(b.client.spawn(std::move(r))) == ec::too_big);
      EXPECT(!b.client.spawn(b.request(1, {"sleep", "100"})));
      EXPECT(code_of(b.client.spawn(b.request(1, {"true"}))) == ec::bad_argument);
      EXPECT(b.client.task_count() == 1);
    });
  }

  TEST_CASE("an environment of 1 MB passes, and one that the kernel refuses is told") {
    check_broker([](test_broker& b, expectations& expect) {
      auto r = b.shell(1, "env | wc -c");
      for (int i = 0; i < 16; ++i)
        r.set_env(std::string(1, static_cast<char>('A' + i)), std::string(64 << 10, 'x'));
      std::string output;
      EXPECT(exited_with(b.run(std::move(r), output), 0));
      EXPECT(std::atoi(output.c_str()) > (1 << 20));
      r = b.request(2, {"true"});
      r.set_env("TOO_LONG", std::string(1 << 20, 'x')); // one string may have 128 KiB
      EXPECT(b.run(std::move(r)) == -1);
      EXPECT(b.failures[2].step == spawn_step::command);
      EXPECT(b.failures[2].errno_value == E2BIG);
    });
  }

  TEST_CASE("2000 spawns in one batch all start, run and end, and signals overtake them") {
    check_broker([](test_broker& b, expectations& expect) {
      EXPECT(!b.client.spawn(b.request(1, {"sleep", "100"})));
      b.until([&] { return b.pids.count(1) == 1; });
      std::vector<spawn_request> batch;
      for (uint64_t i = 0; i < 2000; ++i) {
        auto r = b.request(100 + i, {"/bin/true"});
        r.pass(1, owned_fd{::open("/dev/null", O_WRONLY | O_CLOEXEC)});
        r.pass(2, owned_fd{::open("/dev/null", O_WRONLY | O_CLOEXEC)});
        batch.push_back(std::move(r));
      }
      for (const auto& problem : b.client.spawn(std::move(batch)))
        EXPECT(!problem);
      EXPECT(!b.client.signal(1, SIGKILL));
      size_t ended_before = 2000;
      b.until([&] {
        if (ended_before == 2000 && b.statuses.count(1) == 1)
          ended_before = b.statuses.size();
        return b.statuses.size() == 2001;
      });
      EXPECT(ended_before < 1000);
      EXPECT(std::all_of(b.statuses.begin(), b.statuses.end(),
                         [](auto& s) { return s.first == 1 || s.second == 0; }));
    });
  }

  TEST_CASE("1000 live tasks are swept on request, and the broker is spared") {
    check_broker([](test_broker& b, expectations& expect) {
      std::vector<spawn_request> batch;
      for (uint64_t i = 0; i < 1000; ++i)
        batch.push_back(b.request(i, {"sleep", "100"}));
      b.client.spawn(std::move(batch));
      EXPECT(!b.client.spawn(b.shell(5000, "trap '' TERM; while true; do sleep 100; done")));
      EXPECT(
          !b.client.spawn(b.shell(5001, "setsid sh -c 'trap \"\" TERM; sleep 100; sleep 100' &")));
      b.until([&] { return b.pids.size() == 1002 && b.statuses.count(5001) == 1; });
      EXPECT(b.client.live_pids().size() == 1001);
      EXPECT(!b.client.sweep(300));
      b.until([&] { return b.swept_left >= 0; });
      EXPECT(b.swept_left == 0);
      EXPECT(b.statuses.size() == 1002); // told before the end of the sweep
      EXPECT(killed_by(b.statuses[5], SIGTERM));
      EXPECT(killed_by(b.statuses[5000], SIGKILL));
      EXPECT(exited_with(b.run(b.request(1, {"true"})), 0)); // and it goes on
      b.swept_left = -1;
      EXPECT(!b.client.sweep(300)); // nothing there
      b.until([&] { return b.swept_left == 0; }, 5000);
    });
  }

  TEST_CASE("daemons and deaf tasks do not outlive the broker") {
    check_broker([](test_broker& b, expectations& expect) {
      std::string output;
      EXPECT(exited_with(b.run(b.shell(1, "setsid sleep 100 <&- >&- 2>&- & exit 0"), output), 0));
      EXPECT(!b.client.spawn(b.shell(2, "trap '' TERM; while true; do sleep 100; done")));
      EXPECT(!b.client.spawn(b.shell(3, "kill -STOP $$; sleep 100")));
      b.until([&] { return b.pids.count(2) + b.pids.count(3) == 2; });
    });
  }

  TEST_CASE("a broker that is killed takes all its tasks along, and the exit code says so") {
    for (bool exit_zero : {false, true}) {
      supervisor_options options{.term_grace_ms = 100, .exit_zero_on_kill = exit_zero};
      auto result = supervise(options, [](test_broker& b) {
        b.client.ready();
        b.client.spawn(b.shell(1, "setsid sleep 100 & sleep 100"));
        b.client.spawn(b.shell(2, "trap '' TERM; while true; do sleep 100; done"));
        b.until([&] { return b.pids.size() == 2; });
        ::kill(::getpid(), SIGKILL);
        return 0;
      });
      CHECK(exited_with(result.status, exit_zero ? 0 : 128 + SIGKILL));
      CHECK(result.clean);
    }
  }

  TEST_CASE("a supervisor that is killed takes its tasks along; the broker hears it and ends") {
    shared_pids told;
    auto result = supervise({}, [&](test_broker& b) {
      spawner_client::watch();
      b.client.spawn(b.request(1, {"sleep", "100"}));
      b.client.spawn(b.shell(2, "sleep 100 & wait")); // its child is not the supervisor's
      b.client.spawn(b.shell(3, "trap '' TERM; while true; do sleep 100; done"));
      b.until([&] { return b.pids.size() == 3; });
      ::kill(::getppid(), SIGKILL);
      b.until([&] { return b.is_lost; });
      b.client.kill_all();
      auto refused = code_of(b.client.spawn(b.request(4, {"true"}))) == ec::disconnected
                     && code_of(b.client.signal(1, SIGTERM)) == ec::disconnected
                     && code_of(b.client.sweep(1)) == ec::disconnected;
      told.put(refused && gone(b.pids[1]) ? 1 : 0);
      return 0;
    });
    CHECK(killed_by(result.status, SIGKILL));
    CHECK(told.get() == 1);
    CHECK(result.clean); // all were reaped before the deadline
  }

  TEST_CASE("a broker that does not watch yet ends with its supervisor") {
    auto result = supervise({}, [&](test_broker& b) {
      ::kill(::getppid(), SIGKILL);
      ::poll(nullptr, 0, 25'000);
      return 0;
    });
    CHECK(killed_by(result.status, SIGKILL));
    CHECK(result.clean);
  }

  TEST_CASE("signals to the supervisor reach the broker; SIGUSR1 ends nothing") {
    for (int signo : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGALRM, SIGUSR1, SIGUSR2}) {
      auto result = supervise({}, [=](test_broker& b) {
        sigset_t set;
        ::sigemptyset(&set);
        ::sigaddset(&set, signo);
        ::sigprocmask(SIG_BLOCK, &set, nullptr);
        ::kill(::getppid(), SIGUSR1);
        ::kill(::getppid(), signo);
        timespec limit{10, 0};
        return ::sigtimedwait(&set, nullptr, &limit) == signo ? 0 : 1;
      });
      CHECK(exited_with(result.status, 0));
      CHECK(result.clean);
    }
  }

  TEST_CASE("a second request to end cuts the grace short") {
    auto begin = now_ms();
    auto result = supervise({.term_grace_ms = 25'000}, [&](test_broker& b) {
      // The deaf task tells the supervisor once it has been asked, when the broker has gone.
      auto r = b.shell(1, "trap 'kill -TERM $PPID' TERM; echo; while true; do sleep 0.05; done");
      int ends[2];
      if (::pipe2(ends, O_CLOEXEC) != 0)
        return 1;
      r.pass(1, owned_fd{ends[1]});
      r.inherit(2, 2); // as the instance's own command, to which the supervisor listens
      b.client.spawn(std::move(r));
      b.until([&] { return b.pids.count(1) == 1; });
      char c = 0;
      return ::read(ends[0], &c, 1) == 1 ? 0 : 1;
    });
    CHECK(exited_with(result.status, 0));
    CHECK(result.clean);
    CHECK(now_ms() - begin < 20'000);
  }

  TEST_CASE("children from before the supervisor are left alone") {
    auto supervisor = ::fork();
    REQUIRE(supervisor >= 0);
    if (supervisor == 0) {
      auto older = ::fork();
      if (older == 0) {
        ::execlp("sleep", "sleep", "100", static_cast<char*>(nullptr));
        ::_exit(127);
      }
      auto code = run_supervisor({.term_grace_ms = 100}, [](int fd) {
        test_broker b{fd};
        return exited_with(b.run(b.shell(1, "setsid sleep 100 & exit 3")), 3) ? 0 : 1;
      });
      auto alive = ::waitpid(older, nullptr, WNOHANG) == 0;
      ::kill(older, SIGKILL);
      ::waitpid(older, nullptr, 0);
      auto alone = descendants_of(::getpid()).empty();
      ::_exit(code + (alive ? 0 : 10) + (alone ? 0 : 20));
    }
    int status = 0;
    REQUIRE(::waitpid(supervisor, &status, 0) == supervisor);
    CHECK(exited_with(status, 0));
  }

  TEST_CASE("many threads may spawn and signal at once, into a socket that is often full") {
    check_broker([](test_broker& b, expectations& expect) {
      std::vector<std::thread> threads;
      for (uint64_t t = 0; t < 4; ++t)
        threads.emplace_back([&b, t] {
          for (uint64_t i = 0; i < 50; ++i) {
            auto r = b.request(t * 1000 + i, {"sleep", "100"});
            r.set_env("BULK", std::string(100 << 10, 'x'));
            b.client.spawn(std::move(r));
            b.client.signal(t * 1000 + i, SIGKILL);
          }
        });
      b.until([&] { return b.statuses.size() == 200; });
      for (auto& thread : threads)
        thread.join();
      EXPECT(b.failures.empty());
      EXPECT(b.blocked > 0);
      EXPECT(std::all_of(b.statuses.begin(), b.statuses.end(),
                         [](auto& s) { return killed_by(s.second, SIGKILL); }));
    });
  }

  TEST_CASE("descendants are found at any depth, and none in what is skipped") {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    auto child = ::fork();
    if (child == 0) {
      ::dup2(ends[1], 1);
      ::execl("/bin/sh", "sh", "-c", "sh -c 'echo; sleep 100; true'; true",
              static_cast<char*>(nullptr));
      ::_exit(127);
    }
    char c = 0;
    REQUIRE(::read(ends[0], &c, 1) == 1);
    std::vector<pid_t> found;
    for (auto deadline = now_ms() + 10'000; found.size() < 3 && now_ms() < deadline;)
      found = descendants_of(::getpid());
    CHECK(found.size() == 3);
    CHECK(found[0] == child);
    CHECK(descendants_of(::getpid(), {mark_of(child)}).empty());
    auto later = mark_of(child);
    ++later.start_ticks; // as if its number had become another's
    CHECK(descendants_of(::getpid(), {later}) == found);
    CHECK(marked_descendants_of(::getpid()).front() == mark_of(child));
    CHECK(mark_of(::getpid()) != process_mark{});
    CHECK(descendants_of(found.back()).empty());
    for (auto pid : found)
      ::kill(pid, SIGKILL);
    while (::waitpid(-1, nullptr, 0) > 0) {
    }
    ::close(ends[0]);
    ::close(ends[1]);
  }

} // TEST_SUITE
