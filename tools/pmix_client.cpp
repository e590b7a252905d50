// PMIx for `hactor pmi`, by its library, which is loaded when it is asked for: the other commands
// shall not wait for it.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <cstring>

#include <dlfcn.h>

#include "tools/pmi_client.hpp"

#ifdef HACTOR_PMIX
#include <pmix.h>
#endif

namespace hactor::tools {

#ifdef HACTOR_PMIX

namespace {

struct library {
  decltype(&PMIx_Init) init = nullptr;
  decltype(&PMIx_Put) put = nullptr;
  decltype(&PMIx_Commit) commit = nullptr;
  decltype(&PMIx_Fence) fence = nullptr;
  decltype(&PMIx_Get) get = nullptr;
  decltype(&PMIx_Finalize) finalize = nullptr;
  decltype(&PMIx_Error_string) error_string = nullptr;
};

class pmix_client final : public pmi_client {
public:
  explicit pmix_client(const library& l) : library_(l) {}

  caf::error begin() override {
    if (auto e = check("PMIx_Init", library_.init(&own_, nullptr, 0)))
      return e;
    rank = own_.rank;
    space = own_.nspace;
    auto all = value_of(PMIX_RANK_WILDCARD, PMIX_JOB_SIZE);
    if (!all)
      return std::move(all.error());
    if ((*all)->type != PMIX_UINT32)
      return make_error(ec::system_failed, "PMIx tells the size of the job in another type");
    size = (*all)->data.uint32;
    return {};
  }

  caf::error put(const std::string& key, const std::string& value) override {
    pmix_value_t v;
    std::memset(&v, 0, sizeof v);
    v.type = PMIX_STRING;
    auto text = value;
    v.data.string = text.data();
    return check("PMIx_Put", library_.put(PMIX_GLOBAL, key.c_str(), &v));
  }

  caf::error barrier() override {
    if (auto e = check("PMIx_Commit", library_.commit()))
      return e;
    pmix_info_t collect;
    std::memset(&collect, 0, sizeof collect);
    std::strncpy(collect.key, PMIX_COLLECT_DATA, PMIX_MAX_KEYLEN);
    collect.value.type = PMIX_BOOL;
    collect.value.data.flag = true;
    return check("PMIx_Fence", library_.fence(nullptr, 0, &collect, 1));
  }

  caf::expected<std::string> get(const std::string& key, uint32_t of_rank) override {
    auto v = value_of(of_rank == whole_job ? PMIX_RANK_WILDCARD : of_rank, key.c_str());
    if (!v)
      return make_error(ec::unknown_key, key + ": " + render(v.error()));
    switch ((*v)->type) {
    case PMIX_STRING:
      return std::string{(*v)->data.string};
    case PMIX_UINT32:
      return std::to_string((*v)->data.uint32);
    case PMIX_UINT16:
      return std::to_string((*v)->data.uint16);
    default:
      return make_error(ec::unknown_key, key + ": is neither a text nor a number");
    }
  }

  caf::error end() override { return check("PMIx_Finalize", library_.finalize(nullptr, 0)); }

private:
  caf::error check(const char* call, pmix_status_t status) {
    auto text = std::string{call} + ": " + library_.error_string(status);
    if (trace)
      trace(text);
    return status == PMIX_SUCCESS ? caf::error{} : make_error(ec::system_failed, text);
  }

  /// It stays the library's: this program ends soon.
  caf::expected<pmix_value_t*> value_of(pmix_rank_t of_rank, const char* key) {
    auto who = own_;
    who.rank = of_rank;
    pmix_value_t* value = nullptr;
    if (auto e = check("PMIx_Get", library_.get(&who, key, nullptr, 0, &value)))
      return e;
    return value;
  }

  library library_;
  pmix_proc_t own_{};
};

} // namespace

caf::expected<std::unique_ptr<pmi_client>> make_pmix_client() {
  auto* so = ::dlopen("libpmix.so.2", RTLD_NOW | RTLD_GLOBAL); // which opens parts of itself
  if (so == nullptr)
    return make_error(ec::bad_argument, std::string{"--method=pmix: "} + ::dlerror());
  library l;
  auto load = [so](const char* name, auto& to) {
    to = reinterpret_cast<std::remove_reference_t<decltype(to)>>(::dlsym(so, name));
    return to != nullptr;
  };
  if (!load("PMIx_Init", l.init) || !load("PMIx_Put", l.put) || !load("PMIx_Commit", l.commit)
      || !load("PMIx_Fence", l.fence) || !load("PMIx_Get", l.get)
      || !load("PMIx_Finalize", l.finalize) || !load("PMIx_Error_string", l.error_string))
    return make_error(ec::bad_argument, std::string{"--method=pmix: "} + ::dlerror());
  return std::unique_ptr<pmi_client>{new pmix_client{l}};
}

#else

caf::expected<std::unique_ptr<pmi_client>> make_pmix_client() {
  return make_error(ec::bad_argument, "--method=pmix: this hactor was built without libpmix");
}

#endif

} // namespace hactor::tools
