"""Settings: `GRACE_<AREA>_<NAME>` from the environment or `.env`; the documents' names are read as aliases."""

import os
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import AliasChoices, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict


class SettingsError(Exception):
    """The environment names a setting that does not exist or has a wrong value; says which."""


def _named(default: Any, *names: str, **kwargs: Any) -> Any:
    return Field(default, validation_alias=AliasChoices(*names), **kwargs)


class Settings(BaseSettings):
    """Every knob of an installation. Units are in the names."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", populate_by_name=True, env_ignore_empty=True)

    data_dir: Path = _named(
        Path("var"), "GRACE_DATA_DIR", description="Where Grace keeps its database, keys and checkpoints."
    )
    workspace: str = _named("main", "GRACE_WORKSPACE", description="The workspace that commands act on.")
    database_url: SecretStr | None = _named(
        None,
        "GRACE_DATABASE_URL",
        "DATABASE_URL",
        description="A PostgreSQL server (16 or newer) and a login that may create databases. Empty: the embedded one.",
    )
    database_pool_size: int = _named(
        10, "GRACE_DATABASE_POOL_SIZE", ge=1, le=200, description="Connections per process and workspace."
    )
    master_key_file: Path | None = _named(
        None,
        "GRACE_MASTER_KEY_FILE",
        description="The master key; made on the first start in the data folder.",
    )
    url: str = _named("http://127.0.0.1:8005", "GRACE_URL", description="The address under which clients reach Grace.")
    host: str = _named("127.0.0.1", "GRACE_HOST", description="The interface that the web server binds.")
    port: int = _named(8005, "GRACE_PORT", ge=1, le=65535, description="The port of the web server.")
    allowed_origins: str = _named(
        "", "GRACE_ALLOWED_ORIGINS", "ALLOWED_ORIGINS", description="Origins that browsers may call from."
    )
    metrics_token: SecretStr | None = _named(
        None,
        "GRACE_METRICS_TOKEN",
        description="Who reads /metrics sends this as Bearer token. Empty: only this machine reads it.",
    )
    log_level: str = _named("INFO", "GRACE_LOG_LEVEL", "LOG_LEVEL", description="DEBUG, INFO, WARNING or ERROR.")
    max_body_bytes: int = _named(1_048_576, "GRACE_MAX_BODY_BYTES", ge=1024, description="The largest request body.")
    max_upload_bytes: int = _named(
        33_554_432, "GRACE_MAX_UPLOAD_BYTES", ge=1024, description="The largest file that a door takes."
    )
    rate_per_minute: int = _named(
        6000, "GRACE_RATE_PER_MINUTE", ge=1, description="Requests a minute for one key or session."
    )
    rate_anonymous_per_minute: int = _named(
        600,
        "GRACE_RATE_ANONYMOUS_PER_MINUTE",
        ge=1,
        description="Requests a minute without a key, for one address.",
    )
    idempotency_days: int = _named(
        30, "GRACE_IDEMPOTENCY_DAYS", ge=1, description="How long answers are kept for a repeated key."
    )
    intent_stale_s: float = _named(
        15.0,
        "GRACE_INTENT_STALE_S",
        gt=0,
        description="After this a started provider call is taken up again.",
    )
    worker_poll_s: float = _named(
        0.1, "GRACE_WORKER_POLL_S", gt=0, le=5, description="How often the worker looks for work."
    )
    worker_heartbeat_s: float = _named(
        5.0, "GRACE_WORKER_HEARTBEAT_S", gt=0, description="How often a worker says that it lives."
    )
    worker_stalled_s: float = _named(
        20.0, "GRACE_WORKER_STALLED_S", gt=0, description="After this silence its jobs are given to another."
    )
    provider_timeout_s: float = _named(
        20.0, "GRACE_PROVIDER_TIMEOUT_S", gt=0, description="The longest wait for a provider's answer."
    )
    payment_look_every_s: float = _named(
        5.0,
        "GRACE_PAYMENT_LOOK_EVERY_S",
        gt=0,
        description="How often the provider is looked at for an open card payment whose status or pay page is read.",
    )
    stripe_secret_key: SecretStr | None = _named(
        None,
        "GRACE_STRIPE_SECRET_KEY",
        "STRIPE_SECRET_KEY",
        description="Stripe's secret key; {workspace} in it stands for the workspace's handle.",
    )
    stripe_publishable_key: str | None = _named(
        None,
        "GRACE_STRIPE_PUBLISHABLE_KEY",
        "STRIPE_PUBLISHABLE_KEY",
        description="Stripe's publishable key; {workspace} as above.",
    )
    stripe_webhook_secret: SecretStr | None = _named(
        None,
        "GRACE_STRIPE_WEBHOOK_SECRET",
        "STRIPE_WEBHOOK_SECRET",
        description="Verifies events at the bare webhook paths, beside the endpoints that Grace registers.",
    )
    stripe_api_base: str = _named(
        "https://api.stripe.com", "GRACE_STRIPE_API_BASE", description="Where Stripe's API is."
    )
    stripe_js_origin: str = _named(
        "https://js.stripe.com",
        "GRACE_STRIPE_JS_ORIGIN",
        description="The origin of Stripe.js: pay pages load its script, and may use its frames.",
    )
    stripe_read_back: bool = _named(
        True, "GRACE_STRIPE_READ_BACK", description="Fetch the object again before an event is believed."
    )
    governance_decision_days: int = _named(
        7, "GRACE_GOVERNANCE_DECISION_DAYS", ge=1, le=365, description="How long a held action waits for votes."
    )
    test_clock_url: str | None = _named(
        None, "GRACE_TEST_CLOCK_URL", description="Told where a test workspace's clock was moved to."
    )
    example: bool = _named(True, "GRACE_EXAMPLE", description="Whether a first start loads the example business.")

    @property
    def master_key_path(self) -> Path:
        """The file of the master key."""
        return self.master_key_file or self.data_dir / "master.key"


def known_names() -> set[str]:
    """Every environment name that a setting reads."""
    names: set[str] = set()
    for field in Settings.model_fields.values():
        if isinstance(field.validation_alias, AliasChoices):
            names |= {str(choice) for choice in field.validation_alias.choices}
    return names


CLIENT_ONLY = {"GRACE_API_KEY"}
"""Names that the client library reads, not the server."""


@lru_cache
def settings() -> Settings:
    """The settings of this process, read once. An unknown `GRACE_*` name stops the start."""
    unknown = {n for n in os.environ if n.startswith("GRACE_")} - known_names() - CLIENT_ONLY
    unknown = {n for n in unknown if not n.startswith("GRACE_TEST_")}
    if unknown:
        raise SettingsError(f"No such setting: {', '.join(sorted(unknown))}. .env.example lists all of them.")
    try:
        return Settings()
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise SettingsError("Wrong settings: " + "; ".join(lines)) from error
