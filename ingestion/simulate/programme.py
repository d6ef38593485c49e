"""Writes a whole simulated programme: YAML, exports in the shapes of four platforms, and the planted truth.

In: numbers and a seed. Out: a folder that the loader, the readers and the tests take as it is. The same seed
gives the same bytes; no clock is read. How each file looks lives in the writers.
"""

from pathlib import Path

import numpy as np
import polars as pl

from ingestion.simulate import faults, kobo, odk, redcap, story, surveycto, truth
from ingestion.simulate.costs import write_costs
from ingestion.simulate.fieldwork import draw_visits, interview, refusals
from ingestion.simulate.frame_files import write_assignment, write_tracking
from ingestion.simulate.ledger import Ledger
from ingestion.simulate.people import populate
from ingestion.simulate.programme_files import programme_files
from ingestion.simulate.rendering import csv_bytes, with_identifiers

DEFAULT_SITES, DEFAULT_RESPONDENTS, DEFAULT_SEED = (4, 2, 12), 240, 7


def simulate(
    out: Path,
    sites: tuple[int, int, int] = DEFAULT_SITES,
    respondents: int = DEFAULT_RESPONDENTS,
    seed: int = DEFAULT_SEED,
) -> truth.Truth:
    """Writes a programme folder with its exports/ and truth/.

    Args:
        out: the folder; made if need be, files of the same name are replaced.
        sites: number of pilot, scale_pilot and scaled sites.
        respondents: children listed per site, 40 to 5000, before replacements.
        seed: what the random numbers start from, 0 or more.

    Returns:
        What was planted, as truth/truth.json has it.

    Raises:
        ValueError: a number is out of bounds; the message names it.
    """
    if not 40 <= respondents <= 5000:
        raise ValueError(f"respondents: 40 to 5000 children per site can be simulated, not {respondents}")
    if seed < 0:
        raise ValueError(f"seed: a whole number from 0 is expected, not {seed}")
    places = story.places(sites)
    population = populate(places, respondents, seed)
    streams = [
        np.random.Generator(np.random.PCG64(part)) for part in np.random.SeedSequence([seed, 2]).spawn(9)
    ]
    ledger = Ledger(places)

    visits = draw_visits(population, places, streams[0])
    recorded = faults.hide_answers(interview(population, places, visits, streams[1]), streams[2])
    rows = faults.wander(recorded, ledger, streams[3])
    rows = faults.spoil_sites(rows, ledger, streams[4])
    rows = faults.add_strangers(rows, ledger, streams[5])
    rows = faults.add_practice(rows, ledger)
    rows = pl.concat([rows, refusals(population, visits, places)], how="diagonal")
    rows = faults.mark_edits(rows, ledger, streams[6])
    faults.count_hidden(rows, ledger)
    rows = with_identifiers(faults.untidy(rows, ledger, streams[7]), streams[8])

    files = {path: text.encode() for path, text in programme_files(places).items()}
    files |= write_assignment(population, ledger) | write_tracking(population, visits, ledger)
    files |= _exports(rows, ledger) | write_costs(population, ledger)
    withheld, warned = story.bad_places(places)
    planted = truth.Truth(
        seed=seed,
        sites=dict(zip(story.STAGES, sites, strict=True)),
        respondents=respondents,
        as_of=story.AS_OF.isoformat(),
        indicators=truth.planted_indicators(),
        site_effects=truth.effects_by_site(population, places),
        withheld_site=withheld.site if withheld else None,
        warned_site=warned.site if warned else None,
        faults=ledger.faults,
        files=ledger.files,
    )
    files["truth/truth.json"] = planted.json_bytes()
    files["truth/children.csv"] = csv_bytes(truth.children_table(population, places, visits, recorded))
    for name, content in files.items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return planted


def _exports(rows: pl.DataFrame, ledger: Ledger) -> dict[str, bytes]:
    """The four platforms' files for the platforms in use."""
    platform = pl.Series([place.platform for place in ledger.sites]).gather(rows["found"])
    by_platform = {name: rows.filter(platform == name) for name in story.platforms_of(ledger.sites)}
    files: dict[str, bytes] = {}
    for name, writer in (("kobo", kobo.write), ("odk", odk.write)):
        for wave in story.WAVES if name in by_platform else ():
            files |= writer(by_platform[name].filter(pl.col("wave") == wave), wave, ledger)
    if "surveycto" in by_platform:
        files |= surveycto.write(by_platform["surveycto"], ledger)
    if "redcap" in by_platform:
        files |= redcap.write(by_platform["redcap"], ledger)
    return files
