"""Fluxion's resource API (REAPI) in Python, over libhactor_reapi.so: no compiler is needed.

ReapiCli asks a resource graph in this process, ReapiModule the scheduler of a running instance;
hactor/reapi/reapi_cli.h and reapi_module.h say what the functions do. Names, arguments and
results are those of Fluxion's Python layer, so that a program that was written for it needs
another import line. Jobspecs, graphs and R are texts or dicts; what comes back as JSON is a dict,
any other format (match_format="simple") a text. An object is for one thread at a time.
Installed as lib/python3/dist-packages/hactor_reapi.py below the prefix.
SPDX-License-Identifier: LGPL-3.0-or-later
"""

import ctypes
import errno as _errno
import json
import os
from ctypes import POINTER, byref, c_bool, c_char_p, c_double, c_int, c_int64, c_uint64, c_void_p

# The operations of match(), by Fluxion's names.
MATCH_ALLOCATE = "allocate"
MATCH_ALLOCATE_W_SATISFIABILITY = "allocate_with_satisfiability"
MATCH_ALLOCATE_ORELSE_RESERVE = "allocate_orelse_reserve"
MATCH_SATISFIABILITY = "satisfiability"
MATCH_WITHOUT_ALLOCATING = "without_allocating"
MATCH_WITHOUT_ALLOCATING_FUTURE = "without_allocating_future"
MATCH_RESERVE = "reserve"

ALL_RANKS = 0xFFFFFFFF  # what Flux calls FLUX_NODEID_ANY
_KEEP = 1  # HACTOR_REAPI_KEEP


class ReapiError(Exception):
    """What the library refused: its sentence, and in `errno` its number."""

    def __init__(self, text, errno=0):
        super().__init__(text)
        self.errno = errno


class ReapiInsufficientResources(ReapiError):
    """There is no room now (EBUSY)."""


class ReapiInfeasibleRequest(ReapiError):
    """There never will be (ENODEV)."""


def _open_library():
    # Beside us, in a prefix that may have been moved; else wherever the loader looks.
    beside = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    name = "libhactor_reapi.so.0"
    path = os.path.join(beside, name)
    return ctypes.CDLL(path if os.path.exists(path) else name, use_errno=True)


_lib = _open_library()
_free = ctypes.CDLL(None).free
_free.argtypes = [c_void_p]
_free.restype = None


def _declare(name, restype, *argtypes):
    function = getattr(_lib, name)
    function.restype = restype
    function.argtypes = argtypes


# Texts that are ours to free are declared as pointers: c_char_p would lose the address.
_text_out = POINTER(c_void_p)
_found = (POINTER(c_bool), _text_out, POINTER(c_int64), POINTER(c_double))
_numbers = (POINTER(c_int64),) * 3 + (POINTER(c_double),) * 4
_declare("match_op_from_string", c_int, c_char_p)
for _mode in ("cli", "module"):
    _p = f"reapi_{_mode}_"
    _declare(_p + "new", c_void_p)
    _declare(_p + "destroy", None, c_void_p)
    _declare(_p + "update_allocate", c_int, c_void_p, c_uint64, c_char_p, POINTER(c_int64),
             POINTER(c_double), _text_out)
    _declare(_p + "cancel", c_int, c_void_p, c_uint64, c_bool)
    _declare(_p + "partial_cancel", c_int, c_void_p, c_uint64, c_char_p, c_bool, POINTER(c_bool))
    _declare(_p + "find", c_int, c_void_p, c_char_p, c_char_p, _text_out)
    _declare(_p + "stat", c_int, c_void_p, *_numbers)
_declare("reapi_cli_initialize", c_int, c_void_p, c_char_p, c_char_p)
_declare("reapi_cli_clone", c_void_p, c_void_p)
_declare("reapi_cli_match_with_jobid", c_int, c_void_p, c_int, c_char_p, c_uint64, *_found)
_declare("reapi_cli_info", c_int, c_void_p, c_uint64, _text_out, POINTER(c_bool), POINTER(c_int64),
         POINTER(c_double))
_declare("reapi_cli_add_subgraph", c_int, c_void_p, c_char_p)
_declare("reapi_cli_remove_subgraph", c_int, c_void_p, c_char_p)
_declare("reapi_cli_set_status", c_int, c_void_p, c_char_p, c_int)
_declare("reapi_cli_get_status", c_int, c_void_p, c_char_p, POINTER(c_int))
_declare("reapi_cli_set_rank_status", c_int, c_void_p, c_char_p, c_int)
_declare("reapi_cli_get_rank_status", c_int, c_void_p, c_char_p, POINTER(c_int))
_declare("reapi_cli_get_err_msg", c_void_p, c_void_p)
_declare("reapi_cli_clear_err_msg", None, c_void_p)
_declare("reapi_module_match", c_int, c_void_p, c_int, c_char_p, c_uint64, *_found)
_declare("reapi_module_info", c_int, c_void_p, c_uint64, POINTER(c_bool), POINTER(c_int64),
         POINTER(c_double))
_declare("reapi_module_set_handle", c_int, c_void_p, c_void_p)
_declare("hactor_reapi_open", c_void_p, c_char_p, c_int)
_declare("hactor_reapi_close", None, c_void_p)
_declare("hactor_reapi_error", c_char_p, c_void_p)


def _bytes(value):
    if value is None or isinstance(value, bytes):
        return value
    return (value if isinstance(value, str) else json.dumps(value)).encode()


def _take(pointer):
    """The text behind a pointer, which is freed; "" for a null pointer."""
    if not pointer:
        return ""
    text = ctypes.string_at(pointer).decode()
    _free(pointer)
    return text


def _value(text):
    """A dict when the text is JSON, the text itself when it is not, None when it is empty."""
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text


def _error(text, code):
    kind = {_errno.EBUSY: ReapiInsufficientResources, _errno.ENODEV: ReapiInfeasibleRequest}
    return kind.get(code, ReapiError)(text or os.strerror(code), code)


class _Reapi:
    """What both modes have in common. `_mode` is the middle of the C functions' names."""

    _mode = ""

    def __init__(self):
        self._ctx = self._function("new")()
        if not self._ctx:
            raise MemoryError("there is no memory for a context of REAPI")

    def close(self):
        """Ends the object; a second time does nothing."""
        if getattr(self, "_ctx", None):
            self._function("destroy")(self._ctx)
            self._ctx = None

    def __del__(self):
        self.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _function(self, name):
        return getattr(_lib, f"reapi_{self._mode}_{name}")

    def _message(self):
        raise NotImplementedError

    def _call(self, name, *arguments):
        """Calls a function; returns errno, which tells more after a match that found nothing."""
        if not self._ctx:
            raise ReapiError("it is closed", _errno.EINVAL)
        ctypes.set_errno(0)
        result = self._function(name)(self._ctx, *arguments)
        code = ctypes.get_errno()
        if result != 0:
            raise _error(self._message(), code)
        return code

    def _matched(self, function, op, jobid, jobspec):
        number = _lib.match_op_from_string(_bytes(op))
        reserved, R, at, overhead = c_bool(), c_void_p(), c_int64(), c_double()
        code = self._call(function, number, _bytes(jobspec), jobid, byref(reserved), byref(R),
                          byref(at), byref(overhead))
        found = _value(_take(R.value))
        if found is None and code in (_errno.EBUSY, _errno.ENODEV):
            now = "there is no room now" if code == _errno.EBUSY else "there never is room"
            raise _error(f"{now} for job {jobid}", code)
        return {"reserved": reserved.value, "R": found, "at": at.value, "overhead": overhead.value}

    def match_allocate(self, jobid, jobspec, orelse_reserve=False):
        """Resources for a job, now (or as early as possible): reserved, R, at, overhead."""
        op = MATCH_ALLOCATE_ORELSE_RESERVE if orelse_reserve else MATCH_ALLOCATE
        return self.match(op, jobid, jobspec)

    def match_satisfiability(self, jobspec):
        """Raises ReapiInfeasibleRequest when an idle graph could not meet the jobspec."""
        return {"overhead": self.match(MATCH_SATISFIABILITY, 0, jobspec)["overhead"]}

    def match_satisfy(self, jobspec):
        """Whether an idle graph could meet the jobspec."""
        try:
            self.match_satisfiability(jobspec)
        except ReapiInfeasibleRequest:
            return False
        return True

    def update_allocate(self, jobid, R):
        """Holds for a job what R says: at, overhead, R."""
        at, overhead, out = c_int64(), c_double(), c_void_p()
        self._call("update_allocate", jobid, _bytes(R), byref(at), byref(overhead), byref(out))
        return {"at": at.value, "overhead": overhead.value, "R": _value(_take(out.value))}

    def cancel(self, jobid, R=None, format=None, noent_ok=False):
        """Releases what a job has, or the part that R names; whether it has nothing left.

        R tells which format it has; `format` is there for programs that name it.
        """
        if R is not None:
            return self.partial_cancel(jobid, R, noent_ok)
        self._call("cancel", jobid, noent_ok)
        return True

    def partial_cancel(self, jobid, R, noent_ok=False):
        """Releases the part that R names; whether the job has nothing left."""
        full = c_bool()
        self._call("partial_cancel", jobid, _bytes(R), noent_ok, byref(full))
        return full.value

    def find(self, criteria, format=None):
        """Vertices for which the criteria are true ("status=down"); None when there are none."""
        found = c_void_p()
        self._call("find", _bytes(criteria), _bytes(format), byref(found))
        return _value(_take(found.value))

    def stat(self):
        """V, E, J: vertices, edges, jobs matched; load, min, max, avg: seconds they took."""
        counts = [c_int64() for _ in range(3)]
        times = [c_double() for _ in range(4)]
        self._call("stat", *map(byref, counts + times))
        names = ("V", "E", "J", "load", "min", "max", "avg")
        return {name: number.value for name, number in zip(names, counts + times)}


class ReapiCli(_Reapi):
    """A resource graph of one's own, in this process."""

    _mode = "cli"

    def _message(self):
        text = _take(_lib.reapi_cli_get_err_msg(self._ctx)).strip()
        _lib.reapi_cli_clear_err_msg(self._ctx)
        return text

    def initialize(self, rgraph, load_format="grug", match_format="jgf", match_policy=None,
                   **options):
        """Gives the object a graph: its text, or a dict. `options` are those of the C function:
        prune_filters, traverser_policy, load_allowlist, matcher_name."""
        options.update(load_format=load_format, match_format=match_format)
        if match_policy is not None:
            options["matcher_policy"] = match_policy
        self._call("initialize", _bytes(rgraph), _bytes(options))

    def clone(self):
        """Another object with the same graph and jobs, which goes its own way from now on."""
        twin = _lib.reapi_cli_clone(self._ctx)
        if not twin:
            raise _error(self._message(), ctypes.get_errno())
        result = type(self).__new__(type(self))
        result._ctx = twin
        return result

    def match(self, op, jobid, jobspec):
        """match_allocate with any operation; those that only ask hold nothing."""
        return self._matched("match_with_jobid", op, jobid, jobspec)

    def info(self, jobid):
        """mode ("ALLOCATED", "RESERVED", "CANCELED"), reserved, at, overhead."""
        mode, reserved, at, overhead = c_void_p(), c_bool(), c_int64(), c_double()
        self._call("info", jobid, byref(mode), byref(reserved), byref(at), byref(overhead))
        return {"mode": _take(mode.value), "reserved": reserved.value, "at": at.value,
                "overhead": overhead.value}

    def add_subgraph(self, jgf):
        """Adds the vertices of a JGF that are new."""
        self._call("add_subgraph", _bytes(jgf))

    def remove_subgraph(self, path):
        """Takes a vertex out, with all below it."""
        self._call("remove_subgraph", _bytes(path))

    @staticmethod
    def _place(path, rank):
        if (path is None) == (rank is None):
            raise ValueError("one of path and rank is needed")
        if path is not None:
            return "status", _bytes(path)
        return "rank_status", b"all" if rank == ALL_RANKS else _bytes(str(rank))

    def set_status(self, *, path=None, rank=None, up):
        """Marks a vertex, or a rank (a number, an idset, ALL_RANKS), up or down."""
        function, place = self._place(path, rank)
        self._call("set_" + function, place, 0 if up else 1)

    def get_status(self, *, path=None, rank=None):
        """Whether a vertex, or a rank, is up."""
        function, place = self._place(path, rank)
        status = c_int()
        self._call("get_" + function, place, byref(status))
        return status.value == 0


Reapi = ReapiCli  # its name in Fluxion


class ReapiModule(_Reapi):
    """The scheduler of a running instance: what is allocated here, no job gets.

    `uri` says which; without one it is HACTOR_URI. What is held ends with the object or its
    process, unless `keep` is true: then it stays until somebody cancels it. Job ids are the
    program's own.
    """

    _mode = "module"

    def __init__(self, uri=None, keep=False):
        self._handle = None
        super().__init__()
        ctypes.set_errno(0)
        self._handle = _lib.hactor_reapi_open(_bytes(uri), _KEEP if keep else 0)
        if not self._handle:
            code = ctypes.get_errno()
            where = uri or os.environ.get("HACTOR_URI") or "HACTOR_URI, which is not set"
            raise _error(f"no instance can be asked at {where}: {os.strerror(code)}", code)
        self._call("set_handle", self._handle)

    def close(self):
        super().close()
        if getattr(self, "_handle", None):
            _lib.hactor_reapi_close(self._handle)
            self._handle = None

    def _message(self):
        return _lib.hactor_reapi_error(self._handle).decode()

    def match(self, op, jobid, jobspec):
        """match_allocate with any operation; those that only ask hold nothing."""
        return self._matched("match", op, jobid, jobspec)

    def info(self, jobid):
        """mode ("ALLOCATED", "RESERVED"), reserved, at, overhead."""
        reserved, at, overhead = c_bool(), c_int64(), c_double()
        self._call("info", jobid, byref(reserved), byref(at), byref(overhead))
        return {"mode": "RESERVED" if reserved.value else "ALLOCATED", "reserved": reserved.value,
                "at": at.value, "overhead": overhead.value}
