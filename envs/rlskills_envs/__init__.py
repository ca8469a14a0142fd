"""The environments that ship with rlskills, one file or small folder each.

They are found through entry points, the way anyone else's package would be.
"""
