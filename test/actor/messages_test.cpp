// Every type of the type-id block survives the way between two processes.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include <map>
#include <random>
#include <type_traits>

#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>

#include "actor_fixture.hpp"
#include "spec_texts.hpp"

using namespace hactor;
using namespace hactor::test;

namespace {

/// An inspector that fills whatever it visits with values that a swapped or forgotten field
/// changes.
class filler {
public:
  using result_type = void;
  static constexpr bool reads_state = false;
  static constexpr bool writes_state = true;

  template <class... Ts>
  void operator()(Ts&&... xs) {
    (fill(xs), ...);
  }

  /// Whether it met a field that it can fill: a handle stays null, there is no actor to name.
  bool filled() const { return filled_; }

private:
  template <class T>
  void fill(T& x) {
    using type = std::remove_cv_t<T>;
    constexpr auto value = !std::is_base_of_v<caf::meta::annotation, type>
                           && !std::is_same_v<type, caf::actor>;
    filled_ |= value;
    if constexpr (!value)
      return;
    else if constexpr (std::is_same_v<type, bool>)
      x = true;
    else if constexpr (std::is_enum_v<type>)
      x = static_cast<type>(1 + ++last_ % 4);
    else if constexpr (std::is_arithmetic_v<type>)
      x = static_cast<type>(++last_);
    else
      inspect_or_fill(x);
  }
  void inspect_or_fill(std::string& x) { x = "text " + std::to_string(++last_); }
  template <class T>
  void inspect_or_fill(std::vector<T>& x) {
    x.resize(1 + ++last_ % 3);
    for (auto& element : x)
      fill(element);
  }
  template <class A, class B>
  void inspect_or_fill(std::pair<A, B>& x) {
    fill(x.first);
    fill(x.second);
  }
  template <class K, class V, class C>
  void inspect_or_fill(std::map<K, V, C>& x) {
    K key{};
    fill(key);
    fill(x[key]);
  }
  template <class T>
  void inspect_or_fill(T& x) {
    inspect(*this, x);
  }

  uint64_t last_ = 0;
  bool filled_ = false;
};

template <class T>
std::vector<char> bytes_of(caf::actor_system& system, T& x) {
  std::vector<char> bytes;
  caf::binary_serializer sink{system, bytes};
  if (auto e = sink(x))
    FAIL(render(e));
  return bytes;
}

/// One type's way, for the checks below, which are no template: there are seventy types.
struct trip {
  const char* name;
  bool filled;             // there was something to fill
  std::vector<char> empty; // the bytes of one without values
  std::vector<char> sent;  // of one with values
  caf::error received;
  std::vector<char> sent_on; // of what was received
  caf::message message;      // which holds it
  bool (*holds)(caf::message&);
};

void check_trip(caf::actor_system& system, const trip& t) {
  CAPTURE(t.name);
  CHECK(t.filled == (t.sent != t.empty));
  CHECK_MESSAGE(!t.received, render(t.received));
  CHECK(t.sent_on == t.sent);
  // And as a message, by its registered name.
  std::vector<char> wire;
  caf::binary_serializer sink{system, wire};
  auto message = t.message;
  CHECK_FALSE(sink(message));
  caf::message back;
  caf::binary_deserializer reader{system, wire};
  CHECK_FALSE(reader(back));
  CHECK(t.holds(back));
}

template <class T>
void round_trip(caf::actor_system& system, const char* name) {
  T empty{};
  T x{};
  filler f;
  inspect(f, x);
  trip t{name, f.filled(), bytes_of(system, empty), bytes_of(system, x), {}, {}, {}, nullptr};
  T y{};
  caf::binary_deserializer source{system, t.sent};
  t.received = source(y);
  t.sent_on = bytes_of(system, y);
  t.message = caf::make_message(std::move(x));
  t.holds = [](caf::message& m) { return m.match_elements<T>(); };
  check_trip(system, t);
}

template <caf::type_id_t Id>
void round_trips(caf::actor_system& system, size_t& count) {
  if constexpr (Id < caf::id_block::hactor::end) {
    using type = typename caf::type_by_id<Id>::type;
    if constexpr (!caf::is_atom_constant<type>::value) {
      round_trip<type>(system, caf::type_name<type>::value);
      ++count;
    }
    round_trips<Id + 1>(system, count);
  }
}

} // namespace

TEST_SUITE("actor") {

  TEST_CASE("a jobspec of this process goes to another as its texts") {
    actor_fixture f;
    spec_cache specs;
    spec_text s;
    s.environment = {{"A", "1"}};
    sent_spec here{intern(specs, s), {}, {}};
    sent_spec texts{nullptr, here.here->text, here.here->environment_text()};
    auto bytes = bytes_of(f.system, here);
    CHECK(bytes == bytes_of(f.system, texts));
    sent_spec there;
    caf::binary_deserializer source{f.system, bytes};
    CHECK_FALSE(source(there));
    CHECK(there.here == nullptr);
    CHECK(there.text == texts.text);
    CHECK(*specs.intern(there) == here.here);
  }

  TEST_CASE("every message struct comes out of the wire as it went in") {
    actor_fixture f;
    size_t count = 0;
    round_trips<caf::id_block::hactor::begin>(f.system, count);
    CHECK(count > 60);
  }
}
