"""`elfuse oci completion`: what a shell needs to complete elfuse's commands, options, images and runs."""

import os

import click
from click.shell_completion import (
    BashComplete,
    ZshComplete,
    add_completion_class,
    get_completion_class,
    split_arg_string,
)

_VARIABLE = "_ELFUSE_COMPLETE"

# click's own script takes bash's words, which end at ':' and '='. Names of images have colons.
_BASH = """\
%(complete_func)s() {
    local cur=${COMP_LINE:0:COMP_POINT} prefix="" type value
    local response
    response=$(COMP_WORDS=$cur %(complete_var)s=bash_complete "$1" 2>/dev/null)
    cur=${cur##*[ =]}
    if [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then
        prefix=${cur%%:*}:
    fi
    COMPREPLY=()
    while IFS=, read -r type value; do
        case $type in
        dir) compopt -o dirnames ;;
        file) compopt -o default ;;
        plain)
            [[ $value == *= ]] && compopt -o nospace
            COMPREPLY+=("${value#"$prefix"}")
            ;;
        esac
    done <<< "$response"
    return 0
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""

# click's own script does nothing at every second TAB when zsh loads it from $fpath, since it takes the name
# of its file for a function that only registers another one.
_ZSH = """\
#compdef %(prog_name)s
_%(prog_name)s() {
    local -a response described plain open
    local type value about
    response=("${(@f)$(COMP_WORDS="${words[*]}" COMP_CWORD=$((CURRENT - 1)) \\
        %(complete_var)s=zsh_complete %(prog_name)s 2>/dev/null)}")
    [[ $words[CURRENT] == --*=* ]] && compset -P 1 '*='
    for type value about in $response; do
        case $type in
        (dir) _path_files -/ ;;
        (file) _path_files -f ;;
        (plain)
            if [[ $about != _ ]]; then
                described+=("$value:$about")
            elif [[ $value == *= ]]; then
                open+=("$value")
            else
                plain+=("$value")
            fi
            ;;
        esac
    done
    (( $#described )) && _describe -V unsorted described
    (( $#plain )) && compadd -V unsorted -a plain
    (( $#open )) && compadd -V unsorted -S '' -a open
}
if [[ $funcstack[1] == _%(prog_name)s ]]; then
    _%(prog_name)s "$@"
else
    compdef _%(prog_name)s %(prog_name)s
fi
"""


class Zsh(ZshComplete):
    source_template = _ZSH


class Bash(BashComplete):
    """The words are those of the line before the cursor."""

    source_template = _BASH

    def source(self) -> str:
        # click starts bash here to ask for its version; 4.4 is of 2016.
        return self.source_template % self.source_vars()

    def get_completion_args(self) -> tuple[list[str], str]:
        line = os.environ["COMP_WORDS"]
        words = split_arg_string(line)
        if not words or line[-1:].isspace():
            return words[1:], ""
        return words[1:-1], words[-1]


def install() -> None:
    """Make click answer a shell that asks through one of these scripts."""
    add_completion_class(Bash)
    add_completion_class(Zsh)


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print a script that makes SHELL complete commands, options, and the store's images and runs.

    For bash, put `source <(elfuse oci completion bash)` into ~/.bashrc, or save the script as
    ~/.local/share/bash-completion/completions/elfuse. For zsh, save it as _elfuse in a directory of $fpath.
    For fish, save it as ~/.config/fish/completions/elfuse.fish.

    \b
    Example:
        source <(elfuse oci completion bash)
    """
    from elfuse.cli.main import cli

    install()
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"no completion for {shell}")
    click.echo(kind(cli, {}, "elfuse", _VARIABLE).source(), nl=False)
