// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/shared_output.hpp"

#include "actors/templates.hpp"

namespace hactor {

namespace {

/// The values of some job, and of another one of the same submission.
std::pair<template_values, template_values> two_jobs(const std::string& name) {
  template_values one, other;
  one.name = other.name = name;
  one.id = to_string(job_id{1 << 24});
  other.id = to_string(job_id{2 << 24});
  one.array = other.array = one.id;
  one.cc = 1;
  other.cc = 2;
  one.tmpdir = "1";
  other.tmpdir = "2";
  return {one, other};
}

bool names_job(const std::string& pattern, const std::string& name) {
  auto [one, other] = two_jobs(name);
  return fill_template(pattern, one) != fill_template(pattern, other);
}

/// The file's name, when it is known without any job of the submission.
std::optional<std::string> known_name(const std::string& pattern, const std::string& name,
                                      const std::string& cwd) {
  auto [one, other] = two_jobs(name);
  other.array = other.id;
  other.size = other.nnodes = other.attempt = 2;
  auto file = fill_template(pattern, one);
  if (names_node(pattern) || file != fill_template(pattern, other)
      || file.find("{{") != std::string::npos) // a place that only plugins know
    return std::nullopt;
  if (file[0] == '/')
    return file;
  if (cwd.empty() || has_cc_place(cwd))
    return std::nullopt;
  return cwd + "/" + file;
}

const std::string* text_at(const json& at, std::string_view path) {
  auto* value = find_json(at, path);
  return value != nullptr && value->is_string() ? &value->get_ref<const std::string&>() : nullptr;
}

} // namespace

std::optional<std::vector<std::string>> share_output(json& jobspec, const std::string& name) {
  const std::string output = "attributes.system.shell.options.output";
  auto* mode = text_at(jobspec, output + ".mode");
  if (mode != nullptr && *mode == "append")
    return std::nullopt;
  auto* cwd = text_at(jobspec, "attributes.system.cwd");
  std::vector<std::string> files;
  auto shares = false;
  for (auto* stream : {".stdout.path", ".stderr.path"}) {
    auto* pattern = text_at(jobspec, output + stream);
    if (pattern == nullptr || pattern->empty() || names_job(*pattern, name))
      continue;
    shares = true;
    if (auto file = known_name(*pattern, name, cwd != nullptr ? *cwd : ""))
      files.push_back(std::move(*file));
  }
  if (!shares)
    return std::nullopt;
  jobspec["attributes"]["system"]["shell"]["options"]["output"]["mode"] = "append";
  return files;
}

} // namespace hactor
