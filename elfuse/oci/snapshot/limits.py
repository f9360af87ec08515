"""What one layer may cost: the limits of config.toml, as extract_layer takes them, and how to raise one."""

from typing import TypedDict

from elfuse import _core, config

# extract_layer's argument -> the setting's name in [limits] of config.toml
_SETTINGS = {"entries": "layer_entries", "tar_size": "layer_size", "ratio": "layer_ratio"}


class LayerLimits(TypedDict):
    entries: int
    tar_size: int
    ratio: int


def layer_limits() -> LayerLimits:
    """Arguments of extract_layer; 0 is its own default. Raises ConfigurationError."""
    limits = config.load().limits
    return {
        "entries": limits.layer_entries or 0,
        "tar_size": limits.layer_size or 0,
        "ratio": limits.layer_ratio or 0,
    }


def raising(error: _core.LayerLimit) -> str:
    """The hint that goes with the refusal."""
    return f"for an image that you trust, raise {_SETTINGS[error.limit]} in [limits] of config.toml"
