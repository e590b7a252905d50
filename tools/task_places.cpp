// See task_places.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "tools/task_places.hpp"

#include "tools/session.hpp"

namespace hactor::tools {

std::map<uint64_t, size_t> task_places::nodes() const {
  std::map<uint64_t, size_t> result;
  for (size_t i = 0; i < where.tasks.size(); ++i)
    for (auto task : where.tasks[i].expand())
      result[task] = i;
  return result;
}

namespace {

constexpr const char* map_option = "/attributes/system/shell/options/taskmap";

/// As spec and grant lay the tasks out.
caf::expected<task_places> lay_out(const json& document, rset r) {
  auto spec = parse_jobspec(dump(document));
  if (!spec)
    return std::move(spec.error());
  auto request = compile_request(*spec);
  if (!request)
    return std::move(request.error());
  auto where = layout(*request, r);
  if (!where)
    return std::move(where.error());
  return task_places{std::move(*where), std::move(r)};
}

} // namespace

caf::expected<task_places> find_tasks(client& broker, const std::string& id) {
  auto reply =
      broker.ask("job.info", {{"id", id}, {"keys", {"jobspec", "R", "record"}}, {"decode", true}});
  if (!reply)
    return std::move(reply.error());
  auto& values = object_at(*reply, "values");
  auto r = parse_rset(dump(object_at(values, "R")));
  if (!r)
    return std::move(r.error());
  auto spec = object_at(values, "jobspec");
  auto& notes = object_at(object_at(object_at(values, "record"), "annotations"), "user");
  auto map = text_at(notes, "taskmap");
  if (map.empty())
    return lay_out(spec, std::move(*r));
  auto made = spec;
  made[json::json_pointer{map_option}] = "manual:" + map;
  auto tasks = lay_out(made, *r);
  return tasks ? std::move(tasks)
               : lay_out(spec, std::move(*r)); // the memo is some other of a user
}

} // namespace hactor::tools
