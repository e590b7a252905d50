// Names of events, states and results, and the binary form of an event. The JSON forms are in
// event_json.cpp.
// Binary form (doc/store-format.md): kind, shape byte, [id], time difference, [a], [b], [c],
// [text].
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/event.hpp"

#include <array>
#include <bit>

#include "store/bytes.hpp"

namespace hactor {

namespace {

constexpr std::array<std::string_view, static_cast<size_t>(event_kind::kind_count)> kind_names = {
    "",
    "submit",
    "validate",
    "invalidate",
    "dependency-add",
    "dependency-remove",
    "depend",
    "priority",
    "urgency",
    "jobspec-update",
    "hactor-restart",
    "alloc",
    "resource-update",
    "prolog-start",
    "prolog-finish",
    "start",
    "finish",
    "epilog-start",
    "epilog-finish",
    "release",
    "free",
    "clean",
    "exception",
    "set-flags",
    "memo",
    "debug",
    "retry",
};
static_assert(!kind_names.back().empty(), "every event kind has a name");

// The shape byte: bits 0-2 are the state's place in the order none, NEW .. INACTIVE.
constexpr uint8_t has_a = 8, has_b = 16, has_c = 32, has_text = 64, reserved = 128;

uint8_t place_of(job_state s) {
  return static_cast<uint8_t>(std::bit_width(static_cast<uint8_t>(s)));
}

job_state state_at(uint8_t place) {
  return static_cast<job_state>(place == 0 ? 0 : 1 << (place - 1));
}

caf::error corrupt(std::string_view what) {
  return make_error(ec::store_corrupt, "event: " + std::string{what});
}

} // namespace

std::string_view name_of(event_kind kind) {
  const auto index = static_cast<size_t>(kind);
  return index < kind_names.size() ? kind_names[index] : std::string_view{};
}

std::optional<event_kind> kind_of(std::string_view name) {
  for (int k = 1; k < static_cast<int>(event_kind::kind_count); ++k)
    if (name_of(static_cast<event_kind>(k)) == name)
      return static_cast<event_kind>(k);
  return std::nullopt;
}

std::string_view name_of(job_state s) {
  switch (s) {
  case job_state::none:
    return "NONE";
  case job_state::new_job:
    return "NEW";
  case job_state::depend:
    return "DEPEND";
  case job_state::priority:
    return "PRIORITY";
  case job_state::sched:
    return "SCHED";
  case job_state::run:
    return "RUN";
  case job_state::cleanup:
    return "CLEANUP";
  case job_state::inactive:
    return "INACTIVE";
  }
  return "";
}

std::string_view letter_of(job_state s) {
  switch (s) {
  case job_state::none:
    return "-";
  case job_state::new_job:
    return "N";
  case job_state::depend:
    return "D";
  case job_state::priority:
    return "P";
  case job_state::sched:
    return "S";
  case job_state::run:
    return "R";
  case job_state::cleanup:
    return "C";
  case job_state::inactive:
    return "I";
  }
  return "";
}

std::string_view name_of(job_result r) {
  switch (r) {
  case job_result::none:
    return "NONE";
  case job_result::completed:
    return "COMPLETED";
  case job_result::failed:
    return "FAILED";
  case job_result::canceled:
    return "CANCELED";
  case job_result::timeout:
    return "TIMEOUT";
  case job_result::node_failed:
    return "NODE_FAILED";
  }
  return "";
}

std::string_view abbreviation_of(job_result r) {
  switch (r) {
  case job_result::none:
    return "-";
  case job_result::completed:
    return "CD";
  case job_result::failed:
    return "F";
  case job_result::canceled:
    return "CA";
  case job_result::timeout:
    return "TO";
  case job_result::node_failed:
    return "NF";
  }
  return "";
}

void encode_event(std::string& out, const job_event& e, int64_t* previous_ns, bool with_id) {
  // Kind, shape and six varints: id, time, a, b, c, length of the text.
  char buffer[2 + 6 * varint_bytes_max];
  char* p = buffer;
  uint8_t shape = place_of(e.after);
  shape |= e.a != 0 ? has_a : 0;
  shape |= e.b != 0 ? has_b : 0;
  shape |= e.c != 0 ? has_c : 0;
  shape |= !e.text.empty() ? has_text : 0;
  *p++ = static_cast<char>(e.kind);
  *p++ = static_cast<char>(shape);
  if (with_id)
    p = bytes::put_varint(p, e.id.value);
  p = bytes::put_zigzag(p, bytes::wrapping_subtract(e.t_ns, *previous_ns));
  *previous_ns = e.t_ns;
  if (e.a != 0)
    p = bytes::put_zigzag(p, e.a);
  if (e.b != 0)
    p = bytes::put_zigzag(p, e.b);
  if (e.c != 0)
    p = bytes::put_zigzag(p, e.c);
  if (!e.text.empty())
    p = bytes::put_varint(p, e.text.size());
  out.append(buffer, static_cast<size_t>(p - buffer));
  out.append(e.text);
}

caf::error decode_event(std::string_view& in, job_event& e, int64_t* previous_ns, bool with_id) {
  if (in.size() < 2)
    return corrupt("cut short");
  const auto kind = static_cast<uint8_t>(in[0]);
  const auto shape = static_cast<uint8_t>(in[1]);
  if (kind == 0 || kind >= static_cast<uint8_t>(event_kind::kind_count))
    return corrupt("kind " + std::to_string(kind) + " is unknown");
  if ((shape & reserved) != 0)
    return corrupt("shape has a bit that is not in use");
  in.remove_prefix(2);
  e.kind = static_cast<event_kind>(kind);
  e.after = state_at(shape & 7);
  int64_t difference = 0;
  if (with_id && !bytes::take_varint(in, e.id.value))
    return corrupt("id cut short");
  if (!bytes::take_zigzag(in, difference))
    return corrupt("time cut short");
  e.t_ns = bytes::wrapping_add(*previous_ns, difference);
  *previous_ns = e.t_ns;
  e.a = e.b = e.c = 0;
  if (((shape & has_a) != 0 && !bytes::take_zigzag(in, e.a))
      || ((shape & has_b) != 0 && !bytes::take_zigzag(in, e.b))
      || ((shape & has_c) != 0 && !bytes::take_zigzag(in, e.c)))
    return corrupt("number cut short");
  std::string_view text;
  if ((shape & has_text) != 0 && !bytes::take_text(in, text))
    return corrupt("text cut short");
  e.text.assign(text);
  return {};
}

} // namespace hactor
