// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "plugins/life.hpp"

#include <cstdlib>
#include <utility>

#include <unistd.h>

#include <fmt/format.h>

#include "actors/templates.hpp"

namespace hactor::plugins {

namespace {

/// True when hactor itself puts something into the place.
bool is_known(const std::string& place) {
  template_values any;
  any.id = any.name = any.host = any.tmpdir = "x";
  return fill_tags(place, any) != place;
}

/// "scheme:value", or {"scheme": s, "value": v}.
std::pair<std::string, std::string> taskmap_of(const json& option) {
  if (option.is_object()) {
    auto value = option.value("value", json{});
    return {option.value("scheme", json{""}).is_string() ? option.value("scheme", "") : "",
            value.is_string() ? value.get<std::string>()
            : value.is_null() ? ""
                              : dump(value)};
  }
  auto text = option.is_string() ? option.get<std::string>() : std::string{};
  auto colon = text.find(':');
  return {text.substr(0, colon), colon == text.npos ? "" : text.substr(colon + 1)};
}

} // namespace

void life::on_word(const plugin_word& word) {
  if (word.kind == plugin_kind::job)
    return begin(word);
  if (!job_)
    return;
  auto* t = job_->find_task(word.task);
  switch (word.kind) {
  case plugin_kind::prepare:
    return prepare(word);
  case plugin_kind::forked:
    if (t != nullptr) {
      t->state = "running";
      t->pid = word.status;
      call(*t, "task.fork");
    }
    break;
  case plugin_kind::started:
    plugins_->call("shell.start");
    break;
  case plugin_kind::exited:
    if (t != nullptr) {
      t->state = "exited";
      t->wait_status = word.status;
      call(*t, "task.exit");
    }
    break;
  case plugin_kind::finish:
    for (auto* topic : {"shell.tasks-complete", "shell.finish", "shell.exit"})
      plugins_->call(topic);
    over_ = true;
    break;
  default:
    return; // of ours
  }
  say_({plugin_kind::done});
}

void life::begin(const plugin_word& word) {
  auto job = unpack_job(word.bytes);
  if (!job)
    return say_({plugin_kind::failed, 0, 0, "the job that the shell tells of means nothing"});
  job_ = std::make_unique<job_view>(std::move(*job), say_);
  plugins_ = std::make_unique<stack>(*job_);
  files_ = std::make_unique<start_files>(*plugins_);
  load(job_->job());
  if (!job_->has_failed())
    plugins_->call("shell.connect");
  if (!job_->has_failed())
    map_tasks();
  if (!job_->has_failed())
    plugins_->call("shell.init");
  if (!job_->has_failed()) // else the shell does not go on
    say_({plugin_kind::ready, 0, 0, {}, job_->changed_options()});
}

bool life::run(const std::string& file) {
  job_->at("start file " + file, {});
  auto wrong = files_->run(file);
  if (!wrong.empty())
    job_->fail(wrong);
  return !job_->has_failed();
}

/// The first mpi/NAME.lua there is.
bool life::run_personality(const plugin_job& job) {
  auto folders = job.start_folders;
  if (auto* more = std::getenv("HACTOR_SHELL_RC_PATH"); more != nullptr)
    for (std::string_view rest = more; !rest.empty();) {
      auto folder = rest.substr(0, rest.find(':'));
      folders.emplace_back(folder);
      rest.remove_prefix(std::min(folder.size() + 1, rest.size()));
    }
  std::string names = "none, mpich, intel, openmpi, spectrum", where;
  for (auto& folder : folders) {
    auto file = folder + "/mpi/" + job.personality + ".lua";
    if (job.personality.find('/') == std::string::npos && ::access(file.c_str(), F_OK) == 0)
      return run(file);
    for (auto& other : files_like(folder + "/mpi/*.lua")) {
      auto name = other.substr(other.rfind('/') + 1);
      names += ", " + name.substr(0, name.size() - 4);
    }
    where += (where.empty() ? "" : ", ") + folder + "/mpi";
  }
  job_->at("option mpi", {});
  job_->fail(
      fmt::format("'{}' is not known; there are {}, and files NAME.lua would be looked for in "
                  "{}",
                  job.personality, names, where));
  return false;
}

void life::load(const plugin_job& job) {
  for (size_t i = 0; i <= job.start_files.size(); ++i) {
    if (i == job.system_files && !job.personality.empty() && !run_personality(job))
      return;
    if (i < job.start_files.size() && !run(job.start_files[i]))
      return;
  }
  for (auto& [file, conf] : job.load) {
    job_->at("loading " + file, {});
    auto wrong = plugins_->load(file, conf, files_->search_path());
    if (!wrong.empty())
      job_->fail(wrong);
    if (job_->has_failed())
      return;
  }
}

/// A map that hactor does not know is made by a plugin; one of a plugin goes before ours.
void life::map_tasks() {
  auto option = job_->options.find("taskmap");
  if (option == job_->options.end())
    return;
  auto [scheme, value] = taskmap_of(*option);
  auto good = plugins_->call(
      "taskmap." + scheme,
      dump({{"scheme", scheme}, {"value", value}, {"taskmap", job_->job().taskmap}}));
  auto ours = scheme == "block" || scheme == "cyclic" || scheme == "manual" || scheme == "hosts";
  if (plugins_->answer()) {
    job_->options["taskmap"] = "manual:" + *plugins_->answer();
  } else if (good && !ours) {
    job_->at("option taskmap", {});
    job_->fail("no plugin knows the scheme '" + scheme + "'");
  }
}

void life::call(task_view& t, const std::string& topic) {
  job_->current = &t;
  plugins_->call(topic);
  job_->current = nullptr;
}

/// Puts what plugins answer into the places {{NAME}} that hactor does not know.
std::string life::render(const std::string& text) {
  std::string out;
  for (size_t at = 0;;) {
    auto open = text.find("{{", at);
    auto close = open == text.npos ? text.npos : text.find("}}", open);
    if (close == text.npos)
      return out + text.substr(at);
    auto place = text.substr(open, close + 2 - open);
    out += text.substr(at, open - at);
    at = close + 2;
    auto name = place.substr(2, place.size() - 4);
    if (is_known(place) || !plugins_->call("mustache.render." + name, dump({{"name", name}}))
        || !plugins_->answer())
      out += place;
    else
      out += *plugins_->answer();
  }
}

void life::prepare(const plugin_word& word) {
  auto wanted = unpack_tasks(word.bytes);
  if (!wanted)
    return say_({plugin_kind::failed, 0, 0, "the tasks that the shell tells of mean nothing"});
  job_->take_tasks(std::move(wanted->tasks));
  plugin_changes changes;
  if (plugins_->call("shell.post-init"))
    for (auto& t : job_->tasks()) {
      call(t, "task.init");
      job_->current = &t;
      for (auto& w : t.task.argv)
        w = render(w);
      std::vector<std::string> patterns;
      for (auto& pattern : wanted->patterns)
        patterns.push_back(render(pattern));
      t.may_change = false;
      call(t, "task.exec");
      changes.tasks.push_back({t.task.rank, t.task.argv, t.own.changes(), std::move(patterns)});
      if (job_->has_failed())
        return;
    }
  changes.variables = job_->environment.changes();
  if (!job_->has_failed())
    say_({plugin_kind::prepared, 0, 0, {}, pack_changes(changes)});
}

} // namespace hactor::plugins
