"""Runs a client of Node against the proxy while a server that answers early stands behind it: `STAND SCRIPT PATH STATUS HOW [WORD...]`.

HOW is as early_server.py says. The figures are those of the script.
"""

import subprocess
import sys

import honest

stand = honest.stand()
script, path, status, how, *more = honest.words()
honest.child(sys.executable, f"{honest.HERE}/early_server.py", str(stand["ports"]["one"]), status, how)
run = subprocess.run(["node", f"{honest.HERE}/{script}", str(stand["ports"]["plain"]), path, status, *more],
                     stdout=subprocess.PIPE, text=True, timeout=90)
print(run.stdout.strip() or '{"ended": %d}' % run.returncode, flush=True)
