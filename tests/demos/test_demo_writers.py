"""Two writers, a killed writer, a full disk: what was there stays."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from newt_core.demos.read import read_demos
from newt_core.demos.write import writing
from newt_core.errors import DemoError
from tests.fixtures.demonstrations import demo_spec, write_demos

ROOT = Path(__file__).parents[2]
SPEC = demo_spec()

HOLDS = """
import sys, time
from pathlib import Path
from newt_core.demos.write import writing
from tests.fixtures.demonstrations import demo_spec
with writing(Path(sys.argv[1]), demo_spec(), "scripted", append=True):
    print("locked", flush=True)
    time.sleep(60)
"""

KILLED_WHILE_WRITING = """
import os, signal, sys
from pathlib import Path
from newt_core import files
real = files.os.replace
files.os.replace = lambda *a: os.kill(os.getpid(), signal.SIGKILL)
from tests.fixtures.demonstrations import write_demos
write_demos(Path(sys.argv[1]), 3, first=10)
"""

WRITES_FOR_EVER = """
import sys
from pathlib import Path
from tests.fixtures.demonstrations import write_demos
print("writing", flush=True)
number = 100
while True:
    write_demos(Path(sys.argv[1]), 1, first=number)
    number += 1
"""


def start(code: str, argument: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, str(argument)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )


def test_a_second_writer_is_refused_until_the_first_is_gone(tmp_path: Path):
    path = write_demos(tmp_path, 1)
    before = path.read_bytes()
    process = start(HOLDS, path)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        with (
            pytest.raises(DemoError, match=f"is being written by process {process.pid}"),
            writing(path, SPEC, "scripted", append=True),
        ):
            raise AssertionError("both write")
        # Another task's file is not concerned, and readers are not kept out.
        write_demos(tmp_path, 1, demo_spec("toy-run"))
        assert len(list(read_demos(path, SPEC))) == 1
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert path.read_bytes() == before
    write_demos(tmp_path, 1, first=1)
    assert [one.seed for one in read_demos(path, SPEC)] == [0, 1]


def test_a_writer_killed_before_the_rename_leaves_the_old_file(tmp_path: Path):
    path = write_demos(tmp_path, 2)
    before = path.read_bytes()
    process = start(KILLED_WHILE_WRITING, tmp_path)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) > 1, "it was killed before it had written anything"
    write_demos(tmp_path, 1, first=2)
    assert [one.seed for one in read_demos(path, SPEC)] == [0, 1, 2]
    assert list(tmp_path.iterdir()) == [path], "the next writer cleans up"


def test_kills_at_any_moment_leave_whole_files(tmp_path: Path):
    path = write_demos(tmp_path, 1)
    for delay in (0.0, 0.05, 0.11, 0.17):
        process = start(WRITES_FOR_EVER, tmp_path)
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=delay)
        process.kill()
        process.communicate()
        seeds = [one.seed for one in read_demos(path, SPEC)]
        assert seeds[0] == 0
        path.unlink()
        write_demos(tmp_path, 1)


def test_a_full_disk_is_a_clear_error_and_the_old_file_stays(tmp_path: Path):
    path = write_demos(tmp_path, 2)
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 100, hard))
    try:
        with pytest.raises(DemoError, match=r"cannot write .*unharmed"):
            write_demos(tmp_path, 5, first=2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    write_demos(tmp_path, 5, first=2)
    assert len(list(read_demos(path, SPEC))) == 7


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
def test_a_full_tmpfs_is_a_clear_error_and_the_old_file_stays(tmp_path: Path):
    # In a mount namespace of its own, so that nothing is left behind.
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from newt_core.demos.read import read_demos\n"
        "from newt_core.errors import DemoError\n"
        "from tests.fixtures.demonstrations import demo_spec, write_demos\n"
        "folder = Path(sys.argv[1])\n"
        "path = write_demos(folder, 2)\n"
        "(folder / 'ballast').write_bytes(b'x' * (os.statvfs(folder).f_bavail * 4096 - 8192))\n"
        "before = path.read_bytes()\n"
        "try:\n"
        "    write_demos(folder, 20, first=2)\n"
        "except DemoError as error:\n"
        "    print(error)\n"
        "assert path.read_bytes() == before\n"
        "(folder / 'ballast').unlink()\n"
        "write_demos(folder, 20, first=2)\n"
        "print(len(list(read_demos(path, demo_spec()))))\n"
    )
    mount = f"mount -t tmpfs -o size=256k tmpfs {tmp_path} && exec {sys.executable} - {tmp_path}"
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", mount],
        input=code,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    if "unshare" in done.stderr or "mount" in done.stderr:
        pytest.skip(f"mounting is not allowed here: {done.stderr.strip()}")
    message, episodes = done.stdout.splitlines()
    assert "No space left on device" in message
    assert "unharmed" in message
    assert episodes == "22"
    assert not done.stderr


def test_an_unwritable_folder_is_a_clear_error(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(DemoError, match="cannot write"):
        write_demos(tmp_path / "file", 1)
