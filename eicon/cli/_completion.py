"""Shell completion of commands, options and names: completion."""

import os

import click
from click.shell_completion import get_completion_class

from ._common import command, errors

SHELLS = ("bash", "zsh", "fish")
HOW = """Add this line to your start-up file:
  ~/.bashrc:                    eval "$(eicon completion bash)"
  ~/.zshrc:                     eval "$(eicon completion zsh)"
  ~/.config/fish/config.fish:   eicon completion fish | source"""


@command(epilog="\b\n" + HOW)
@click.argument("shell", type=click.Choice(SHELLS), required=False)
@click.pass_context
def completion(context: click.Context, shell: str | None) -> None:
    """Print the script for shell completion.

    The Tab key then completes commands, options, directories and names of connectomes. Without an argument, the
    script is for $SHELL.
    """
    with errors(context):
        name = shell or os.path.basename(os.environ.get("SHELL", ""))
        found = get_completion_class(name)
        if found is None or name not in SHELLS:
            raise ValueError(f"no completion for the shell {name!r}; choose one of {', '.join(SHELLS)}.")
        main = context.find_root().command
        click.echo(found(main, {}, "eicon", "_EICON_COMPLETE").source())
