// See hwloc_xml.hpp. Boost's property tree reads the XML and reports by exceptions: they are caught
// here.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/hwloc_xml.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <memory>
#include <optional>
#include <set>
#include <sstream>

#include <boost/property_tree/ptree.hpp>
#include <boost/property_tree/xml_parser.hpp>
#include <fmt/format.h>
#include <hwloc.h>

#include "graph/xml_guard.hpp"
#include "runtime/hardware.hpp"

namespace hactor {

namespace {

using tree = boost::property_tree::ptree;

struct bitmap_deleter {
  void operator()(hwloc_bitmap_t b) const { hwloc_bitmap_free(b); }
};
using bitmap = std::unique_ptr<hwloc_bitmap_s, bitmap_deleter>;

/// What an object may contain depends on it.
enum class family { processors, memory, device, passed_over };

/// What may be in an object.
enum class inside { all, memory, devices };

struct known_type {
  std::string_view name;
  family kind;
  int cache_depth = 0;
};

constexpr std::array<known_type, 22> known_types = {
    {{"Machine", family::processors},     {"Package", family::processors},
     {"Socket", family::processors},      {"Die", family::processors},
     {"Group", family::processors},       {"L1Cache", family::processors, 1},
     {"L2Cache", family::processors, 2},  {"L3Cache", family::processors, 3},
     {"L4Cache", family::processors, 4},  {"L5Cache", family::processors, 5},
     {"L1iCache", family::processors, 1}, {"L2iCache", family::processors, 2},
     {"L3iCache", family::processors, 3}, {"Cache", family::processors, -1},
     {"Core", family::processors},        {"PU", family::processors},
     {"NUMANode", family::memory},        {"OSDev", family::device},
     {"Bridge", family::passed_over},     {"PCIDev", family::passed_over},
     {"Misc", family::passed_over},       {"MemCache", family::passed_over}}};

/// Text of one set: 200,000 processors.
constexpr size_t set_bytes_max = 64u << 10;
constexpr uint32_t os_index_max = 1u << 20;

bool is_number(std::string_view text) {
  return !text.empty() && text.size() <= 18
         && text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// "0x000000ff,,0xffff0000": words of 32 bits, the highest first. Null: it is none, or has no end.
bitmap parse_set(const std::string& text) {
  if (text.empty() || text.size() > set_bytes_max || text.starts_with("0xf...f"))
    return nullptr;
  if (text.front() == ',' || text.back() == ',') // hwloc's library asserts that there is none
    return nullptr;
  for (std::string_view rest = text; !rest.empty();) {
    auto word = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(word.size() + 1, rest.size()));
    if (word.empty())
      continue;
    if (!word.starts_with("0x") || word.size() < 3 || word.size() > 10
        || word.find_first_not_of("0123456789abcdefABCDEF", 2) != std::string_view::npos)
      return nullptr;
  }
  bitmap set{hwloc_bitmap_alloc()};
  if (!set || hwloc_bitmap_sscanf(set.get(), text.c_str()) != 0
      || hwloc_bitmap_weight(set.get()) < 0)
    return nullptr;
  return set;
}

struct sets {
  bitmap cpus, complete_cpus, nodes, complete_nodes;
};

class writer {
public:
  caf::expected<std::string> run(const tree& document) {
    auto* topology = document.count("topology") == 1 ? &document.get_child("topology") : nullptr;
    if (topology == nullptr)
      return refuse("it has no topology");
    if (topology->count("object") != 1)
      return refuse("its topology must have one machine");
    auto version = attribute(*topology, "version");
    is_new_ = version.starts_with("2.");
    if (!is_new_ && !version.empty() && !version.starts_with("1."))
      return refuse(fmt::format("version {} is unknown; it may be 1 or 2", version));
    out_ = is_new_ ? "<topology version=\"2.0\">" : "<topology>";
    auto& machine = topology->get_child("object");
    if (attribute(machine, "type") != "Machine")
      return refuse("its topmost object must be a Machine");
    if (auto e = write(machine, nullptr))
      return e;
    if (processors_ == 0)
      return refuse("its machine has no PU");
    return out_ + "</topology>";
  }

private:
  static caf::error refuse(std::string_view why) {
    return make_error(ec::bad_argument, fmt::format("hwloc: {}", why));
  }

  static std::string attribute(const tree& object, const char* name) {
    return object.get<std::string>(std::string("<xmlattr>.") + name, "");
  }

  caf::error bad(const tree& object, std::string_view why) const {
    return refuse(fmt::format("object {} ({} {}): {}", count_, attribute(object, "type"),
                              attribute(object, "os_index"), why));
  }

  /// `up`: null for the machine.
  caf::error write(const tree& object, const sets* up) {
    ++count_;
    auto name = attribute(object, "type");
    auto type = std::find_if(known_types.begin(), known_types.end(),
                             [&](const known_type& t) { return t.name == name; });
    if (type == known_types.end())
      return bad(object, "this type is unknown");
    if ((name == "Machine") != (up == nullptr))
      return bad(object, "a machine is at the top, and nothing else is");
    switch (type->kind) {
    case family::passed_over:
      if (name == "PCIDev")
        return write_card(object, up);
      return write_children(object, up, name == "MemCache" ? inside::memory : inside::devices);
    case family::device:
      return write_device(object, up);
    case family::memory:
    case family::processors:
      break;
    }
    sets own;
    if (auto e = read_sets(object, *type, up, own))
      return e;
    bool is_leaf = name == "PU" || (type->kind == family::memory && is_new_);
    auto allowed = is_leaf ? inside::devices : inside::all;
    auto* as = written_as(*type, own);
    if (as == nullptr)
      return write_children(object, &own, allowed);
    if (auto e = check_own(object, *as, own))
      return e;
    out_ += fmt::format("<object type=\"{}\" gp_index=\"{}\"", as->name, count_);
    if (auto e = write_numbers(object, *as))
      return e;
    write_sets(own, up == nullptr);
    out_ += ">";
    write_infos(object, {"HostName"});
    if (auto e = write_children(object, &own, allowed))
      return e;
    out_ += "</object>";
    return {};
  }

  caf::error write_children(const tree& object, const sets* up, inside allowed) {
    bitmap taken{hwloc_bitmap_alloc()};
    for (auto& [key, child] : object) {
      if (key != "object")
        continue;
      auto name = attribute(child, "type");
      bool is_device = name == "OSDev" || name == "Bridge" || name == "PCIDev" || name == "Misc";
      bool is_memory = is_new_ && (name == "NUMANode" || name == "MemCache");
      if (!is_device && allowed != inside::all && !(is_memory && allowed == inside::memory))
        return bad(object, fmt::format("it cannot contain a {}", name));
      if (!is_device && !is_memory) {
        auto set = parse_set(attribute(child, "cpuset"));
        if (set && hwloc_bitmap_intersects(taken.get(), set.get()))
          return bad(child, "another one beside it has some of its cpuset");
        if (set)
          hwloc_bitmap_or(taken.get(), taken.get(), set.get());
      }
      if (auto e = write(child, up))
        return e;
    }
    return {};
  }

  caf::error read_sets(const tree& object, const known_type& type, const sets* up, sets& own) {
    auto read = [&](const char* name) { return parse_set(attribute(object, name)); };
    own = {read("cpuset"), read("complete_cpuset"), read("nodeset"), read("complete_nodeset")};
    if (!own.cpus || !own.complete_cpus || !own.nodes || !own.complete_nodes)
      return bad(object, "cpuset, complete_cpuset, nodeset and complete_nodeset must be sets such "
                         "as 0x0000000f");
    auto in = [](const bitmap& a, const bitmap& b) {
      return hwloc_bitmap_isincluded(a.get(), b.get()) != 0;
    };
    if (!in(own.cpus, own.complete_cpus) || !in(own.nodes, own.complete_nodes))
      return bad(object, "its sets must be in its complete sets");
    if (up != nullptr
        && !(in(own.cpus, up->cpus) && in(own.complete_cpus, up->complete_cpus)
             && in(own.nodes, up->nodes) && in(own.complete_nodes, up->complete_nodes)))
      return bad(object, "its sets must be in those of the object above");
    return {};
  }

  /// What hwloc 2 makes of it; null: nothing, what is in it hangs on what is above. hwloc 1 puts a
  /// group into each NUMA node that has memory only (that of cards, on POWER9), and keeps a NUMA
  /// node of which no memory is to be had (half of a Threadripper's).
  const known_type* written_as(const known_type& type, const sets& own) const {
    static constexpr known_type group{"Group", family::processors};
    bool has_processors = hwloc_bitmap_iszero(own.cpus.get()) == 0;
    if (type.name == "NUMANode" && hwloc_bitmap_iszero(own.nodes.get()))
      return is_new_ || !has_processors ? nullptr : &group;
    return type.name == "Group" && !has_processors ? nullptr : &type;
  }

  caf::error check_own(const tree& object, const known_type& type, const sets& own) {
    if (type.kind == family::processors && hwloc_bitmap_iszero(own.cpus.get()))
      return bad(object, "its cpuset is empty");
    if (type.name == "PU")
      return read_single(object, own.cpus, own.complete_cpus);
    if (type.name == "NUMANode")
      return read_single(object, own.nodes, own.complete_nodes);
    return {};
  }

  /// A PU or a NUMANode: its set is its own number alone.
  caf::error read_single(const tree& object, const bitmap& set, const bitmap& complete) {
    auto text = attribute(object, "os_index");
    uint32_t number = os_index_max;
    if (is_number(text))
      std::from_chars(text.data(), text.data() + text.size(), number);
    if (number >= os_index_max)
      return bad(object, fmt::format("its os_index must be below {}", os_index_max));
    if (hwloc_bitmap_weight(set.get()) != 1 || !hwloc_bitmap_isset(set.get(), number)
        || hwloc_bitmap_weight(complete.get()) != 1)
      return bad(object, "its set must be its os_index alone");
    if (attribute(object, "type") == "NUMANode" && !nodes_.insert(number).second)
      return bad(object, "another one has its os_index");
    processors_ += attribute(object, "type") == "PU";
    return {};
  }

  caf::error write_numbers(const tree& object, const known_type& type) {
    auto copy = [&](const char* name) {
      if (auto text = attribute(object, name); is_number(text))
        out_ += fmt::format(" {}=\"{}\"", name, text);
    };
    if (auto text = attribute(object, "os_index"); is_number(text) && text.size() <= 7)
      out_ += fmt::format(" os_index=\"{}\"", text);
    if (type.cache_depth == 0) {
      if (type.name == "NUMANode")
        copy("local_memory");
      return {};
    }
    auto depth = attribute(object, "depth");
    auto kind = attribute(object, "cache_type");
    bool is_instructions = type.name.find('i') != std::string_view::npos;
    if (depth.size() != 1 || depth < "1" || depth > "5" || kind.size() != 1 || kind > "2"
        || kind < "0" || (type.cache_depth > 0 && depth[0] - '0' != type.cache_depth)
        || (type.cache_depth > 0 && (kind == "2") != is_instructions))
      return bad(object, "its depth and cache_type must be those of its type");
    out_ += fmt::format(" depth=\"{}\" cache_type=\"{}\"", depth, kind);
    copy("cache_size");
    copy("cache_linesize");
    return {};
  }

  void write_sets(const sets& own, bool is_machine) {
    auto write_one = [&](const char* name, const bitmap& set) {
      char* text = nullptr;
      if (hwloc_bitmap_asprintf(&text, set.get()) >= 0)
        out_ += fmt::format(" {}=\"{}\"", name, text);
      std::free(text);
    };
    write_one("cpuset", own.cpus);
    write_one("complete_cpuset", own.complete_cpus);
    write_one("nodeset", own.nodes);
    write_one("complete_nodeset", own.complete_nodes);
    if (!is_new_)
      write_one("online_cpuset", own.cpus);
    if (is_machine || !is_new_) {
      write_one("allowed_cpuset", own.cpus);
      write_one("allowed_nodeset", own.nodes);
    }
  }

  caf::error write_device(const tree& object, const sets* up) {
    auto type = attribute(object, "osdev_type");
    if (type.size() != 1 || type < "0" || type > "6")
      return bad(object, "its osdev_type must be a number from 0 to 6");
    out_ += fmt::format("<object type=\"OSDev\" gp_index=\"{}\" osdev_type=\"{}\" name=\"", count_,
                        type);
    append_escaped(attribute(object, "name"));
    out_ += "\">";
    write_card_mark();
    write_infos(object, {"Size", "LinuxDeviceID"});
    out_ += "</object>";
    return write_children(object, up, inside::devices);
  }

  caf::error write_card(const tree& object, const sets* up) {
    auto outer = card_;
    card_ = count_;
    write_marked(object);
    auto error = write_children(object, up, inside::devices);
    card_ = outer;
    return error;
  }

  void write_card_mark() {
    if (card_ != 0)
      out_ += fmt::format("<info name=\"{}\" value=\"{}\"/>", card_mark, card_);
  }

  /// A GPU that only its driver shows becomes the device that a plugin would have made of it.
  void write_marked(const tree& object) {
    auto is_mark = [](const tree::value_type& child) {
      return child.first == "info" && attribute(child.second, "name") == gpu_mark;
    };
    if (std::none_of(object.begin(), object.end(), is_mark))
      return;
    out_ += fmt::format("<object type=\"OSDev\" gp_index=\"{}\" osdev_type=\"{}\">", count_,
                        static_cast<int>(HWLOC_OBJ_OSDEV_COPROC));
    write_card_mark();
    write_infos(object, {gpu_mark});
    out_ += "</object>";
  }

  void write_infos(const tree& object, std::initializer_list<std::string_view> wanted) {
    for (auto& [key, child] : object) {
      if (key != "info")
        continue;
      auto name = attribute(child, "name");
      if (std::find(wanted.begin(), wanted.end(), name) == wanted.end())
        continue;
      out_ += fmt::format("<info name=\"{}\" value=\"", name);
      append_escaped(attribute(child, "value"));
      out_ += "\"/>";
    }
  }

  /// Printable ASCII; what else there may be in a name, hwloc's own export leaves out as well.
  void append_escaped(std::string_view text) {
    for (auto c : text)
      switch (c) {
      case '&':
        out_ += "&amp;";
        break;
      case '<':
        out_ += "&lt;";
        break;
      case '>':
        out_ += "&gt;";
        break;
      case '"':
        out_ += "&quot;";
        break;
      default:
        if (c >= 0x20 && c < 0x7f)
          out_ += c;
      }
  }

  std::string out_;
  bool is_new_ = false; // hwloc 2: memory is beside the processors, not above them
  size_t count_ = 0;    // objects so far
  size_t card_ = 0;     // the PCI device around, by its count; 0: none
  size_t processors_ = 0;
  std::set<uint32_t> nodes_; // of NUMANodes so far
};

} // namespace

caf::expected<std::string> clean_hwloc_xml(std::string_view text) {
  if (auto e = check_xml(text, "hwloc"))
    return e;
  tree document;
  try {
    std::istringstream in{std::string(text)};
    boost::property_tree::read_xml(in, document, boost::property_tree::xml_parser::no_comments);
    return writer{}.run(document);
  } catch (const std::exception& e) {
    return make_error(ec::bad_argument, fmt::format("hwloc: {}", e.what()));
  }
}

} // namespace hactor
