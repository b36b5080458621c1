"""One account's cycle: read, understand, decide, send. Knows the ports, no library and no clock of the machine."""
