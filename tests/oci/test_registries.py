"""docker-registry as people set it up: plain, TLS with Basic, behind a token server; and mirrors."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import elfuse as api
from elfuse.errors import AuthenticationError, ElfuseError, ImageNotFound, NetworkError
from elfuse.oci import source
from elfuse.oci.access import Access, AccessOptions, Credentials
from elfuse.oci.digest import Digest
from elfuse.oci.reference import Reference, parse_reference
from elfuse.oci.registry import RegistryClient
from tests.oci.conftest import assert_clean, blobs
from tests.oci.faulty import FaultyRegistry
from tests.oci.images import AMD64, INDEX, MANIFEST, Image, index_of, sample, sha256, write_layout
from tests.oci.registries import HTPASSWD, IDENTITY, PASSWORD, USER, TokenServer
from tests.oci.served import Certificates, certificates, docker_registry

GOOD = Credentials(USER, PASSWORD, "the test's login")
WRONG = Credentials(USER, "guessed", "/home/me/.docker/config.json")


@pytest.fixture
def reach(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Have every registry reached in this way, whatever is configured on this machine."""

    def set_access(
        credentials: Credentials | None = None,
        ca: Path | None = None,
        mirrors: list[str] | None = None,
        asked: list[str] | None = None,
    ) -> None:
        def look_up() -> Credentials | None:
            (asked if asked is not None else []).append("login")
            return credentials

        def accesses(reference: Reference, options: AccessOptions) -> list[Access]:
            places = [(parse_reference(f"{m}/{reference.path}:{reference.tag}"), True) for m in mirrors or []]
            return [
                Access(
                    place,
                    insecure=ca is None,
                    ca_files=(str(ca),) if ca else (),
                    is_mirror=is_mirror,
                    credentials=look_up,
                )
                for place, is_mirror in [*places, (reference, False)]
            ]

        monkeypatch.setattr(source, "accesses", accesses)

    return set_access


def upload(address: str, name: str, work: Path, *images: Image, tls: bool = False, login: bool = True) -> str:
    layout = write_layout(work / f"layout-{name.replace('/', '_')}", {"x": list(images)})
    command = ["skopeo", "copy", "-q", "--all", f"--dest-tls-verify={str(False).lower()}"]
    if login:
        command += ["--dest-creds", f"{USER}:{PASSWORD}"]
    subprocess.run([*command, f"oci:{layout}:x", f"docker://{address}/{name}:1"], check=True)
    return f"{address}/{name}:1"


def test_plain_http(tmp_path: Path, store_path: Path, reach: Callable[..., None]) -> None:
    asked: list[str] = []
    reach(GOOD, asked=asked)
    with docker_registry(tmp_path) as address:
        ref = upload(address, "plain/app", tmp_path, sample(), login=False)
        assert api.pull(ref).blobs_fetched == 4
    assert asked == []  # who is not asked for a login looks for none


@pytest.fixture(scope="module")
def basic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Certificates, Path]]:
    work = tmp_path_factory.mktemp("basic")
    made = certificates(work)
    (work / "htpasswd").write_text(HTPASSWD)
    with docker_registry(work, made, f"{{htpasswd: {{realm: r, path: {work}/htpasswd}}}}") as address:
        upload(address, "team/app", work, sample())
        yield address, made, work


def test_basic_over_tls(
    basic: tuple[str, Certificates, Path], store_path: Path, reach: Callable[..., None]
) -> None:
    address, made, _ = basic
    ref = f"{address}/team/app:1"
    reach(None, made.ca)
    with pytest.raises(AuthenticationError, match=f"wants a login; log in with: elfuse oci login {address}"):
        api.pull(ref)
    reach(WRONG, made.ca)
    with pytest.raises(AuthenticationError, match=r"denies access \(401.*the login from /home/me/\.docker"):
        api.pull(ref)
    reach(Credentials("", "x", "auth.json", is_identity_token=True), made.ca)
    with pytest.raises(AuthenticationError, match=r"auth\.json holds an identity token"):
        api.pull(ref)
    assert_clean(store_path)
    asked: list[str] = []
    reach(GOOD, made.ca, asked=asked)
    assert api.pull(ref).blobs_fetched == 4
    assert asked == ["login"]
    again = api.pull(ref)
    assert (again.blobs_fetched, again.bytes_fetched) == (0, 0) and again.bytes_reused > 0


def test_a_certificate_of_nobody_is_refused(
    basic: tuple[str, Certificates, Path], store_path: Path, reach: Callable[..., None], tmp_path: Path
) -> None:
    reach(GOOD, certificates(tmp_path).ca)
    with pytest.raises(NetworkError, match="certificate"):
        api.pull(f"{basic[0]}/team/app:1")
    assert_clean(store_path)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, TokenServer]]:
    """A registry behind a token server, with an image for everybody and one for who logs in."""
    work = tmp_path_factory.mktemp("guarded")
    with TokenServer(work) as tokens, docker_registry(work, auth=tokens.auth) as address:
        upload(address, "public/app", work, sample(b"public\n"), sample(platform=AMD64))
        upload(address, "private/app", work, sample(b"private\n"))
        tokens.seen.clear()
        yield address, tokens


def test_bearer_anonymous(
    guarded: tuple[str, TokenServer], store_path: Path, reach: Callable[..., None]
) -> None:
    address, tokens = guarded
    tokens.seen.clear()
    reach()
    api.pull(f"{address}/public/app:1")
    scope = {"service": ["the registry"], "scope": ["repository:public/app:pull"]}
    assert tokens.seen == [("GET", None, scope)]  # one token for all that was fetched
    with pytest.raises(AuthenticationError, match="it needs a login: elfuse oci login"):
        api.pull(f"{address}/private/app:1")


@pytest.mark.parametrize("identity", [False, True])
def test_bearer_with_a_login(
    guarded: tuple[str, TokenServer], store_path: Path, reach: Callable[..., None], identity: bool
) -> None:
    address, tokens = guarded
    tokens.seen.clear()
    reach(Credentials("<token>", IDENTITY, "auth.json", is_identity_token=True) if identity else GOOD)
    api.pull(f"{address}/private/app:1")
    [(method, authorization, form)] = tokens.seen
    assert form["scope"] == ["repository:private/app:pull"]
    if identity:
        assert (method, authorization) == ("POST", None)
        assert form["grant_type"] == ["refresh_token"] and form["refresh_token"] == [IDENTITY]
    else:
        assert method == "GET" and authorization is not None and authorization.startswith("Basic ")


def test_a_refused_login_says_where_it_came_from(
    guarded: tuple[str, TokenServer], store_path: Path, reach: Callable[..., None]
) -> None:
    reach(WRONG)
    with pytest.raises(AuthenticationError) as caught:
        api.pull(f"{guarded[0]}/private/app:1")
    message = str(caught.value)
    assert f"refuses the login from {WRONG.origin} (401 incorrect username or password)" in message
    assert f"elfuse oci login {guarded[0]}" in message and "guessed" not in message
    assert_clean(store_path)


def test_a_token_is_renewed_before_it_runs_out(
    guarded: tuple[str, TokenServer],
    store_path: Path,
    reach: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    address, tokens = guarded
    tokens.seen.clear()
    monkeypatch.setattr(tokens, "life", 1)
    access = Access(parse_reference(f"{address}/private/app:1"), insecure=True, credentials=lambda: GOOD)
    client = RegistryClient(access)
    try:
        client.manifest("1", "x")
        client.manifest("1", "x")
        assert len(tokens.seen) == 1
        time.sleep(1.0)
        client.manifest("1", "x")
        assert len(tokens.seen) == 2
        # A push needs another token, which pulls do not get to see.
        client.request("POST", "blobs/uploads/", scopes=client.scopes("pull,push"))
        assert tokens.seen[-1][2]["scope"] == ["repository:private/app:pull,push"]
    finally:
        client.close()


def test_tags_heads_and_referrers(tmp_path: Path, store_path: Path) -> None:
    image = sample()
    with docker_registry(tmp_path) as address:
        ref = upload(address, "lists/app", tmp_path, image, login=False)
        for tag in ("2", "3"):
            command = ["skopeo", "copy", "-q", "--src-tls-verify=false", "--dest-tls-verify=false"]
            subprocess.run([*command, f"docker://{ref}", f"docker://{address}/lists/app:{tag}"], check=True)
        client = RegistryClient(Access(parse_reference(ref), insecure=True))
        digest = Digest(sha256(image.raw))
        assert sorted(client.tags()) == ["1", "2", "3"]
        assert client.head_manifest("1", ref) == digest
        assert client.manifest_unless("1", ref, digest) is None
        assert client.manifest_unless("1", ref, Digest("sha256:" + "0" * 64)) == (image.raw, MANIFEST)
        with pytest.raises(ImageNotFound):
            client.head_manifest("none", ref)
        # This registry has no referrers API: the fallback tag.
        assert client.referrers(digest) == []
        entry = {**image.descriptor, "artifactType": "application/x.sbom"}
        index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}).encode()
        path = f"manifests/{digest.replace(':', '-')}"
        assert client.request("PUT", path, headers={"Content-Type": INDEX}, body=index).status == 201
        assert [found.digest for found in client.referrers(digest)] == [digest]
        assert client.referrers(digest, "application/x.signature") == []
        client.close()


def test_lists_are_read_page_by_page() -> None:
    with FaultyRegistry() as server:
        entry = {**sample().descriptor, "artifactType": "application/x.sbom"}
        pages = {
            "/v2/x/tags/list": (b'{"name":"x","tags":["a","b"]}', "</v2/x/tags/list?last=b&n=2>; rel=next"),
            "/v2/x/tags/list?last=b&n=2": (b'{"name":"x","tags":["c"]}', ""),
            f"/v2/x/referrers/sha256:{'0' * 64}": (json.dumps({"manifests": [entry]}).encode(), ""),
        }
        server.hooks.append(
            lambda e: e.path in pages and e.answer(200, pages[e.path][0], fields={"Link": pages[e.path][1]})
        )
        client = RegistryClient(Access(parse_reference(f"{server.address}/x"), insecure=True))
        assert client.tags() == ["a", "b", "c"]
        [found] = client.referrers(Digest(f"sha256:{'0' * 64}"), "application/x.sbom")
        assert found.artifact_type == "application/x.sbom" and found.size == entry["size"]
        pages["/v2/x/tags/list?last=b&n=2"] = pages["/v2/x/tags/list"]
        server.hooks.insert(0, lambda e: len(server.seen) > 50 and e.answer(404))
        with pytest.raises(ImageNotFound):
            client.tags()
        client.close()


def test_mirrors_are_asked_first_and_the_registry_last(
    store_path: Path, reach: Callable[..., None], tmp_path: Path
) -> None:
    image = sample()
    with FaultyRegistry() as first, FaultyRegistry() as second, FaultyRegistry() as primary:
        second.add("app", image)
        ref = primary.add("app", image)
        missing = image.manifest["layers"][0]["digest"]
        del second.blobs[missing]
        reach(mirrors=["127.0.0.1:1", first.address, second.address])
        pulled = api.pull(ref)
        assert pulled.reference == f"{ref}:latest" and pulled.digest == sha256(image.raw)
        # The mirror that had the manifest is asked for every blob; the registry for what it lacks only.
        assert [path for path, _, _ in first.seen if "/blobs/" in path] == []
        assert [path for path, _, _ in primary.seen if path != "/v2/"] == [f"/v2/app/blobs/{missing}"]
        with pytest.raises(ImageNotFound, match=primary.address):
            api.pull(f"{primary.address}/nothing")


def test_all_platforms(tmp_path: Path, store_path: Path, reach: Callable[..., None]) -> None:
    arm, amd = sample(), sample(b"amd\n", platform=AMD64)
    attestation = Image([], platform={"os": "unknown", "architecture": "unknown"})
    statement = attestation._put(
        b'{"_type":"https://in-toto.io/Statement/v0.1"}', "application/vnd.in-toto+json"
    )
    attestation.manifest["layers"] = [statement]
    reach()
    with docker_registry(tmp_path) as address:
        ref = upload(address, "all/app", tmp_path, amd, arm, attestation, login=False)
        pulled = api.pull(ref, all_platforms=True)
        index = index_of([amd, arm, attestation])
        assert (pulled.digest, pulled.index) == (sha256(arm.raw), sha256(index))
        held = {
            digest[7:] for image in (arm, amd, attestation) for digest in (*image.blobs, sha256(image.raw))
        }
        assert blobs(store_path) == held | {sha256(index)[7:]}
        raw = subprocess.run(
            ["skopeo", "inspect", "--raw", f"oci:{store_path}:{ref}"], check=True, capture_output=True
        )
        assert raw.stdout == index
        # It runs as the image for this machine, and a later pull of one platform leaves it whole.
        assert api.inspect(ref).digest == sha256(arm.raw) and api.unpack(ref)
        assert api.pull(ref).blobs_fetched == 0
        raw = subprocess.run(
            ["skopeo", "inspect", "--raw", f"oci:{store_path}:{ref}"], check=True, capture_output=True
        )
        assert raw.stdout == index
        copied = tmp_path / "copy"
        command = ["skopeo", "copy", "-q", "--all", f"oci:{store_path}:{ref}", f"oci:{copied}:x"]
        subprocess.run(command, check=True)


def test_several_images_share_what_they_can(
    store_path: Path, reach: Callable[..., None], tmp_path: Path
) -> None:
    from elfuse.api.pulling import PulledImage, pull_all

    reach()
    with FaultyRegistry() as server:
        one, two = sample(b"one\n"), sample(b"two\n")
        shared = one.manifest["layers"][1]["digest"]
        assert shared == two.manifest["layers"][1]["digest"]
        names = [server.add("one", one), f"{server.address}/none", server.add("two", two), "Bad/Name"]
        outcomes = pull_all(names)
        assert [isinstance(outcome, PulledImage) for outcome in outcomes] == [True, False, True, False]
        assert isinstance(outcomes[1], ImageNotFound) and isinstance(outcomes[3], ElfuseError)
        assert server.sent[shared] == len(server.blobs[shared])
