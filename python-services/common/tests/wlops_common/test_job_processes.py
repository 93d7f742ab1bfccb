"""Jobs as real processes behind a real service: how they end, and that nothing outlives them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from harness import HERE, ServiceProcess, is_running, train_request, wait_until

from wlops_common.errors import job_fault_codes
from wlops_common.jobs.ids import job_id_of
from wlops_common.manifest import find_manifest
from wlops_common.object_store import S3ObjectStore


def test_a_job_runs_reports_progress_and_answers_with_its_result(
    shared_service: ServiceProcess, s3: S3ObjectStore
) -> None:
    job = shared_service.submit(train_request("plain"))
    done = shared_service.wait_for(job["jobId"], "succeeded")
    assert done["attempt"] == 1
    assert done["progress"] == {
        "stage": "working", "step": 2, "totalSteps": 2, "loss": 0.25, "score": None, "rate": None, "etaSeconds": None,
    }  # fmt: skip
    found = find_manifest(s3, "models/plain/0/s0/")
    assert found is not None
    assert done["result"]["model"] == found[0].to_json()
    assert found[1].files[0].key == "models/plain/0/s0/attempt-1/model.bin"


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [("fail", "DATASET_EMPTY"), ("fault", "INTERNAL"), ("no memory", "RESOURCE_EXHAUSTED"), ("not finite", "INTERNAL")],
)
def test_a_fault_ends_the_job_with_its_code(shared_service: ServiceProcess, behaviour: str, code: str) -> None:
    job = shared_service.submit(train_request(behaviour.replace(" ", "_"), behaviour=behaviour))
    failed = shared_service.wait_for(job["jobId"], "failed")
    assert failed["error"]["code"] == code
    assert failed["error"]["retryable"] == job_fault_codes()[code]
    assert failed["attempt"] == 1
    assert "secret" not in failed["error"]["message"]


def test_the_log_has_what_the_answer_leaves_out(shared_service: ServiceProcess) -> None:
    job = shared_service.submit(train_request("logged", behaviour="fault"))
    shared_service.wait_for(job["jobId"], "failed")
    text = shared_service.client.get("/api/v1/train/logged/log").text
    assert "a bug with a secret in its text" in text
    assert '"taskId": "logged"' in text
    failed = shared_service.submit(train_request("logged_detail", behaviour="fail"))
    shared_service.wait_for(failed["jobId"], "failed")
    assert "seen by the log only" in shared_service.client.get("/api/v1/train/logged_detail/log").text


def test_a_job_that_prints_without_end_fills_no_disk(shared_service: ServiceProcess) -> None:
    job = shared_service.submit(train_request("chatter", behaviour="chatter"))
    shared_service.wait_for(job["jobId"], "succeeded")
    assert "earlier lines were dropped" in shared_service.client.get("/api/v1/train/chatter/log").text


def test_the_work_folder_is_gone_when_the_job_has_ended(shared_service: ServiceProcess) -> None:
    job = shared_service.submit(train_request("tidy", behaviour="leave work"))
    shared_service.wait_for(job["jobId"], "succeeded")
    assert list((shared_service.data_dir / "work" / "trainer").glob(f"{job['jobId']}*")) == []


def test_a_polite_job_is_cancelled_between_two_steps(shared_service: ServiceProcess) -> None:
    job = shared_service.submit(train_request("polite", behaviour="wait politely"))
    shared_service.wait_for(job["jobId"], "running")
    shared_service.client.post(f"/api/v1/train/{job['jobId']}/cancel")
    assert shared_service.wait_for(job["jobId"], "cancelled")["error"] is None


def test_a_paused_job_hands_over_its_checkpoint(shared_service: ServiceProcess) -> None:
    job = shared_service.submit(train_request("pausing", behaviour="wait politely"))
    shared_service.wait_until_told(job["jobId"])
    assert shared_service.client.post("/api/v1/train/pausing/pause").json()["state"] == "running"
    paused = shared_service.wait_for(job["jobId"], "paused")
    assert paused["result"]["checkpoint"]["key"] == "models/pausing/0/s0/attempt-1/checkpoint"


def test_a_job_deaf_to_everything_is_killed_with_all_it_started(shared_service: ServiceProcess) -> None:
    job = shared_service.submit(train_request("deaf", behaviour="wait deafly"))
    pids = shared_service.wait_for_pids(job["jobId"])
    assert len(pids) == 3
    assert all(is_running(pid) for pid in pids)
    shared_service.client.post(f"/api/v1/train/{job['jobId']}/cancel")
    shared_service.wait_for(job["jobId"], "cancelled")
    wait_until(lambda: not any(is_running(pid) for pid in pids), "the end of the job's processes", seconds=3)


def test_a_paused_job_that_saves_nothing_in_time_is_ended_and_paused(shared_service: ServiceProcess) -> None:
    job = shared_service.submit(train_request("deaf_pause", behaviour="wait deafly"))
    pids = shared_service.wait_for_pids(job["jobId"])
    shared_service.client.post(f"/api/v1/train/{job['jobId']}/pause")
    assert shared_service.wait_for(job["jobId"], "paused")["result"] is None
    wait_until(lambda: not any(is_running(pid) for pid in pids), "the end of the job's processes", seconds=3)


def test_a_process_that_dies_is_run_once_more_and_finishes(shared_service: ServiceProcess) -> None:
    job = shared_service.submit(train_request("killed", behaviour="wait once"))
    (pid,) = shared_service.wait_for_pids(job["jobId"])
    os.kill(pid, signal.SIGKILL)
    assert shared_service.wait_for(job["jobId"], "succeeded")["attempt"] == 2


def test_a_process_that_always_dies_is_a_crashed_job_and_the_service_lives(shared_service: ServiceProcess) -> None:
    job = shared_service.submit(train_request("crashing", behaviour="die"))
    failed = shared_service.wait_for(job["jobId"], "failed")
    assert failed["error"]["code"] == "JOB_CRASHED"
    assert failed["error"]["details"] == {"exitCode": -signal.SIGSEGV, "attempt": 3, "stage": None, "step": None}
    assert failed["attempt"] == 3
    assert shared_service.wait_for(shared_service.submit(train_request("after_crash"))["jobId"], "succeeded")


@pytest.mark.parametrize(
    ("places", "attempts"),
    [
        ("a:10 a:20 a:30", 4),
        ("a:500 a:500,b:0", 3),
        # A training that goes on from its checkpoint tells of other stages than the attempt before.
        ("rows:0,a:10,b:20 rows:0,b:30", 3),
        # One stage comes back after another, as the steps of an optimization do.
        ("a:10,b:0,a:20 a:10,b:0,a:30", 3),
        ("- -", 3),
        ("a:10 - - a:20 - - a:30", 8),
    ],
)
def test_a_process_that_dies_is_run_again_as_long_as_it_gets_further(
    shared_service: ServiceProcess, places: str, attempts: int
) -> None:
    request = train_request(_task_of(places), behaviour="die at", places=places)
    ended = shared_service.wait_for(shared_service.submit(request)["jobId"], "succeeded")
    assert ended["attempt"] == attempts
    told = [place.split(",")[-1].split(":") for place in places.split()]
    expected = [("process", -signal.SIGSEGV, *([None, None] if at == ["-"] else [at[0], int(at[1])])) for at in told]
    assert [(one["cause"], one["exitCode"], one["stage"], one["step"]) for one in ended["restarts"]] == expected


@pytest.mark.parametrize(
    ("places", "stage", "step"),
    [
        ("a:10 a:20 a:20", "a", 20),
        ("a:10 a:20 a:15", "a", 20),
        ("a:500 a:500,b:0 a:500,b:0", "b", 0),
        ("a:500,b:0 a:400", "a", 500),
        ("a:20 - a:20", "a", 20),
        ("a:20 - - -", None, None),
    ],
)
def test_one_that_dies_no_further_than_before_has_crashed(
    shared_service: ServiceProcess, places: str, stage: str | None, step: int | None
) -> None:
    request = train_request(_task_of(places), behaviour="die at", places=places)
    ended = shared_service.wait_for(shared_service.submit(request)["jobId"], "failed")
    assert ended["error"]["code"] == "JOB_CRASHED"
    details = ended["error"]["details"]
    assert (details["attempt"], details["stage"], details["step"]) == (len(places.split()), stage, step)


def _task_of(places: str) -> str:
    return "at_" + re.sub(r"[^a-z0-9]", "_", places)


def test_an_attempt_that_died_after_its_manifest_has_its_result_taken_over(
    shared_service: ServiceProcess, s3: S3ObjectStore
) -> None:
    job = shared_service.submit(train_request("committed", die_after_commit=True))
    done = shared_service.wait_for(job["jobId"], "succeeded")
    assert done["attempt"] == 2
    assert done["result"]["modelPath"] == "models/committed/0/s0/attempt-1/"
    found = find_manifest(s3, "models/committed/0/s0/")
    assert found is not None
    assert done["result"]["model"] == found[0].to_json()


def test_a_job_runs_with_the_garbage_collector_that_the_imports_went_without(shared_service: ServiceProcess) -> None:
    job = shared_service.submit(train_request("collected", behaviour="collect"))
    assert shared_service.wait_for(job["jobId"], "succeeded")


def test_an_output_prefix_of_another_job_is_refused(shared_service: ServiceProcess) -> None:
    first = shared_service.submit(train_request("owner"))
    shared_service.wait_for(first["jobId"], "succeeded")
    thief = train_request("thief").model_copy(update={"output_prefix": "models/owner/0/s0/"})
    failed = shared_service.wait_for(shared_service.submit(thief)["jobId"], "failed")
    assert failed["error"]["code"] == "ARTIFACT_CHANGED"


def test_the_heartbeat_moves_while_a_silent_job_lives(shared_service: ServiceProcess) -> None:
    job = shared_service.submit(train_request("silent", behaviour="wait deafly"))
    shared_service.wait_for_pids(job["jobId"])
    before = shared_service.status(job["jobId"])["updatedAt"]
    wait_until(lambda: shared_service.status(job["jobId"])["updatedAt"] > before, "a heartbeat", seconds=5)
    shared_service.client.post(f"/api/v1/train/{job['jobId']}/cancel")
    shared_service.wait_for(job["jobId"], "cancelled")


def test_no_more_jobs_run_at_once_than_allowed(own_service: ServiceProcess) -> None:
    jobs = [own_service.submit(train_request("many", segment, behaviour="wait politely")) for segment in range(4)]
    for job in jobs[:2]:
        own_service.wait_for(job["jobId"], "running")
    assert [own_service.status(job["jobId"])["state"] for job in jobs] == ["running", "running", "queued", "queued"]
    assert 'wlops_jobs{service="trainer",state="queued"} 2.0' in own_service.client.get("/metrics").text
    own_service.client.post(f"/api/v1/train/{jobs[0]['jobId']}/cancel")
    own_service.wait_for(jobs[2]["jobId"], "running")


def test_a_killed_service_leaves_no_process_and_finishes_its_jobs_after_a_restart(own_service: ServiceProcess) -> None:
    once = own_service.submit(train_request("survivor", behaviour="wait once"))
    deaf = own_service.submit(train_request("deaf", behaviour="wait deafly"))
    pids = own_service.wait_for_pids(once["jobId"]) + own_service.wait_for_pids(deaf["jobId"])
    own_forkserver = [child.pid for child in psutil.Process(own_service.process.pid).children(recursive=True)]
    own_service.end(signal.SIGKILL)
    # The one process that left the job's session is ended by the next start; the rest ends by itself.
    *own, stray = pids
    wait_until(lambda: not any(is_running(pid) for pid in own), "the end of the jobs", seconds=5)
    wait_until(
        lambda: not any(is_running(pid) for pid in own_forkserver if pid != stray),
        "the end of the forkserver",
        seconds=5,
    )
    own_service.start()
    assert not is_running(stray)
    done = own_service.wait_for(once["jobId"], "succeeded")
    assert done["attempt"] == 2
    assert own_service.status(deaf["jobId"])["attempt"] <= 2
    assert 'wlops_job_restarts_total{reason="service",service="trainer"} 2.0' in own_service.client.get("/metrics").text


def test_a_runner_that_a_fault_of_the_system_stopped_begins_anew_by_itself(own_service: ServiceProcess) -> None:
    job = own_service.submit(train_request("anew", behaviour="wait once"))
    pids = own_service.wait_for_pids(job["jobId"])
    # What cannot be opened stands for a machine without descriptors or disk.
    log_file = own_service.data_dir / "logs" / "jobs" / f"{job['jobId']}.log"
    log_file.unlink()
    log_file.mkdir()
    wait_until(lambda: own_service.client.get("/readyz").status_code == 503, "the service's being unready", seconds=10)
    log_file.rmdir()
    done = own_service.wait_for(job["jobId"], "succeeded")
    assert done["attempt"] >= 2
    assert done["restarts"][0]["cause"] == "service"
    assert done["restarts"][0]["stage"].endswith("(its service failed and began anew)")
    assert not any(is_running(pid) for pid in pids)
    assert own_service.client.get("/readyz").status_code == 200


def test_jobs_wait_until_a_service_that_ran_out_of_descriptors_has_some_again(own_service: ServiceProcess) -> None:
    # The connection is kept, for the service can take no other meanwhile.
    own_service.wait_for(own_service.submit(train_request("before_shortage"))["jobId"], "succeeded")
    process = psutil.Process(own_service.process.pid)
    _, most = process.rlimit(psutil.RLIMIT_NOFILE)
    used = process.num_fds()
    process.rlimit(psutil.RLIMIT_NOFILE, (used + 9, most))
    jobs = [own_service.submit(train_request("short", segment))["jobId"] for segment in range(3)]
    for _ in range(5):  # as long as three tries take
        time.sleep(1)
        waiting = [own_service.status(job_id) for job_id in jobs]
        assert {(one["state"], one["attempt"], one["progress"]["stage"]) for one in waiting} == {
            ("queued", 0, "waiting: too many open files")
        }
    assert process.num_fds() <= used, "a try leaves nothing open"
    process.rlimit(psutil.RLIMIT_NOFILE, (most, most))
    for job_id in jobs:
        assert own_service.wait_for(job_id, "succeeded")["attempt"] == 1


def _run_to_its_end(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(HERE / "probe_service.py")]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_a_second_service_on_the_same_data_is_refused(shared_service: ServiceProcess) -> None:
    second = _run_to_its_end(shared_service.environment)
    assert second.returncode == 2
    assert "in use by another process" in second.stderr


def test_a_taken_port_is_named_with_what_to_do(shared_service: ServiceProcess, tmp_path: Path) -> None:
    port = shared_service.url.rpartition(":")[2]
    second = _run_to_its_end(
        {**shared_service.environment, "WLOPS_DATA_DIR": str(tmp_path), "WLOPS_TRAINER_PORT": port}
    )
    assert second.returncode == 2
    assert port in second.stderr
    assert "WLOPS_TRAINER_PORT" in second.stderr


def test_cancelling_before_submitting_leaves_a_tombstone_that_survives_a_restart(own_service: ServiceProcess) -> None:
    job_id = job_id_of("early/0/training/0")
    answer = own_service.client.post(f"/api/v1/train/{job_id}/cancel")
    assert (answer.status_code, answer.json()["jobId"], answer.json()["state"]) == (200, job_id, "cancelled")
    own_service.end(signal.SIGKILL)
    own_service.start()
    assert own_service.submit(train_request("early"))["state"] == "cancelled"
