"""What the tests of commands share."""

import pytest

from unclip import cli


@pytest.fixture
def unclip(capsys):
    """Run a command line in this process: (exit code, stdout, stderr)."""

    def run(*arguments):
        with pytest.raises(SystemExit) as stopped:
            cli.main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return stopped.value.code, out, err

    return run
