"""Reads pickles as data: what a pickle would call is recorded, never called.

A pickle is a program for a small stack machine, and Python's own machine
imports and calls whatever the program names. This one has the same instructions
and neither imports nor calls: a global is a `Name`, a call is a `Call`. Nothing
of the file reaches the interpreter but numbers, text, bytes and containers of
them.
"""

import dataclasses
import struct

# A StyleGAN2 of 1024 pixels, its average and its discriminator need a tenth.
MOST_INSTRUCTIONS = 1_000_000
# Of all names and texts together; tensors are bytes.
MOST_TEXT = 64 << 20
# Python's own integers have no bound.
MOST_INTEGER = 64

CONSTANTS = {b"N": None, b"\x88": True, b"\x89": False}
# Length of the length, for text and for bytes.
TEXTS = {b"\x8c": 1, b"X": 4, b"\x8d": 8}
BYTES = {b"C": 1, b"B": 4, b"\x8e": 8}
INTEGERS = {b"\x8a": 1, b"\x8b": 4}
NUMBERS = {b"J": "<i", b"K": "<B", b"M": "<H", b"G": ">d"}
STORES = {b"q": 1, b"r": 4}
RECALLS = {b"h": 1, b"j": 4}
TUPLES = {b"\x85": 1, b"\x86": 2, b"\x87": 3}


class NotReadable(ValueError):
    """A pickle that is damaged, or holds what is not data."""


@dataclasses.dataclass(frozen=True)
class Name:
    """The name of a class or function, which was not imported.

    Attributes:
        path: str, such as `"collections.OrderedDict"`.
    """

    path: str


@dataclasses.dataclass(eq=False)
class Call:
    """A call that was not made, and what would have changed its result.

    Attributes:
        path: str. What would have been called, or `""` if it was no name.
        args: tuple of its arguments.
        state: What the result would have been given as its state.
        items: dict of what would have been stored in the result by key.
    """

    path: str
    args: tuple
    state: object = None
    items: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(eq=False)
class Reference:
    """An object outside of the pickle.

    Attributes:
        key: What the pickle says of it.
    """

    key: object


class Machine:
    """Reads pickles that follow each other in a buffer.

    Args:
        buffer: bytes or memoryview.

    Attributes:
        place: int. Where the next pickle begins.
        names: set of str. All globals that were named so far.
    """

    def __init__(self, buffer):
        self.buffer = memoryview(buffer)
        self.place = 0
        self.names = set()
        self.instructions = 0
        self.text = 0

    def read(self):
        """Returns the content of the next pickle.

        Returns:
            `None`, bool, int, float, str, memoryview of bytes, list (also
            for sets), tuple, dict with plain keys, `Name`, `Call` or
            `Reference`.

        Raises:
            NotReadable: If it is damaged or too large, or has an instruction
                that no pickle of networks has.
        """
        self.stack, self.marks, self.memo = [], [], {}
        try:
            while True:
                self.instructions += 1
                if self.instructions > MOST_INSTRUCTIONS:
                    raise NotReadable(
                        "a pickle of networks has at most "
                        f"{MOST_INSTRUCTIONS:,} instructions"
                    )
                code = bytes(self.take(1))
                if code == b".":
                    return self.pop()
                self.follow(code)
        except (IndexError, KeyError, struct.error, UnicodeDecodeError):
            raise NotReadable(
                f"it is damaged before byte {self.place:,}"
            ) from None

    def follow(self, code):
        """Follows one instruction."""
        if code in CONSTANTS:
            self.stack.append(CONSTANTS[code])
        elif code in NUMBERS:
            form = NUMBERS[code]
            (value,) = struct.unpack(form, self.take(struct.calcsize(form)))
            self.stack.append(value)
        elif code in TEXTS:
            self.stack.append(self.decode(self.sized(TEXTS[code])))
        elif code in BYTES:
            self.stack.append(self.sized(BYTES[code]))
        elif code in INTEGERS:
            digits = self.sized(INTEGERS[code])
            if len(digits) > MOST_INTEGER:
                raise NotReadable(f"it has an integer of {len(digits)} bytes")
            self.stack.append(int.from_bytes(digits, "little", signed=True))
        elif code in STORES:
            self.memo[self.integer(STORES[code])] = self.stack[-1]
        elif code == b"\x94":
            self.memo[len(self.memo)] = self.stack[-1]
        elif code in RECALLS:
            self.stack.append(self.memo[self.integer(RECALLS[code])])
        elif code in TUPLES:
            count = TUPLES[code]
            self.stack.append(tuple(self.pops(len(self.stack) - count)))
        elif code == b"\x80":
            self.take(1)  # Which protocol; instructions say it as well.
        elif code == b"\x95":
            self.take(8)  # The length of a frame, a hint for files.
        elif code == b"(":
            self.marks.append(len(self.stack))
        elif code == b")":
            self.stack.append(())
        elif code in (b"]", b"\x8f"):
            self.stack.append([])
        elif code == b"}":
            self.stack.append({})
        elif code == b"t":
            self.stack.append(tuple(self.marked()))
        elif code == b"0":
            self.pop()
        elif code == b"1":
            self.marked()
        elif code == b"a":
            self.extend([self.pop()])
        elif code in (b"e", b"\x90"):
            self.extend(self.marked())
        elif code == b"s":
            self.store(self.pops(len(self.stack) - 2))
        elif code == b"u":
            self.store(self.marked())
        elif code == b"c":
            self.stack.append(self.name(self.line(), self.line()))
        elif code == b"\x93":
            self.stack.append(self.name(*self.pops(len(self.stack) - 2)))
        elif code in (b"R", b"\x81"):
            function, args = self.pops(len(self.stack) - 2)
            path = function.path if isinstance(function, Name) else ""
            if not isinstance(args, tuple):
                raise NotReadable(f"it calls {path} without a tuple")
            self.stack.append(Call(path, args))
        elif code == b"b":
            state = self.pop()
            if not isinstance(self.stack[-1], Call):
                raise NotReadable("it has a state of what has none")
            self.stack[-1].state = state
        elif code == b"Q":
            self.stack.append(Reference(self.pop()))
        else:
            raise NotReadable(
                f"no pickle of networks has the instruction {code!r}, as at "
                f"byte {self.place - 1:,}"
            )

    def take(self, count):
        """Returns the next bytes, as a view."""
        if count > len(self.buffer) - self.place:
            raise NotReadable("it ends too early")
        self.place += count
        return self.buffer[self.place - count : self.place]

    def integer(self, size):
        return int.from_bytes(self.take(size), "little")

    def sized(self, size):
        return self.take(self.integer(size))

    def decode(self, view):
        self.text += len(view)
        if self.text > MOST_TEXT:
            raise NotReadable(f"it has more than {MOST_TEXT >> 20} MiB of text")
        return str(view, "utf-8")

    def line(self):
        """Returns the text up to the end of the line."""
        rest = bytes(self.buffer[self.place : self.place + 1024])
        end = rest.index(b"\n") if b"\n" in rest else len(rest)
        line = self.decode(self.take(end))
        self.take(1)
        return line

    def name(self, module, name):
        if not isinstance(module, str) or not isinstance(name, str):
            raise NotReadable("it has a name that is not text")
        found = Name(f"{module}.{name}")
        self.names.add(found.path)
        return found

    def pop(self):
        return self.pops(len(self.stack) - 1)[0]

    def pops(self, start):
        """Removes and returns what is on the stack from a place on."""
        if start < (self.marks[-1] if self.marks else 0):
            raise NotReadable("it takes more than there is")
        values = self.stack[start:]
        del self.stack[start:]
        return values

    def marked(self):
        start = self.marks[-1]
        values = self.pops(start)
        self.marks.pop()
        return values

    def extend(self, values):
        if not isinstance(self.stack[-1], list):
            raise NotReadable("it appends to what is no list")
        self.stack[-1].extend(values)

    def store(self, values):
        target = self.stack[-1]
        items = target.items if isinstance(target, Call) else target
        if not isinstance(items, dict) or len(values) % 2:
            raise NotReadable("it stores by key in what has no keys")
        for key, value in zip(values[::2], values[1::2], strict=True):
            # The hash of deeply nested tuples would need a deep stack.
            if not isinstance(key, str | int | float | None):
                raise NotReadable("it has a key that is not text or a number")
            items[key] = value


def mapping(value):
    """Returns what a dict, or a recorded subclass of it, holds by key.

    Args:
        value: Anything that `Machine.read` returns.

    Returns:
        dict, or `None` if it is not one.
    """
    if isinstance(value, Call) and value.path in (
        "collections.OrderedDict",
        "dnnlib.util.EasyDict",
    ):
        return value.items
    return value if isinstance(value, dict) else None
