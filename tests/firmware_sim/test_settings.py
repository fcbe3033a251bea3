from pathlib import Path

import pytest

from firmware_sim.settings import SimulatorSettings
from models.errors import SettingsError
from models.settings import parse


def test_the_settings_that_ship_are_the_defaults(repository: Path):
    text = (repository / "config" / "sim.toml").read_text()
    assert parse(SimulatorSettings, text, source="config/sim.toml", program="sim") == SimulatorSettings()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[broker]\nport = 0", "port"),
        ("[listener]\nmood = 'good'", "mood"),
        ("[listener]\ncourse = 'sideways'", "course"),
        ("[[wearables]]\nname = 'My Band'", "name"),
        ("[[wearables]]\nkind = 'ring'", "kind"),
        ("[[wearables]]\nquantities = ['aura']", "quantities"),
    ],
)
def test_a_wrong_key_or_value_is_named(text: str, named: str):
    with pytest.raises(SettingsError, match=named):
        parse(SimulatorSettings, text, source="sim.toml", program="sim")
