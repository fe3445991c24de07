"""The caller's credentials for registries. What their helper programs cannot give is left out, never fatal.

Docker Desktop writes `credsStore` into config.json, and the file outlives it. Nothing that is built here is private: a
registry that does want an account says so itself.
"""

from __future__ import annotations

import contextlib
import functools
import os
import subprocess
import warnings
from collections.abc import Iterator
from typing import Any

from orchestrator.host.docker_sdk import docker_sdk

#: Seconds for a helper to answer: it may ask its user to unlock something.
HELPER_S = 60.0


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """The SDK prints a warning for a helper that is not installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@functools.cache
def _forgiving() -> Any:
    """The SDK's class of credentials, which without this raises an error of its own for a helper that fails."""
    sdk = docker_sdk()

    class Bounded(sdk.credentials.Store):  # type: ignore[misc,name-defined]
        """One helper. It is not asked again once it has hung: there may be many registries to ask it about."""

        hung = False

        def _execute(self, command: str, words: bytes | None) -> bytes:
            if self.exe is None or self.hung:
                raise sdk.credentials.StoreError(f"{self.program} does not answer")
            environment = {**os.environ, **(self.environment or {})}
            try:
                answer = subprocess.run(
                    [self.exe, command], input=words or b"", env=environment, stdout=subprocess.PIPE, timeout=HELPER_S
                )
            except subprocess.TimeoutExpired:
                self.hung = True
                raise
            answer.check_returncode()
            return answer.stdout

    class Forgiving(sdk.auth.AuthConfig):  # type: ignore[misc,name-defined]
        is_empty = False  # else the SDK reads the file again, into its own class

        def _get_store_instance(self, name: str) -> Any:
            if name not in self._stores:
                self._stores[name] = Bounded(name, environment=self._credstore_env)
            return self._stores[name]

        def _resolve_authconfig_credstore(self, registry: str, name: str) -> Any:
            try:
                with _silent():
                    return super()._resolve_authconfig_credstore(registry, name)
            except Exception:  # not installed, no answer, an answer that is no JSON
                return None

        def get_all_credentials(self) -> dict[str, Any]:
            try:
                with _silent():
                    found = super().get_all_credentials()
            except Exception:  # the helper that lists its registries
                found = dict(self.auths)
            return {registry: entry for registry, entry in found.items() if entry is not None}

    return Forgiving


def forgive_helpers(client: Any) -> None:
    """Lets `client` build and pull although a credential helper of the caller's configuration does not work."""
    api = client.api
    api._auth_configs = _forgiving()(api._auth_configs, credstore_env=api.credstore_env)
