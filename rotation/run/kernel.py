"""Entry point of a kernel started cold: as ipykernel's own, with what it reads written down."""

import sys

if __name__ == "__main__":
    del sys.path[0]  # the folder it was started in, which IPython adds itself

    from rotation.run import reads

    reads.listen()

    from ipykernel.kernelapp import launch_new_instance

    launch_new_instance()
