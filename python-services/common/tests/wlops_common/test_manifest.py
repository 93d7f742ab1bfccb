from __future__ import annotations

from pathlib import Path

import pytest
from harness import train_request
from pydantic import ValidationError

from wlops_common.contracts import ObjectRef
from wlops_common.errors import ArtifactChanged, ArtifactMissing
from wlops_common.manifest import AlreadyCommitted, Manifest, download_manifest, find_manifest, read_manifest
from wlops_common.object_store import S3ObjectStore
from wlops_common.testing import DirectoryObjectStore, job_context


def test_a_manifest_lists_files_with_their_sizes_and_keeps_facts(tmp_path: Path) -> None:
    context = job_context(tmp_path, train_request())
    weights = context.store.put(f"{context.attempt_prefix}model.bin", b"weights")
    ref = context.commit({"model.bin": weights}, weights_sha256=weights.sha256)
    manifest = read_manifest(context.store, ref)
    assert manifest.job_key == "task_1/0/training/0"
    assert [(file.name, file.bytes, file.ref()) for file in manifest.files] == [("model.bin", 7, weights)]
    assert manifest.facts == {"weightsSha256": weights.sha256}
    assert manifest.file("model.bin") == weights
    assert find_manifest(context.store, "models/task_1/0/s0/") == (ref, manifest)


def test_of_two_attempts_the_first_to_commit_wins(s3: S3ObjectStore) -> None:
    def commit(attempt: int) -> ObjectRef:
        from wlops_common.manifest import write_manifest

        file = s3.put(f"models/race/0/s0/attempt-{attempt}/model.bin", b"%d" % attempt)
        return write_manifest(
            s3,
            job_key="race/0/training/0",
            output_prefix="models/race/0/s0/",
            files={"model.bin": file},
            facts={"n": attempt},
        )

    first = commit(1)
    with pytest.raises(AlreadyCommitted) as caught:
        commit(2)
    assert caught.value.ref == first
    assert caught.value.manifest.facts == {"n": 1}
    assert s3.read(caught.value.manifest.file("model.bin")) == b"1"


def test_a_file_that_was_never_written_cannot_be_listed(tmp_path: Path) -> None:
    context = job_context(tmp_path, train_request())
    with pytest.raises(ArtifactMissing):
        context.commit({"model.bin": ObjectRef(key="models/none", sha256="0" * 64)})
    assert find_manifest(context.store, "models/task_1/0/s0/") is None


def test_downloading_fetches_every_file_and_refuses_a_changed_one(tmp_path: Path) -> None:
    context = job_context(tmp_path, train_request())
    files = {
        name: context.store.put(f"{context.attempt_prefix}{name}", name.encode()) for name in ("a.bin", "deep/b.bin")
    }
    ref = context.commit(dict(files))
    download_manifest(context.store, ref, tmp_path / "model")
    assert (tmp_path / "model" / "deep" / "b.bin").read_bytes() == b"deep/b.bin"
    context.store.put(files["a.bin"].key, b"other")
    with pytest.raises(ArtifactChanged):
        download_manifest(context.store, ref, tmp_path / "again")


def test_a_changed_manifest_and_one_that_is_none_are_refused(tmp_path: Path) -> None:
    store = DirectoryObjectStore(tmp_path)
    ref = store.put("models/manifest.json", b"{}")
    with pytest.raises(ArtifactChanged, match="not a manifest"):
        read_manifest(store, ref)
    with pytest.raises(ArtifactChanged, match="sha256"):
        read_manifest(store, ObjectRef(key=ref.key, sha256="0" * 64))


@pytest.mark.parametrize("name", ["../up", "/absolute", "a/../b", "a//b", ".hidden", "a\n"])
def test_names_that_lead_out_of_the_folder_are_refused(name: str) -> None:
    file = {"name": name, "key": "models/a", "sha256": "0" * 64, "bytes": 1}
    with pytest.raises(ValidationError):
        Manifest.model_validate({"jobKey": "t/0/training/0", "createdAt": "2026-01-01T00:00:00Z", "files": [file]})
