// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/id_words.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "actors/job_spec.hpp"
#include "runtime/ids.hpp"
#include "tools/nested.hpp"

namespace hactor::tools {

namespace {

caf::error bad(std::string text) { return make_error(ec::bad_argument, std::move(text)); }

/// What a command does with jobs.
enum class use : uint8_t {
  each,     // of any instance; those of several are worked off one instance after another
  together, // of any instance, but all of one
  path,     // it goes down a path by itself
};

/// Which of its operands are ids.
enum class at : uint8_t { any, first, before_last, none };

struct command_row {
  std::string_view name;
  use how = use::each;
  at where = at::any;
};

constexpr std::array rows{
    command_row{"cancel"},
    command_row{"job kill"},
    command_row{"job raise"},
    command_row{"job urgency", use::each, at::before_last},
    command_row{"job status"},
    command_row{"job wait", use::together},
    command_row{"job wait-event", use::each, at::first},
    command_row{"job attach"},
    command_row{"job info", use::each, at::first},
    command_row{"job eventlog"},
    command_row{"job list"},
    command_row{"jobs"},
    command_row{"job memo"},
    command_row{"job namespace"},
    command_row{"job hostpids"},
    command_row{"job taskmap"},
    command_row{"job timeleft"},
    command_row{"job id", use::path},
    command_row{"update"},
    command_row{"purge"},
    command_row{"explain"},
    command_row{"watch", use::together},
    command_row{"events", use::together},
    command_row{"pstree", use::together},
    command_row{"resource grow", use::each, at::first},
    command_row{"resource shrink", use::each, at::first},
    command_row{"proxy", use::path, at::first},
    command_row{"top", use::path, at::first},
    command_row{"exec", use::each, at::none}, // an option of it is one
};

/// "ID.INDEX", ID.0-3, ID.[0,2]: the array and which of its values.
struct array_word {
  std::string id;
  idset values;
};

std::optional<array_word> read_array_word(std::string_view text) {
  auto dot = text.find('.');
  if (dot == text.npos || parse_job_id(text) || !parse_job_id(text.substr(0, dot)))
    return std::nullopt;
  auto values = idset::parse(text.substr(dot + 1));
  if (!values || values->empty())
    return std::nullopt;
  return array_word{std::string{text.substr(0, dot)}, std::move(*values)};
}

bool is_range(std::string_view text) {
  auto dots = text.find("..");
  return dots != text.npos && parse_job_id(text.substr(0, dots))
         && parse_job_id(text.substr(dots + 2));
}

bool names_jobs(std::string_view text) {
  return parse_job_id(text) || read_array_word(text) || is_range(text);
}

/// A word that needs an instance to be asked, cut at its slashes.
struct id_word {
  bool absolute = false;
  std::vector<std::string> around; // jobs that hold the instances on the way
  std::string last;
};

std::optional<id_word> read_id_word(std::string_view text) {
  id_word w;
  w.absolute = text.starts_with('/');
  text.remove_prefix(w.absolute ? 1 : 0);
  for (auto slash = text.find('/'); slash != text.npos; slash = text.find('/')) {
    auto part = text.substr(0, slash);
    if (!parse_job_id(part) && !read_array_word(part))
      return std::nullopt;
    w.around.emplace_back(part);
    text.remove_prefix(slash + 1);
  }
  if (!names_jobs(text) || (!w.absolute && w.around.empty() && !read_array_word(text)))
    return std::nullopt;
  w.last = text;
  return w;
}

/// The ids of these jobs of an array of the instance.
caf::expected<std::vector<std::string>> jobs_of(const std::string& uri, const array_word& word) {
  auto base = parse_job_id(word.id);
  auto id = to_string(*base);
  auto broker = client::connect(uri);
  if (!broker)
    return std::move(broker.error());
  auto list = broker->ask("job.list", {{"ids", json::array({id})}, {"states", 127}});
  auto spec = list ? broker->ask("job.info", {{"id", id}, {"key", "jobspec"}}) : std::move(list);
  if (!spec)
    return std::move(spec.error());
  auto& jobs = object_at(*list, "jobs");
  auto first = parse_job_id(jobs.empty() ? std::string{} : text_at(jobs[0], "array"));
  auto document = parse_object(text_at(*spec, "value"));
  auto* text = document ? find_json(*document, "attributes.system.array") : nullptr;
  auto values = text != nullptr && text->is_string()
                    ? idset::parse(text->get_ref<const std::string&>())
                    : caf::expected<idset>{idset{}};
  if (!first || !values)
    return bad("job " + id + " is of no array (--cc, --array): it has no index");
  std::vector<std::string> ids;
  for (auto value : word.values.expand()) {
    auto one = job_in_array(*first, *values, value);
    if (!one)
      return bad("the array " + id + " has no job of index " + std::to_string(value)
                 + "; it has those of " + values->to_string());
    ids.push_back(to_string(*one));
  }
  return ids;
}

/// Where the jobs of a word are, and their ids.
struct place {
  std::string begin; // URI of the instance in which the path begins
  std::string path;  // "A/B"; "": there they are
  std::string uri;   // of the instance that has them, when that was asked for
  std::vector<std::string> ids;
};

caf::expected<std::string> begin_of(const id_word& w) {
  auto uri = workflow::own_uri();
  if (uri && w.absolute)
    while (auto around = uri_around(*uri))
      uri = around->first;
  return uri;
}

/// Goes along the path, no further than must be: where it leads to is looked for when there is an
/// array to ask about, or when `whole` says so.
class path_walk {
public:
  path_walk(std::string begin) : uri_{std::move(begin)} {}

  caf::error go(const std::string& part) {
    auto ids = resolve(part);
    if (!ids)
      return std::move(ids.error());
    if (ids->size() != 1)
      return bad(part + "/: names " + std::to_string(ids->size())
                 + " jobs; a path has but one way down");
    ahead_ += (ahead_.empty() ? "" : "/") + ids->front();
    path_ += (path_.empty() ? "" : "/") + ids->front();
    return {};
  }

  caf::expected<std::string> arrive() {
    if (ahead_.empty())
      return uri_;
    auto uri = find_inside(uri_, ahead_);
    if (uri) {
      uri_ = *uri;
      ahead_.clear();
    }
    return uri;
  }

  caf::expected<std::vector<std::string>> resolve(const std::string& part) {
    auto array = read_array_word(part);
    if (!array)
      return std::vector{part};
    auto uri = arrive();
    return uri ? jobs_of(*uri, *array) : std::move(uri.error());
  }

  const std::string& path() const { return path_; }

private:
  std::string uri_;          // of where we are
  std::string ahead_, path_; // from there on; from the beginning
};

caf::expected<place> find_place(const id_word& w, bool whole) {
  auto begin = begin_of(w);
  if (!begin)
    return std::move(begin.error());
  path_walk walk{*begin};
  for (auto& part : w.around)
    if (auto e = walk.go(part))
      return e;
  auto ids = walk.resolve(w.last);
  if (!ids)
    return std::move(ids.error());
  auto uri = whole ? walk.arrive() : caf::expected<std::string>{std::string{}};
  if (!uri)
    return std::move(uri.error());
  return place{std::move(*begin), walk.path(), std::move(*uri), std::move(*ids)};
}

/// The words of one command, as they come to be those of several.
class placing {
public:
  placing(const parsed_options& options, const command_row& row) : options_{options}, row_{row} {}

  caf::expected<std::vector<placed_words>> run() {
    auto& words = options_.operands;
    auto end = static_cast<size_t>(std::find(words.begin(), words.end(), "--") - words.begin());
    auto ids = row_.where == at::any           ? end
               : row_.where == at::first       ? std::min<size_t>(end, 1)
               : row_.where == at::before_last ? words.size() - 1
                                               : 0;
    // Behind the first word that is no id there are none: a note may have numbers in it.
    for (size_t i = 0; i < ids; ++i)
      if (!read_id_word(words[i]) && !names_jobs(words[i]))
        ids = i;
      else if (auto e = add(words[i]))
        return e;
    for (auto& one : found_)
      one.options.operands.insert(one.options.operands.end(),
                                  words.begin() + static_cast<ptrdiff_t>(ids), words.end());
    if (auto e = place_options())
      return e;
    if (found_.empty()) // no ids at all
      found_.push_back({{}, options_});
    if (found_.size() > 1 && row_.how == use::together)
      return bad("the jobs are of several instances: name those of one at a time");
    for (auto& one : found_)
      if (one.options.operands.size() > options_.of->operands_max)
        return bad("the words name " + std::to_string(one.options.operands.size())
                   + " jobs, of which 'hactor " + options_.of->name + "' takes fewer");
    return std::move(found_);
  }

private:
  parsed_options& group_of(const std::string& uri) {
    for (auto& one : found_)
      if (one.uri == uri)
        return one.options;
    found_.push_back({uri, options_});
    found_.back().options.operands.clear();
    return found_.back().options;
  }

  caf::error add(const std::string& word) {
    auto read = read_id_word(word);
    if (!read) {
      group_of({}).operands.push_back(word);
      return {};
    }
    auto goes_itself = row_.how == use::path;
    auto p = find_place(*read, !goes_itself);
    if (!p)
      return std::move(p.error());
    auto here = !read->absolute && (goes_itself || read->around.empty());
    auto& to = group_of(here ? std::string{} : goes_itself ? p->begin : p->uri);
    for (auto& id : p->ids)
      to.operands.push_back(goes_itself && !p->path.empty() ? p->path + "/" + id : id);
    return {};
  }

  /// --jobid of exec.
  caf::error place_options() {
    for (auto& [option, value] : options_.values) {
      auto read = std::string_view{option->name} == "jobid" ? read_id_word(value) : std::nullopt;
      if (!read)
        continue;
      auto p = find_place(*read, true);
      if (!p)
        return std::move(p.error());
      if (p->ids.size() != 1)
        return bad("--jobid: '" + value + "' names " + std::to_string(p->ids.size()) + " jobs");
      found_ = {{p->uri, options_}};
      for (auto& [same, text] : found_.front().options.values)
        if (same == option)
          text = p->ids.front();
    }
    return {};
  }

  const parsed_options& options_;
  const command_row& row_;
  std::vector<placed_words> found_;
};

} // namespace

caf::expected<std::vector<placed_words>> place_ids(const parsed_options& options) {
  auto row =
      std::find_if(rows.begin(), rows.end(), [&](auto& r) { return r.name == options.of->name; });
  auto needs = [&](const std::string& word) { return read_id_word(word).has_value(); };
  auto any = std::any_of(options.operands.begin(), options.operands.end(), needs)
             || std::any_of(options.values.begin(), options.values.end(),
                            [&](auto& v) { return needs(v.second); });
  if (row == rows.end() || !any)
    return std::vector<placed_words>{{{}, options}};
  return placing{options, *row}.run();
}

caf::expected<std::string> reference_of(std::string_view option, std::string_view word) {
  if (auto array = read_array_word(word)) {
    auto set = array->values.to_string();
    return array->id + (set.starts_with('[') ? set : "[" + set + "]");
  }
  if (auto path = read_id_word(word); path && (path->absolute || !path->around.empty()))
    return bad("--" + std::string{option} + ": '" + std::string{word}
               + "' is a job of an instance in a job: jobs wait for jobs of their own instance, "
                 "which are named without '/'");
  return std::string{word};
}

} // namespace hactor::tools
