"""The table "what ten minutes buy", from the file that examples/survey/survey.py writes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from restorekit.zoo.zoo_files import table


def survey_text(survey: Mapping[str, Any], networks: Collection[str] = ()) -> str:
    """The recipe in words and a row for each network, the best first.

    Args:
        survey: the content of the survey's file.
        networks: names of all networks that can be trained; those without a row are named.
    """
    if not survey:
        return "The survey has not been made. `examples/survey` has the recipe."
    recipe, rows = survey["recipe"], survey["networks"]
    sets = recipe["test"]["sets"]
    done = [row for row in rows if "error" not in row]
    done.sort(key=lambda row: -row["tests"][sets[-1]]["psnr"])
    head = ["network", "", "parameters", "steps", "minutes", "held out PSNR", "SSIM"]
    head += [f"{each} {metric}" for each in sets for metric in ("PSNR", "SSIM")]
    failed = [
        f"`{row['network']}` was not measured: {row['error']}." for row in rows if "error" in row
    ]
    known = {row["network"].partition(":")[0] for row in rows}
    if missing := [f"`{name}`" for name in sorted(networks) if name not in known]:
        failed.append(f"Not trained yet: {', '.join(missing)}.")
    rows_of_table = (_cells(row, sets) for row in done)
    return "\n\n".join([_recipe_in_words(recipe, done), table(head, rows_of_table, 2), *failed])


def _recipe_in_words(recipe: Mapping[str, Any], done: Sequence[Mapping[str, Any]]) -> str:
    settings, test = recipe["train"]["train"], recipe["test"]
    noisy = " and ".join(
        f"{done[0]['tests'][each]['psnr_noisy']:.2f} dB on {each}" for each in test["sets"] if done
    )
    return (
        f"Each network was trained for {recipe['minutes']:g} minutes of processor time of one\n"
        "thread, with one recipe for all (`examples/survey`): the same photographs, "
        f"{settings['batch_size']} patches of\n"
        f"{recipe['train']['dataset']['patch_size']} pixels a step{_own_patches(recipe, done)}, "
        f"noise {test['noise']}, seed {settings['seed']}.\n"
        "*Held out* are photographs like those of the training. The\n"
        f"test sets have {test['noise']} on the central {test['crop']} pixels of at most "
        f"{test['limit']} pictures each,\n{noisy} before. "
        "Ten minutes are very few for the large networks: the table shows which ones learn fast\n"
        "on a processor, not which ones are best. Rows with a word after the name were not trained."
        f"{_own_arguments(recipe, done)}{_own_objectives(recipe, done)}{_own_rates(recipe, done)}"
    )


def _own_arguments(recipe: Mapping[str, Any], done: Sequence[Mapping[str, Any]]) -> str:
    """Which networks were created with other arguments than their default ones."""
    own = (
        f"`{name}` ({', '.join(f'`{key}={value}`' for key, value in arguments.items())})"
        for name, arguments in _own(recipe, "own_arguments", done)
    )
    words = " and ".join(own)
    return (
        f"\nNetworks for correlated noise had arguments for white noise: {words}." if words else ""
    )


def _own_objectives(recipe: Mapping[str, Any], done: Sequence[Mapping[str, Any]]) -> str:
    """Which networks were trained with another objective than the rest."""
    return "".join(
        f"\n`{name}` had the objective `{objective}`."
        for name, objective in _own(recipe, "own_objectives", done)
    )


def _own_rates(recipe: Mapping[str, Any], done: Sequence[Mapping[str, Any]]) -> str:
    """Which networks were trained with another learning rate than the rest."""
    return "".join(
        f"\n`{name}` had the learning rate {rate:g}, because it diverges with that of the others."
        for name, rate in _own(recipe, "own_rates", done)
    )


def _own_patches(recipe: Mapping[str, Any], done: Sequence[Mapping[str, Any]]) -> str:
    """Which networks have other patches than the rest."""
    own = [
        f"`{name}` {patches['batch_size']} of {patches['patch_size']}"
        for name, patches in _own(recipe, "own_patches", done)
    ]
    return f" ({' and '.join(own)}, because they see farther)" if own else ""


def _own(
    recipe: Mapping[str, Any], key: str, done: Sequence[Mapping[str, Any]]
) -> list[tuple[str, Any]]:
    """The networks in the table that have a setting of their own, and the setting."""
    names = {row["network"].partition(":")[0] for row in done}
    return [(name, own) for name, own in recipe.get(key, {}).items() if name in names]


def _cells(row: Mapping[str, Any], sets: list[str]) -> list[str]:
    trained = row["kind"] == "trained"
    held_out = row.get("held_out")
    return [
        f"`{row['network']}`",
        "" if trained else row["kind"],
        f"{row['parameters']:,}" if row["parameters"] else "",
        f"{row['steps']:,}" if trained else "",
        f"{row['minutes']:.1f}" if trained else "",
        *(_scores(held_out) if held_out else ("", "")),
        *(cell for each in sets for cell in _scores(row["tests"][each])),
    ]


def _scores(means: Mapping[str, float]) -> tuple[str, str]:
    return f"{means['psnr']:.2f}", f"{means['ssim']:.3f}"
