// Namespaces, transactions and what is kept of them.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include <map>
#include <random>
#include <set>

#include <sys/resource.h>

#include "blob_table.hpp"
#include "store/kvs_key.hpp"

using namespace hactor;
using namespace hactor::test;

namespace {

constexpr uint32_t owner = 1000, guest = 1001;

/// A store over a table, whose changes are made at once.
struct fixture {
  std::shared_ptr<blob_table> table = std::make_shared<blob_table>();
  std::unique_ptr<kvs_store> store = std::make_unique<kvs_store>(table, owner);

  void commit() {
    auto change = store->prepare();
    REQUIRE_MESSAGE(change, render(change.error()));
    table->make(*change);
    store->committed();
  }

  caf::error apply(std::vector<kvs_op> ops, const std::string& space = kvs_primary,
                   uint32_t userid = owner) {
    auto sequence = store->apply(space, userid, ops);
    if (!sequence)
      return std::move(sequence.error());
    commit();
    return caf::none;
  }

  caf::error put(const std::string& key, const std::string& value) {
    return apply({{kvs_verb::put, key, value}});
  }

  caf::expected<std::string> get(const std::string& key, const std::string& at = {},
                                 const std::string& space = kvs_primary) {
    auto object = store->lookup({space, owner, key, at});
    if (!object)
      return std::move(object.error());
    return store->read_value(*object);
  }

  std::set<std::string> names(const std::string& key) {
    std::set<std::string> result;
    auto object = store->lookup({kvs_primary, owner, key});
    REQUIRE_MESSAGE(object, render(object.error()));
    std::string after;
    for (bool more = true; more;) {
      auto part = store->list(*object, after);
      REQUIRE_MESSAGE(part, render(part.error()));
      for (auto& e : part->entries)
        CHECK(result.insert(e.name).second);
      more = part->more;
      if (more)
        after = part->entries.back().name;
    }
    return result;
  }

  void restart() {
    store = std::make_unique<kvs_store>(table, owner);
    std::vector<std::pair<std::string, std::string>> records(table->records.begin(),
                                                             table->records.end());
    auto err = store->restore(records);
    REQUIRE_MESSAGE(!err, render(err));
  }
};

/// What a namespace should hold, by whole keys.
struct twin {
  struct entry {
    kvs_kind kind;
    std::string value;
    bool operator==(const entry&) const = default;
  };
  std::map<std::string, entry> all;

  static std::string parent(const std::string& key) {
    auto dot = key.rfind('.');
    return dot == std::string::npos ? "" : key.substr(0, dot);
  }
  bool make_parents(const std::string& key) {
    auto up = parent(key);
    if (up.empty())
      return true;
    auto it = all.find(up);
    if (it != all.end())
      return it->second.kind == kvs_kind::directory && make_parents(up);
    if (!make_parents(up))
      return false;
    all[up] = {kvs_kind::directory, ""};
    return true;
  }
  std::map<std::string, entry> below(const std::string& key) const {
    std::map<std::string, entry> found;
    for (auto& [k, e] : all)
      if (k == key || k.starts_with(key + "."))
        found[k.substr(key.size())] = e;
    return found;
  }
  void erase(const std::string& key) {
    std::erase_if(all, [&](auto& x) { return x.first == key || x.first.starts_with(key + "."); });
  }

  bool apply(const kvs_op& op) {
    auto it = all.find(op.key);
    const bool there = it != all.end();
    switch (op.verb) {
    case kvs_verb::put:
      if (!make_parents(op.key) || (there && it->second.kind == kvs_kind::directory))
        return false;
      all[op.key] = {kvs_kind::value, op.value};
      return true;
    case kvs_verb::append:
      if (!make_parents(op.key) || (there && it->second.kind != kvs_kind::value))
        return false;
      if (!there)
        all[op.key] = {kvs_kind::value, ""};
      all[op.key].value += op.value;
      return true;
    case kvs_verb::mkdir:
      if (!make_parents(op.key) || (there && it->second.kind != kvs_kind::directory))
        return false;
      all[op.key] = {kvs_kind::directory, ""};
      return true;
    case kvs_verb::unlink: {
      if (!parents_are_directories(op.key))
        return false;
      if (!there)
        return op.force;
      if (!op.recursive && below(op.key).size() > 1)
        return false;
      erase(op.key);
      return true;
    }
    case kvs_verb::copy: {
      if (!parents_are_directories(op.value) || all.count(op.value) == 0)
        return false;
      auto copied = below(op.value);
      if (!make_parents(op.key))
        return false;
      erase(op.key);
      for (auto& [tail, e] : copied)
        all[op.key + tail] = e;
      return true;
    }
    case kvs_verb::move: {
      if (!parents_are_directories(op.value) || !parents_are_directories(op.key)
          || op.key == op.value || op.key.starts_with(op.value + ".")
          || op.value.starts_with(op.key + "."))
        return false;
      if (!apply({kvs_verb::copy, op.key, op.value}))
        return false;
      return apply({kvs_verb::unlink, op.value, {}, {}, true});
    }
    case kvs_verb::link:
    case kvs_verb::treeobj:
      break;
    }
    return false;
  }
  /// As far as they are there.
  bool parents_are_directories(const std::string& key) const {
    for (auto up = parent(key); !up.empty(); up = parent(up))
      if (auto it = all.find(up); it != all.end() && it->second.kind != kvs_kind::directory)
        return false;
    return true;
  }
};

std::string any_key(std::mt19937_64& r, bool wide) {
  std::string key;
  for (auto depth = 1 + r() % 3; depth > 0; --depth)
    key += (key.empty() ? "" : ".") + std::string(1, static_cast<char>('a' + r() % 3))
           + (depth == 1 && wide ? std::to_string(r() % 300) : "");
  return key;
}

kvs_op any_op(std::mt19937_64& r, bool wide) {
  static constexpr kvs_verb verbs[] = {kvs_verb::put,    kvs_verb::put,   kvs_verb::put,
                                       kvs_verb::append, kvs_verb::mkdir, kvs_verb::unlink,
                                       kvs_verb::unlink, kvs_verb::copy,  kvs_verb::move};
  kvs_op op;
  op.verb = verbs[r() % std::size(verbs)];
  op.key = any_key(r, wide);
  op.recursive = r() % 2 == 0;
  op.force = r() % 2 == 0;
  if (op.verb == kvs_verb::copy || op.verb == kvs_verb::move)
    op.value = any_key(r, wide);
  else if (op.verb == kvs_verb::put || op.verb == kvs_verb::append)
    op.value = std::string(r() % (r() % 10 == 0 ? 6000 : 200), static_cast<char>('a' + r() % 26));
  return op;
}

void check_equal(fixture& f, const twin& t) {
  std::map<std::string, std::set<std::string>> names;
  for (auto& [key, e] : t.all) {
    names[twin::parent(key)].insert(key.substr(key.rfind('.') + 1));
    if (e.kind == kvs_kind::value) {
      auto found = f.get(key);
      REQUIRE_MESSAGE(found, key << ": " << render(found.error()));
      CHECK(*found == e.value);
    } else {
      names[key];
    }
  }
  names[""];
  for (auto& [key, expected] : names)
    CHECK(f.names(key.empty() ? "." : key) == expected);
}

void against_twin(uint64_t seed, bool wide, int rounds) {
  CAPTURE(seed);
  std::mt19937_64 r{seed};
  fixture f;
  twin t;
  for (int round = 0; round < rounds; ++round) {
    // Several transactions in one commit; some commits fail.
    auto durable = t;
    for (auto n = 1 + r() % 4; n > 0; --n) {
      auto tried = t;
      bool good = true;
      std::vector<kvs_op> ops;
      for (auto m = 1 + r() % 6; m > 0; --m) {
        ops.push_back(any_op(r, wide));
        good = good && tried.apply(ops.back());
      }
      auto sequence = f.store->apply(kvs_primary, owner, ops);
      CHECK(static_cast<bool>(sequence) == good);
      if (good)
        t = tried;
    }
    if (!f.store->is_changed())
      continue;
    auto change = f.store->prepare();
    REQUIRE_MESSAGE(change, render(change.error()));
    if (r() % 8 == 0) {
      f.store->failed();
      t = durable;
    } else {
      f.table->make(*change);
      f.store->committed();
    }
    if (round % 16 == 0) {
      f.table->check_whole();
      check_equal(f, t);
    }
    if (r() % 32 == 0)
      f.restart();
  }
  f.table->check_whole();
  check_equal(f, t);
}

ec code(const caf::error& e) { return e ? code_of(e) : ec::ok; }

template <class T>
ec code(const caf::expected<T>& e) {
  return e ? ec::ok : code_of(e.error());
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("the key-value store is what a map of keys would be, over failures and restarts") {
    for (uint64_t seed = 1; seed <= 6; ++seed)
      against_twin(seed, false, 200);
    for (uint64_t seed = 1; seed <= 3; ++seed)
      against_twin(seed, true, 300);
  }

  TEST_CASE("a directory of many names is read whole, in parts, and shrinks again") {
    fixture f;
    std::vector<kvs_op> ops;
    std::set<std::string> expected;
    for (int i = 0; i < 25'000; ++i) {
      ops.push_back({kvs_verb::put, "d.k" + std::to_string(i), std::to_string(i)});
      expected.insert("k" + std::to_string(i));
    }
    REQUIRE(!f.apply(ops));
    CHECK(f.names("d") == expected);
    CHECK(*f.get("d.k12345") == "12345");
    for (auto& op : ops)
      op.verb = kvs_verb::unlink;
    ops.pop_back();
    REQUIRE(!f.apply(ops));
    CHECK(f.names("d") == std::set<std::string>{"k24999"});
    // The same names in another order are the same directory.
    REQUIRE(!f.put("e.k24999", "24999"));
    CHECK(f.store->lookup({kvs_primary, owner, "d"})->dir.address
          == f.store->lookup({kvs_primary, owner, "e"})->dir.address);
    f.table->check_whole();
  }

  TEST_CASE("keys: dots are trimmed, what cannot be a key is refused") {
    CHECK(join_kvs_key(*parse_kvs_key("..a...b.")) == "a.b");
    CHECK(parse_kvs_key(".")->empty());
    CHECK(join_kvs_key({}) == ".");
    for (auto bad : {std::string{}, std::string{"a.\xff"}, std::string(256, 'x')})
      CHECK(code(parse_kvs_key(bad)) == ec::bad_argument);
    std::string deep = "a";
    for (size_t i = 1; i < limits::kvs_depth_max; ++i)
      deep += ".a";
    CHECK(parse_kvs_key(deep));
    CHECK(code(parse_kvs_key(deep + ".a")) == ec::bad_argument);
    fixture f;
    CHECK(code(f.put(".", "x")) == ec::bad_argument);
    CHECK(code(f.put("", "x")) == ec::bad_argument);
  }

  TEST_CASE("a value does not take the place of a directory") {
    fixture f;
    REQUIRE(!f.put("d.x", "1"));
    auto e = f.put("d", "5");
    CHECK(code(e) == ec::wrong_state);
    CHECK(render(e)
          == "key 'd': is a directory with 1 name; a value would take its place: remove it "
             "first (kvs unlink -R)");
    CHECK(code(f.put("d.", "5")) == ec::wrong_state);
    CHECK(code(f.apply({{kvs_verb::append, "d", "5"}})) == ec::wrong_state);
    CHECK(*f.get("d.x") == "1");
    REQUIRE(!f.apply({{kvs_verb::unlink, "d", {}, {}, true}, {kvs_verb::put, "d", "5"}}));
    CHECK(*f.get("d") == "5");
  }

  TEST_CASE("a transaction is made wholly or not at all") {
    fixture f;
    REQUIRE(!f.put("a", "1"));
    CHECK(code(f.store->apply(kvs_primary, owner,
                              {{kvs_verb::put, "b", "2"}, {kvs_verb::put, "a.x", "3"}}))
          == ec::wrong_state);
    CHECK(!f.store->is_changed());
    CHECK(code(f.get("b")) == ec::unknown_key);
    CHECK(f.store->root(kvs_primary, owner)->sequence == 1);
    REQUIRE(!f.apply({{kvs_verb::put, "b", "2"}, {kvs_verb::unlink, "a"}}));
    CHECK(f.store->root(kvs_primary, owner)->sequence == 2);
    CHECK(f.names(".") == std::set<std::string>{"b"});
  }

  TEST_CASE("nothing is seen before it is durable, and what failed never is") {
    fixture f;
    REQUIRE(f.store->apply(kvs_primary, owner, {{kvs_verb::put, "a", "1"}}));
    CHECK(code(f.get("a")) == ec::unknown_key);
    auto change = f.store->prepare();
    CHECK(code(f.get("a")) == ec::unknown_key);
    f.store->failed();
    CHECK(code(f.get("a")) == ec::unknown_key);
    CHECK(f.store->root(kvs_primary, owner)->sequence == 0);
    REQUIRE(!f.put("a", "2"));
    CHECK(*f.get("a") == "2");
  }

  TEST_CASE("values of any bytes and size come back; too large ones are refused") {
    fixture f;
    std::mt19937_64 r{7};
    for (size_t size : {0, 1, 127, 128, 129, 4096, 1 << 20, (1 << 20) + 1, 16 << 20}) {
      std::string value(size, '\0');
      for (auto& c : value)
        c = static_cast<char>(r());
      REQUIRE(!f.put("v", value));
      CHECK((*f.get("v") == value));
    }
    CHECK(code(f.put("v", std::string((16 << 20) + 1, 'x'))) == ec::too_big);
    CHECK(code(f.apply({{kvs_verb::append, "v", "x"}})) == ec::too_big);
    std::vector<kvs_op> three(3, {kvs_verb::put, "w", std::string(12 << 20, 'x')});
    CHECK(code(f.apply(three)) == ec::too_big);
    std::vector<kvs_op> many(limits::kvs_operations_max + 1, {kvs_verb::put, "w", "x"});
    CHECK(code(f.apply(many)) == ec::too_big);
    f.table->check_whole();
  }

  TEST_CASE("what grows line by line is one value, and its blobs are few") {
    fixture f;
    std::string expected;
    auto before = kvs_object{};
    for (int i = 0; i < 1000; ++i) {
      auto line = "line " + std::to_string(i) + "\n";
      expected += line;
      REQUIRE(!f.apply({{kvs_verb::append, "log", line}}));
      auto now = f.store->lookup({kvs_primary, owner, "log"});
      CHECK(*f.store->read_value(*now, expected.size() - line.size()) == line);
      CHECK(*f.store->continues(before, *now));
      before = *now;
    }
    CHECK(*f.get("log") == expected);
    CHECK(f.store->lookup({kvs_primary, owner, "log"})->blobs.size() < 5);
    REQUIRE(!f.put("log", expected + "!"));
    REQUIRE(!f.put("other", std::string(expected.size() + 1, '!')));
    CHECK(*f.store->continues(before, *f.store->lookup({kvs_primary, owner, "log"})) == false);
    CHECK(*f.store->continues(before, *f.store->lookup({kvs_primary, owner, "other"})) == false);
    REQUIRE(!f.apply({{kvs_verb::mkdir, "d"}}));
    CHECK(code(f.apply({{kvs_verb::append, "d", "x"}})) == ec::wrong_state);
    f.table->check_whole();
  }

  TEST_CASE("links lead on, also through directories and into other namespaces") {
    fixture f;
    REQUIRE(!f.store->create("other", owner, owner, ""));
    f.commit();
    REQUIRE(!f.put("dir.x", "1"));
    REQUIRE(!f.apply({{kvs_verb::link, "to_dir", "dir"}, {kvs_verb::link, "to_x", "to_dir.x"}}));
    CHECK(*f.get("to_dir.x") == "1");
    CHECK(*f.get("to_x") == "1");
    REQUIRE(!f.put("to_dir.y", "2")); // written through
    CHECK(*f.get("dir.y") == "2");
    REQUIRE(!f.put("to_x", "3")); // takes the link's place
    CHECK(*f.get("dir.x") == "1");
    CHECK(*f.get("to_x") == "3");
    REQUIRE(!f.apply({{kvs_verb::put, "k", "there"}}, "other"));
    REQUIRE(
        !f.apply({{kvs_verb::link, "over", ".", "other"}, {kvs_verb::link, "k", "k", "other"}}));
    CHECK(*f.get("over.k") == "there");
    CHECK(*f.get("k") == "there");
    CHECK(code(f.put("over.k", "x")) == ec::bad_argument);
    auto link = f.store->lookup({kvs_primary, owner, "k", {}, false});
    CHECK(link->kind == kvs_object::type::symlink);
    CHECK(link->space == "other");
    REQUIRE(!f.apply({{kvs_verb::link, "p", "q"}, {kvs_verb::link, "q", "p"}}));
    CHECK(code(f.get("p")) == ec::bad_argument);
    CHECK(code(f.put("p.x", "1")) == ec::bad_argument);
    REQUIRE(!f.apply({{kvs_verb::link, "nowhere", "not.there"}}));
    CHECK(code(f.get("nowhere")) == ec::unknown_key);
    REQUIRE(!f.put("nowhere.z", "made")); // its target is made
    CHECK(*f.get("not.there.z") == "made");
    f.table->check_whole();
  }

  TEST_CASE("an old root can be read for a while, and for good when it is copied") {
    fixture f;
    REQUIRE(!f.put("a", std::string(500, '1')));
    auto then = f.store->root(kvs_primary, owner)->reference;
    REQUIRE(!f.apply({{kvs_verb::put, "a", "2"}, {kvs_verb::copy, "kept", "."}}));
    auto text = encode_object(*f.store->lookup({kvs_primary, owner, "kept", {}, false}));
    CHECK(*f.get("a", then) == std::string(500, '1'));
    for (int i = 0; i < 40; ++i)
      REQUIRE(!f.put("n", std::to_string(i)));
    CHECK(code(f.get("a", then)) == ec::unknown_key);
    CHECK(*f.get("a", text) == "2");
    CHECK(*f.get("kept.a") == "2");
    CHECK(code(f.get("a", "{}")) == ec::bad_argument);
    CHECK(code(f.get("a", "not json")) == ec::bad_json);
    f.table->check_whole();
  }

  TEST_CASE("tree objects are taken as they are given, when what they name is there") {
    fixture f;
    auto large = std::string(5000, 'x');
    REQUIRE(!f.put("large", large));
    REQUIRE(!f.put("d.x", "1"));
    auto give = [&](const std::string& text) { return f.apply({{kvs_verb::treeobj, "t", text}}); };
    for (auto key : {"large", "d", "d.x"}) {
      REQUIRE(!give(encode_object(*f.store->lookup({kvs_primary, owner, key}))));
      f.table->check_whole();
    }
    CHECK(*f.get("t") == "1");
    REQUIRE(!give(R"({"ver":1,"type":"dir","data":{"x":{"ver":1,"type":"val","data":"aGk="},
                      "e":{"ver":1,"type":"dir","data":{}}}})"));
    CHECK(*f.get("t.x") == "hi");
    CHECK(f.names("t.e").empty());
    REQUIRE(
        !give(R"({"ver":1,"type":"dirref","data":[")"
              + blobref_of(address_of(blob_kind::directory, R"({"data":{},"type":"dir","ver":1})"))
              + R"("]})"));
    CHECK(f.names("t").empty());
    auto absent = "sha256-" + std::string(64, '0');
    CHECK(code(give(R"({"ver":1,"type":"dirref","data":[")" + absent + R"("]})"))
          == ec::unknown_key);
    CHECK(code(give(R"({"ver":1,"type":"valref","data":[")" + absent + R"("]})"))
          == ec::unknown_key);
    for (auto bad :
         {"[]", "7", R"({"ver":2,"type":"val","data":""})", R"({"ver":1,"type":"val","data":"*"})",
          R"({"ver":1,"type":"what","data":""})", R"({"ver":1,"type":"valref","data":[]})",
          R"({"ver":1,"type":"symlink","data":{}})",
          R"({"ver":1,"type":"dir","data":{"a.b":{"ver":1,"type":"val","data":""}}})"})
      CHECK(code(give(bad)) == ec::bad_argument);
    f.table->check_whole();
  }

  TEST_CASE("what a person says of sizes is not believed") {
    fixture f;
    REQUIRE(!f.put("mib", std::string(1 << 20, 'x')));
    auto ref = blobref_of(address_of(blob_kind::value, std::string(1 << 20, 'x')));
    auto valref = [&ref](int times, const std::string& sizes) {
      std::string data;
      for (int i = 0; i < times; ++i)
        data += (i == 0 ? "\"" : ",\"") + ref + "\"";
      return R"({"ver":1,"type":"valref","data":[)" + data + "]" + sizes + "}";
    };
    auto read = [&f](const std::string& object) { return f.get(".", object); };
    CHECK(read(valref(2, R"(,"size":3,"tail":3)"))->size() == 2u << 20);
    CHECK(read(valref(16, ""))->size() == 16u << 20);
    CHECK(code_of(read(valref(17, "")).error()) == ec::too_big);
    CHECK(code_of(read(valref(40, R"(,"size":99999999999,"tail":1)")).error()) == ec::too_big);
    // Nor does a listing read what might be small.
    auto directory = R"({"ver":1,"type":"dir","data":{"a":)" + valref(9, R"(,"size":1)") + "}}";
    auto object = f.store->lookup({kvs_primary, owner, ".", directory});
    REQUIRE(object);
    auto list = f.store->list(*object, "");
    REQUIRE(list);
    CHECK(!list->entries[0].whole);
    CHECK(list->entries[0].value.empty());
  }

  TEST_CASE("copies of copies cost memory once, and no depth") {
    // As deep for this stack as a million copies, which one commit may have, are for a usual one.
    rlimit usual{};
    REQUIRE(::getrlimit(RLIMIT_STACK, &usual) == 0);
    const rlimit small{512 << 10, usual.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_STACK, &small) == 0);
    fixture f;
    REQUIRE(!f.put("x", std::string(200, 'x')));
    constexpr size_t count = 20'000;
    std::vector<kvs_op> copies{count, {kvs_verb::copy, "before", "."}};
    REQUIRE(!f.apply(copies));
    CHECK(f.get("before.before.before.x") == std::string(200, 'x'));
    CHECK(f.table->bytes.size() > count);
    // Given up, and dropped again.
    copies.push_back({kvs_verb::unlink, "nowhere"});
    CHECK(code_of(f.apply(copies)) == ec::unknown_key);
    REQUIRE(!f.apply({{kvs_verb::unlink, "before", {}, {}, true}}));
    for (int i = 0; i < 16; ++i)
      REQUIRE(!f.put("y", std::to_string(i)));
    CHECK(f.table->bytes.size() < 40);
    REQUIRE(::setrlimit(RLIMIT_STACK, &usual) == 0);
  }

  TEST_CASE("a value whose bytes are a directory's does not count as one") {
    fixture f;
    for (int i = 0; i < 10; ++i)
      REQUIRE(!f.put("d.k" + std::to_string(i), std::string(300, static_cast<char>('a' + i))));
    auto object = f.store->lookup({kvs_primary, owner, "d"});
    auto text = f.table->bytes.at(object->dir.address);
    REQUIRE(!f.put("text", text));
    REQUIRE(!f.apply({{kvs_verb::unlink, "text"}}));
    for (int i = 0; i < 20; ++i)
      REQUIRE(!f.put("n", std::to_string(i)));
    f.table->check_whole();
    CHECK(f.names("d").size() == 10);
  }

  TEST_CASE("namespaces are made, hold their own, belong to somebody, and end") {
    fixture f;
    auto& s = *f.store;
    REQUIRE(!s.create("one", owner, guest, ""));
    CHECK(!s.has("one"));
    CHECK(code(s.create("one", owner, owner, "")) == ec::busy);
    f.commit();
    CHECK(s.has("one"));
    CHECK(code(s.create("one", owner, owner, "")) == ec::busy);
    CHECK(code(s.create("two", guest, guest, "")) == ec::not_permitted);
    for (auto bad : {"", "a b", "a/b"})
      CHECK(code(s.create(bad, owner, owner, "")) == ec::bad_argument);
    REQUIRE(!f.put("k", "here"));
    REQUIRE(!f.apply({{kvs_verb::put, "k", "there"}}, "one", guest));
    CHECK(*f.get("k") == "here");
    CHECK(*f.get("k", {}, "one") == "there");
    CHECK(code(f.apply({{kvs_verb::put, "k", "x"}}, kvs_primary, guest)) == ec::not_permitted);
    CHECK(code(s.lookup({kvs_primary, guest, "k"})) == ec::not_permitted);
    CHECK(code(f.apply({{kvs_verb::put, "k", "x"}}, "none")) == ec::unknown_key);
    // One that begins as another stands.
    REQUIRE(!s.create("three", owner, owner, s.root("one", owner)->reference));
    f.commit();
    CHECK(*f.get("k", {}, "three") == "there");
    CHECK(code(s.create("four", owner, owner, "sha256-" + std::string(64, '0')))
          == ec::unknown_key);
    CHECK(code(s.create("four", owner, owner, "x")) == ec::bad_argument);
    CHECK(s.roots().size() == 3);
    f.restart();
    CHECK(f.store->roots().size() == 3);
    CHECK(f.store->root("one", guest)->owner == guest);
    REQUIRE(!f.store->remove("one", guest));
    CHECK(*f.get("k", {}, "one") == "there"); // until it is durable
    f.commit();
    CHECK(code(f.get("k", {}, "one")) == ec::unknown_key);
    CHECK(*f.get("k", {}, "three") == "there");
    CHECK(code(f.store->remove(kvs_primary, owner)) == ec::bad_argument);
    CHECK(code(f.store->remove("one", owner)) == ec::unknown_key);
    REQUIRE(!f.store->remove("three", owner));
    f.commit();
    f.table->check_whole();
    CHECK(code(f.store->restore({{"x", "{}"}})) == ec::store_corrupt);
  }

  TEST_CASE("a damaged blob is an error, not a value") {
    fixture f;
    REQUIRE(!f.put("v", std::string(1000, 'v')));
    for (auto& [address, bytes] : f.table->bytes)
      if (address.front() == 'v')
        bytes.front() ^= 1;
    CHECK(code(f.get("v")) == ec::store_corrupt);
    f.restart();
    for (auto& [address, bytes] : f.table->bytes)
      if (address.front() == 'd')
        bytes.front() ^= 1;
    CHECK(code(f.get("v")) == ec::store_corrupt);
  }
}
