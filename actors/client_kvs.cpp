// The methods of the client protocol about the key-value store. What is the job's own under
// job.ID is no key: it is asked of the job manager. Under job.ID.guest is the namespace of the job,
// which is made by the first that writes to it.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <array>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "actors/client_calls.hpp"
#include "runtime/base64.hpp"
#include "runtime/limits.hpp"
#include "store/kvs_key.hpp"

namespace hactor {

namespace {

constexpr auto deadline = std::chrono::seconds(limits::request_timeout_s);

constexpr std::array job_names{"jobspec", "R", "eventlog"};

// -- jobs among the keys --------------------------------------------------------------------------

/// A key below job.ID, in whatever spelling of dots.
struct job_key {
  job_id id;
  std::vector<std::string> rest;

  /// The job's own, not the store's.
  bool is_own() const {
    return rest.size() == 1
           && std::find(job_names.begin(), job_names.end(), rest.front()) != job_names.end();
  }
  bool is_guest() const { return !rest.empty() && rest.front() == "guest"; }
};

std::optional<job_key> parse_job_key(const std::string& key) {
  constexpr size_t words = 5; // job and four of hexadecimal digits
  auto names = parse_kvs_key(key);
  if (!names || names->size() < words || names->front() != "job")
    return std::nullopt;
  auto rest = names->begin() + words;
  auto id = parse_job_id(join_kvs_key({names->begin(), rest}));
  if (!id)
    return std::nullopt;
  return job_key{*id, {rest, names->end()}};
}

/// Names in the namespace of a job are told from others by job.ID.guest before them.
void enter_job_space(std::string& space, std::string& key) {
  auto job = parse_job_key(key);
  if (space != kvs_primary || !job || !job->is_guest())
    return;
  space = kvs_space_of(job->id);
  key = join_kvs_key({job->rest.begin() + 1, job->rest.end()});
}

// -- parameters -----------------------------------------------------------------------------------

std::string space_param(client_params& p) { return p.text("namespace", kvs_primary); }

uint32_t unsigned_param(client_params& p, const char* key, uint32_t fallback) {
  auto n = p.integer(key, fallback);
  if (n < 0 || n > UINT32_MAX)
    p.refuse(fmt::format("{}: must be 0 to {}, found {}", key, UINT32_MAX, n));
  return static_cast<uint32_t>(n);
}

constexpr std::pair<std::string_view, kvs_verb> verbs[] = {
    {"put", kvs_verb::put},     {"append", kvs_verb::append}, {"unlink", kvs_verb::unlink},
    {"mkdir", kvs_verb::mkdir}, {"link", kvs_verb::link},     {"treeobj", kvs_verb::treeobj},
    {"copy", kvs_verb::copy},   {"move", kvs_verb::move},
};

kvs_op read_op(const json& object, client_params& p) {
  kvs_op op;
  auto verb = p.text("op");
  auto* row =
      std::find_if(std::begin(verbs), std::end(verbs), [&](auto& r) { return r.first == verb; });
  if (row == std::end(verbs))
    p.refuse(fmt::format("op: \"{}\" is none of put, append, unlink, mkdir, link, treeobj, copy "
                         "and move",
                         verb));
  else
    op.verb = row->second;
  op.key = p.text("key");
  if (p.has("data")) {
    auto bytes = decode_base64(p.text("data"));
    if (!bytes)
      p.refuse("data: is not base64");
    else
      op.value = std::move(*bytes);
  } else {
    op.value = p.text("value", "");
  }
  op.space = p.text("source", "");
  op.recursive = p.flag("recursive", false);
  op.force = p.flag("force", false);
  if (auto job = parse_job_key(op.key); job && (job->is_own() || job->is_guest()))
    p.refuse(make_error(ec::not_permitted,
                        fmt::format("key '{}': belongs to the job; what you keep for it goes into "
                                    "namespace {}",
                                    op.key, kvs_space_of(job->id))));
  return op;
}

json to_json(const kvs_root& r) {
  return {{"namespace", r.space},
          {"reference", r.reference},
          {"sequence", r.sequence},
          {"owner", r.owner}};
}

json to_json(const kvs_entry& e) {
  json j{{"name", e.name}};
  switch (e.kind) {
  case kvs_kind::value:
    j["type"] = "value";
    j["size"] = e.size;
    if (e.whole)
      j["data"] = encode_base64(e.value);
    break;
  case kvs_kind::directory:
    j["type"] = "directory";
    break;
  case kvs_kind::link:
    j["type"] = "link";
    j["target"] = e.value;
    if (!e.space.empty())
      j["namespace"] = e.space;
    break;
  }
  return j;
}

/// Calls `use` with the instance's KVS.
template <class Use>
void with_kvs(const client_call& c, Use use) {
  with_lead(c, [use](const rank_services& lead) { use(caf::actor_cast<kvs_actor>(lead.kvs)); });
}

// -- transactions ---------------------------------------------------------------------------------

using shared_commit = std::shared_ptr<const kvs_commit_request>;

void send_commit(const client_call& c, const kvs_actor& kvs, const shared_commit& r,
                 std::function<void(const caf::error&)> fail) {
  // At a fence others are waited for.
  auto patience = r->fence.empty() ? caf::duration{deadline} : caf::duration{caf::infinite};
  c.self->request(kvs, patience, *r)
      .then([c](const kvs_root& root) { c.self->state.reply(c.session, c.tag, to_json(root)); },
            std::move(fail));
}

/// Makes the namespace of a job, if there is such a job, and tries again.
void commit_to_new_space(const client_call& c, const kvs_actor& kvs, const shared_commit& r,
                         job_id job, const caf::error& refusal) {
  with_summary(
      c.self, job,
      [c, kvs, r](job_summary&) {
        kvs_space_request make;
        make.verb = kvs_space_verb::create;
        make.space = r->space;
        make.owner = c.self->state.setup.owner;
        c.self->request(kvs, deadline, make)
            .then([c, kvs, r](const kvs_spaces&) { send_commit(c, kvs, r, fail_call(c)); },
                  [c, kvs, r](const caf::error& e) {
                    if (code_of(e) == ec::busy) // another was first
                      send_commit(c, kvs, r, fail_call(c));
                    else
                      fail_call(c)(e);
                  });
      },
      [c, refusal](const caf::error&) { fail_call(c)(refusal); });
}

} // namespace

void commit_kvs(const client_call& c, client_params& p) {
  auto r = std::make_shared<kvs_commit_request>();
  r->space = space_param(p);
  r->userid = c.userid;
  r->fence = p.text("fence", "");
  r->parties = unsigned_param(p, "parties", 0);
  if (!p.has("ops") || !p.at("ops").is_array()) {
    p.refuse("ops: must be an array");
  } else {
    for (size_t i = 0; auto& object : p.at("ops")) {
      client_params one{object};
      r->operations.push_back(read_op(object, one));
      if (one.error)
        p.refuse(make_error(code_of(one.error), fmt::format("ops[{}]: {}", i, render(one.error))));
      ++i;
    }
  }
  if (refused(c, p))
    return;
  with_kvs(c, [c, r](const kvs_actor& kvs) {
    send_commit(c, kvs, r, [c, kvs, r](const caf::error& e) {
      auto job = r->space.starts_with(kvs_job_space_prefix)
                     ? parse_job_id(r->space.substr(kvs_job_space_prefix.size()))
                     : caf::expected<job_id>{ec::bad_id};
      if (code_of(e) == ec::unknown_key && job && kvs_space_of(*job) == r->space)
        commit_to_new_space(c, kvs, r, *job, e);
      else
        fail_call(c)(e);
    });
  });
}

// -- reading --------------------------------------------------------------------------------------

namespace {

/// The job's own, as a value.
void get_of_job(const client_call& c, const job_key& key) {
  with_lead(c, [c, key](const rank_services& lead) {
    c.self
        ->request(caf::actor_cast<job_manager_actor>(lead.job_manager), deadline,
                  job_request{key.id})
        .then(
            [c, key](const job_reply& x) {
              std::string value;
              auto& name = key.rest.front();
              if (name == "eventlog")
                for (auto& e : x.events)
                  append_eventlog_line(value, e);
              else
                value = name == "R" ? x.rset : x.jobspec;
              if (value.empty())
                return c.self->state.fail(
                    c.session, c.tag,
                    make_error(ec::unknown_key, to_string(key.id) + ": has no " + name + " yet"));
              c.self->state.reply(c.session, c.tag, {{"data", encode_base64(value)}});
            },
            fail_call(c));
  });
}

} // namespace

void get_kvs(const client_call& c, client_params& p) {
  kvs_lookup_request r;
  r.space = space_param(p);
  r.userid = c.userid;
  r.key = p.text("key");
  r.at = p.text("at", "");
  auto as = p.text("as", "value");
  if (as == "treeobj")
    r.want = kvs_want::treeobj;
  else if (as == "link")
    r.want = kvs_want::link;
  else if (as != "value")
    p.refuse(fmt::format("as: must be value, treeobj or link, not \"{}\"", as));
  if (refused(c, p))
    return;
  if (r.at.empty()) {
    auto job = parse_job_key(r.key);
    if (job && job->is_own() && r.space == kvs_primary && r.want == kvs_want::value)
      return get_of_job(c, *job);
    enter_job_space(r.space, r.key);
  }
  with_kvs(c, [c, r](const kvs_actor& kvs) {
    c.self->request(kvs, deadline, r)
        .then(
            [c, want = r.want](const kvs_lookup_reply& x) {
              json j;
              if (want == kvs_want::value)
                j["data"] = encode_base64(x.value);
              else if (want == kvs_want::treeobj)
                j["treeobj"] = x.value;
              else
                j = {{"target", x.value}, {"namespace", x.space}};
              c.self->state.reply(c.session, c.tag, j);
            },
            fail_call(c));
  });
}

namespace {

/// Asks for the part of a listing behind `r.after`, and for the next.
void list_part(const client_call& c, const kvs_actor& kvs, kvs_lookup_request r) {
  c.self->request(kvs, deadline, r)
      .then(
          [c, kvs, r](const kvs_lookup_reply& x) mutable {
            auto entries = json::array();
            for (auto& e : x.entries)
              entries.push_back(to_json(e));
            if (!x.more)
              return c.self->state.reply(c.session, c.tag, {{"entries", std::move(entries)}});
            c.self->state.send(c.session, client_frame_kind::item, c.tag,
                               dump({{"entries", std::move(entries)}}));
            r.after = x.entries.back().name;
            if (c.self->state.sessions.count(c.session) != 0)
              list_part(c, kvs, std::move(r));
          },
          fail_call(c));
}

/// What is below job.ID that is no key of the store.
void list_job(const client_call& c, job_id id) {
  with_summary(
      c.self, id,
      [c](job_summary&) {
        auto entries = json::array();
        for (auto* name : job_names)
          entries.push_back({{"name", name}, {"type", "value"}});
        entries.push_back({{"name", "guest"}, {"type", "directory"}});
        c.self->state.reply(c.session, c.tag, {{"entries", std::move(entries)}});
      },
      fail_call(c));
}

} // namespace

void list_kvs(const client_call& c, client_params& p) {
  kvs_lookup_request r;
  r.space = space_param(p);
  r.userid = c.userid;
  r.key = p.text("key", ".");
  r.at = p.text("at", "");
  r.want = kvs_want::listing;
  if (refused(c, p))
    return;
  if (r.at.empty()) {
    if (auto job = parse_job_key(r.key); job && job->rest.empty() && r.space == kvs_primary)
      return list_job(c, job->id);
    enter_job_space(r.space, r.key);
  }
  with_kvs(c, [c, r](const kvs_actor& kvs) { list_part(c, kvs, r); });
}

void tell_kvs_root(const client_call& c, client_params& p) {
  kvs_root_request r{space_param(p), c.userid};
  if (refused(c, p))
    return;
  with_kvs(c, [c, r](const kvs_actor& kvs) {
    c.self->request(kvs, deadline, r)
        .then([c](const kvs_root& root) { c.self->state.reply(c.session, c.tag, to_json(root)); },
              fail_call(c));
  });
}

void change_kvs_spaces(const client_call& c, client_params& p) {
  kvs_space_request r;
  auto verb = p.text("verb");
  if (verb == "create")
    r.verb = kvs_space_verb::create;
  else if (verb == "remove")
    r.verb = kvs_space_verb::remove;
  else if (verb != "list")
    p.refuse(fmt::format("verb: must be list, create or remove, not \"{}\"", verb));
  if (verb != "list")
    r.space = p.text("namespace");
  r.userid = c.userid;
  r.owner = unsigned_param(p, "owner", c.self->state.setup.owner);
  r.reference = p.text("reference", "");
  if (refused(c, p))
    return;
  with_kvs(c, [c, r](const kvs_actor& kvs) {
    c.self->request(kvs, deadline, r)
        .then(
            [c](const kvs_spaces& x) {
              auto list = json::array();
              for (auto& root : x.roots)
                list.push_back(to_json(root));
              c.self->state.reply(c.session, c.tag, {{"namespaces", std::move(list)}});
            },
            fail_call(c));
  });
}

// -- watching -------------------------------------------------------------------------------------

void start_kvs_watch(const client_call& c, client_params& p) {
  kvs_watch_request r;
  r.space = space_param(p);
  r.userid = c.userid;
  auto follow = p.text("follow", "value");
  if (follow == "append")
    r.follow = kvs_follow::append;
  else if (follow == "version")
    r.follow = kvs_follow::version;
  else if (follow != "value")
    p.refuse(fmt::format("follow: must be value, append or version, not \"{}\"", follow));
  if (r.follow == kvs_follow::version)
    r.sequence = static_cast<uint64_t>(std::max<int64_t>(p.integer("sequence", 0), 0));
  else
    r.key = p.text("key");
  r.wait_create = p.flag("waitcreate", false);
  if (refused(c, p))
    return;
  enter_job_space(r.space, r.key);
  client_stream s;
  s.kind = client_stream::what::kvs;
  s.session = c.session;
  s.tag = c.tag;
  r.tag = c.self->state.open_stream(std::move(s));
  r.subscriber = caf::actor_cast<caf::actor>(c.self);
  follow_at_lead(c.self, r.tag, [self = c.self, r](client_stream& at, const rank_services& lead) {
    at.kvs_at = caf::actor_cast<kvs_actor>(lead.kvs);
    self->send(at.kvs_at, r);
  });
}

void on_kvs_changed(connector_state::pointer self, const kvs_changed& what) {
  auto& st = self->state;
  auto it = st.streams.find(what.tag);
  if (it == st.streams.end())
    return;
  auto& s = it->second;
  if (what.code != 0)
    return fail_stream(self, what.tag, make_error(static_cast<ec>(what.code), what.why));
  st.send(s.session, client_frame_kind::item, s.tag,
          dump({{"data", encode_base64(what.value)}, {"sequence", what.sequence}}));
  if (st.is_slow(s.session))
    ++s.credits_owed;
  else
    self->send(s.kvs_at, kvs_watch_credit{what.tag, caf::actor_cast<caf::actor>(self)});
}

} // namespace hactor
