"""What keeps a request from being answered is told by its cause: certificate, clock, proxy, page of a proxy."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from greenlake_backup_mcp import settings
from greenlake_backup_mcp.cli import doctor
from greenlake_backup_mcp.errors import BackupError, ServiceError, Unreachable
from greenlake_backup_mcp.http.auth import jwks
from greenlake_backup_mcp.upstream import client, connection_errors
from greenlake_backup_mcp.upstream.retry_after import retry_after_seconds

READ = client.Request("List", "GET", "/x/v1/things", reads=True, tool="list_things")
WRITE = client.Request("Make", "POST", "/x/v1/things", body={}, media_type="application/json", tool="make_thing")
NOW = dt.datetime(2026, 11, 24, 8, 0, tzinfo=dt.UTC)


USES = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")  # fmt: skip
CA_USAGE = x509.KeyUsage(**{use: use in ("key_cert_sign", "crl_sign", "digital_signature") for use in USES})
HOST_USAGE = x509.KeyUsage(**{use: use == "digital_signature" for use in USES})


def certificate(
    path: Path, *, days: tuple[int, int], address: str = "127.0.0.1", issued_by: Any = None
) -> tuple[Path, Any]:
    """A certificate and its key in one file; its own authority unless another one issues it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, path.stem)])
    issuer, signer = issued_by or (name, key)
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + dt.timedelta(days=days[0]))
        .not_valid_after(now + dt.timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(ca=issued_by is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False)
        # from Python 3.13 on a chain is checked as RFC 5280 wants it
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .add_extension(CA_USAGE if issued_by is None else HOST_USAGE, critical=True)
        .sign(signer, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    )
    return path, (name, key)


@asynccontextmanager
async def answering(content: bytes, tls: Path | None = None) -> AsyncIterator[str]:
    """A port that answers every request with these bytes; its address."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(content)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    context = None
    if tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls)
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # handshakes that a client breaks off
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def problem_at(url: str, request: client.Request = READ, **options: Any) -> BackupError:
    async def no_sleep(_seconds: float) -> None:
        """No time passes."""

    chosen = settings.load(**{"api_base_url": url, "token": "t", "retries": 0, "timeout": 5.0, **options})
    async with client.connect(chosen, sleep=no_sleep) as api:
        with pytest.raises(BackupError) as raised:
            await client.send(api, request)
    return raised.value


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An authority that is trusted here."""
    path, signer = certificate(tmp_path / "authority.pem", days=(-9, 9))
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy", "http_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    return signer


@pytest.mark.parametrize(
    ("options", "words", "cure"),
    [
        ({"days": (-9, -1)}, "its certificate has expired", "clock is ahead"),
        ({"days": (1, 9)}, "its certificate is not valid yet", "this machine's clock right"),
        ({"days": (-1, 9), "address": "10.0.0.1"}, "its certificate is for another name", "URL"),
        ({"days": (-1, 9), "issued_by": None}, "an authority that this machine does not trust", "SSL_CERT_FILE"),
    ],
    ids=["expired", "not yet valid", "another name", "unknown authority"],
)
@pytest.mark.parametrize("request_", [READ, WRITE], ids=["read", "write"])
async def test_a_certificate_is_named_with_what_is_wrong_and_what_cures_it(  # noqa: PLR0917
    options: dict[str, Any], words: str, cure: str, request_: client.Request, tmp_path: Path, authority: Any
) -> None:
    path, _ = certificate(tmp_path / "host.pem", **{"issued_by": authority, **options})
    async with answering(b"", path) as place:
        problem = await problem_at(f"https://{place}", request_)
        assert isinstance(problem, Unreachable)
        assert words in problem.message
        assert cure in problem.hint
        credentials: dict[str, Any] = {
            "token": None,
            "client_id": "i",
            "client_secret": "s3cret",
            "token_url": f"https://{place}/token",
        }
        of_token = await problem_at(f"https://{place}", **credentials)
        assert words in of_token.message
        assert cure in of_token.hint
        with pytest.raises(Unreachable, match=words):
            await jwks.fetch_json(f"https://{place}/keys")


@pytest.mark.usefixtures("authority")
async def test_a_port_without_tls_is_said_to_have_none() -> None:
    async with answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as place:
        assert "no TLS connection could be made" in (await problem_at(f"https://{place}")).message


@pytest.mark.usefixtures("authority")
@pytest.mark.parametrize(
    ("content", "words", "cure"),
    [
        (b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n", "refuses it (HTTP 403)", "let this host through"),
        (
            b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n",
            "asks for a login",
            "NAME:PASSWORD",
        ),
        (None, "does not answer", "HTTPS_PROXY"),
    ],
    ids=["forbidden", "login", "dead"],
)
async def test_a_proxy_is_blamed_for_what_is_its_own(
    content: bytes | None, words: str, cure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with answering(content or b"") as alive:
        place = alive if content else "127.0.0.1:9"
        monkeypatch.setenv("HTTPS_PROXY", f"http://{place}")
        own = await problem_at("https://backup.example.com")
        credentials: dict[str, Any] = {"token": None, "client_id": "i", "client_secret": "s3cret"}
        of_token = await problem_at("https://backup.example.com", **credentials)
    for problem in (own, of_token):
        assert f"the proxy {place}" in problem.message
        assert words in problem.message
        assert cure in problem.hint


@pytest.mark.parametrize("kind", ["certificate", "login"])
async def test_doctor_prints_the_cure_of_the_cause_that_is_known(
    kind: str, authority: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = certificate(tmp_path / "host.pem", days=(-1, 9), issued_by=None)[0] if kind == "certificate" else None
    assert authority
    async with answering(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n", path) as place:
        if path is None:
            monkeypatch.setenv("HTTPS_PROXY", f"http://{place}")
        base = f"https://{place}" if path else "https://backup.example.com"
        assert await doctor.examine(settings.load(api_base_url=base, token="t" * 20, retries=0)) == 1
    cure = next(line for line in capsys.readouterr().out.splitlines() if line.strip().startswith("cure"))
    assert ("SSL_CERT_FILE" if path else "NAME:PASSWORD") in cure


PAGE = b"<!DOCTYPE html><html><head><title>Access denied</title></head></html>"


@pytest.mark.parametrize("status", [302, 401, 403, 404, 503])
@pytest.mark.parametrize("kind", [b"text/html; charset=utf-8", b"text/plain", b""])
async def test_a_page_in_html_is_a_proxys_and_no_missing_permission(status: int, kind: bytes) -> None:
    header = b"content-type: %b\r\n" % kind if kind else b""
    content = b"HTTP/1.1 %d X\r\n%bcontent-length: %d\r\n\r\n%b" % (status, header, len(PAGE), PAGE)
    async with answering(content) as place:
        problem = await problem_at(f"http://{place}")
        credentials: dict[str, Any] = {
            "token": None,
            "client_id": "i",
            "client_secret": "s3cret",
            "token_url": f"http://{place}/token",
        }
        of_token = await problem_at(f"http://{place}", **credentials)
    assert isinstance(problem, ServiceError)
    for text in (problem, of_token):
        assert "a proxy or gateway in between answered" in text.message
        assert f"HTTP {status}" in text.message
        assert "permission" not in text.hint
        assert "CLIENT_SECRET" not in text.hint


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        ("0", 0),
        (str(int(NOW.timestamp()) + 90), 90),
        (str((int(NOW.timestamp()) + 90) * 1000), 90),
        (str(int(NOW.timestamp()) - 90), 0),
        ("Tue, 24 Nov 2026 08:01:30 GMT", 90),
        ("Tue Nov 24 08:01:30 2026", 90),
        ("Tuesday, 24-Nov-26 08:01:30 GMT", 90),
        ("2026-11-24T08:01:30Z", 90),
        ("2026-11-24T07:59:00Z", 0),
        ("soon", None),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_may_be_seconds_or_a_moment(value: str, seconds: float | None, status: int) -> None:
    assert retry_after_seconds({"retry-after": value}, status, NOW) == seconds
    behind = NOW - dt.timedelta(hours=5)  # our clock; the service tells its own
    date = {"date": "Tue, 24 Nov 2026 08:00:00 GMT"}
    assert retry_after_seconds({"retry-after": value, **date}, status, behind) == seconds


def odd_certificate() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError("it is odd")
    error.verify_code, error.verify_message = 1000, "odd (in a way)"
    return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (httpx2.DecodingError("bad gzip"), "sent an answer that cannot be decompressed"),
        (httpx2.ProxyError("it broke"), "cannot be reached: the proxy failed"),
        (httpx2.ReadError("reset"), "broke the connection off"),
        (odd_certificate(), "its certificate does not hold (odd in a way)"),
    ],
    ids=repr,
)
def test_what_has_no_cause_that_is_known_is_told_as_far_as_it_is(error: Exception, words: str) -> None:
    failure = connection_errors.explain(error)
    assert words in failure.words
    assert failure.hint


async def test_a_long_wait_is_told_in_words_of_time() -> None:
    moment = int(dt.datetime.now(dt.UTC).timestamp()) + 3 * 3600 + 60
    content = b"HTTP/1.1 429 X\r\nretry-after: %d\r\ncontent-length: 0\r\n\r\n" % moment
    async with answering(content) as place:
        problem = await problem_at(f"http://{place}", retries=2)
    assert "asks to wait 3 h" in problem.hint
