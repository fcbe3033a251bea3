"""How bundles travel over MQTT: chunks, offers and rollouts, as the publisher writes and the device reads them."""
