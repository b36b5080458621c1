"""What a message is: bytes to values and back. Pure; knows the RFCs, no prospects."""
