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

caf::expected<task_places> find_tasks(client& broker, const std::string& id) {
  std::string texts[2];
  for (auto [key, to] : {std::pair{"jobspec", &texts[0]}, std::pair{"R", &texts[1]}}) {
    auto reply = broker.ask("job.info", {{"id", id}, {"key", key}});
    if (!reply)
      return std::move(reply.error());
    *to = text_at(*reply, "value");
  }
  auto spec = parse_jobspec(texts[0]);
  auto r = parse_rset(texts[1]);
  if (!spec || !r)
    return !spec ? std::move(spec.error()) : std::move(r.error());
  auto request = compile_request(*spec);
  if (!request)
    return std::move(request.error());
  auto where = layout(*request, *r);
  if (!where)
    return std::move(where.error());
  return task_places{std::move(*where), std::move(*r)};
}

} // namespace hactor::tools
