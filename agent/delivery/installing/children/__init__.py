"""Child processes with limits, which read a job and answer in one line."""
