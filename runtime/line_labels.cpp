// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/line_labels.hpp"

namespace hactor {

/// What stands before bytes of this source: nothing when they go on with its line.
std::string line_labels::next_label(const source& of) {
  auto& last = unended(of.second);
  if (last == of)
    return {};
  auto label = (last ? "\n" : "") + before_ + std::to_string(of.first) + ": ";
  last.reset();
  return label;
}

std::string line_labels::add(uint32_t task, uint8_t stream, std::string_view bytes) {
  if (bytes.empty())
    return end(task, stream);
  const source of{task, stream};
  auto& open = open_[of];
  std::string out;
  for (auto end = bytes.find('\n'); end != bytes.npos; end = bytes.find('\n')) {
    out += next_label(of) + open;
    out += bytes.substr(0, end + 1);
    unended(stream).reset();
    open.clear();
    bytes.remove_prefix(end + 1);
  }
  open += bytes;
  if (open.size() > held_max_) {
    out += next_label(of) + open;
    unended(stream) = of;
    open.clear();
  }
  if (open.empty())
    open_.erase(of);
  return out;
}

std::string line_labels::end(uint32_t task, uint8_t stream) {
  const source of{task, stream};
  auto begun = open_.extract(of);
  if (!begun && unended(stream) != of)
    return {};
  auto out = next_label(of) + (begun ? begun.mapped() : "") + "\n";
  unended(stream).reset();
  return out;
}

std::map<line_labels::source, std::string> line_labels::end_all() {
  std::map<source, std::string> lines;
  for (auto& last : unended_)
    if (auto of = last)
      lines[*of] = end(of->first, of->second);
  while (!open_.empty()) {
    const auto of = open_.begin()->first;
    lines[of] += end(of.first, of.second);
  }
  return lines;
}

} // namespace hactor
