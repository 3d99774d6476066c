"""Runs a command that may not use io_uring, as under a container's seccomp filter:

    deny_io_uring.py COMMAND [ARGUMENT…]

io_uring_setup fails with EPERM for the command and all that it starts. Used by test/lit/run/io_uring_denied.test.
"""
import ctypes
import os
import struct
import sys

IO_URING_SETUP = 425  # x86-64 and arm64 alike
EPERM = 1
PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, SECCOMP_MODE_FILTER = 22, 38, 2


def instruction(code, jump_true, jump_false, operand):
    return struct.pack("HBBI", code, jump_true, jump_false, operand)


class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


program = b"".join([
    instruction(0x20, 0, 0, 0),                   # load the number of the system call
    instruction(0x15, 0, 1, IO_URING_SETUP),      # is it io_uring_setup?
    instruction(0x06, 0, 0, 0x00050000 | EPERM),  # fail with EPERM
    instruction(0x06, 0, 0, 0x7FFF0000),          # allow
])
libc = ctypes.CDLL(None, use_errno=True)
filter_program = Program(len(program) // 8, program)
if (libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
        or libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(filter_program), 0, 0) != 0):
    sys.exit(f"deny_io_uring.py: {os.strerror(ctypes.get_errno())}")
os.execvp(sys.argv[1], sys.argv[1:])
