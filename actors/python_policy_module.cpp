// The module that runs queue policies written in Python (lib/hactor/hactor_python_policy.so): the
// only place that knows Python. There is one interpreter a process, started by the first policy and
// never ended. It belongs to no thread: each call takes its lock. Caller: python_policy.cpp.
// SPDX-License-Identifier: LGPL-3.0-or-later
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <limits>
#include <memory>
#include <mutex>
#include <utility>

#include "actors/python_order.hpp"

namespace {

/// The part that is easier said in Python. Keys are kept, as a job is compared again and again: two
/// jobs for which all facts are equal do not exist.
constexpr const char* helper = R"python(
import collections
import functools
import os
import sys
import tokenize
import traceback

Job = collections.namedtuple("Job", "id urgency submit_ns nodes cores gpus duration_s")
KEYS_KEPT = 1 << 16


class Order:
    def __init__(self, path):
        folder = os.path.dirname(os.path.abspath(path))
        if folder not in sys.path:
            sys.path.append(folder)
        with tokenize.open(path) as file:
            text = file.read()
        space = {"__name__": "hactor_policy", "__file__": path}
        exec(compile(text, path, "exec"), space)
        if "Policy" not in space:
            raise TypeError("it defines no class Policy")
        policy = space["Policy"]()
        self.name = str(getattr(policy, "name", os.path.basename(path)))
        self.stop_at_blocked = bool(getattr(policy, "stop_at_blocked", False))
        depth = getattr(policy, "reservation_depth", 0)
        if not isinstance(depth, int) or not 0 <= depth < 1 << 31:
            raise ValueError(f"reservation_depth is {depth!r}, which is no count")
        self.reservation_depth = depth
        key, compare = getattr(policy, "key", None), getattr(policy, "compare", None)
        if (key is None) == (compare is None):
            raise TypeError("class Policy must have one of the methods key and compare")
        self.order = by_key(key) if compare is None else by_comparison(compare)


def by_key(key):
    @functools.lru_cache(KEYS_KEPT)
    def key_of(facts):
        found = key(Job(*facts))
        if found is None or found != found:
            raise ValueError(f"key gave {found!r} for job {facts[0]}, which has no place")
        return found

    def order(a, b):
        x, y = key_of(a), key_of(b)
        return -1 if x < y else 1 if y < x else 0
    return order


def by_comparison(compare):
    def order(a, b):
        found = compare(Job(*a), Job(*b))
        if not isinstance(found, (int, float)) or found != found:
            raise TypeError(f"compare gave {found!r}, which is no number")
        return -1 if found < 0 else 1 if found > 0 else 0
    return order


def explain(path, error):
    kind = type(error).__name__
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}: {kind}: {error.msg}"
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == path]
    return f"{path}:{lines[-1]}: {kind}: {error}" if lines else f"{kind}: {error}"
)python";

struct release {
  void operator()(PyObject* o) const { Py_DecRef(o); }
};
using object = std::unique_ptr<PyObject, release>;

/// Holds the interpreter's lock. What Python keeps of a thread is made at the thread's first call
/// and stays: made anew each time it would take twenty times as long as a comparison. Brokers'
/// threads live as long as they do.
class python_lock {
public:
  python_lock() {
    static thread_local bool is_known = false;
    if (!std::exchange(is_known, true)) {
      PyGILState_Ensure();
      PyEval_SaveThread();
    }
    state_ = PyGILState_Ensure();
  }
  python_lock(const python_lock&) = delete;
  python_lock& operator=(const python_lock&) = delete;
  ~python_lock() { PyGILState_Release(state_); }

private:
  PyGILState_STATE state_;
};

/// The names that the helper defines; a null pointer, and `error`, when Python does not start.
PyObject* names = nullptr;

/// Signals, the locale and what the program prints stay the broker's business.
std::string start_python() {
  PyPreConfig before;
  PyPreConfig_InitPythonConfig(&before);
  before.configure_locale = 0;
  before.coerce_c_locale = 0;
  before.utf8_mode = 1;
  auto status = Py_PreInitialize(&before);
  PyConfig config;
  PyConfig_InitPythonConfig(&config);
  config.install_signal_handlers = 0;
  config.buffered_stdio = 0;
  config.parse_argv = 0;
  // Not found by PATH, where a python3 of another version may come first.
  if (!PyStatus_Exception(status))
    status = PyConfig_SetBytesString(&config, &config.program_name, HACTOR_PYTHON);
  if (!PyStatus_Exception(status))
    status = Py_InitializeFromConfig(&config);
  PyConfig_Clear(&config);
  if (PyStatus_Exception(status))
    return std::string{"Python does not start: "} + (status.err_msg ? status.err_msg : "it exits");
  auto* space = PyDict_New();
  PyDict_SetItemString(space, "__builtins__", PyEval_GetBuiltins());
  PyDict_SetItemString(space, "__name__", object{PyUnicode_FromString("hactor_orders")}.get());
  object done{PyRun_String(helper, Py_file_input, space, space)};
  std::string error;
  if (done) {
    names = space;
  } else {
    PyErr_Clear();
    error = "Python started without its standard library";
  }
  PyEval_SaveThread(); // any thread may take the lock from now on
  return error;
}

/// What was raised, as "FILE:LINE: what". Requires: the lock, and that something was raised.
std::string what_was_raised(const std::string& path) {
  PyObject *type = nullptr, *value = nullptr, *trace = nullptr;
  PyErr_Fetch(&type, &value, &trace);
  PyErr_NormalizeException(&type, &value, &trace);
  object of_type{type}, of_value{value}, of_trace{trace};
  if (trace != nullptr)
    PyException_SetTraceback(value, trace);
  object text{
      PyObject_CallFunction(PyDict_GetItemString(names, "explain"), "sO", path.c_str(), value)};
  const char* words = text ? PyUnicode_AsUTF8(text.get()) : nullptr;
  std::string result = words != nullptr ? words : path + ": an exception that cannot be shown";
  PyErr_Clear();
  return result;
}

class hosted_order final : public hactor::python_order {
public:
  explicit hosted_order(std::string path) : path_{std::move(path)} {}
  ~hosted_order() override {
    python_lock held;
    order_.reset();
  }

  bool open(std::string& error) {
    python_lock held;
    object made{PyObject_CallFunction(PyDict_GetItemString(names, "Order"), "s", path_.c_str())};
    if (made) {
      object called{PyObject_GetAttrString(made.get(), "name")};
      object depth{PyObject_GetAttrString(made.get(), "reservation_depth")};
      object stop{PyObject_GetAttrString(made.get(), "stop_at_blocked")};
      order_.reset(PyObject_GetAttrString(made.get(), "order"));
      if (const char* text = called ? PyUnicode_AsUTF8(called.get()) : nullptr) {
        name = text;
        reservation_depth = static_cast<uint32_t>(PyLong_AsLong(depth.get()));
        stop_at_blocked = PyObject_IsTrue(stop.get()) == 1;
        return true;
      }
    }
    error = what_was_raised(path_);
    return false;
  }

  int compare(const hactor_job& a, const hactor_job& b, std::string& error) override {
    python_lock held;
    object x{facts(a)}, y{facts(b)};
    object found{x && y ? PyObject_CallFunctionObjArgs(order_.get(), x.get(), y.get(), nullptr)
                        : nullptr};
    if (found)
      return static_cast<int>(PyLong_AsLong(found.get()));
    error = what_was_raised(path_);
    return 0;
  }

private:
  static PyObject* facts(const hactor_job& j) {
    auto endless = std::numeric_limits<double>::infinity();
    return Py_BuildValue(
        "(KILKKKd)", static_cast<unsigned long long>(j.id), j.urgency,
        static_cast<long long>(j.submit_ns), static_cast<unsigned long long>(j.nodes),
        static_cast<unsigned long long>(j.cores), static_cast<unsigned long long>(j.gpus),
        j.duration_s == 0 ? endless : j.duration_s);
  }

  std::string path_;
  object order_;
};

} // namespace

extern "C" __attribute__((visibility("default"))) hactor::python_order*
hactor_open_python_order(const char* path, std::string& error) {
  static std::once_flag once;
  static std::string failure;
  std::call_once(once, [] { failure = start_python(); });
  if (!failure.empty()) {
    error = failure;
    return nullptr;
  }
  auto order = std::make_unique<hosted_order>(path);
  return order->open(error) ? order.release() : nullptr;
}
