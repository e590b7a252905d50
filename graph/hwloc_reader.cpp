// See hwloc_reader.hpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "graph/hwloc_reader.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <hwloc.h>
#include <strings.h>

#include "graph/host_name.hpp"
#include "graph/hwloc_xml.hpp"
#include "runtime/hardware.hpp"

namespace hactor {

namespace {

constexpr std::string_view gpu_kind = "gpu";
constexpr std::array<const char*, 12> kinds = {"cluster", "node",    "group", "numanode",
                                               "socket",  "core",    "pu",    "L1cache",
                                               "L2cache", "L3cache", "gpu",   "storage"};

struct topology_deleter {
  void operator()(hwloc_topology* t) const { hwloc_topology_destroy(t); }
};
using topology = std::unique_ptr<hwloc_topology, topology_deleter>;

caf::error refuse(std::string_view why) {
  return make_error(ec::bad_argument, fmt::format("hwloc: {}", why));
}

caf::expected<topology> load(const std::string& text) {
  hwloc_topology_t raw = nullptr;
  if (hwloc_topology_init(&raw) != 0)
    return refuse("the library cannot start");
  topology t{raw};
  // Devices too: they are how a GPU is seen.
  hwloc_topology_set_io_types_filter(raw, HWLOC_TYPE_FILTER_KEEP_IMPORTANT);
  hwloc_topology_set_cache_types_filter(raw, HWLOC_TYPE_FILTER_KEEP_STRUCTURE);
  hwloc_topology_set_icache_types_filter(raw, HWLOC_TYPE_FILTER_KEEP_STRUCTURE);
  // The size counts the 0 at the end.
  if (hwloc_topology_set_xmlbuffer(raw, text.c_str(), static_cast<int>(text.size()) + 1) != 0
      || hwloc_topology_load(raw) != 0)
    return refuse("this is no topology in hwloc's XML");
  return t;
}

std::string_view info(hwloc_obj_t o, const char* name) {
  auto* value = hwloc_obj_get_info_by_name(o, name);
  return value ? std::string_view{value} : std::string_view{};
}

int64_t to_number(std::string_view text, int64_t otherwise) {
  int32_t number = -1;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number < 0 ? otherwise : number;
}

/// The number after the driver's name; of OpenCL that of the device, behind the platform's.
int64_t gpu_number(std::string_view name, int64_t otherwise) {
  if (name.starts_with("cuda") || name.starts_with("rsmi"))
    name.remove_prefix(4);
  else if (auto d = name.find('d', 6); name.starts_with("opencl") && d != std::string_view::npos)
    name.remove_prefix(d + 1);
  else
    return otherwise;
  return to_number(name, otherwise);
}

/// What a kept object becomes.
struct object_facts {
  std::string_view kind; // in the allowlist; "": never kept
  std::string_view type; // "": the kind
  std::string_view basename;
  std::string_view name;
  int64_t id = 0;
  int64_t size = 1;
  std::string_view device;
  std::string_view driver; // of a gpu: what is before the number in its name
  std::string_view card;   // of a gpu: the PCI device that it is on; "": not known
};

caf::error storage_facts(hwloc_obj_t o, object_facts& f) {
  f.kind = "storage";
  f.device = info(o, "LinuxDeviceID");
  if (f.device.empty())
    f.device = "-1";
  auto text = info(o, "Size");
  int64_t kilobytes = 0;
  std::from_chars(text.data(), text.data() + text.size(), kilobytes);
  if (kilobytes <= 0)
    return refuse(fmt::format("storage {}: its Size is \"{}\"; it must be a number of kB",
                              o->name ? o->name : "without name", text));
  f.size = kilobytes / 1'000'000;
  return {};
}

caf::error device_facts(hwloc_obj_t o, object_facts& f) {
  std::string_view name{o->name ? o->name : ""};
  auto type = o->attr->osdev.type;
  if (type == HWLOC_OBJ_OSDEV_COPROC || (type == HWLOC_OBJ_OSDEV_GPU && name.starts_with("rsmi"))) {
    f.kind = gpu_kind;
    auto mark = info(o, gpu_mark);
    f.id = mark.empty() ? gpu_number(name, f.id) : to_number(mark, f.id);
    f.driver = name.substr(0, name.find_last_not_of("0123456789") + 1);
    f.card = info(o, card_mark);
  } else if (type == HWLOC_OBJ_OSDEV_BLOCK) {
    return storage_facts(o, f);
  }
  return {};
}

caf::error facts_of(hwloc_obj_t o, object_facts& f) {
  f.id = o->logical_index;
  auto cache = [&](std::string_view kind) {
    f.kind = kind;
    f.type = "cache";
    f.size = static_cast<int64_t>(o->attr->cache.size / 1024);
  };
  switch (o->type) {
  case HWLOC_OBJ_MACHINE:
    f.name = info(o, "HostName");
    if (f.name.empty())
      break;
    f.kind = "node";
    f.basename = split_host(f.name).basename;
    f.id = split_host(f.name).number;
    break;
  case HWLOC_OBJ_GROUP:
    f.kind = "group";
    break;
  case HWLOC_OBJ_NUMANODE:
    f.kind = "numanode";
    break;
  case HWLOC_OBJ_PACKAGE:
    f.kind = "socket";
    break;
  case HWLOC_OBJ_L1CACHE:
    cache("L1cache");
    break;
  case HWLOC_OBJ_L2CACHE:
    cache("L2cache");
    break;
  case HWLOC_OBJ_L3CACHE:
    cache("L3cache");
    break;
  case HWLOC_OBJ_CORE:
    f.kind = "core";
    break;
  case HWLOC_OBJ_PU:
    f.kind = "pu";
    break;
  case HWLOC_OBJ_OS_DEVICE:
    return device_facts(o, f);
  default:
    break;
  }
  return {};
}

struct seen_gpu {
  vertex up;
  int64_t id;
  std::string_view driver, card;
};

class walker {
public:
  walker(hwloc_topology_t t, const hwloc_options& options) : topology_(t), options_(options) {}

  caf::expected<resource_graph> run() {
    vertex_facts f;
    f.type = "cluster";
    f.id = 0;
    auto root = graph_.add_vertex(f);
    if (!root)
      return std::move(root.error());
    find_last_gpu();
    if (auto e = walk(hwloc_get_root_obj(topology_), *root))
      return e;
    return std::move(graph_);
  }

private:
  bool is_wanted(std::string_view kind) const {
    if (kind.empty())
      return false;
    auto& list = options_.allowlist;
    return list.empty() || std::any_of(list.begin(), list.end(), [&](const std::string& name) {
             return name.size() == kind.size()
                    && ::strncasecmp(name.data(), kind.data(), kind.size()) == 0;
           });
  }

  /// As deep as the XML is, which check_xml has bounded.
  caf::error walk(hwloc_obj_t o, vertex up) {
    object_facts f;
    if (auto e = facts_of(o, f); e && is_wanted("storage"))
      return e;
    if (is_wanted(f.kind) && !is_seen_gpu(f, up)) {
      if (f.kind == gpu_kind)
        number_gpu(f, up);
      auto v = add(f, up);
      if (!v)
        return std::move(v.error());
      up = *v;
    }
    for (auto* c = hwloc_get_next_child(topology_, o, nullptr); c != nullptr;
         c = hwloc_get_next_child(topology_, o, c))
      if (auto e = walk(c, up))
        return e;
    return {};
  }

  /// A card that several drivers show: each may have its own numbers.
  bool is_seen_gpu(const object_facts& f, vertex up) const {
    return f.kind == gpu_kind && std::any_of(gpus_.begin(), gpus_.end(), [&](const seen_gpu& g) {
             if (f.card.empty() || g.card.empty())
               return g.up == up && g.id == f.id;
             return g.card == f.card && (g.id == f.id || g.driver != f.driver);
           });
  }

  /// Drivers count the cards of their maker from 0. R knows a node's by their numbers alone, so one
  /// whose number another card of the node has is numbered behind all that any driver names.
  void number_gpu(object_facts& f, vertex up) {
    if (std::any_of(gpus_.begin(), gpus_.end(), [&](const seen_gpu& g) { return g.id == f.id; }))
      f.id = ++last_gpu_;
    gpus_.push_back({up, f.id, f.driver, f.card});
  }

  void find_last_gpu() {
    for (hwloc_obj_t o = nullptr; (o = hwloc_get_next_osdev(topology_, o)) != nullptr;) {
      object_facts f;
      if (!facts_of(o, f) && f.kind == gpu_kind)
        last_gpu_ = std::max(last_gpu_, f.id);
    }
  }

  caf::expected<vertex> add(const object_facts& f, vertex up) {
    if (graph_.size() >= options_.vertices_max)
      return make_error(ec::too_big,
                        fmt::format("hwloc: more than {} objects", options_.vertices_max));
    vertex_facts facts;
    facts.type = f.type.empty() ? f.kind : f.type;
    facts.basename = f.basename.empty() ? f.kind : f.basename;
    facts.name = f.name;
    facts.id = f.id;
    facts.size = f.size;
    facts.rank = options_.rank;
    auto v = graph_.add_vertex(facts);
    if (!v)
      return make_error(code_of(v.error()), "hwloc: " + context_of(v.error()));
    if (!f.device.empty())
      graph_.set_properties(*v, {{"LinuxDeviceID", std::string(f.device)}});
    if (auto e = graph_.add_edge(up, *v, containment, "contains"))
      return make_error(code_of(e), "hwloc: " + context_of(e));
    return v;
  }

  hwloc_topology_t topology_;
  const hwloc_options& options_;
  resource_graph graph_;
  std::vector<seen_gpu> gpus_;
  int64_t last_gpu_ = -1; // the highest number so far
};

} // namespace

caf::expected<resource_graph> read_hwloc(std::string_view text, const hwloc_options& options) {
  for (auto& name : options.allowlist)
    if (std::none_of(kinds.begin(), kinds.end(),
                     [&](const char* kind) { return ::strcasecmp(kind, name.c_str()) == 0; }))
      return refuse(fmt::format("allowlist: \"{}\" is unknown; it may have {}", name,
                                fmt::join(kinds, ", ")));
  auto clean = clean_hwloc_xml(text);
  if (!clean)
    return std::move(clean.error());
  auto t = load(*clean);
  if (!t)
    return std::move(t.error());
  return walker{t->get(), options}.run();
}

} // namespace hactor
