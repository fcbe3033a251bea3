"""Installing: a bundle that was received is tested where it will run, takes over, proves itself, or is taken back.

    received ──> slots.begin ──> examine ──> embedding ──> slots.activate ──> probation ──> slots.confirm
                 (its place)    (a child)   (new space     (the pointer)          │
                     │              │        alone)                               │
                     └── slots.refuse <───────┘                 slots.give_back <─┘

Each station may be killed at any instruction: `Slots` holds on disk what is needed to go on, and the bundle that was
last confirmed is never written to.
"""
