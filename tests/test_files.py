"""Atomic files: whole or absent."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from newt_core.files import (
    AlreadyLockedError,
    atomic_path,
    cache_folder,
    plain,
    remove_unfinished,
    sha256,
    take_lock,
    write_bytes,
    write_json,
    write_text,
)


def test_written_is_read(tmp_path: Path) -> None:
    write_bytes(tmp_path / "new" / "folder" / "a.bin", b"\x00\xff")
    write_text(tmp_path / "a.txt", "grün\n")
    write_json(tmp_path / "a.json", {"steps": np.int64(3)})
    assert (tmp_path / "new" / "folder" / "a.bin").read_bytes() == b"\x00\xff"
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "grün\n"
    assert json.loads((tmp_path / "a.json").read_text()) == {"steps": 3}


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "last.pt"
    write_text(path, "old")

    def write_half() -> None:
        with atomic_path(path) as temporary:
            temporary.write_text("half of the n")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_final_name_shows_nothing_before_the_end(tmp_path: Path) -> None:
    path = tmp_path / "last.pt"
    with atomic_path(path) as temporary:
        temporary.write_text("new")
        assert temporary.parent == tmp_path
        assert not path.exists()
        assert list(tmp_path.glob("*.pt")) == []
    assert path.read_text() == "new"


def test_a_link_is_replaced_and_its_target_kept(tmp_path: Path) -> None:
    target, link = tmp_path / "step-1.pt", tmp_path / "last.pt"
    target.write_text("first")
    link.symlink_to(target.name)
    write_text(link, "second")
    assert (target.read_text(), link.read_text()) == ("first", "second")


def test_others_may_read_as_the_umask_says(tmp_path: Path) -> None:
    (tmp_path / "usual").touch()
    write_text(tmp_path / "ours", "")
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("usual", "ours")]
    assert modes[0] == modes[1]


def test_a_killed_writer_leaves_the_old_file_and_its_rest_can_be_removed(tmp_path: Path) -> None:
    path = tmp_path / "last.pt"
    write_text(path, "old")
    code = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from newt_core.files import atomic_path\n"
        "with atomic_path(Path(sys.argv[1])) as temporary:\n"
        "    temporary.write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, os.fspath(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.read_text() == "old"
    assert remove_unfinished(tmp_path) == 1
    assert list(tmp_path.iterdir()) == [path]


def test_json_has_no_nan() -> None:
    value = {
        "success": float("nan"),
        "returns": np.array([1.0, np.inf]),
        "path": Path("a"),
        "pair": (1, True),
    }
    assert plain(value) == {
        "success": None,
        "returns": [1.0, None],
        "path": "a",
        "pair": [1, True],
    }


def test_sha256(tmp_path: Path) -> None:
    data = bytes(range(256)) * 10_000
    write_bytes(tmp_path / "a", data)
    assert sha256(tmp_path / "a") == hashlib.sha256(data).hexdigest()


def test_caches_lie_where_the_user_wants_them(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    monkeypatch.setenv("NEWT_CACHE", "~/mine")
    assert cache_folder("text") == tmp_path / "mine" / "text"
    monkeypatch.delenv("NEWT_CACHE")
    assert cache_folder("text") == tmp_path / "caches" / "newt" / "text"
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    assert cache_folder("text") == tmp_path / ".cache" / "newt" / "text"
    assert not list(tmp_path.iterdir()), "a folder was made"


def test_a_lock_is_one_holders_and_says_whose(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    path.write_text("process 1, which was killed long ago\n")
    for _ in range(2):
        with take_lock(path):
            assert path.read_text() == f"process {os.getpid()}\n"
            with pytest.raises(AlreadyLockedError, match=f"locked by process {os.getpid()}$"):
                take_lock(path)
            assert path.read_text() == f"process {os.getpid()}\n"
    with take_lock(path):
        path.unlink()
        with take_lock(path):  # Whoever comes now takes another file for it.
            pass


def test_a_lock_that_was_just_removed_is_taken_anew(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "a.lock"
    path.touch()
    flock = fcntl.flock

    def late(file: int, operation: int) -> None:
        path.unlink()
        monkeypatch.setattr(fcntl, "flock", flock)
        flock(file, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    with take_lock(path), pytest.raises(AlreadyLockedError):
        take_lock(path)


def test_a_child_does_not_keep_its_parents_lock(tmp_path: Path) -> None:
    code = (
        "import os, sys, time\n"
        "from pathlib import Path\n"
        "from newt_core.files import take_lock\n"
        "with take_lock(Path(sys.argv[1])):\n"
        "    child = os.fork()\n"
        "    if child == 0:\n"
        "        os.close(1)\n"
        "        time.sleep(60)\n"
        "        os._exit(0)\n"
        "print(child)\n"
    )
    path = tmp_path / "a.lock"
    child = int(subprocess.check_output([sys.executable, "-c", code, os.fspath(path)]))
    try:
        with take_lock(path):
            pass
    finally:
        os.kill(child, signal.SIGKILL)


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS])
def test_a_file_system_without_locks_is_an_error(tmp_path: Path, monkeypatch, number) -> None:
    def flock(file: int, operation: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(OSError, match=os.strerror(number)):
        take_lock(tmp_path / "a.lock")
