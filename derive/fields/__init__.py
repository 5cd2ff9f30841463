"""What training follows where some views are held: fields, which need not be the gradient of any loss.

Imports from `derive.losses` and what stands above it.
"""
