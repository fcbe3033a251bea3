"""Virtual Bluetooth wearables: the same body as `attune-sim stream`, behind GATT services on a virtual radio link."""
