"""A ready experiment, or a part of one, in the place of what params.yaml says."""

import io
from pathlib import Path

from ruamel.yaml import YAML

from autoencoders.checks import check_parts
from autoencoders.commands.stages import stages
from autoencoders.errors import UserError
from autoencoders.io.files import whole_file
from autoencoders.params import PARAMS_FILE, read_params
from autoencoders.problems import read_mapping

NAMED = ("models", "corruptions")
"""Sections whose keys are names of the user's choice."""


def use(file: Path) -> None:
    """Change params.yaml to what `file` says, and name its items in dvc.yaml.

    The models and corruptions of the file take the place of all that there are; of other sections
    the keys that it has change. Comments of what does not change stay.

    Raises:
        UserError: the file is not readable as YAML, or has a section that params.yaml has not; or
            params.yaml would not be valid, and stays as it is.
    """
    reader = YAML()
    reader.width = 100
    wanted, content = (read_mapping(path, reader) for path in (file, PARAMS_FILE))
    if not wanted.keys() <= content.keys():
        raise UserError(f"{file}: expected sections of {PARAMS_FILE}: {', '.join(content)}")
    for section, values in wanted.items():
        both = isinstance(values, dict) and isinstance(content[section], dict)
        if both and section not in NAMED:
            content[section].update(values)
        else:
            content[section] = values
    text = io.StringIO()
    reader.dump(content, text)
    with whole_file(PARAMS_FILE) as unfinished:
        unfinished.write_text(text.getvalue(), encoding="utf-8", newline="\n")
        try:
            check_parts(read_params(unfinished), unfinished)
        except UserError as error:
            raise UserError(str(error).replace(str(unfinished), str(file))) from error
    stages()
    print(f"{PARAMS_FILE}: {', '.join(wanted)} of {file}; dvc repro runs it")
