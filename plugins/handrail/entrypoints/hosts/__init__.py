"""What the entry points of all hosts share: recording that never fails a host, names of data, masked secrets."""
