"""What several tests of `derive` share."""

from hypothesis import settings

# The same examples in every run.
settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
settings.load_profile("repeatable")
