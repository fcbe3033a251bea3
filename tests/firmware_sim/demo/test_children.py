import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from firmware_sim.demo.children import Children, program
from models.errors import AttuneError

SLEEPER = "import time; print('here', flush=True); time.sleep(60)"


async def test_no_child_is_left_when_something_breaks(tmp_path: Path):
    pids = []

    async def break_down() -> None:
        async with Children() as children:
            for name in ("one", "two"):
                child = await children.background(name, sys.executable, "-c", SLEEPER, log=tmp_path / f"{name}.log")
                pids.append(child._process.pid)
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        await break_down()
    assert len(pids) == 2
    assert not any(psutil.pid_exists(pid) for pid in pids)


async def test_no_child_is_left_when_the_task_is_cancelled(tmp_path: Path):
    running: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def hold() -> None:
        async with Children() as children:
            child = await children.background("one", sys.executable, "-c", SLEEPER, log=tmp_path / "child.log")
            running.set_result(child._process.pid)
            await child.wait()

    task = asyncio.create_task(hold())
    pid = await running
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not psutil.pid_exists(pid)


async def test_grandchildren_that_a_child_leaves_behind_are_ended(tmp_path: Path):
    code = (
        "import subprocess, sys;"
        f"p = subprocess.Popen([sys.executable, '-c', {SLEEPER!r}], stdout=subprocess.DEVNULL);"
        "print(p.pid)"
    )
    async with Children() as children:
        child = await children.background("parent", sys.executable, "-c", code, log=tmp_path / "child.log")
        assert await child.wait() == 0
        grandchild = psutil.Process(int(child.output()))
        assert grandchild.is_running()
    _, alive = psutil.wait_procs([grandchild], timeout=10)
    assert not alive


async def test_a_child_is_asked_before_it_is_killed(tmp_path: Path):
    ready = tmp_path / "ready"
    code = (
        "import signal, sys;"
        "signal.signal(signal.SIGTERM, lambda *_: (print('bye', flush=True), sys.exit(0)));"
        f"open({str(ready)!r}, 'w').close();"
        "signal.pause()"
    )
    os.mkfifo(ready)
    async with Children() as children:
        child = await children.background("polite", sys.executable, "-c", code, log=tmp_path / "child.log")
        # A named pipe opens when the other side opens it: the handler is in place.
        await asyncio.to_thread(lambda: ready.open("rb").close())
    assert child.returncode == 0
    assert child.output() == b"bye\n"


async def test_a_child_dies_with_its_parent(tmp_path: Path):
    # The parent kills itself without a chance to clean up; the kernel ends its child.
    log = tmp_path / "child.log"
    code = f"""
import asyncio, os, sys
from pathlib import Path
from firmware_sim.demo.children import Children
async def main():
    async with Children() as children:
        child = await children.background("one", sys.executable, "-c", {SLEEPER!r}, log=Path({str(log)!r}))
        print(child._process.pid, flush=True)
        os.kill(os.getpid(), {int(signal.SIGKILL)})
asyncio.run(main())
"""
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    output, _ = await parent.communicate()
    assert parent.returncode == -signal.SIGKILL
    pid = int(output)
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.wait_procs([psutil.Process(pid)], timeout=10)
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


async def test_the_last_words_are_the_end_of_the_log(tmp_path: Path):
    code = "import sys; sys.stderr.write(''.join(f'line {n}\\n' for n in range(9))); sys.exit(3)"
    async with Children() as children:
        child = await children.background("failing", sys.executable, "-c", code, log=tmp_path / "child.log")
        assert await child.wait() == 3
        assert child.last_words(2) == "line 7\nline 8"


def test_a_command_that_is_not_installed_is_named():
    assert os.access(program("attune-sim"), os.X_OK)
    with pytest.raises(AttuneError, match="attune-nothing"):
        program("attune-nothing")
