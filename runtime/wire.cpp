// See wire.hpp: the null wire, and the loading of modules.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "runtime/wire.hpp"

#include <dlfcn.h>

#include <array>

namespace hactor {

namespace {

class null_wire final : public wire {
public:
  uint32_t rank() const override { return 0; }
  uint32_t size() const override { return 1; }
  std::string_view name() const override { return "none"; }
  std::string allgather(const std::string& mine, std::vector<std::string>& all) override {
    all.assign(1, mine);
    return {};
  }
  bool send(uint32_t, wire_buffer) override { return false; }
  bool send_synchronously(uint32_t, wire_buffer) override { return false; }
  bool try_receive(wire_message&) override { return false; }
  bool progress() override { return true; }
  bool has_pending() const override { return false; }
  void abandon(uint32_t) override {}
  bool barrier_begin() override { return true; }
  bool barrier_done() override { return true; }
  void close() override {}
  wire_buffer take_buffer() override { return {}; }
  void give_buffer(wire_buffer) override {}
  std::string last_error() const override { return {}; }
};

} // namespace

std::unique_ptr<wire> make_null_wire() {
  return std::make_unique<null_wire>();
}

caf::expected<std::unique_ptr<wire>> load_wire(const std::string& path) {
  // Open MPI's own plugins look their symbols up globally. No dlclose: MPI leaves threads and
  // handlers behind that point into the module.
  void* module = dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (module == nullptr)
    return make_error(ec::launcher_missing, path + ": cannot be loaded: " + dlerror());
  auto open = reinterpret_cast<wire_open_function>(dlsym(module, wire_open_symbol));
  if (open == nullptr)
    return make_error(ec::launcher_missing, path + ": is not a module of hactor (no "
                                              + wire_open_symbol + ")");
  std::array<char, 512> text{};
  std::unique_ptr<wire> result{open(wire_abi, text.data(), text.size())};
  if (!result)
    return make_error(ec::mpi_failed, path + ": " + text.data());
  return {std::move(result)};
}

} // namespace hactor
