"""What is not a list: names resolved, the log and its changes, citations verified, the data dictionary."""
