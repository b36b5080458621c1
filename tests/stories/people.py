"""Who writes with Maya."""

ANNE, BART, CRIS, DORA, EMIL = (f"{name}@prospect.test" for name in ("anne", "bart", "cris", "dora", "emil"))
COLLEAGUE = "jane@prospect.test"
