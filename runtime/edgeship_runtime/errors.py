"""The errors of edgeship: what a person can mend, each said in one line.

EdgeshipError
├── UsageError              the command line asks for something that cannot be (exit code 2)
├── ModelFileError          a model file is truncated, damaged, or of a newer format
│   ├── DamagedError        its structure is broken (raised below ModelFile, which adds the path)
│   └── ForeignModelError   a sound file without a manifest of ours
├── PictureError            a picture that cannot be decoded
├── DataError               labelled pictures that are not what a verb needs
├── EngineError             an engine that refuses the file, or answers it wrongly
│   └── NotInstalledError   an engine that is not installed
├── MissingExtraError       an optional part of edgeship is not installed
├── TrainingError           training cannot start, or went wrong
├── ExportError             a model cannot be exported as asked
├── AdoptError              a foreign model that is no classifier, or does not tell what a manifest states
├── DeviceError             a device's profile is missing or wrong, or a device cannot run a file
└── OutputError             a file cannot be written where it was asked for

The command line prints the message and exits 1; anything that is not an EdgeshipError is a bug and keeps its traceback. Ctrl-C and
SIGTERM are no errors: KeyboardInterrupt and Terminated, whose message says what is there to go on from.
"""


class EdgeshipError(Exception):
    """Root of the tree. The message names the file, what was wanted, what came and what to do."""


class UsageError(EdgeshipError):
    """Options that contradict each other, or a value no option can take."""


class ModelFileError(EdgeshipError):
    """A model file is truncated, damaged, or newer than this runtime."""


class DamagedError(ModelFileError):
    """An offset, a length or a checksum inside a file is wrong: truncated, or bytes were changed."""


class ForeignModelError(ModelFileError):
    """A readable model file that carries no manifest: it was made by another tool."""


class PictureError(EdgeshipError):
    """A picture that cannot be decoded."""


class DataError(EdgeshipError):
    """A folder or named set does not hold the labelled pictures that are needed."""


class EngineError(EdgeshipError):
    """An inference engine is not installed here, or cannot load or run the model."""


class NotInstalledError(EngineError):
    """An inference engine is not installed here."""


class MissingExtraError(EdgeshipError):
    """A verb needs an extra of the distribution that is not installed."""


class TrainingError(EdgeshipError):
    """Training cannot start with this data or configuration, or diverged."""


class ExportError(EdgeshipError):
    """A trained model cannot be exported in the way that was asked for."""


class AdoptError(EdgeshipError):
    """A model of another tool that is no classifier of pictures, or of which too little is known."""


class DeviceError(EdgeshipError):
    """A device's profile cannot be read, or a device cannot run a file."""


class OutputError(EdgeshipError):
    """A file cannot be written: it exists, the disk is full, or the folder is not writable."""


class Terminated(KeyboardInterrupt):
    """SIGTERM, where it is obeyed as Ctrl-C is: what was begun is put in order, and the exit code is its own, 143."""
