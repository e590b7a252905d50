// What the journal costs beside bare LMDB: encoding, lines, group commits of submits and ends,
// bytes per finished job. Prints figures and ratios; arguments: [directory [jobs]].
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <lmdb.h>

#include "runtime/clock.hpp"
#include "store/event_stream.hpp"
#include "store/journal.hpp"
#include "store/spool.hpp"

namespace {

using namespace hactor;

constexpr int64_t epoch_ns = 1'700'000'000'000'000'000;
constexpr size_t batch_jobs = 10'000;

[[noreturn]] void fail(const caf::error& e) {
  std::fprintf(stderr, "store_bench: %s\n", render(e).c_str());
  std::exit(1);
}

template <class T>
T must(caf::expected<T> x) {
  if (!x)
    fail(x.error());
  return std::move(*x);
}

double seconds(const std::function<void()>& f) {
  const auto start = steady_ns();
  f();
  return static_cast<double>(steady_ns() - start) * 1e-9;
}

// As a broker makes them: 20 a millisecond, generator 0.
job_id id_of(size_t n) { return {((3'600'000 + n / 20) << 24) | (n % 20)}; }

job_event event_of(size_t n, event_kind kind, job_state after, int64_t offset_ns) {
  job_event e;
  e.id = id_of(n);
  e.t_ns = epoch_ns + static_cast<int64_t>(n) * 50'000 + offset_ns;
  e.kind = kind;
  e.after = after;
  return e;
}

std::vector<job_event> submit_events(size_t n) {
  auto submit = event_of(n, event_kind::submit, job_state::new_job, 0);
  submit.a = 16;
  submit.b = 1000;
  auto priority = event_of(n, event_kind::priority, job_state::sched, 30'000);
  priority.a = 16;
  return {submit, event_of(n, event_kind::validate, job_state::depend, 10'000),
          event_of(n, event_kind::depend, job_state::priority, 20'000), priority};
}

std::vector<job_event> end_events(size_t n) {
  auto release = event_of(n, event_kind::release, job_state::cleanup, 1'003'000'000);
  release.text = "all";
  release.a = 1;
  return {event_of(n, event_kind::alloc, job_state::run, 500'000),
          event_of(n, event_kind::start, job_state::run, 1'500'000),
          event_of(n, event_kind::finish, job_state::cleanup, 1'001'500'000),
          release,
          event_of(n, event_kind::free, job_state::cleanup, 1'003'100'000),
          event_of(n, event_kind::clean, job_state::inactive, 1'003'200'000)};
}

job_record record_of(size_t n, const spec_hash& spec, bool ended) {
  job_record r;
  r.id = id_of(n);
  r.spec = spec;
  if (!ended)
    return r;
  r.ended = true;
  r.result = job_result::completed;
  r.events = submit_events(n);
  for (auto& e : end_events(n))
    r.events.push_back(std::move(e));
  r.t_end_ns = r.events.back().t_ns;
  r.rset = R"({"version":1,"execution":{"R_lite":[{"rank":"0","children":{"core":"1"}}],)"
           R"("starttime":1700000000,"expiration":0,"nodelist":["node001"]}})";
  r.extra = std::string(24, 'u'); // usage and output index
  return r;
}

// The same job shapes in batches: submits first, then ends, in an order that jobs of differing
// length have.
journal_batch submit_batch(size_t from, const std::string& spec) {
  journal_batch b;
  const auto hash = hash_of_spec(spec);
  b.specs.emplace_back(hash, spec);
  for (size_t n = from; n < from + batch_jobs; ++n) {
    b.jobs.push_back(record_of(n, hash, false));
    for (auto& e : submit_events(n))
      b.events.push_back(std::move(e));
  }
  return b;
}

journal_batch end_batch(const std::vector<size_t>& jobs, size_t from, size_t count,
                        const spec_hash& spec) {
  journal_batch b;
  for (size_t i = from; i < from + count; ++i) {
    b.jobs.push_back(record_of(jobs[i], spec, true));
    for (auto& e : end_events(jobs[i]))
      b.events.push_back(std::move(e));
  }
  return b;
}

void bench_events() {
  std::vector<job_event> events;
  for (size_t n = 0; n < 2000; ++n) {
    for (auto& e : submit_events(n))
      events.push_back(std::move(e));
    for (auto& e : end_events(n))
      events.push_back(std::move(e));
  }
  constexpr int rounds = 50;
  const auto per_event = [&](double s) {
    return s * 1e9 / rounds / static_cast<double>(events.size());
  };
  std::string bytes;
  const auto encode_s = seconds([&] {
    for (int i = 0; i < rounds; ++i) {
      bytes.clear();
      int64_t previous = 0;
      for (const auto& e : events)
        encode_event(bytes, e, &previous, true);
    }
  });
  uint64_t sum = 0;
  const auto decode_s = seconds([&] {
    for (int i = 0; i < rounds; ++i) {
      std::string_view in{bytes};
      int64_t previous = 0;
      job_event e;
      while (!in.empty())
        if (auto err = decode_event(in, e, &previous, true))
          fail(err);
      sum += e.id.value;
    }
  });
  std::string lines;
  const auto line_s = seconds([&] {
    for (int i = 0; i < rounds; ++i) {
      lines.clear();
      uint64_t seq = 1;
      stream_writer writer;
      for (const auto& e : events)
        writer.append(lines, seq++, e);
    }
  });
  std::printf("event: encode %.0f ns, decode %.0f ns, stream line %.0f ns; %.1f bytes (%llu)\n",
              per_event(encode_s), per_event(decode_s), per_event(line_s),
              static_cast<double>(bytes.size()) / static_cast<double>(events.size()),
              static_cast<unsigned long long>(sum & 1));
}

void check_rc(int rc) {
  if (rc != 0) {
    std::fprintf(stderr, "store_bench: lmdb: %s\n", mdb_strerror(rc));
    std::exit(1);
  }
}

// The bound: the bytes of a submit batch put by one LMDB transaction, 2 KB a value, appended.
double bare_commit_s(const std::string& directory, size_t bytes, int commits) {
  std::filesystem::create_directories(directory);
  MDB_env* env = nullptr;
  check_rc(mdb_env_create(&env));
  check_rc(mdb_env_set_mapsize(env, 4ull << 30));
  check_rc(mdb_env_open(env, directory.c_str(), MDB_NOTLS, 0600));
  uint64_t number = 0;
  const std::string value(std::min<size_t>(bytes, 2000), 'x');
  const auto s = seconds([&] {
    for (int i = 0; i < commits; ++i) {
      MDB_txn* txn = nullptr;
      MDB_dbi dbi = 0;
      check_rc(mdb_txn_begin(env, nullptr, 0, &txn));
      check_rc(mdb_dbi_open(txn, nullptr, MDB_INTEGERKEY, &dbi));
      for (size_t done = 0; done < bytes; done += value.size()) {
        ++number;
        MDB_val k{sizeof number, &number}, v{value.size(), const_cast<char*>(value.data())};
        check_rc(mdb_put(txn, dbi, &k, &v, MDB_APPEND));
      }
      check_rc(mdb_txn_commit(txn));
    }
  });
  mdb_env_close(env);
  return s / commits;
}

void bench_small_commits(journal& j, const std::string& directory, const spec_hash& spec) {
  constexpr int commits = 500;
  size_t n = 1'000'000'000;
  const auto s = seconds([&] {
                   for (int i = 0; i < commits; ++i, ++n) {
                     journal_batch b;
                     b.jobs.push_back(record_of(n, spec, false));
                     b.events = submit_events(n);
                     must(j.commit(b));
                   }
                 })
                 / commits;
  const auto bound = bare_commit_s(directory + "/bare-small", 100, commits);
  std::printf("commit of 1 job, 4 events: %.0f us; bare LMDB %.0f us; ratio %.2f\n", s * 1e6,
              bound * 1e6, s / bound);
}

void bench_jobs(const std::string& directory, size_t jobs) {
  auto j = must(journal::open({directory + "/journal", true, 0, "bench", false}, nullptr));
  const std::string spec(480, 's');
  const auto hash = hash_of_spec(spec);
  std::vector<journal_batch> batches;
  for (size_t n = 0; n < jobs; n += batch_jobs)
    batches.push_back(submit_batch(n, spec));
  double worst = 0, total = 0;
  for (const auto& b : batches) {
    const auto s = seconds([&] { must(j->commit(b)); });
    worst = std::max(worst, s);
    total += s;
  }
  const auto commits = static_cast<double>(batches.size());
  const auto live_bytes = j->bytes_used();
  const auto bound =
      bare_commit_s(directory + "/bare", live_bytes / batches.size(), static_cast<int>(commits));
  std::printf(
      "submit: %zu jobs with 4 events a commit: %.1f ms (worst %.1f), %.0f jobs/s; bare LMDB"
      " of the same bytes %.1f ms; ratio %.2f; %.0f bytes a job\n",
      batch_jobs, total / commits * 1e3, worst * 1e3, static_cast<double>(jobs) / total,
      bound * 1e3, total / commits / bound,
      static_cast<double>(live_bytes) / static_cast<double>(jobs));

  // Ends overtake one another within some hundred jobs.
  std::vector<size_t> order(jobs);
  for (size_t n = 0; n < jobs; ++n)
    order[n] = n;
  for (size_t n = 0; n + 300 < jobs; ++n)
    std::swap(order[n], order[n + (n * 7919) % 300]);
  constexpr size_t end_jobs = 500;
  total = 0;
  for (size_t n = 0; n < jobs; n += end_jobs) {
    const auto b = end_batch(order, n, std::min(end_jobs, jobs - n), hash);
    total += seconds([&] { must(j->commit(b)); });
  }
  const auto bytes = j->bytes_used();
  std::printf("end: %zu jobs with 6 events a commit: %.0f jobs/s; %.0f bytes used a finished job, "
              "%.0f of the file\n",
              end_jobs, static_cast<double>(jobs) / total,
              static_cast<double>(bytes) / static_cast<double>(jobs),
              static_cast<double>(std::filesystem::file_size(directory + "/journal/data.mdb"))
                  / static_cast<double>(jobs));
  uint64_t events = 0;
  const auto replay_s = seconds([&] {
    if (auto err = j->read_log(1, [&](uint64_t, const job_event&) { return ++events > 0; }))
      fail(err);
  });
  std::printf("read_log: %.1f M events/s\n", static_cast<double>(events) / replay_s * 1e-6);
  uint64_t records = 0;
  const auto scan_s = seconds([&] {
    if (auto err = j->each_job(true, [&](const job_record&) { return ++records > 0; }))
      fail(err);
  });
  std::printf("each_job with events: %.2f M jobs/s\n",
              static_cast<double>(records) / scan_s * 1e-6);
  bench_small_commits(*j, directory, hash);
  j.reset();
  const auto open_s = seconds([&] {
    j = must(journal::open({directory + "/journal", true, 0, "bench", false}, nullptr));
  });
  const auto trim_s = seconds([&] { must(j->trim_log(j->next_sequence())); });
  std::printf("open again: %.1f ms; trim of the whole log: %.1f ms, then %.0f bytes a job\n",
              open_s * 1e3, trim_s * 1e3,
              static_cast<double>(j->bytes_used()) / static_cast<double>(jobs));
}

void bench_spool(const std::string& directory) {
  auto s = must(spool::open({directory + "/spool"}, nullptr));
  constexpr size_t appends = 1'000'000;
  const std::string line = "hello from a task, with a line of usual length\n";
  const auto append_s = seconds([&] {
    for (size_t n = 0; n < appends; ++n)
      must(s->append(id_of(n), 0, 1, line));
    if (auto err = s->flush())
      fail(err);
  });
  std::printf("spool: append of %zu bytes %.0f ns, %.0f MB/s\n", line.size(),
              append_s / appends * 1e9,
              static_cast<double>(appends * line.size()) / append_s * 1e-6);
}

} // namespace

int main(int argc, char** argv) {
  const std::string base = argc > 1 ? argv[1] : "/tmp";
  const size_t jobs = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 200'000;
  auto directory = base + "/hactor-store-bench-XXXXXX";
  if (mkdtemp(directory.data()) == nullptr) {
    std::perror(directory.c_str());
    return 1;
  }
  bench_events();
  bench_jobs(directory, std::max(jobs / batch_jobs, size_t{1}) * batch_jobs);
  bench_spool(directory);
  std::filesystem::remove_all(directory);
}
