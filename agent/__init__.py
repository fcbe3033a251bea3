"""The daemon on the device: reads wearables, estimates affect, ranks and plays music."""
