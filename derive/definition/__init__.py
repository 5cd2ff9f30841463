"""What a loss is made of: views, expressions over them, the words that they are written with, and how they are printed.

`language` has the words that a person writes, `expression` the tree that they build, `notation` how formulas are
written; `tokens`, `display` and `cursor` are what text with a formula in it is read with.
"""
