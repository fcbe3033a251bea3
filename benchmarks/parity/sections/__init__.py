"""The sections of the table: every module in here has `section(data: Path) -> Section`, and is found by its name."""
