"""Reads the settings: `visavis.toml`, then the environment, then the command line; the later wins.

What is wrong is told in one line that names where it came from, its key and what it may be.

Only the owner's own file, environment and command line reach this module; a persona or another shared file never does.
"""

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError
from pydantic_settings import EnvSettingsSource

from agent.config import ENV_PREFIX, ConfigError, Settings

FILE_NAME = "visavis.toml"
OPENAI_HOST = "api.openai.com"
_SECRETS = {"token", "api_key"}

_PATHS = (
    ("server", "tls_certificate"),
    ("server", "tls_key"),
    ("knowledge", "folder"),
    ("recording", "folder"),
    ("avatar", "behaviour"),
)
"""Keys of files and folders: in `visavis.toml` they count from the file's own folder."""


def load(config: Path | None = None, overrides: Mapping[str, Any] | None = None) -> Settings:
    """Read `config`, or ./visavis.toml where there is one; then the environment; then `overrides` (from the command
    line), shaped like the file: {"server": {"port": 9000}}. Raises ConfigError."""
    if config is None and Path(FILE_NAME).is_file():
        config = Path(FILE_NAME)
    sources: list[tuple[str, dict[str, Any]]] = []
    if config is not None:
        sources.append((str(config), _read_file(config)))
    sources.append(("environment", _read_environment()))
    sources.append(("command line", dict(overrides or {})))
    merged: dict[str, Any] = {}
    for _, values in sources:
        merged = _merge(merged, values)
    merged = _merge(_openai_key(merged), merged)
    try:
        return Settings(**merged)
    except ValidationError as error:
        raise ConfigError(_explain(error, sources)) from None


def _read_file(path: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None
    for section, key in _PATHS:
        table = values.get(section)
        if isinstance(table, dict) and isinstance(table.get(key), str):
            table[key] = path.resolve().parent / Path(table[key]).expanduser()
    return values


def _read_environment() -> dict[str, Any]:
    values = EnvSettingsSource(Settings)()
    token = os.environ.get(f"{ENV_PREFIX}TOKEN")
    return _merge({"server": {"token": token}} if token else {}, values)


def _openai_key(values: Mapping[str, Any]) -> dict[str, Any]:
    """OPENAI_API_KEY where OpenAI's own servers are used; nobody else is ever sent it."""
    key = os.environ.get("OPENAI_API_KEY")
    here: Any = values
    for part in ("engines", "options"):
        here = here.get(part) if isinstance(here, Mapping) else None
    if not key or not isinstance(here, Mapping):
        return {}
    addresses = {name: table.get("base_url") for name, table in here.items() if isinstance(table, Mapping)}
    theirs = [name for name, address in addresses.items() if _host(address) == OPENAI_HOST]
    return {"engines": {"options": {name: {"api_key": key} for name in theirs}}} if theirs else {}


def _host(address: object) -> str | None:
    try:
        return urlsplit(address).hostname if isinstance(address, str) else None
    except ValueError:
        return None


def _merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        merged[key] = _merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged


def _explain(error: ValidationError, sources: list[tuple[str, dict[str, Any]]]) -> str:
    """One line on the first thing wrong, and how much else is."""
    details = error.errors(include_url=False)
    first = details[0]
    keys = [str(part) for part in first["loc"]]
    if key_of_whole := first.get("ctx", {}).get("key"):  # a section's check of one of its keys
        keys.append(key_of_whole)
    key = ".".join(keys)
    if first["type"] == "extra_forbidden":
        near = difflib.get_close_matches(keys[-1], _known_keys(keys[:-1]), n=1, cutoff=0.5)
        known = ".".join([*keys[:-1], *near])
        hint = f" (did you mean {known}?)" if near else f"; known here: {', '.join(_known_keys(keys[:-1]))}"
        problem = f"unknown key {key}{hint}"
    elif first["type"] == "model_type":
        problem = f"{key} must be a table with some of: {', '.join(_known_keys(keys))}"
    else:
        hidden = _SECRETS & set(keys) or isinstance(first["input"], dict | BaseModel) or "@" in str(first["input"])
        shown = "" if hidden else f" = {first['input']!r}"
        problem = f"{key}{shown}: {first['msg'].removeprefix('Value error, ')}"
    more = f" (and {len(details) - 1} more)" if len(details) > 1 else ""
    return f"{_origin(keys, sources)}: {problem}{more}"


def _origin(keys: list[str], sources: list[tuple[str, dict[str, Any]]]) -> str:
    """Where the value at `keys` came from; the last source that has it has won."""
    for name, values in reversed(sources):
        here: Any = values
        depth = 0
        while depth < len(keys) and isinstance(here, Mapping) and keys[depth] in here:
            here = here[keys[depth]]
            depth += 1
        if depth == len(keys) or (depth and not isinstance(here, Mapping)):
            return f"environment variable {_variable(keys[:depth])}" if name == "environment" else name
    return sources[0][0]


def _variable(keys: list[str]) -> str:
    """The environment variable that the value at `keys` was read from."""
    variable = f"{ENV_PREFIX}{'__'.join(keys).upper()}"
    named = {name.upper() for name in os.environ}
    return f"{ENV_PREFIX}TOKEN" if keys == ["server", "token"] and variable not in named else variable


def _known_keys(section: list[str]) -> list[str]:
    model: type[BaseModel] = Settings
    for key in section:
        annotation = model.model_fields[key].annotation
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        model = annotation
    return list(model.model_fields)
