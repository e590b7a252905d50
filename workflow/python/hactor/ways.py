"""The ways to an instance: by its socket, over TCP with the owner's token, through ssh, or by the
note that it has left (doc/client-protocol.md). What they return is a connected socket.
SPDX-License-Identifier: LGPL-3.0-or-later
"""
import hmac
import json
import os
import select
import shlex
import socket
import stat
import struct
import subprocess
import time
import urllib.parse

PATIENCE = 10  # seconds for a greeting over TCP
SSH_PATIENCE = 120  # ssh may ask for a password
PRELUDE_MAX = 64 << 10  # what login scripts may print
RELAY = b"hactor relay 1\n"
HELLO, ANSWER = b"HACTORc1", b"HACTORb1"
CLIENT, BROKER = b"client of the protocol\0", b"broker of the protocol\0"


class Unreachable(Exception):
    """`code` is the protocol's name for what is wrong."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def dial(uri):
    """A socket connected to what HACTOR_URI may be, and the ids behind it, of the jobs in which the
    instance is nested. Raises Unreachable, OSError."""
    if uri.startswith("local://"):
        path, inside = split_local(uri)
        return _by_socket(path), inside
    if uri.startswith("tcp://"):
        where, _, inside = uri.removeprefix("tcp://").partition("/")
        return _by_tcp(where, _token_file(where), None), inside
    if uri.startswith("ssh://"):
        return _by_ssh(uri), ""  # the other side splits
    if "://" in uri or uri.startswith("/"):
        raise Unreachable("bad_argument", f"{uri}: must be local://, tcp:// or ssh://, or an id "
                          "that 'hactor ps' shows")
    name, _, inside = uri.partition("/")
    return _by_note(name), inside


def split_local(uri):
    """The socket's path and the ids behind it."""
    path, inside = uri.removeprefix("local://"), []
    whole = path
    while path and not _is_socket(path):
        path, _, last = path.rpartition("/")
        inside.insert(0, last)
    return (path, "/".join(inside)) if path else (whole, "")


def _is_socket(path):
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode)
    except OSError:
        return False


def _by_socket(path):
    s = socket.socket(socket.AF_UNIX)
    try:
        s.connect(path)
        peer = s.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    except OSError:
        s.close()
        raise
    uid = struct.unpack("3i", peer)[1]
    if uid not in (os.geteuid(), 0):  # a folder of /tmp that an instance has left, made anew
        s.close()
        raise Unreachable("not_permitted", f"{path}: the process that listens there is user {uid}'s, not yours")
    return s


def _token(path):
    with open(path, "rb") as file:
        info = os.fstat(file.fileno())
        if not stat.S_ISREG(info.st_mode) or info.st_uid != os.geteuid() or info.st_mode & 0o077:
            raise Unreachable("not_permitted", f"{path}: a token must be a file of its user with "
                              f"mode 0600: chmod 600 {path}")
        key = file.read(33)
    if len(key) != 32:
        raise Unreachable("bad_argument", f"{path}: a token has 32 bytes")
    return key


def _token_file(where):
    said = os.environ.get("HACTOR_TOKEN_FILE")
    noted = next((n["token"] for n in notes() if n.get("tcp") == where and n.get("token")), None)
    return said or noted or os.path.expanduser("~/.config/hactor/key")


def _prove(key, role, first, second, who):
    return hmac.digest(key, role + first + second + who, "sha512")[:32]


def _receive(s, size, until):
    """So many bytes, less at the end of the stream. A socket with a timeout gives what has come,
    whatever MSG_WAITALL says. Raises TimeoutError at the time `until` (monotonic)."""
    data = b""
    while len(data) < size:
        s.settimeout(max(until - time.monotonic(), 0.001))
        part = s.recv(size - len(data))
        if not part:
            break
        data += part
    return data


def _by_tcp(where, token_file, identity):
    key = _token(token_file)
    try:
        parts = urllib.parse.urlsplit("//" + where)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port:
        raise Unreachable("bad_argument", f"tcp://{where}: must be tcp://HOST:PORT")
    until = time.monotonic() + PATIENCE
    s = socket.create_connection((host, port), PATIENCE)
    try:
        own = os.urandom(32)
        s.sendall(HELLO + own)
        answer = _receive(s, 80, until)
        if len(answer) != 80 or answer[:8] != ANSWER:
            raise Unreachable("network_failed", f"{where}: what answers there is not hactor")
        theirs, who, proof = answer[8:40], answer[40:48], answer[48:]
        if not hmac.compare_digest(proof, _prove(key, BROKER, own, theirs, who)):
            raise Unreachable("not_permitted", f"{where}: the instance that answers there has "
                              f"another token than {token_file}")
        if identity and int(identity) != int.from_bytes(who, "little"):
            raise Unreachable("no_instance", f"{where}: another instance listens there now")
        s.sendall(_prove(key, CLIENT, own, theirs, who))
        s.settimeout(None)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    except BaseException:
        s.close()
        raise
    return s


# Ctrl-C and Ctrl-Z are for us. What it starts is not our child, so that none is left to be waited
# for, and stays in our process group, for ssh may have to ask for a password. Its input is said
# again, or a shell would give what it does not wait for /dev/null.
DETACH = """trap '' INT QUIT TSTP; exec 3<&0; "$@" <&3 3<&- &"""


def _by_ssh(uri):
    login, slash, path = uri.removeprefix("ssh://").partition("/")
    login, colon, port = login.partition(":")
    if not login or login.startswith("-") or not path:
        raise Unreachable("bad_argument", f"{uri}: must be ssh://[USER@]HOST[:PORT]/PATH")
    words = os.environ.get("HACTOR_SSH", "").split() or ["ssh"]
    program = os.environ.get("HACTOR_SSH_RCMD") or "hactor"
    words += (["-p", port] if colon else []) + [login, program, "relay", shlex.quote(slash + path)]
    ours, theirs = socket.socketpair()
    with theirs:
        subprocess.run(["/bin/sh", "-c", DETACH, "sh", *words], stdin=theirs, stdout=theirs, check=True)
    until = time.monotonic() + SSH_PATIENCE
    line, seen = b"", 0
    while line != RELAY and seen < PRELUDE_MAX:
        if line.endswith(b"\n"):
            line = b""
        byte = b""
        if select.select([ours], [], [], max(0, until - time.monotonic()))[0]:
            byte = ours.recv(1)  # one at a time: what follows is not ours
        if not byte:
            break
        line += byte
        seen += 1
    if line != RELAY:
        ours.close()
        raise Unreachable("no_instance", f"no instance answers: '{' '.join(words)}' ended without "
                          "one")
    return ours


def notes():
    """The notes of the user's instances, as 'hactor ps' lists them."""
    path = os.environ.get("HACTOR_INSTANCES", os.path.expanduser("~/.hactor/instances"))
    found = []
    try:
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return found
    try:
        for name in sorted(os.listdir(folder)):
            if name.endswith(".json") and not name.startswith("."):
                note = _read_note(folder, name)
                found += [note] if note else []
    finally:
        os.close(folder)
    return found


def _read_note(folder, name):
    """One of a folder that is open; None for what is none of ours."""
    try:
        file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
        with open(file) as text:
            info = os.fstat(file)
            if (not stat.S_ISREG(info.st_mode) or info.st_uid != os.geteuid()
                    or info.st_mode & 0o022):
                return None
            note = json.load(text)
        return note if note["id"] + ".json" == name and note["uri"].startswith("local:///") else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def is_gone(note):
    """True when it was on this machine and its broker is not any more. False is no promise."""
    if note.get("host") != socket.gethostname():
        return False
    began = note.get("pid_start")
    return note.get("boot") != _boot() or not began or _start_of(note.get("pid")) != began


def _start_of(pid):
    """When the process began, in clock ticks since the kernel's start; 0: there is none, or it has
    ended and nobody has looked."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()  # a name may have blanks and brackets
        return 0 if fields[0] == b"Z" else int(fields[19])
    except (OSError, IndexError, ValueError):
        return 0


def _boot():
    with open("/proc/sys/kernel/random/boot_id") as file:
        return file.readline().strip()


def _by_note(name):
    meant = [n for n in notes() if n["id"] == name]
    meant = meant or [n for n in notes() if n.get("name") == name]
    meant = meant or [n for n in notes() if name and n["id"].startswith(name)]
    meant = [n for n in meant if not is_gone(n)] or meant
    if len(meant) != 1:
        ids = ", ".join(n["id"] for n in meant)
        raise Unreachable("no_instance" if not meant else "bad_argument",
                          f"'{name}' may be any of the instances {ids}" if meant else
                          f"no instance '{name}' is known: 'hactor ps' lists those that are")
    note = meant[0]
    if is_gone(note):
        raise Unreachable("no_instance", f"instance {note['id']} has ended without taking its note "
                          "away: 'hactor ps --clean' does")
    path = note["uri"].removeprefix("local://")
    if note.get("host") == socket.gethostname() and note.get("boot") == _boot():
        return _by_socket(path)
    if note.get("tcp"):
        token = os.environ.get("HACTOR_TOKEN_FILE") or note.get("token")
        return _by_tcp(note["tcp"], token or _token_file(note["tcp"]), note["identity"])
    return _by_ssh(f"ssh://{note['host']}{path}")
