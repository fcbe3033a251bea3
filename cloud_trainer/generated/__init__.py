"""Data that is generated, in the formats of the research data: for a bundle that anybody may use for anything.

Nothing here is measured on people. Whoever trains on it learns the rules that stand in these modules, which are taken
from the literature, and no more; the figures of such a bundle on real people stand beside those of the other one.
"""
