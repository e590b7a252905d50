// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "mpi-boot/pmix_library.hpp"

#include <cstdlib>
#include <cstring>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

#include <pmix.h>
#include <pmix_server.h>

#include <fmt/format.h>

namespace hactor {

namespace {

/// A question of the library that the broker has not answered.
struct question {
  std::string space;
  pmix_op_cbfunc_t done = nullptr; // at most one of the two
  pmix_modex_cbfunc_t values = nullptr;
  void* data = nullptr;    // for it
  bool in_library = false; // see answer_in_library()

  void answer(pmix_status_t status, const std::string& bytes) const {
    if (done != nullptr)
      done(status, data);
    if (values == nullptr)
      return; // nor does the library wait for every answer
    auto* copy = static_cast<char*>(std::malloc(bytes.size() + 1));
    std::memcpy(copy, bytes.data(), bytes.size());
    values(status, copy, bytes.size(), data, std::free, copy);
  }
};

/// All that this process has of the library.
struct state {
  std::function<void(const pmix_word&)> say;
  std::mutex mutex; // guards what follows
  uint64_t last = 0;
  std::map<uint64_t, question> open;
  std::map<std::string, pmix_job> jobs;
};

state& all() {
  static state s;
  return s;
}

/// Asks the broker; it answers with the same id.
void ask(pmix_word word, question q) {
  auto& s = all();
  {
    std::lock_guard guard{s.mutex};
    word.id = ++s.last;
    q.space = word.space;
    s.open[word.id] = std::move(q);
  }
  s.say(word);
}

pmix_word word_of(pmix_kind kind, const pmix_proc_t& who, int32_t status = 0) {
  return {kind, who.nspace, 0, who.rank, status, {}};
}

// -- what the library calls -----------------------------------------------------------------------

pmix_status_t connected(const pmix_proc_t* who, void*, pmix_op_cbfunc_t done, void* data) {
  ask(word_of(pmix_kind::connected, *who), {{}, done, nullptr, data});
  return PMIX_SUCCESS;
}

pmix_status_t finalized(const pmix_proc_t* who, void*, pmix_op_cbfunc_t done, void* data) {
  ask(word_of(pmix_kind::finalized, *who), {{}, done, nullptr, data, true});
  return PMIX_SUCCESS;
}

pmix_status_t aborted(const pmix_proc_t* who, void*, int status, const char*, pmix_proc_t*, size_t,
                      pmix_op_cbfunc_t done, void* data) {
  ask(word_of(pmix_kind::aborted, *who, status), {{}, done, nullptr, data});
  return PMIX_SUCCESS;
}

/// True when the fence is one of all ranks of the job.
bool is_whole(const pmix_job& job, const pmix_proc_t* who, size_t count) {
  return (count == 1 && who[0].rank == PMIX_RANK_WILDCARD) || count == job.places.size();
}

/// A fence among some: possible when all of them are here, and then the library has done it.
bool is_here(const pmix_job& job, const pmix_proc_t* who, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    bool found = false;
    for (auto rank : job.ranks)
      found = found || rank == who[i].rank;
    if (!found || job.space != who[i].nspace)
      return false;
  }
  return true;
}

pmix_status_t fence(const pmix_proc_t* who, size_t count, const pmix_info_t*, size_t, char* bytes,
                    size_t size, pmix_modex_cbfunc_t values, void* data) {
  auto& s = all();
  bool whole = false;
  {
    std::lock_guard guard{s.mutex};
    auto it = count > 0 ? s.jobs.find(who[0].nspace) : s.jobs.end();
    if (it == s.jobs.end())
      return PMIX_ERR_NOT_FOUND;
    whole = is_whole(it->second, who, count);
    if (!whole && !is_here(it->second, who, count))
      return PMIX_ERR_NOT_SUPPORTED;
  }
  std::string text;
  if (bytes != nullptr)
    text.assign(bytes, size);
  std::free(bytes); // given to the host, as its like take it
  if (!whole) {
    question{{}, nullptr, values, data}.answer(PMIX_SUCCESS, text);
    return PMIX_SUCCESS;
  }
  auto word = word_of(pmix_kind::fence, who[0]);
  word.bytes = std::move(text);
  ask(std::move(word), {{}, nullptr, values, data});
  return PMIX_SUCCESS;
}

pmix_status_t fetch(const pmix_proc_t* who, const pmix_info_t*, size_t, pmix_modex_cbfunc_t values,
                    void* data) {
  ask(word_of(pmix_kind::fetch, *who), {{}, nullptr, values, data});
  return PMIX_SUCCESS;
}

/// The library removes by itself what a task asks it to remove behind it (shared memory of one that
/// is killed), but only for a host that has this call; what else may be asked is not offered.
pmix_status_t control(const pmix_proc_t*, const pmix_proc_t*, size_t, const pmix_info_t*, size_t,
                      pmix_info_cbfunc_t, void*) {
  return PMIX_ERR_NOT_SUPPORTED;
}

/// One call may tell of many: those that the library heard of soon after the first are facts beside
/// it, and the first may be of a job that has long ended.
void lost(size_t, pmix_status_t, const pmix_proc_t* who, pmix_info_t* beside, size_t count,
          pmix_info_t*, size_t, pmix_event_notification_cbfunc_fn_t done, void* data) {
  if (who != nullptr)
    all().say(word_of(pmix_kind::dropped, *who));
  for (size_t i = 0; i < count; ++i)
    if (PMIX_CHECK_KEY(&beside[i], PMIX_PROCID) && beside[i].value.type == PMIX_PROC)
      all().say(word_of(pmix_kind::dropped, *beside[i].value.data.proc));
  if (done != nullptr)
    done(PMIX_EVENT_ACTION_COMPLETE, nullptr, 0, nullptr, nullptr, data);
}

// -- what we call ---------------------------------------------------------------------------------

/// A call of the library that tells its end by a callback, waited for.
class waiting {
public:
  static void done(pmix_status_t status, void* self) {
    static_cast<waiting*>(self)->end_.set_value(status);
  }
  static void registered(pmix_status_t status, size_t, void* self) { done(status, self); }
  /// `status`: what the call itself returned.
  pmix_status_t end(pmix_status_t status) {
    if (status == PMIX_OPERATION_SUCCEEDED)
      return PMIX_SUCCESS; // done at once, and there will be no callback
    return status == PMIX_SUCCESS ? end_.get_future().get() : status;
  }

private:
  std::promise<pmix_status_t> end_;
};

caf::error failed(const char* call, pmix_status_t status) {
  return make_error(ec::system_failed, fmt::format("{}: {}", call, PMIx_Error_string(status)));
}

/// Facts for the library, which copies them.
class facts {
public:
  facts() = default;
  facts(const facts&) = delete;
  facts& operator=(const facts&) = delete;
  ~facts() {
    for (auto& info : all_)
      PMIX_INFO_DESTRUCT(&info);
  }
  void add(const char* key, const void* value, pmix_data_type_t type) {
    PMIX_INFO_CONSTRUCT(&all_.emplace_back());
    PMIX_INFO_LOAD(&all_.back(), key, value, type);
  }
  void add(const char* key, const std::string& text) { add(key, text.c_str(), PMIX_STRING); }
  void add(const char* key, uint32_t number) { add(key, &number, PMIX_UINT32); }
  void add(const char* key, bool flag) { add(key, &flag, PMIX_BOOL); }
  pmix_info_t* data() { return all_.data(); }
  size_t size() const { return all_.size(); }

private:
  std::vector<pmix_info_t> all_;
};

/// A list in the library's short form, by one of its functions.
std::string shortened(pmix_status_t (*how)(const char*, char**), const std::string& text) {
  char* made = nullptr;
  if (how(text.c_str(), &made) != PMIX_SUCCESS || made == nullptr)
    return text;
  std::string result{made};
  std::free(made);
  return result;
}

/// Where the library listens: what it would tell a child.
caf::expected<uint16_t> own_port() {
  pmix_proc_t who;
  PMIX_PROC_LOAD(&who, "nobody", 0);
  char** variables = nullptr;
  auto status = PMIx_server_setup_fork(&who, &variables);
  uint16_t port = 0;
  for (auto** v = variables; v != nullptr && *v != nullptr; ++v) {
    if (std::strncmp(*v, "PMIX_SERVER_URI", 15) == 0)
      if (auto* colon = std::strrchr(*v, ':'); colon != nullptr)
        port = static_cast<uint16_t>(std::atoi(colon + 1));
    std::free(*v);
  }
  std::free(variables);
  if (port == 0)
    return failed("PMIx_server_setup_fork", status);
  return port;
}

} // namespace

caf::expected<uint16_t> start_pmix(const std::string& folder, const std::string& host,
                                   std::function<void(const pmix_word&)> say) {
  all().say = std::move(say);
  // Facts travel in messages: files that all map would outlive a job that is killed.
  ::setenv("PMIX_MCA_gds", "hash", 1);
  // Who is lost is told at once, not a second after the last of others that were lost meanwhile.
  ::setenv("PMIX_MCA_pmix_event_caching_window", "0", 1);
  static pmix_server_module_t calls{};
  calls.client_connected = connected;
  calls.client_finalized = finalized;
  calls.abort = aborted;
  calls.fence_nb = fence;
  calls.direct_modex = fetch;
  calls.job_control = control;
  facts own;
  own.add(PMIX_SERVER_TMPDIR, folder);
  own.add(PMIX_SYSTEM_TMPDIR, folder);
  own.add(PMIX_SERVER_NSPACE, std::string{pmix_server_name});
  pmix_rank_t rank = 0;
  own.add(PMIX_SERVER_RANK, &rank, PMIX_PROC_RANK);
  own.add(PMIX_HOSTNAME, host);
  if (auto status = PMIx_server_init(&calls, own.data(), own.size()); status != PMIX_SUCCESS)
    return failed("PMIx_server_init", status);
  pmix_status_t code = PMIX_ERR_LOST_CONNECTION;
  waiting w;
  auto status = PMIx_Register_event_handler(&code, 1, nullptr, 0, lost, waiting::registered, &w);
  if (status < 0 || (status = w.end(PMIX_SUCCESS)) != PMIX_SUCCESS)
    return failed("PMIx_Register_event_handler", status);
  return own_port();
}

void stop_pmix() { (void)PMIx_server_finalize(); }

caf::error add_pmix_job(const pmix_job& job) {
  auto& s = all();
  std::string hosts;
  std::vector<std::string> tasks(job.hosts.size()); // by host: its ranks, divided by commas
  for (auto& host : job.hosts)
    hosts += (hosts.empty() ? "" : ",") + host;
  for (uint32_t rank = 0; rank < job.places.size(); ++rank) {
    auto& list = tasks[job.places[rank]];
    list += (list.empty() ? "" : ",") + std::to_string(rank);
  }
  std::string divided;
  for (auto& list : tasks)
    divided += (divided.empty() ? "" : ";") + list;
  auto size = static_cast<uint32_t>(job.places.size());
  auto here = job.places[job.ranks.front()];
  uint32_t local = 0;
  for (auto place : job.places)
    local += place == here ? 1 : 0;
  facts f;
  f.add(PMIX_NODE_MAP, shortened(PMIx_generate_regex, hosts).c_str(), PMIX_REGEX);
  f.add(PMIX_PROC_MAP, shortened(PMIx_generate_ppn, divided).c_str(), PMIX_REGEX);
  f.add(PMIX_JOBID, job.space);
  for (auto* key : {PMIX_UNIV_SIZE, PMIX_JOB_SIZE, PMIX_MAX_PROCS})
    f.add(key, size);
  f.add(PMIX_LOCAL_SIZE, local);
  f.add(PMIX_NODE_SIZE, local);
  f.add(PMIX_LOCAL_PEERS, tasks[here]);
  f.add(PMIX_NUM_NODES, static_cast<uint32_t>(job.hosts.size()));
  f.add(PMIX_NODEID, here);
  f.add(PMIX_APPNUM, uint32_t{0});
  (void)::mkdir(job.folder.c_str(), 0700);
  f.add(PMIX_TMPDIR, job.folder);
  f.add(PMIX_NSDIR, job.folder);
  f.add(PMIX_TDIR_RMCLEAN, true);
  pmix_nspace_t space;
  PMIX_LOAD_NSPACE(space, job.space.c_str());
  waiting w;
  auto status = w.end(PMIx_server_register_nspace(space, static_cast<int>(job.ranks.size()),
                                                  f.data(), f.size(), waiting::done, &w));
  if (status != PMIX_SUCCESS)
    return failed("PMIx_server_register_nspace", status);
  {
    std::lock_guard guard{s.mutex};
    s.jobs[job.space] = job;
  }
  for (auto rank : job.ranks) {
    pmix_proc_t who;
    PMIX_PROC_LOAD(&who, job.space.c_str(), rank);
    waiting one;
    status = one.end(
        PMIx_server_register_client(&who, ::getuid(), ::getgid(), nullptr, waiting::done, &one));
    if (status != PMIX_SUCCESS)
      return failed("PMIx_server_register_client", status);
  }
  return caf::none;
}

namespace {

/// What a rank of ours has put, for another broker: `who` is given to the callback and freed there.
struct asking {
  std::string space;
  uint64_t id;
  uint32_t rank;

  static void got(pmix_status_t status, char* bytes, size_t size, void* self) {
    std::unique_ptr<asking> a{static_cast<asking*>(self)};
    pmix_word word{pmix_kind::given, a->space, a->id, a->rank, status, {}};
    if (bytes != nullptr)
      word.bytes.assign(bytes, size);
    all().say(word);
  }
};

/// To a client that has finalized, OpenPMIx 4 first sends the answer and then notes that it has. In
/// another thread than the library's own, the client may have gone between the two: it counts as
/// lost, and with it the room for the next program of the same task, which would wait in its first
/// fence for ever. So that thread is to answer; it is reached by a call that changes nothing.
void answer_in_library(question q, int32_t status) {
  constexpr size_t no_handler = SIZE_MAX;
  struct held {
    question q;
    int32_t status;
    static void now(pmix_status_t, void* self) {
      std::unique_ptr<held> h{static_cast<held*>(self)};
      h->q.answer(h->status, {});
    }
  };
  auto h = std::make_unique<held>(held{std::move(q), status});
  if (PMIx_Deregister_event_handler(no_handler, held::now, h.get()) == PMIX_SUCCESS)
    (void)h.release();
  else
    held::now(PMIX_SUCCESS, h.release()); // the library has ended
}

void give(question q, int32_t status, const std::string& bytes) {
  if (q.in_library)
    answer_in_library(std::move(q), status);
  else
    q.answer(status, bytes);
}

void forget(const std::string& space) {
  auto& s = all();
  std::vector<question> left;
  {
    std::lock_guard guard{s.mutex};
    if (s.jobs.erase(space) == 0)
      return;
    for (auto it = s.open.begin(); it != s.open.end();) {
      if (it->second.space == space) {
        left.push_back(std::move(it->second));
        it = s.open.erase(it);
      } else {
        ++it;
      }
    }
  }
  for (auto& q : left)
    give(std::move(q), PMIX_ERR_NOT_FOUND, {});
  pmix_nspace_t name;
  PMIX_LOAD_NSPACE(name, space.c_str());
  waiting w;
  PMIx_server_deregister_nspace(name, waiting::done, &w);
  (void)w.end(PMIX_SUCCESS);
}

} // namespace

void tell_pmix(const pmix_word& word) {
  auto& s = all();
  if (word.kind == pmix_kind::forget)
    return forget(word.space);
  if (word.kind == pmix_kind::asked) {
    pmix_proc_t who;
    PMIX_PROC_LOAD(&who, word.space.c_str(), word.rank);
    auto a = std::make_unique<asking>(asking{word.space, word.id, word.rank});
    auto status = PMIx_server_dmodex_request(&who, asking::got, a.get());
    if (status == PMIX_SUCCESS)
      (void)a.release();
    else
      asking::got(status, nullptr, 0, a.release());
    return;
  }
  question q;
  {
    std::lock_guard guard{s.mutex};
    auto it = s.open.find(word.id);
    if (it == s.open.end())
      return; // the job has been forgotten
    q = std::move(it->second);
    s.open.erase(it);
  }
  give(std::move(q), word.status, word.bytes);
}

} // namespace hactor
