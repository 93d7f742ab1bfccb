from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import Field, ValidationError

from wlops_common.settings import ServiceSettings, SettingsFault, load_settings

SECRET = "x" * 32


class _Settings(ServiceSettings):
    port: int = Field(8004, ge=0, le=65535, validation_alias="WLOPS_TRAINER_PORT")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for field in _Settings.model_fields.values():
        monkeypatch.delenv(str(field.validation_alias), raising=False)


def test_all_faults_are_reported_together_by_variable_and_without_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WLOPS_SERVICE_SECRET", "short-secret")
    monkeypatch.setenv("WLOPS_TRAINER_PORT", "eighty")
    monkeypatch.setenv("WLOPS_JOB_STORE_URL", "postgres://somewhere")
    with pytest.raises(SettingsFault) as caught:
        load_settings(_Settings)
    text = str(caught.value)
    assert all(name in text for name in ("WLOPS_SERVICE_SECRET", "WLOPS_TRAINER_PORT", "WLOPS_JOB_STORE_URL"))
    assert "short-secret" not in text


def test_the_secret_has_no_default() -> None:
    with pytest.raises(SettingsFault, match="WLOPS_SERVICE_SECRET"):
        load_settings(_Settings)


def test_the_offset_moves_the_default_port_and_not_a_given_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WLOPS_SERVICE_SECRET", SECRET)
    monkeypatch.setenv("WLOPS_PORT_OFFSET", "100")
    assert load_settings(_Settings).listen_port == 8104
    monkeypatch.setenv("WLOPS_TRAINER_PORT", "9000")
    assert load_settings(_Settings).listen_port == 9000


LEASE, STANDSTILL = "WLOPS_JOB_LEASE_SECONDS", "WLOPS_JOB_STANDSTILL_SECONDS"
UNUSABLE = ("-1", "0.5", "10", "inf", "nan")


@pytest.mark.parametrize(
    ("variable", "seconds"), [(LEASE, "0"), (LEASE, "60"), (LEASE, "1800"), (STANDSTILL, "0"), (STANDSTILL, "120")]
)
def test_a_lease_and_the_time_to_stand_still_are_off_or_long_enough(
    monkeypatch: pytest.MonkeyPatch, variable: str, seconds: str
) -> None:
    monkeypatch.setenv("WLOPS_SERVICE_SECRET", SECRET)
    monkeypatch.setenv(variable, seconds)
    settings = load_settings(_Settings)
    assert {LEASE: settings.job_lease_seconds, STANDSTILL: settings.job_standstill_seconds}[variable] == float(seconds)


@pytest.mark.parametrize(
    ("variable", "seconds"),
    [(LEASE, "59.9"), (STANDSTILL, "119"), *((name, value) for name in (LEASE, STANDSTILL) for value in UNUSABLE)],
)
def test_what_ends_between_two_polls_or_before_an_answer_is_refused(
    monkeypatch: pytest.MonkeyPatch, variable: str, seconds: str
) -> None:
    monkeypatch.setenv("WLOPS_SERVICE_SECRET", SECRET)
    monkeypatch.setenv(variable, seconds)
    with pytest.raises(SettingsFault, match=variable):
        load_settings(_Settings)


@pytest.mark.parametrize("level", ["trace", "debug", "info", "warn", "error", "fatal"])
def test_the_log_levels_are_those_of_the_typescript_processes(monkeypatch: pytest.MonkeyPatch, level: str) -> None:
    source = (Path(__file__).parents[4] / "src/config.ts").read_text()
    assert f"'{level}'" in source.split("WLOPS_LOG_LEVEL: ")[1].split("\n")[0]
    monkeypatch.setenv("WLOPS_SERVICE_SECRET", SECRET)
    monkeypatch.setenv("WLOPS_LOG_LEVEL", level)
    assert load_settings(_Settings).log_level == level


def test_settings_cannot_be_changed_and_do_not_show_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WLOPS_SERVICE_SECRET", SECRET)
    monkeypatch.setenv("S3_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("S3_SECRET_ACCESS_KEY", "hidden-key")
    settings = load_settings(_Settings)
    with pytest.raises(ValidationError):
        settings.host = "example.org"  # type: ignore[misc]
    assert SECRET not in repr(settings)
    assert "hidden-key" not in repr(settings) + repr(settings.bucket)
    assert settings.bucket.secret_access_key == "hidden-key"


def test_half_a_pair_of_credentials_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WLOPS_SERVICE_SECRET", SECRET)
    monkeypatch.setenv("S3_ACCESS_KEY_ID", "key")
    with pytest.raises(SettingsFault, match="together"):
        load_settings(_Settings)


def test_paths_are_absolute_because_jobs_change_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WLOPS_SERVICE_SECRET", SECRET)
    settings = load_settings(_Settings)
    assert settings.job_store_path("trainer") == Path.cwd() / ".wlops" / "jobs" / "trainer.sqlite"
    monkeypatch.setenv("WLOPS_JOB_STORE_URL", "sqlite:///elsewhere/jobs.sqlite")
    assert load_settings(_Settings).job_store_path("trainer") == Path.cwd() / "elsewhere" / "jobs.sqlite"
