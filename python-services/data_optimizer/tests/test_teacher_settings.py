"""Settings of a teacher: what ends the start, where a key may go, and that nothing shows it."""

from __future__ import annotations

import pytest

from data_optimizer.settings import OptimizerSettings
from data_optimizer.teacher import address
from data_optimizer.tests.fake_teacher import KEY
from wlops_common.settings import SettingsFault, load_settings

ENVIRONMENT = {"WLOPS_SERVICE_SECRET": "s" * 40}


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"WLOPS_TEACHER_URL": "http://t/v1"}, "WLOPS_TEACHER_MODEL"),
        ({"WLOPS_TEACHER_MODEL": "m"}, "WLOPS_TEACHER_URL"),
        ({"WLOPS_TEACHER_URL": "ftp://t/v1", "WLOPS_TEACHER_MODEL": "m"}, "WLOPS_TEACHER_URL"),
        ({"WLOPS_TEACHER_URL": "http://u:p@t/v1", "WLOPS_TEACHER_MODEL": "m"}, "WLOPS_TEACHER_URL"),
        ({"WLOPS_TEACHER_URL": "http://t", "WLOPS_TEACHER_MODEL": "m", "WLOPS_TEACHER_API_KEY": f"{KEY}\nx"}, "WLOPS_TEACHER_API_KEY"),
        ({"WLOPS_TEACHER_URL": "http://t.example/v1", "WLOPS_TEACHER_MODEL": "m", "WLOPS_TEACHER_API_KEY": KEY}, "URL must begin"),
    ],
)  # fmt: skip
def test_settings_of_a_teacher_that_do_not_fit_end_the_start_naming_the_variable(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], named: str
) -> None:
    for name, value in {**ENVIRONMENT, **environment}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsFault, match=named) as fault:
        load_settings(OptimizerSettings)
    assert KEY not in str(fault.value)


@pytest.mark.parametrize(
    ("host", "near"),
    [
        ("localhost", True), ("localhost.", True), ("127.0.0.1", True), ("127.9.9.9", True), ("[::1]", True),
        ("10.1.2.3", True), ("172.16.0.1", True), ("192.168.1.5", True), ("[fd00::1]", True), ("169.254.1.1", True),
        ("ollama", True), ("gpu.local", True), ("host.docker.internal", True), ("llm.home.arpa", True),
        ("8.8.8.8", False), ("172.32.0.1", False), ("[2001:4860:4860::8888]", False), ("[::ffff:8.8.8.8]", False),
        ("api.openai.com", False), ("localhost.example.com", False), ("notlocal", True), ("x.notlocal", False),
        ("134744072", False), ("0x08080808", False),
    ],
)  # fmt: skip
def test_a_key_goes_unencrypted_to_near_hosts_only(monkeypatch: pytest.MonkeyPatch, host: str, near: bool) -> None:
    given = {"WLOPS_TEACHER_URL": f"http://{host}:8000/v1", "WLOPS_TEACHER_MODEL": "m", "WLOPS_TEACHER_API_KEY": KEY}
    for name, value in {**ENVIRONMENT, **given}.items():
        monkeypatch.setenv(name, value)
    if near:
        assert load_settings(OptimizerSettings).job_extras()["teacher.key"] == KEY
    else:
        with pytest.raises(SettingsFault, match="WLOPS_TEACHER_URL"):
            load_settings(OptimizerSettings)
    monkeypatch.setenv("WLOPS_TEACHER_URL", f"https://{host}:8000/v1")
    load_settings(OptimizerSettings)
    monkeypatch.setenv("WLOPS_TEACHER_URL", f"http://{host}:8000/v1")
    monkeypatch.setenv("WLOPS_TEACHER_API_KEY", "")
    load_settings(OptimizerSettings)


def test_jobs_are_told_of_the_teacher_and_nothing_shows_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"WLOPS_TEACHER_URL": "http://127.0.0.1:11434/v1", "WLOPS_TEACHER_MODEL": "m", "WLOPS_TEACHER_API_KEY": KEY}
    for name, value in {**ENVIRONMENT, **dict.fromkeys(given, "")}.items():
        monkeypatch.setenv(name, value)
    assert load_settings(OptimizerSettings).job_extras() == {}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    settings = load_settings(OptimizerSettings)
    told = address.address_of(settings.job_extras())
    assert told == address.TeacherAddress("http://127.0.0.1:11434/v1", "m", KEY)
    assert KEY not in f"{settings!r} {told!r}"
