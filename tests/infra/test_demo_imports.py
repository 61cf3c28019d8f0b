"""What the demo imports before it has set its environment."""

import subprocess
import sys


def test_prefect_is_imported_only_after_the_demo_has_set_its_address():
    script = "import sys, infra.demo.__main__; sys.exit('prefect' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", script]).returncode == 0
