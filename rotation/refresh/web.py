"""Fetching over HTTP: retries, and the time and size of an answer, are bounded.

What a server marks with an ``ETag`` or a date is kept in ``cache/`` of the user's folder and asked
for only if it has changed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import time
from collections.abc import Mapping
from pathlib import Path

import requests
from requests.adapters import HTTPAdapter
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import ReadTimeoutError
from urllib3.util import Retry

from helpers import vintages
from helpers.errors import Exit, InputError
from rotation import atomic

# Seconds to connect and for the next bytes, tries after the first, longest wait a server may ask
# for. A connection is tried twice, so that a machine without a network is told so within 20 s.
CONNECT, READ, RETRIES, PATIENCE = 5.0, 10.0, 2, 20.0
# What one answer may take in all.
SLOWEST, LARGEST = 60.0, 20_000_000
# Seconds after which an answer that nobody asked for again is forgotten.
KEPT = 40 * 86400.0

# Header of an answer: header of the next request.
_CONDITIONS = {"ETag": "If-None-Match", "Last-Modified": "If-Modified-Since"}


class SourceError(InputError):
    """A source that cannot be reached, or that says what cannot be used."""

    code = Exit.SOURCE_FAILED


class _Patience(Retry):
    """Wait as long as a server asks, up to a bound; beyond it give up at once."""

    def get_retry_after(self, response: BaseHTTPResponse) -> float | None:
        seconds = super().get_retry_after(response)
        if seconds is not None and seconds > PATIENCE:
            raise SourceError(
                f"the server asks to wait {seconds:.0f} s; expected at most {PATIENCE:.0f}"
            )
        return seconds


def get(
    what: str,
    address: str,
    asked: Mapping[str, str] | None = None,
    secret: Mapping[str, str] | None = None,
) -> bytes:
    """Return what is at an address.

    Parameters
    ----------
    what : str
        Name of the thing, for messages.
    address : str
    asked, secret : dict, optional
        Parameters of the request; those that are secret appear in no message and no file.

    Raises
    ------
    SourceError
        If it cannot be reached, answers anything but 200, or takes too long.
    """
    patience = _Patience(
        RETRIES,
        connect=min(1, RETRIES),
        backoff_factor=0.5,
        status_forcelist=(429, 500, 502, 503, 504),
        raise_on_status=False,
    )
    place = host(address)
    late = time.monotonic() + SLOWEST
    known = _Known(address, asked or {})
    try:
        with requests.Session() as session:
            for scheme in ("http://", "https://"):
                session.mount(scheme, HTTPAdapter(max_retries=patience))
            session.headers["User-Agent"] = "rotation-claims"
            session.headers.update(known.conditions)
            with session.get(
                address,
                params={**(asked or {}), **(secret or {})},
                timeout=(CONNECT, READ),
                stream=True,
            ) as answer:
                if answer.status_code == 304 and known.conditions:
                    return known.content
                if answer.status_code != 200:
                    raise SourceError(
                        f"{what}: {place} answers {answer.status_code} {answer.reason}; "
                        "expected 200"
                    )
                content = _body(what, answer, late)
                known.keep(content, answer.headers)
                return content
    except SourceError as error:
        told = str(error)
        raise SourceError(told if told.startswith(what) else f"{what}: {told}") from None
    except requests.exceptions.ChunkedEncodingError:
        raise SourceError(f"{what}: the answer of {place} broke off") from None
    except (requests.RequestException, ValueError) as error:
        # Once the tries are used up the client tells a late answer by its reason alone.
        reason = getattr(error.args[0] if error.args else error, "reason", error)
        late_answer = isinstance(reason, ReadTimeoutError | requests.ReadTimeout)
        told = "does not answer in time" if late_answer else "cannot be reached"
        raise SourceError(f"{what}: {place} {told}; is there a network?") from None


class _Known:
    """An answer kept from an earlier request, if there is one and it is whole."""

    def __init__(self, address: str, asked: Mapping[str, str]) -> None:
        name = hashlib.sha256(json.dumps([address, sorted(asked.items())]).encode()).hexdigest()
        self._file = folder() / name[:32]
        self.conditions: dict[str, str] = {}
        self.content = b""
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            marks = json.loads(self._file.with_suffix(".json").read_text(encoding="utf-8"))
            self.content = self._file.read_bytes()
            if hashlib.sha256(self.content).hexdigest() == marks["sha256"]:
                self.conditions = {str(k): str(v) for k, v in marks["conditions"].items()}

    def keep(self, content: bytes, headers: Mapping[str, str]) -> None:
        """Keep an answer that can be asked for conditionally; a disk that is full keeps none."""
        conditions = {ask: headers[told] for told, ask in _CONDITIONS.items() if told in headers}
        if not conditions:
            return
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.write_bytes(content)
            marks = {"sha256": hashlib.sha256(content).hexdigest(), "conditions": conditions}
            atomic.write_json(self._file.with_suffix(".json"), marks)
            for old in folder().iterdir():
                if time.time() - old.stat().st_mtime > KEPT:
                    old.unlink()


def folder() -> Path:
    """Return the folder of kept answers."""
    return vintages.home() / "cache"


def _body(what: str, answer: requests.Response, late: float) -> bytes:
    content = bytearray()
    for part in answer.iter_content(65536):
        content += part
        if time.monotonic() > late or len(content) > LARGEST:
            raise SourceError(f"{what}: the answer takes too long or is too large")
    return bytes(content)


def host(address: str) -> str:
    """Return the host of an address, without a user's name or the path."""
    return re.sub(r"^https?://([^/@]*@)?([^/]+).*", r"\2", address)
