"""The wire: topics, SenML packs and message payloads, as the design fixes them."""
