"""What this machine has run, into the DVC remote, so that no other machine has to run it."""

from pathlib import Path

from autoencoders.errors import UserError


def push() -> None:
    """`dvc push --run-cache`, and with it the metrics of what was run.

    DVC remembers runs with all that came out, metrics too, but its own command leaves behind what
    Git keeps (`cache: false`): another machine would then evaluate once more to get it.

    Raises:
        UserError: there is no remote, or it cannot be reached.
    """
    # They take their time to import: not for the other commands.
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo() as project:
            project.push(run_cache=True)
            runs = [
                (entry.parent.name, entry.name)
                for entry in Path(project.stage_cache.cache_dir).glob("*/*/*")
            ]
            for cache, objects in project.stage_cache.get_used_objs(runs).items():
                here = {one for one in objects if (cache or project.cache.local).exists(one.value)}
                if failed := project.cloud.push(here).failed:
                    raise UserError(f"{len(failed)} files were not pushed (see above)")
    except DvcException as error:
        raise UserError(f"nothing was pushed: {error}") from error
    print("what was run here is in the remote")
