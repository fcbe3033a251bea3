"""What a child does to itself, seen from outside."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys

import pytest

from agent.delivery.installing.children.inside import resident_bytes


def run(program: str, job: bytes = b"") -> tuple[int, str]:
    """Run a program in a child with a job; return how it ended and what it said."""
    child = subprocess.Popen(
        [sys.executable, "-c", f"from agent.delivery.installing.children.inside import *\n{program}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    with contextlib.suppress(BrokenPipeError):  # one that reads no job may have ended
        child.stdin.write(b"%d\n" % len(job) + job)
        child.stdin.flush()
    said = child.stdout.read().decode()
    with contextlib.suppress(BrokenPipeError):
        child.stdin.close()
    child.stdout.close()
    return child.wait(), said


def test_only_reports_reach_the_parent():
    code, said = run(
        "report = Report()\nprint('noise', flush=True)\nimport os\nos.write(1, b'more noise')\nreport('step', 'one')"
    )
    assert (code, json.loads(said)) == (0, {"step": "one"})


def test_a_job_arrives_whole_and_the_child_may_end_in_order():
    code, said = run("report = Report()\nreport('step', len(read_job()))", job=bytes(300_000))
    assert (code, json.loads(said)) == (0, {"step": 300_000})


def test_computing_without_an_end_is_ended_by_the_signal_that_says_so():
    code, _ = run("limit_time(1)\nwhile True: pass")
    assert code == -signal.SIGXCPU


def test_memory_beyond_the_limit_is_refused_and_what_was_there_stays_usable():
    program = "report = Report()\nlimit_memory(32 << 20)\nreport('step', len(bytes(8 << 20)))\nbytes(512 << 20)"
    code, said = run(program)
    assert (code, json.loads(said)) == (1, {"step": 8 << 20})


def test_a_child_is_ended_before_others_when_memory_runs_out():
    code, said = run("report = Report()\nend_first()\nreport('step', open('/proc/self/oom_score_adj').read())")
    assert code == 0
    if json.loads(said)["step"].strip() != "1000":
        pytest.skip("this system does not let a process say so")


def test_the_memory_of_this_process_is_known():
    assert resident_bytes() > 1 << 20
