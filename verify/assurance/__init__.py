"""How far the checker itself can be trusted: mutants, false alarms, a second engine, random landscapes.

`mutants` and `error_rates` count errors, `oracle` is an engine that shares no code with `derive`.
"""
