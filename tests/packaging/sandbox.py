"""Run a command as systemd runs a service of `systemd/seq-exporter.service`, without systemd.

    unshare --mount --ipc python3 -I sandbox.py SETTINGS COMMAND ARGUMENT...

as root, with nothing but the standard library, and libseccomp, which systemd itself uses. SETTINGS
is `Settings` as JSON. The process id stays the same, so signals reach the command.
"""

from __future__ import annotations

import ctypes
import errno
import itertools
import json
import os
import resource
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_EQUAL, _GREATER, _MASKED_EQUAL = 4, 6, 7
_DROP_FROM_BOUNDING_SET, _NO_NEW_PRIVILEGES = 24, 38
_PROT_WRITE, _PROT_EXEC, _SHM_EXEC = 2, 4, 0o100000
_NEW_USER, _NEW_ANY, _DETACH = 0x10000000, 0x7E020080, 2
_FAMILIES = 46  # the kernel has no more

# Not /etc as it is: there must be a place for what is mounted into it.
_ETC = ("group", "hosts", "ld.so.cache", "localtime", "nsswitch.conf", "passwd", "resolv.conf")
_DEVICES = ("full", "null", "random", "urandom", "zero")


@dataclass(frozen=True)
class Settings:
    """What the unit asks for; `mounts` are folders of this host by their place in the sandbox."""

    root: str
    user: int
    mounts: dict[str, str]
    writable: list[str]
    python: str
    environ: dict[str, str]
    umask: int
    open_files: int
    system_calls: list[str]
    families: list[int]


class _Comparison(ctypes.Structure):
    _fields_ = (
        ("argument", ctypes.c_uint),
        ("operator", ctypes.c_int),
        ("first", ctypes.c_uint64),
        ("second", ctypes.c_uint64),
    )


class _Filter:
    """A seccomp filter, made with libseccomp."""

    def __init__(self, library: ctypes.CDLL, default: int) -> None:
        library.seccomp_init.restype = ctypes.c_void_p
        self._library = library
        self._context = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(default)))

    def add(self, action: int, name: str, *comparison: int) -> None:
        """Take `action` for that call, if its argument compares so; unknown names are left out."""
        number = self._library.seccomp_syscall_resolve_name(name.encode())
        if number < 0:  # of another architecture, or newer than libseccomp
            return
        compared = _Comparison(*comparison) if comparison else None
        failed = self._library.seccomp_rule_add_array(
            self._context,
            ctypes.c_uint32(action),
            number,
            1 if compared else 0,
            ctypes.byref(compared) if compared else None,
        )
        assert not failed, (name, failed)

    def load(self) -> None:
        """Let it hold from now on, for this process and all that it becomes."""
        assert self._library.seccomp_load(self._context) == 0


def main() -> None:
    """Build the sandbox, go in, and become the command."""
    settings = Settings(**json.loads(sys.argv[1]))
    seccomp = ctypes.CDLL("libseccomp.so.2")
    libc = ctypes.CDLL(None, use_errno=True)
    _build_root(settings)
    _enter_root(settings.root, libc)
    resource.setrlimit(resource.RLIMIT_NOFILE, (settings.open_files, settings.open_files))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.umask(settings.umask)
    _become(settings.user, libc)
    for filter_ in _make_filters(settings, seccomp):
        filter_.load()
    os.execve(sys.argv[2], sys.argv[2:], settings.environ)


def _mount(*arguments: object) -> None:
    subprocess.run(["mount", *map(str, arguments)], check=True)


def _build_root(settings: Settings) -> None:
    """ProtectSystem=strict, ProtectHome=, PrivateTmp=, PrivateDevices=, ProtectProc=invisible."""
    root = Path(settings.root)
    _mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", root)
    for name in ("etc", "proc", "dev", "tmp"):
        (root / name).mkdir()
    for name in _ETC:
        if Path("/etc", name).exists():
            shutil.copy(f"/etc/{name}", root / "etc" / name)
    for name in ("bin", "lib", "lib64", "sbin"):
        if Path("/", name).is_symlink():
            (root / name).symlink_to(Path("/", name).readlink())
    # A Python under test that is in somebody's home is there all the same.
    outside = () if settings.python.startswith("/usr") else (settings.python,)
    for place in ("/usr", *outside):
        _bind(root, place, place)
    for name in _DEVICES:
        (root / "dev" / name).touch()
        _mount("--bind", f"/dev/{name}", root / "dev" / name)
    _mount("-t", "proc", "-o", "hidepid=invisible", "proc", root / "proc")
    for place, folder in settings.mounts.items():
        _bind(root, folder, place, writable=place in settings.writable)
    _mount("-o", "remount,ro", root)
    _mount("-t", "tmpfs", "-o", "mode=1777", "tmpfs", root / "tmp")


def _bind(root: Path, folder: str, place: str, *, writable: bool = False) -> None:
    target = root / place.lstrip("/")
    target.mkdir(parents=True)
    _mount("--bind", folder, target)
    if not writable:
        _mount("-o", "remount,bind,ro", target)


def _enter_root(root: str, libc: ctypes.CDLL) -> None:
    """Leave nothing of this host below: who is in a chroot may not have users of its own."""
    os.chdir(root)
    assert libc.pivot_root(b".", b".") == 0, os.strerror(ctypes.get_errno())
    assert libc.umount2(b".", _DETACH) == 0, os.strerror(ctypes.get_errno())
    os.chdir("/")


def _become(user: int, libc: ctypes.CDLL) -> None:
    """DynamicUser=, PrivateUsers=, CapabilityBoundingSet=, NoNewPrivileges=."""
    os.setgroups([])
    _enter_user_namespace(user, libc)
    for capability in itertools.count():
        if libc.prctl(_DROP_FROM_BOUNDING_SET, capability, 0, 0, 0):
            break
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    assert libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0


def _enter_user_namespace(user: int, libc: ctypes.CDLL) -> None:
    """Leave this host's users for a namespace that has root and `user` alone."""
    process = os.getpid()
    is_entered, tell = os.pipe()
    helper = os.fork()
    if not helper:  # stays outside, where it may write the maps
        os.close(tell)  # or it would wait for itself
        os.read(is_entered, 1)
        for kind in ("uid", "gid"):
            Path(f"/proc/{process}/{kind}_map").write_text(f"0 0 1\n{user} {user} 1\n")
        os._exit(0)
    assert libc.unshare(_NEW_USER) == 0, os.strerror(ctypes.get_errno())
    os.write(tell, b".")
    assert os.waitpid(helper, 0)[1] == 0
    os.close(is_entered)
    os.close(tell)


def _make_filters(settings: Settings, library: ctypes.CDLL) -> list[_Filter]:
    """RestrictAddressFamilies=, MemoryDenyWriteExecute=, RestrictNamespaces=, SystemCallFilter=."""
    refused = _ERRNO | errno.EPERM

    families = _Filter(library, _ALLOW)
    no_family = _ERRNO | errno.EAFNOSUPPORT
    for family in set(range(_FAMILIES)) - set(settings.families):
        families.add(no_family, "socket", 0, _EQUAL, family)
    families.add(no_family, "socket", 0, _GREATER, _FAMILIES - 1)

    memory = _Filter(library, _ALLOW)
    both = _PROT_WRITE | _PROT_EXEC
    memory.add(refused, "mmap", 2, _MASKED_EQUAL, both, both)
    memory.add(refused, "mprotect", 2, _MASKED_EQUAL, _PROT_EXEC, _PROT_EXEC)
    memory.add(refused, "pkey_mprotect", 2, _MASKED_EQUAL, _PROT_EXEC, _PROT_EXEC)
    memory.add(refused, "shmat", 2, _MASKED_EQUAL, _SHM_EXEC, _SHM_EXEC)

    namespaces = _Filter(library, _ALLOW)
    namespaces.add(_ERRNO | errno.ENOSYS, "clone3")  # its flags are out of a filter's sight
    namespaces.add(refused, "unshare")
    namespaces.add(refused, "setns")
    for bit in range(32):
        if 1 << bit & _NEW_ANY:
            namespaces.add(refused, "clone", 0, _MASKED_EQUAL, 1 << bit, 1 << bit)

    calls = _Filter(library, refused)
    for name in settings.system_calls:
        calls.add(_ALLOW, name)
    return [families, memory, namespaces, calls]  # the last one forbids loading more


if __name__ == "__main__":
    main()
