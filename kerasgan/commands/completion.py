"""`kerasgan completion`: a script for the shell that completes commands."""

import argparse

import zoo

_BASH = """\
_kerasgan() {{
  local words
  case "${{COMP_WORDS[1]}}" in
{cases}
  *) words="{commands}" ;;
  esac
  [ "$COMP_CWORD" = 1 ] && words="{commands}"
  COMPREPLY=($(compgen -W "$words" -- "${{COMP_WORDS[COMP_CWORD]}}"))
}}
complete -o default -F _kerasgan kerasgan
"""
_ZSH = "autoload -U +X bashcompinit && bashcompinit\n"


def add(command, parser):
    """Adds the command to the parser.

    Args:
        command: Adds a command.
        parser: Returns the whole parser, whose commands are completed.
    """
    added = command(run, "completion", "Print a script of shell completion.")
    added.add_argument(
        "shell",
        choices=["bash", "zsh"],
        help='in its start-up file: eval "$(kerasgan completion bash)"',
    )
    added.set_defaults(parser=parser)


def run(options):
    subparsers = next(
        action
        for action in options.parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    cases = []
    for name, parser in subparsers.choices.items():
        words = [o for action in parser._actions for o in action.option_strings]
        for action in parser._actions:
            words += [str(c) for c in action.choices or ()]
            if action.metavar == "NAME":
                words += zoo.list()
        cases.append(f'  {name}) words="{" ".join(words)}" ;;')
    script = _BASH.format(
        cases="\n".join(cases), commands=" ".join(subparsers.choices)
    )
    print((_ZSH if options.shell == "zsh" else "") + script, end="")
