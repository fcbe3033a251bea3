"""The Bluetooth gateway: finds paired wearables, keeps them connected, and turns what they notify into SenML."""
