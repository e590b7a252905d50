// See environment.hpp. The rules are those of flux-submit(1), so that scripts carry over.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "workflow/environment.hpp"

#include <cctype>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <functional>
#include <memory>

#include <fnmatch.h>
#include <regex.h>

#include "runtime/mpi_settings.hpp"

namespace hactor::workflow {

namespace {

// Files of rules may name further files; a cycle must end as an error.
constexpr int nesting_max = 8;

using matcher = std::function<bool(const std::string&)>;

caf::error bad_rule(const std::string& rule, std::string_view why) {
  return make_error(ec::bad_argument, "--env: rule '" + rule + "': " + std::string{why});
}

// A glob, or a regular expression between slashes.
caf::expected<matcher> make_matcher(const std::string& rule, const std::string& pattern) {
  if (pattern.empty())
    return bad_rule(rule, "the pattern is empty");
  if (pattern.size() < 2 || pattern.front() != '/' || pattern.back() != '/')
    return matcher{[pattern](const std::string& name) {
      return ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
    }};
  auto* compiled = new regex_t;
  auto text = pattern.substr(1, pattern.size() - 2);
  if (int code = ::regcomp(compiled, text.c_str(), REG_EXTENDED | REG_NOSUB); code != 0) {
    char why[128];
    ::regerror(code, compiled, why, sizeof(why));
    delete compiled;
    return bad_rule(rule, why);
  }
  std::shared_ptr<regex_t> shared{compiled, [](regex_t* r) {
                                    ::regfree(r);
                                    delete r;
                                  }};
  return matcher{[shared](const std::string& name) {
    return ::regexec(shared.get(), name.c_str(), 0, nullptr, 0) == 0;
  }};
}

bool is_pattern(std::string_view text) {
  return text.find_first_of("*?[") != text.npos || (text.size() > 1 && text.front() == '/');
}

class rule_reader {
public:
  explicit rule_reader(const environment_map& own) : own_(own) {
    for (auto& entry : own)
      if (!is_launchers(entry.first))
        clean_.insert(entry);
    result_ = clean_;
  }

  caf::error apply(const std::string& rule, int depth = 0) {
    if (rule.empty())
      return bad_rule(rule,
                      "it is empty; VAR=VALUE, VAR, PATTERN, -PATTERN, +PATTERN and ^FILE are "
                      "possible");
    if (rule[0] == '-')
      return remove(rule);
    if (rule[0] == '+')
      return allow(rule);
    if (rule[0] == '^')
      return read_file(rule, depth);
    if (auto equals = rule.find('='); equals != rule.npos)
      return set(rule, equals);
    if (!is_pattern(rule)) {
      if (auto i = own_.find(rule); i != own_.end() && !is_set_for_tasks(rule))
        result_.insert(*i);
      return {};
    }
    auto matches = make_matcher(rule, rule);
    if (!matches)
      return std::move(matches.error());
    for (auto& entry : clean_)
      if ((*matches)(entry.first))
        result_.insert(entry);
    return {};
  }

  environment_map take() { return std::move(result_); }

private:
  caf::error remove(const std::string& rule) {
    auto matches = make_matcher(rule, rule.substr(1));
    if (!matches)
      return std::move(matches.error());
    std::erase_if(result_, [&](auto& entry) { return (*matches)(entry.first); });
    return {};
  }

  /// Of launchers, too, whose variables are of their job and mostly mean nothing in another.
  caf::error allow(const std::string& rule) {
    auto matches = make_matcher(rule, rule.substr(1));
    if (!matches)
      return std::move(matches.error());
    for (auto& entry : own_)
      if ((*matches)(entry.first) && !is_set_for_tasks(entry.first))
        result_.insert(entry);
    return {};
  }

  caf::error set(const std::string& rule, size_t equals) {
    if (equals == 0)
      return bad_rule(rule, "the name before '=' is empty");
    if (auto name = rule.substr(0, equals); is_set_for_tasks(name))
      return bad_rule(rule, "hactor sets " + name + " itself, for each task");
    auto value = expand(rule, std::string_view{rule}.substr(equals + 1));
    if (!value)
      return std::move(value.error());
    result_[rule.substr(0, equals)] = std::move(*value);
    return {};
  }

  std::string lookup(const std::string& name) const {
    if (auto i = result_.find(name); i != result_.end())
      return i->second;
    auto i = own_.find(name);
    return i != own_.end() ? i->second : std::string{};
  }

  caf::expected<std::string> expand(const std::string& rule, std::string_view text) const {
    auto is_word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; };
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '$' || i + 1 == text.size()) {
        out += text[i];
      } else if (text[i + 1] == '$') {
        out += text[++i];
      } else if (text[i + 1] == '{') {
        auto end = text.find('}', i);
        if (end == text.npos)
          return bad_rule(rule, "'${' has no '}'");
        out += lookup(std::string{text.substr(i + 2, end - i - 2)});
        i = end;
      } else {
        auto end = i + 1;
        while (end < text.size() && is_word(text[end]))
          ++end;
        out += end == i + 1 ? "$" : lookup(std::string{text.substr(i + 1, end - i - 1)});
        i = end - 1;
      }
    }
    return out;
  }

  caf::error read_file(const std::string& rule, int depth) {
    if (depth == nesting_max)
      return bad_rule(rule, "files of rules are nested too deeply");
    std::ifstream file{rule.substr(1)};
    if (!file)
      return make_errno_error(ec::system_failed, "--env: rule '" + rule + "'", errno);
    for (std::string line; std::getline(file, line);) {
      if (line.empty() || line[0] == '#')
        continue;
      if (auto e = apply(line, depth + 1))
        return e;
    }
    return {};
  }

  const environment_map& own_;
  environment_map clean_;
  environment_map result_;
};

} // namespace

environment_map read_environment(const char* const* entries) {
  environment_map result;
  for (; entries && *entries; ++entries) {
    std::string_view entry = *entries;
    if (auto equals = entry.find('='); equals != entry.npos && equals > 0)
      result.emplace(entry.substr(0, equals), entry.substr(equals + 1));
  }
  return result;
}

caf::expected<environment_map> job_environment(const environment_map& own,
                                               const std::vector<std::string>& rules) {
  rule_reader reader{own};
  for (auto& rule : rules)
    if (auto e = reader.apply(rule))
      return e;
  return reader.take();
}

std::vector<std::string> allowed_names(const environment_map& variables) {
  std::vector<std::string> names;
  for (auto& [name, value] : variables)
    if (is_launchers(name))
      names.push_back(name);
  return names;
}

} // namespace hactor::workflow
