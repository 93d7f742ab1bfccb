"""Reports arrive whole and in order, and a reader waits for none."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any

import pytest
from harness import ServiceProcess, train_request, wait_until

from wlops_common.jobs.report_lines import ReportReader, write_report

Line = tuple[ReportReader, Connection]


@pytest.fixture
def line() -> Iterator[Line]:
    """Both ends of a pipe."""
    pipe, writing_end = Pipe(duplex=False)
    reader = ReportReader(pipe)
    yield reader, writing_end
    reader.close()
    writing_end.close()


def test_reports_arrive_whole_and_in_order(line: Line) -> None:
    reader, writer = line
    assert reader.read() == []
    for number in range(3):
        write_report(writer, {"progress": {"stage": "two\nlines, “quoted”", "step": number}})
    assert [report["progress"]["step"] for report in reader.read()] == [0, 1, 2]
    assert reader.read() == []
    assert reader.is_open


def test_a_report_that_has_arrived_in_part_is_waited_for_by_nobody(line: Line) -> None:
    reader, writer = line
    os.write(writer.fileno(), b'{"progress": 1}\n{"outco')
    assert reader.read() == [{"progress": 1}]
    assert reader.read() == []
    os.write(writer.fileno(), b'me": 2}\n')
    assert reader.read() == [{"outcome": 2}]


def test_a_report_may_be_larger_than_the_pipe(line: Line) -> None:
    reader, writer = line
    large = {"outcome": "x" * 1_000_000}
    thread = threading.Thread(target=write_report, args=(writer, large))
    thread.start()
    found: list[dict[str, Any]] = []
    wait_until(lambda: found.extend(reader.read()) or found, "the report", seconds=20)  # type: ignore[func-returns-value]
    thread.join()
    assert found == [large]


def test_the_end_of_the_pipe_is_noticed_and_what_was_not_whole_is_dropped(line: Line) -> None:
    reader, writer = line
    os.write(writer.fileno(), b'{"progress": 1}\n{"outco')
    writer.close()
    assert reader.read() == [{"progress": 1}]
    assert not reader.is_open
    assert reader.read() == []


def test_a_job_that_is_stopped_in_the_middle_of_a_report_holds_up_no_other(own_service: ServiceProcess) -> None:
    stopped = own_service.submit(train_request("mid_report", 0, behaviour="stop in a report"))
    own_service.wait_until_told(stopped["jobId"])
    other = own_service.submit(train_request("mid_report", 1))
    assert own_service.wait_for(other["jobId"], "succeeded")
    answer = own_service.client.post(f"/api/v1/train/{stopped['jobId']}/cancel?waitSeconds=20")
    assert answer.json()["state"] == "cancelled"
