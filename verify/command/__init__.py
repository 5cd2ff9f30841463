"""The command ``quartic``, a file a subcommand. SymPy, NumPy and torch are loaded by the subcommand that needs them.

`cli` lists the subcommands, `supervised` runs them where code of the user's is executed.
"""
