"""The files that elfuse shares with podman and skopeo, judged by skopeo."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from elfuse.errors import ConfigurationError
from tests.unit.test_registries_conf import DIGEST, TABLES, sources, user

REFERENCES = [
    "example.com/foo/app:1",
    f"example.com/foo/app@{DIGEST}",
    "example.com/foobar/app:1",
    "example.com/other/app:1",
    "example.com/foo/deep/app:1",
    f"example.com/foo/deep/app@{DIGEST}",
    "example.com/foo/deeper/app:1",
    "a.sub.example.com/x:1",
    "b.a.sub.example.com/x/y:1",
    "sub.example.com/x:1",
    "a.sub.example.com.evil.example/x:1",
    "a.moved.example.com/x/y:1",
    "docker.io/library/python:3",
    "docker.io/org/app:1",
    "docker.io/library/alpine:31",
    "blocked.example.com/app:1",
    "blocked.example.com/but/this:1",
    "blocked.example.com/but/this/too:1",
    "to-hub.example.com/library/python:3",
    "wide.example.com/x:1",
    "wide.example.com:5000/x:1",
    "wide.example.com:5001/x:1",
    "blocked.example.com:5000/x:1",
    "example.com/foo:1",
]


@pytest.mark.parametrize("reference", REFERENCES)
def test_skopeo_tries_the_same_places(home: Path, reference: str) -> None:
    """No request leaves the machine: names are asked of a proxy, which nobody is, as no one else listens."""
    user(home, TABLES)
    environment = {**os.environ, "HTTPS_PROXY": "http://127.0.0.1:1"}
    command = ["skopeo", "--debug", "inspect", f"docker://{reference}"]
    said = subprocess.run(command, capture_output=True, env=environment, cwd=home).stderr.decode()
    try:
        ours = sources(reference)
    except ConfigurationError as error:
        assert ("is blocked" in error.message) == ("is blocked in" in said)
        assert ("becomes" in error.message) == ("rewriting reference" in said)
    else:
        assert ours == re.findall(r'msg="Trying to access \\"([^"\\]+)\\""', said)
