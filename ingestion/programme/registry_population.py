"""Registry rows of the target population: its areas, which of them are ours, and their covariates.

In: a `Programme`, whose file of areas was checked when it was loaded. Out: rows by table.
"""

from ingestion.programme.model import Programme
from ingestion.programme.model_population import read_areas
from ingestion.programme.registry_schemas import Row
from ingestion.programme.words import normal_code


def population_rows(programme: Programme) -> dict[str, list[Row]]:
    """Rows of `population_areas` and `population_covariates`; none where no population is declared."""
    population = programme.target_population
    if population is None:
        return {"population_areas": [], "population_covariates": []}
    codes = {normal_code(code): site.site for site in programme.sites for code in (site.site, *site.codes)}
    areas, _ = read_areas(programme.folder, population, codes)
    return {
        "population_areas": [
            {"area": one.area, "site": one.site, "dated": population.dated, "ground": population.ground}
            for one in areas
        ],
        "population_covariates": [
            {"area": one.area, "covariate": name, "covariate_order": place, "value": one.values[name]}
            for one in areas
            for place, name in enumerate(population.covariates, start=1)
        ],
    }
