"""``python -m rotation`` is the ``rotation`` command."""

from rotation.cli import main

if __name__ == "__main__":
    main(prog_name="rotation")
