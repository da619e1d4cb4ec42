"""Reference cases: what other people's programs compute, written down for stapes-parity.

One module a family; each registers its cases with `case` of reference.cases.
"""
