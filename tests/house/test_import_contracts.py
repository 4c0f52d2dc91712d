"""The import contracts bite: each kind of forbidden import is found, and what is allowed passes."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

SKELETON = """
grace grace/app grace/flows grace/insight grace/kit grace/client grace/trust grace/trust/audit
grace/trust/ledger grace/trust/identity grace/trust/governance grace/providers grace/providers/payments
grace/providers/mail grace/domains grace/domains/crm grace/domains/payments grace_sandbox
"""

ALLOWED = {
    "grace/kit/money.py": "",
    "grace/kit/tx.py": "from grace.kit import money",
    "grace/providers/payments/port.py": "from grace.kit import money",
    "grace/providers/payments/stripe.py": "from grace.providers.payments import port",
    "grace/providers/mail/port.py": "",
    "grace/trust/ledger/service.py": "from grace.kit import tx",
    "grace/trust/governance/service.py": "from grace.trust.ledger import service",
    "grace/domains/payments/rules.py": "",
    "grace/domains/payments/service.py": (
        "from grace.domains.payments import rules\nfrom grace.providers.payments import port\n"
        "from grace.trust.ledger import service"
    ),
    "grace/domains/payments/api.py": "from grace.domains.payments import service",
    "grace/domains/crm/service.py": "",
    "grace/client/http.py": "from grace.kit.money import __name__",
    "grace/app/wiring.py": "from grace.providers.payments import stripe",
    "grace/app/demo.py": "from grace.client import http",
    "grace_sandbox/stripe.py": "",
}

FORBIDDEN = [
    ("Layers", "grace/kit/edge.py", "def f():\n    from grace.domains.crm import service"),
    ("Layers", "grace/trust/audit/service.py", "from grace.providers.mail import port"),
    ("Layers", "grace/stray.py", ""),
    ("Domains are strangers", "grace/domains/crm/rules.py", "from grace.domains.payments import service"),
    ("Inside trust", "grace/trust/ledger/rules.py", "from grace.trust.governance import service"),
    ("Inside trust", "grace/trust/audit/rules.py", "from grace.trust.ledger import service"),
    ("Inside trust", "grace/trust/stray.py", ""),
    ("Ports do not know", "grace/providers/mail/smtp.py", "from grace.providers.payments import port"),
    ("A vendor's adapter", "grace/flows/pay.py", "from grace.providers.payments import stripe"),
    ("A vendor's adapter", "grace/app/web.py", "from grace.providers.payments import stripe"),
    ("Inside a slice", "grace/domains/payments/queries.py", "from grace.domains.payments import service"),
    ("Inside a slice", "grace/trust/ledger/models.py", "from grace.trust.ledger import service"),
    ("The product never", "grace/app/up.py", "import grace_sandbox.stripe"),
    ("The client imports", "grace/client/cache.py", "from grace.kit import tx"),
    ("Only app", "grace/flows/call.py", "from grace.client import http"),
    ("No cycles", "grace/kit/money.py", "def f():\n    from grace.kit import tx"),
]


def lint(tree: Path) -> subprocess.CompletedProcess[str]:
    linter = Path(sys.executable).with_name("lint-imports")
    return subprocess.run([linter, "--no-cache"], cwd=tree, capture_output=True, text=True, check=False)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small Grace in which every import is allowed."""
    shutil.copy(ROOT / ".importlinter", tmp_path)
    for package in SKELETON.split():
        (tmp_path / package).mkdir(parents=True)
        (tmp_path / package / "__init__.py").touch()
    for path, source in ALLOWED.items():
        (tmp_path / path).write_text(f"{source}\n")
    return tmp_path


def test_what_is_allowed_passes(tree: Path) -> None:
    done = lint(tree)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(("contract", "path", "source"), FORBIDDEN)
def test_what_is_forbidden_is_found(tree: Path, contract: str, path: str, source: str) -> None:
    (tree / path).write_text(f"{source}\n")
    done = lint(tree)
    assert done.returncode != 0
    broken = [line for line in done.stdout.splitlines() if " BROKEN" in line]
    assert [line for line in broken if line.startswith(contract)], done.stdout
