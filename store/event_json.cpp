// Events as JSON lines, written by hand: every event of every job passes here once per reader, so
// there is no document tree and no floating point on the way.
// Context keys: RFC 21. Line: RFC 18.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <charconv>
#include <cstring>

#include "runtime/error.hpp"
#include "runtime/json.hpp"
#include "store/event_stream.hpp"

namespace hactor {

namespace {

void append_number(std::string& out, std::integral auto v) {
  char buffer[24];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, v).ptr;
  out.append(buffer, static_cast<size_t>(end - buffer));
}

// Seconds with `digits` (6 or 9) decimals; cut, not rounded, so that order is kept.
void append_seconds(std::string& out, int64_t t_ns, int digits) {
  uint64_t magnitude = static_cast<uint64_t>(t_ns);
  if (t_ns < 0) {
    out += '-';
    magnitude = 0 - magnitude;
  }
  append_number(out, magnitude / 1'000'000'000);
  uint64_t fraction = magnitude % 1'000'000'000;
  if (digits == 6)
    fraction /= 1000;
  char buffer[10];
  buffer[0] = '.';
  for (int i = digits; i > 0; --i) {
    buffer[i] = static_cast<char>('0' + fraction % 10);
    fraction /= 10;
  }
  out.append(buffer, static_cast<size_t>(digits) + 1);
}

// Text that is JSON already. A pretty-printed value has line breaks between its tokens (never
// inside strings, where they are escaped); they become blanks, for an event is one line.
void append_raw_json(std::string& out, std::string_view json) {
  if (json.empty()) {
    out += "{}";
    return;
  }
  const auto start = out.size();
  out += json;
  const auto has = [json](char c) { return std::memchr(json.data(), c, json.size()) != nullptr; };
  if (!has('\n') && !has('\r') && !has('\t'))
    return;
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20; };
  std::replace_if(out.begin() + static_cast<ptrdiff_t>(start), out.end(), is_control, ' ');
}

void append_key(std::string& out, std::string_view key_with_colon, int64_t v) {
  out += key_with_colon;
  append_number(out, v);
}

void append_description(std::string& out, const job_event& e, bool with_status) {
  out += R"({"description":)";
  append_json_string(out, e.text);
  if (with_status)
    append_key(out, R"(,"status":)", e.a);
  out += '}';
}

// The part of a "first\nrest" text before and after the first line break.
std::pair<std::string_view, std::string_view> split_line(std::string_view text) {
  const auto at = text.find('\n');
  if (at == std::string_view::npos)
    return {text, {}};
  return {text.substr(0, at), text.substr(at + 1)};
}

void append_exception(std::string& out, const job_event& e) {
  const auto [type, note] = split_line(e.text);
  out += R"({"type":)";
  append_json_string(out, type);
  append_key(out, R"(,"severity":)", e.a);
  out += R"(,"note":)";
  append_json_string(out, note);
  if (e.b >= 0)
    append_key(out, R"(,"userid":)", e.b);
  if (e.c >= 0)
    append_key(out, R"(,"wait_status":)", e.c);
  out += '}';
}

void append_flags(std::string& out, std::string_view names) {
  out += R"({"flags":[)";
  for (bool first = true; !names.empty(); first = false) {
    const auto comma = names.find(',');
    if (!first)
      out += ',';
    append_json_string(out, names.substr(0, comma));
    names.remove_prefix(comma == std::string_view::npos ? names.size() : comma + 1);
  }
  out += "]}";
}

void append_name(std::string& out, const job_event& e) {
  if (e.kind != event_kind::debug) {
    out += '"';
    out += name_of(e.kind); // none of them needs escapes
    out += '"';
    return;
  }
  std::string name{"debug."};
  name += split_line(e.text).first;
  append_json_string(out, name);
}

// Contexts that are made of e.text; see append_context.
bool append_text_context(std::string& out, const job_event& e) {
  switch (e.kind) {
  case event_kind::dependency_add:
  case event_kind::dependency_remove:
  case event_kind::prolog_start:
  case event_kind::epilog_start:
    append_description(out, e, false);
    return true;
  case event_kind::prolog_finish:
  case event_kind::epilog_finish:
    append_description(out, e, true);
    return true;
  case event_kind::jobspec_update:
  case event_kind::memo:
    append_raw_json(out, e.text);
    return true;
  case event_kind::alloc:
    if (e.text.empty())
      return false;
    out += R"({"annotations":)";
    append_raw_json(out, e.text);
    out += '}';
    return true;
  case event_kind::release:
    out += R"({"ranks":)";
    append_json_string(out, e.text);
    out += e.a != 0 ? R"(,"final":true})" : R"(,"final":false})";
    return true;
  case event_kind::exception:
    append_exception(out, e);
    return true;
  case event_kind::set_flags:
    append_flags(out, e.text);
    return true;
  case event_kind::debug:
    if (const auto context = split_line(e.text).second; !context.empty()) {
      append_raw_json(out, context);
      return true;
    }
    return false;
  default: // validate, invalidate, depend, restart, start, free, clean
    return false;
  }
}

} // namespace

bool append_context(std::string& out, const job_event& e) {
  switch (e.kind) {
  case event_kind::submit:
    append_key(out, R"({"urgency":)", e.a);
    append_key(out, R"(,"userid":)", e.b);
    append_key(out, R"(,"flags":)", e.c);
    out += R"(,"version":1})";
    return true;
  case event_kind::priority:
    append_key(out, R"({"priority":)", e.a);
    break;
  case event_kind::urgency:
    append_key(out, R"({"urgency":)", e.a);
    append_key(out, R"(,"userid":)", e.b);
    break;
  case event_kind::resource_update:
    if (e.text.empty()) {
      out += R"({"expiration":)";
      append_seconds(out, e.a, 9);
    } else {
      out += R"({"ranks":)";
      append_json_string(out, e.text);
    }
    break;
  case event_kind::finish:
    append_key(out, R"({"status":)", e.a);
    break;
  case event_kind::retry:
    append_key(out, R"({"attempt":)", e.a);
    out += R"(,"reason":)";
    append_json_string(out, e.text);
    break;
  default:
    return append_text_context(out, e);
  }
  out += '}';
  return true;
}

void append_eventlog_line(std::string& out, const job_event& e) {
  out += R"({"timestamp":)";
  append_seconds(out, e.t_ns, 6);
  out += R"(,"name":)";
  append_name(out, e);
  constexpr std::string_view key = R"(,"context":)";
  out += key;
  if (!append_context(out, e))
    out.resize(out.size() - key.size());
  out += "}\n";
}

namespace {

/// Puts pieces one behind the other; the caller knows that there is room.
class pieces {
public:
  explicit pieces(char* to) : begin_{to}, at_{to} {}

  template <size_t N>
  pieces& add(const char (&text)[N]) {
    std::memcpy(at_, text, N - 1);
    at_ += N - 1;
    return *this;
  }
  pieces& add(std::string_view text) {
    at_ = std::copy(text.begin(), text.end(), at_);
    return *this;
  }
  pieces& add(std::integral auto v) {
    constexpr ptrdiff_t digits_max = 20;
    at_ = std::to_chars(at_, at_ + digits_max, v).ptr;
    return *this;
  }
  /// Copies all of the piece's room: no call for a few bytes.
  pieces& add(const stream_writer::piece& p) {
    std::memcpy(at_, p.text.data(), p.text.size());
    at_ += p.size;
    return *this;
  }
  std::string_view text() const { return {begin_, static_cast<size_t>(at_ - begin_)}; }

private:
  char* begin_;
  char* at_;
};

void set(stream_writer::piece& p, std::string_view text) {
  HACTOR_CHECK(text.size() <= p.text.size());
  std::copy(text.begin(), text.end(), p.text.begin());
  p.size = text.size();
}

} // namespace

void stream_writer::append(std::string& out, uint64_t seq, const job_event& e) {
  if (e.id != id_ || id_text_.size == 0) {
    id_ = e.id;
    set(id_text_, R"(,"id":")" + to_string(e.id) + R"(","t_ns":)");
  }
  if (e.t_ns != t_ns_ || time_text_.size == 0) {
    t_ns_ = e.t_ns;
    std::string text;
    append_number(text, e.t_ns);
    text += R"(,"timestamp":)";
    append_seconds(text, e.t_ns, 9);
    set(time_text_, text + R"(,"name":)");
  }
  char buffer[320]; // two numbers of 20 digits, two pieces, names, and the words between
  pieces line{buffer};
  line.add(R"({"seq":)").add(seq).add(id_text_).add(time_text_);
  if (e.kind == event_kind::debug) { // whose name may need escapes
    out += line.text();
    append_name(out, e);
    line = pieces{buffer};
  } else {
    line.add("\"").add(name_of(e.kind)).add("\"");
  }
  constexpr std::string_view context = R"(,"context":)";
  switch (e.kind) { // what each job has goes without a detour
  case event_kind::validate:
  case event_kind::depend:
  case event_kind::start:
  case event_kind::free:
  case event_kind::clean:
    break;
  case event_kind::priority:
    line.add(context).add(R"({"priority":)").add(e.a).add("}");
    break;
  case event_kind::finish:
    line.add(context).add(R"({"status":)").add(e.a).add("}");
    break;
  default:
    out += line.add(context).text();
    if (!append_context(out, e))
      out.resize(out.size() - context.size());
    line = pieces{buffer};
  }
  out += line.add(R"(,"state":")").add(name_of(e.after)).add("\"}\n").text();
}

void append_gap_line(std::string& out, uint64_t from, uint64_t next) {
  out += R"({"seq":)";
  append_number(out, next - 1);
  out += R"(,"name":"gap","context":{"events":)";
  append_number(out, next - from);
  out += "}}\n";
}

} // namespace hactor
