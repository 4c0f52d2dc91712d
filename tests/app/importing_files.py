"""Generated exports, and where the real ones are."""

import csv
import gzip
import os
import random
from pathlib import Path

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("GRACE_TEST_SHARED", ROOT.parent / "shared"))
XEDUCATION = SHARED / "data" / "xeducation_leads" / "train.csv.gz"
PIPELINE = SHARED / "data" / "crm_pipeline" / "train.csv.gz"

HEADER = ["Lead Name", "E-mail", "Company", "Lead Source", "Lead Status", "Amount", "Country", "Owner"]


def write(path: Path, rows: list[list[str]], *, header: list[str] | None = None, separator: str = ",") -> Path:
    """A CSV, gzipped when its name says so."""
    with gzip.open(path, "wt", newline="") if path.suffix == ".gz" else path.open("w", newline="") as file:
        writer = csv.writer(file, delimiter=separator)
        writer.writerow(header or HEADER)
        writer.writerows(rows)
    return path


def people(count: int, *, seed: int = 1) -> list[list[str]]:
    """Rows without an id of their own; every tenth is of a client that came before."""
    chance = random.Random(seed)
    stages = ("New", "Contacted", "Proposal", "Won", "Lost")
    return [
        [
            f"Person {who}",
            f"p{who}@company{who % 7}.example.com",
            f"Company {who % 7} GmbH",
            chance.choice(("Website", "Referral", "Cold e-mail")),
            chance.choice(stages),
            f"${chance.randrange(1, 90)},{chance.randrange(100, 999)}.50",
            "Germany",
            f"Owner {number}",
        ]
        for number, who in ((number, number if number % 10 else number - 1) for number in range(1, count + 1))
    ]
