"""elfuse.Registry against a real one."""

import json

import pytest

import elfuse as api
from tests.oci.conftest import Registry
from tests.oci.images import AMD64, index_of, sample, sha256


def test_what_a_registry_has(registry: Registry) -> None:
    image, other = sample(), sample(platform=AMD64)
    for tag in ("1", "2", "latest"):
        registry.push(f"look/at:{tag}", image, other)
    raw = index_of([image, other])
    with api.Registry(registry.address) as there:
        assert sorted(there.tags("look/at")) == ["1", "2", "latest"]
        found = there.manifest("look/at:1")
        assert (found.digest, found.raw) == (sha256(raw), raw)
        assert found.reference == f"{registry.address}/look/at:1"
        assert found.document == json.loads(raw) and found.media_type == found.document["mediaType"]
        assert there.manifest("look/at").digest == there.manifest(f"look/at@{found.digest}").digest
        assert there.digest("look/at:2") == found.digest
        assert there.referrers("look/at", found.digest) == []
        for ask in (lambda: there.tags("look/nothing"), lambda: there.manifest("look/at:3")):
            with pytest.raises(api.ElfuseError, match="no such"):
                ask()
    there.close()
    assert len(there.tags("look/at")) == 3  # closed is not the end
    there.close()
    assert repr(there) == f"Registry({registry.address!r})"


def test_names_of_registries(registry: Registry) -> None:
    for bad in ("", "a/b", "https://x", "under_score.example", "python"):
        with pytest.raises(api.ElfuseError):
            api.Registry(bad)
    with pytest.raises(api.ElfuseError, match="invalid image reference"):
        api.Registry(registry.address).tags("Upper")
    with pytest.raises(api.ElfuseError, match="not on this machine"):
        api.Registry("registry.example.com", tls_verify=False).tags("x")
