"""What the agent tells the world over MQTT, and what it is told: broker, link, commands, publisher, health."""
