"""What the sections of params.yaml, and the settings of parts, are made of."""

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """Values by name: every one required, none unknown, nothing converted."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)
