"""The database's schema, as numbered steps: `0001_….sql` takes version 0 to version 1.

A step that has been released is never edited; what comes later is a step of its own.
"""
