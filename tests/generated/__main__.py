"""Writes the kept clients anew: `python -m tests.generated`."""

from runtime.codegen import write
from tests.generated.kept import FOLDER, rendered

if __name__ == "__main__":
    for name, each in rendered().items():
        write(FOLDER / name, each)
