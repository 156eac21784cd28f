#!/usr/bin/python3
"""peak.py FILE COMMAND...: run a command as one rank, and append its largest resident memory in bytes to FILE."""
import os
import resource
import subprocess
import sys

status = subprocess.call(sys.argv[2:])
line = f"{resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024}\n".encode()
file = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
os.write(file, line)
os.close(file)
sys.exit(status)
