"""Reverses one position and prints every event until its end.

    python3 example.py /run/backhand/attach.sock momentum main USDT-FUTURES ETHUSDT long
"""

import sys

from backhand import Session

socket_path, strategy, account, product, symbol, side = sys.argv[1:7]
with Session(socket_path, strategy, "example") as session:
    intent_id = session.reverse(account, product, symbol, side, within_s=0.5)
    for outcome in session.wait_for(intent_id, timeout_s=60):
        print(outcome.kind, outcome.deny_reason if outcome.kind == "denied" else outcome.result)
