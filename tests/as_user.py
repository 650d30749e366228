#!/usr/bin/env python3
# Runs a program as an ordinary user, also from a folder that only root may enter: as_user.py PROGRAM ARGUMENT...
# SPDX-License-Identifier: Apache-2.0
import os
import sys

# Of nobody in particular: no name, no home, no group.
ORDINARY_ID = 31010

if __name__ == "__main__":
    program = os.open(sys.argv[1], os.O_RDONLY)
    os.chdir("/")
    os.setgroups([])
    os.setresgid(ORDINARY_ID, ORDINARY_ID, ORDINARY_ID)
    os.setresuid(ORDINARY_ID, ORDINARY_ID, ORDINARY_ID)
    os.execve(program, sys.argv[1:], os.environ)
