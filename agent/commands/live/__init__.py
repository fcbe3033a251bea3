"""The live view: what was heard over MQTT (`observed`), and how it is drawn (`screen`), kept apart."""
