"""The last layer of any network: predictions on its real features, and the landscape over its rescaled weights."""
