"""The settings of unattended runs: one TOML file, checked against the classes below.

A key that is not a field here, or a value that its field does not take, stops before anything
is done. No setting is a secret: what is secret comes from the environment alone, and this module
keeps it out of what a run writes.
"""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import platformdirs

from helpers import vintages
from helpers.errors import InputError, listing
from rotation.refresh.refresh import Options
from rotation.run import TIME_LIMIT

FILE = "ROTATION_CONFIG"
LEVELS = ("debug", "info", "warning", "error")
NOTICES = ("failed", "verdict", "due", "source", "recovered")

_SECRET = re.compile(
    r"token|secret|passw(or)?d|passphrase|credential|(api|access|private)_?key|notice_urls",
    re.IGNORECASE,
)
_USER_IN_URL = re.compile(r"(?<=://)[^/\s@]+@")
# A shorter value hides nothing, and blotting it out would spoil every other word.
_SHORTEST_SECRET = 4
# What hidden_secrets has taken out of the environment for a while.
_hidden: dict[str, str] = {}


class ConfigError(InputError):
    """A configuration file that cannot be read, or holds what is no setting."""


def _setting(default: Any, expected: str, fits: Callable[[Any], bool]) -> Any:
    return field(default=default, metadata={"expected": expected, "fits": fits})


def _yes_or_no(default: bool) -> Any:
    return _setting(default, "true or false", lambda value: isinstance(value, bool))


def _whole(default: int, least: int) -> Any:
    return _setting(
        default,
        f"a whole number from {least}",
        lambda value: type(value) is int and value >= least,
    )


def _seconds(default: float) -> Any:
    return _setting(
        default,
        "a number of seconds above 0",
        lambda value: type(value) in (int, float) and 0 < value < float("inf"),
    )


def _is_date(text: object) -> bool:
    try:
        return isinstance(text, str) and date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _dates() -> Any:
    return _setting(
        (),
        'a list of ISO dates such as ["2026-10-29"]',
        lambda value: isinstance(value, list | tuple) and all(map(_is_date, value)),
    )


def _texts(example: str) -> Any:
    return _setting(
        (),
        f'a list such as ["{example}"]',
        lambda value: (
            isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)
        ),
    )


def _text(expected: str) -> Any:
    return _setting("", expected, lambda value: isinstance(value, str))


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and 0 <= value < float("inf")  # type: ignore[operator]


def _numbers(example: str) -> Any:
    return field(
        default_factory=dict,
        metadata={
            "expected": f"numbers by source such as {example}",
            "fits": lambda value: isinstance(value, dict) and all(map(_is_number, value.values())),
        },
    )


@dataclass(frozen=True)
class Refresh:
    """What a refresh does about new data."""

    enabled: bool = _yes_or_no(True)
    off: tuple[str, ...] = _texts("size-value")
    second_closes: str = _text("an address, a folder, or module:function")
    tolerance: Mapping[str, float] = _numbers("{ closes = 0.05 }")
    late_after: int = _whole(2, 0)
    accept_revisions: tuple[str, ...] = _texts("index_closes:2026-06-10")
    accept_closures: tuple[str, ...] = _dates()
    accept_moves: tuple[str, ...] = _dates()

    def options(
        self,
        revisions: Sequence[str] = (),
        closures: Sequence[str] = (),
        moves: Sequence[str] = (),
    ) -> Options:
        """Return the options of a refresh, with what a command accepts beside the settings."""
        return Options(
            (*self.accept_revisions, *revisions),
            (*self.accept_closures, *closures),
            (*self.accept_moves, *moves),
            self.off,
            self.tolerance,
            self.late_after,
            self.second_closes,
        )


@dataclass(frozen=True)
class Run:
    """How the notebooks are run."""

    jobs: int = _whole(0, 0)  # 0: one a processor
    notebook_time_limit: float = _seconds(TIME_LIMIT)
    retries: int = _whole(1, 0)
    tables: str = _text("the path of a folder")


@dataclass(frozen=True)
class Schedule:
    """The whole of a scheduled run, and what is kept of it."""

    max_time: float = _seconds(3600.0)
    keep_runs: int = _whole(30, 2)
    keep_vintages: int = _whole(30, 2)


def _kinds() -> Any:
    return _setting(
        NOTICES,
        f"a list of {listing(NOTICES)}",
        lambda value: isinstance(value, list | tuple) and {*value} <= {*NOTICES},
    )


@dataclass(frozen=True)
class Notices:
    """What somebody is told, and how; addresses come from the environment alone."""

    on: tuple[str, ...] = _kinds()
    command: str = _text("a command that reads the text from its standard input")


@dataclass(frozen=True)
class Log:
    """What is written down of a scheduled run."""

    level: str = _setting("info", f"one of {listing(LEVELS)}", lambda value: value in LEVELS)
    keep: int = _whole(30, 1)


@dataclass(frozen=True)
class Config:
    """Every setting; the classes of the sections say what each takes."""

    refresh: Refresh = Refresh()
    run: Run = Run()
    schedule: Schedule = Schedule()
    notices: Notices = Notices()
    log: Log = Log()

    def override(self, refresh: bool, max_time: float | None) -> Config:
        """Return the settings as a command's options change them."""
        limit = self.schedule.max_time if max_time is None else max_time
        return dataclasses.replace(
            self,
            refresh=dataclasses.replace(self.refresh, enabled=self.refresh.enabled and refresh),
            schedule=dataclasses.replace(self.schedule, max_time=limit),
        )


def default_path() -> Path:
    """Return where the file is looked for if none is named."""
    return Path(platformdirs.user_config_dir(vintages.APPLICATION, appauthor=False)) / "config.toml"


def load(path: str | Path | None = None) -> Config:
    """Read and check the configuration.

    Parameters
    ----------
    path : str or Path, optional
        By default what ``ROTATION_CONFIG`` names, else :func:`default_path`, which may be
        missing: then every setting has its default.

    Raises
    ------
    ConfigError
        Naming the file and the key, if the file is missing or not TOML, a key is unknown or a
        value impossible.
    """
    named = path or os.environ.get(FILE)
    file = Path(named).expanduser() if named else default_path()
    try:
        content = tomllib.loads(file.read_bytes().decode("utf-8"))
    except FileNotFoundError:
        if named:
            raise ConfigError(f"{file}: no such file; expected the configuration there") from None
        return Config()
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: not UTF-8 text at byte {error.start}") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file}: not TOML: {error}") from None
    return _checked(file, content)


def settings() -> dict[str, tuple[Any, str]]:
    """Return each setting by its full key: its default and what is expected of it."""
    return {
        f"{name}.{one.name}": (getattr(section, one.name), one.metadata["expected"])
        for name, section in _sections().items()
        for one in dataclasses.fields(section)
    }


def _sections() -> dict[str, Any]:
    """Return each section by its name, with its defaults."""
    return {one.name: one.default for one in dataclasses.fields(Config)}


def _checked(file: Path, content: Mapping[str, Any]) -> Config:
    sections = _sections()
    _refuse_strangers(file, "section", "", content, sections)
    made = {}
    for name, given in content.items():
        fields = {one.name: one for one in dataclasses.fields(sections[name])}
        if not isinstance(given, dict):
            raise ConfigError(f"{file}: {name} = {given!r}: expected a section [{name}]")
        _refuse_strangers(file, "key", f"{name}.", given, fields)
        for key, value in given.items():
            if not fields[key].metadata["fits"](value):
                expected = fields[key].metadata["expected"]
                raise ConfigError(f"{file}: {name}.{key} = {value!r}: expected {expected}")
        values = {k: tuple(v) if isinstance(v, list) else v for k, v in given.items()}
        made[name] = dataclasses.replace(sections[name], **values)
    return Config(**made)


def _refuse_strangers(
    file: Path, kind: str, prefix: str, given: Mapping[str, Any], known: Mapping[str, Any]
) -> None:
    for name in given:
        if name in known:
            continue
        if _SECRET.search(name):
            raise ConfigError(
                f"{file}: {kind} '{prefix}{name}': expected secrets in the environment only"
            )
        near = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean '{prefix}{near[0]}'? " if near else ""
        raise ConfigError(
            f"{file}: unknown {kind} '{prefix}{name}': {hint}expected one of {listing(known)}"
        )


# Secrets ----------------------------------------------------------------------------------------


def secrets() -> dict[str, str]:
    """Return the environment variables whose name says that they are secret."""
    return _hidden | {name: value for name, value in os.environ.items() if _SECRET.search(name)}


def secret(name: str) -> str:
    """Return one of them, ``""`` if it is not set."""
    return secrets().get(name, "")


def redacted(text: str) -> str:
    """Return text without the values of :func:`secrets` and without user names in addresses."""
    for name, value in secrets().items():
        for part in {value, *value.split()}:
            if len(part) >= _SHORTEST_SECRET:
                text = text.replace(part, f"[{name}]")
    return _USER_IN_URL.sub("[user]@", text)


@contextlib.contextmanager
def hidden_secrets() -> Iterator[None]:
    """Take secrets out of the environment, so that no kernel started meanwhile knows them."""
    _hidden.update(secrets())
    for name in _hidden:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(_hidden)
        _hidden.clear()
