"""How the world is touched: one module for each outside thing."""
