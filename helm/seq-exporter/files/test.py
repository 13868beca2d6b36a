"""The program of `helm test`: wait until every account has been polled, then count the scores."""

import ssl
import sys
import time
import urllib.error
import urllib.request

# The certificate is not verified: that is a matter between the server and its scrapers.
CONTEXT = ssl.create_default_context()
CONTEXT.check_hostname = False
CONTEXT.verify_mode = ssl.CERT_NONE


def ask(url: str) -> tuple[int, str]:
    """Return the status and the page, or 0 and the reason for the failure."""
    try:
        with urllib.request.urlopen(url, timeout=10, context=CONTEXT) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as err:
        return err.code, err.read().decode(errors="replace")
    except OSError as err:
        return 0, str(err)


def main(base: str) -> str | None:
    """Return the problem, if there is one."""
    deadline = time.monotonic() + 120
    while (answer := ask(f"{base}/-/ready"))[0] != 200:
        if time.monotonic() > deadline:
            return f"{base}/-/ready: {answer}; the exporter's log has the reason"
        time.sleep(1)
    status, page = ask(f"{base}/metrics")
    if status == 401:
        print("ready, and requires a password")
        return None
    if status != 200:
        return f"{base}/metrics: {status} {page}"
    lines = page.splitlines()
    scores = sum(line.startswith("sendgrid_seq_score{") for line in lines)
    down = [
        line
        for line in lines
        if line.startswith("seq_exporter_account_up{") and float(line.rsplit(" ", 1)[1]) == 0
    ]
    print(f"ready: scores of {scores} subusers")
    return f"the last poll failed: {down}" if down else None


sys.exit(main(sys.argv[1]))
