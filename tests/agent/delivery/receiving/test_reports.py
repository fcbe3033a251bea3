from __future__ import annotations

import tracemalloc
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from agent.delivery.receiving import Limits
from agent.delivery.receiving.reports import Reports
from models.wire.messages import BundleStatus, encode
from models.wire.topics import DeviceTopics

REPORT = BundleStatus(
    t=0.0,
    version="2026.11.3",
    embedding_space="space-1",
    runtime="tflite",
    precision={"hybrid": "int8"},
    channel="stable",
)


def take(reports: Reports, device: str, **more: Any) -> bool:
    return reports.take(DeviceTopics(device).bundle, encode(msgspec.structs.replace(REPORT, **more)))


def test_the_latest_report_of_a_device_counts():
    reports = Reports(Limits())
    assert take(reports, "kitchen")
    assert take(reports, "kitchen", outcome="confirmed", rollout="first", reason="all is well")
    assert reports.known["kitchen"].outcome == "confirmed"
    assert reports.known["kitchen"].reason == ""


def test_progress_is_no_news_to_a_rollout():
    reports = Reports(Limits())
    take(reports, "kitchen")
    assert not take(reports, "kitchen", t=5.0, progress=0.5, stage="fetching")
    assert reports.known["kitchen"].progress == 0.5


def test_a_report_that_was_cleared_is_gone():
    reports = Reports(Limits())
    take(reports, "kitchen")
    assert reports.take(DeviceTopics("kitchen").bundle, b"")
    assert not reports.take(DeviceTopics("kitchen").bundle, b"")
    assert dict(reports.known) == {}


def test_what_is_no_report_leaves_the_one_before():
    reports = Reports(Limits(report_bytes=1000))
    take(reports, "kitchen")
    for nonsense in (b"{}", b"\xff", b"[" * 900, encode(REPORT).replace(b"stable", b"s" * 1000)):
        assert not reports.take(DeviceTopics("kitchen").bundle, nonsense)
    assert reports.known["kitchen"].channel == "stable"
    assert reports.refused == {"report": 4}


def test_strangers_without_number_do_not_push_out_those_who_are_known():
    reports = Reports(Limits(reports=3))
    for number in range(10):
        take(reports, f"device-{number}")
    assert sorted(reports.known) == ["device-0", "device-1", "device-2"]
    assert take(reports, "device-1", outcome="confirmed")
    assert reports.refused == {"reports_full": 7}


def test_other_topics_are_none_of_its_business():
    reports = Reports(Limits())
    assert not reports.take("attune/1/device/kitchen/bundle/x", encode(REPORT))
    assert not reports.take("attune/1/device/Kitchen/bundle", encode(REPORT))
    assert dict(reports.known) == {}


def test_ten_thousand_devices_fit_into_a_few_megabytes():
    reports = Reports(Limits())
    payload = encode(msgspec.structs.replace(REPORT, reason="a long sentence " * 20, rollout="r" * 64))
    tracemalloc.start()
    for number in range(10_000):
        reports.take(f"attune/1/device/device-{number}/bundle", payload)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(reports.known) == 10_000
    assert size < 8e6


@given(st.binary(max_size=300))
def test_any_bytes_are_taken_or_counted(payload: bytes):
    reports = Reports(Limits())
    reports.take(DeviceTopics("kitchen").bundle, payload)
    assert len(reports.known) + sum(reports.refused.values()) == (payload != b"")
