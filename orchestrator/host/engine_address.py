"""Says which Docker engine is meant, as the `docker` program would, and why one does not answer. Starts nothing.

The SDK takes the engine of this machine where a context is unknown or no config.json lies beside it, and says nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from orchestrator.errors import HostError, UserError
from orchestrator.model import Noun

HERE = "unix:///var/run/docker.sock"
TLS_VARIABLES = ("DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH")


class Tls(Noun, frozen=True, kw_only=True):
    """A secure connection: `verify` checks the engine's certificate by ca.pem; cert.pem and key.pem are ours."""

    folder: str
    verify: bool

    @property
    def authority(self) -> str | None:
        return self._file("ca.pem")

    @property
    def certificate(self) -> tuple[str, str] | None:
        """Our certificate and its key, for engines that want one."""
        cert, key = self._file("cert.pem"), self._file("key.pem")
        return (cert, key) if cert and key else None

    def _file(self, name: str) -> str | None:
        path = Path(self.folder) / name
        return str(path) if path.is_file() else None


class Address(Noun, frozen=True, kw_only=True):
    """An engine's address, and what names it: "DOCKER_HOST", "context ...", or "" for this machine's own."""

    host: str
    named_by: str = ""
    tls: Tls | None = None

    @property
    def place(self) -> str:
        """For messages: the path of a socket, else the whole address; and what names it."""
        if self.named_by == "DOCKER_HOST":
            return f"DOCKER_HOST={self.host}"
        by = f" ({self.named_by})" if self.named_by else ""
        return self.host.removeprefix("unix://") + by


class _Endpoint(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    host: str = HERE
    skip_tls_verify: bool = msgspec.field(name="SkipTLSVerify", default=False)


class _Meta(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """What docker keeps of a context."""

    endpoints: dict[str, _Endpoint] = {}


class _Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What matters here of docker's config.json."""

    context: str = msgspec.field(name="currentContext", default="")


def engine_address(environment: Mapping[str, str], home: Path) -> Address:
    """DOCKER_HOST, else the context of DOCKER_CONTEXT or of docker's config.json, else this machine's engine.

    Raises UserError for a context that is not there, HostError for a way that leads to no engine of this machine.
    """
    settings = Path(environment.get("DOCKER_CONFIG") or home / ".docker")
    address = _named(environment, settings)
    if address.tls and address.tls.verify and not address.tls.authority:
        raise HostError(
            f"a secure connection to the Docker engine at {address.place} needs ca.pem, cert.pem and key.pem, and "
            f"{address.tls.folder} has no ca.pem",
            f"Name their folder with DOCKER_CERT_PATH, or unset {' and '.join(TLS_VARIABLES)}.",
        )
    if address.host.startswith("ssh://"):
        far = address.host.removeprefix("ssh://").rstrip("/")
        raise HostError(
            f"{address.place}: an engine that is reached by ssh is another machine's, and its figures would be "
            "recorded as this one's",
            f"Start orchestrate there (ssh {far}), or unset {_switch(address)}.",
        )
    return address


def _named(environment: Mapping[str, str], settings: Path) -> Address:
    host, tls = environment.get("DOCKER_HOST"), _tls_of(environment, settings)
    if host:
        return Address(host=host, named_by="DOCKER_HOST", tls=None if host.startswith("unix:") else tls)
    variable = environment.get("DOCKER_CONTEXT", "")
    name = variable or _current(settings / "config.json")
    if name in ("", "default"):
        return Address(host="tcp://localhost:2376", named_by=", ".join(TLS_VARIABLES), tls=tls) if tls else _here()
    return _context(name, "DOCKER_CONTEXT" if variable else f"{settings}/config.json", settings / "contexts")


def _here() -> Address:
    return Address(host=HERE)


def _tls_of(environment: Mapping[str, str], settings: Path) -> Tls | None:
    verify, folder = (environment.get(name) for name in TLS_VARIABLES)
    return Tls(folder=folder or str(settings), verify=bool(verify)) if verify or folder else None


def _current(config: Path) -> str:
    """The context that config.json names; a file that is not there or no JSON names none, as for docker itself."""
    try:
        return msgspec.json.decode(config.read_bytes(), type=_Settings).context
    except (OSError, msgspec.MsgspecError):
        return ""


def _context(name: str, source: str, folder: Path) -> Address:
    key = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()
    file = folder / "meta" / key / "meta.json"
    hint = "`docker context ls` shows those that are there; DOCKER_CONTEXT=default means this machine's own engine."
    try:
        endpoint = msgspec.json.decode(file.read_bytes(), type=_Meta).endpoints["docker"]
    except FileNotFoundError as error:
        raise UserError(f"there is no docker context {name!r}, which {source} names", hint) from error
    except (OSError, KeyError, msgspec.MsgspecError) as error:
        raise UserError(f"cannot read the docker context {name!r} of {source}: {file}: {error}", hint) from error
    certificates = folder / "tls" / key / "docker"
    tls = Tls(folder=str(certificates), verify=not endpoint.skip_tls_verify) if certificates.is_dir() else None
    return Address(host=endpoint.host, named_by=f"the context {name!r} of {source}", tls=tls)


def _switch(address: Address) -> str:
    """What a user changes to mean another engine."""
    if address.named_by.startswith("the context"):
        return "the context (DOCKER_CONTEXT=default)"
    return address.named_by


def explain_silence(text: str, address: Address) -> tuple[str, str]:
    """Message and hint for an engine that does not answer; `text` is what the SDK said."""
    place, words = address.place, text.strip().partition("\n")[0]
    if "Permission" in text:
        return (
            f"no permission to use the Docker engine at {place}",
            "Add yourself to its group (sudo usermod -aG docker $USER) and log in again.",
        )
    if address.tls or "SSL" in text or "HTTPS" in text:
        return (
            f"no secure connection to the Docker engine at {place}: {words}",
            f"{' and '.join(TLS_VARIABLES)} say whether TLS is used, and where its certificates lie: correct or unset "
            "them.",
        )
    if address.named_by:
        return f"no Docker engine answers at {place}: {words}", f"Start it, or correct or unset {_switch(address)}."
    if "FileNotFound" in text or "No such file" in text:
        return (
            f"no Docker engine here: {place} is not there",
            "Install and start one (https://docs.docker.com/engine/install/); for an engine elsewhere, or a rootless "
            "one, set DOCKER_HOST to what `docker context inspect` shows.",
        )
    if "refused" in text:
        return f"the Docker engine at {place} is not running", "Start it: sudo systemctl start docker."
    return f"the Docker engine at {place} does not answer: {words}", "Try `docker version`."
