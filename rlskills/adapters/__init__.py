"""Other projects' tasks as environments of ours, and ours in the forms that other projects read.

Everything here is an optional extra, imported when a name asks for it. The prefixes (`rg:NAME`,
`vf:ID`) are entry points of the group `rlskills.adapters`, so that listing imports none of them.
"""
