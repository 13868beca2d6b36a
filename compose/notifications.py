"""Print Alertmanager's notifications: `digest: firing SeqScorePoor kettlewick shop-de: ...`."""

import http.server
import json


class Receiver(http.server.BaseHTTPRequestHandler):
    """A webhook receiver: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config."""

    def do_POST(self) -> None:
        """Print a line for each alert of a notification."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        for alert in json.loads(body)["alerts"]:
            labels = alert["labels"]
            who = [labels[name] for name in ("account", "subuser", "metric") if name in labels]
            summary = alert["annotations"].get("summary", "")
            name = labels["alertname"]
            print(f"{self.path[1:]}: {alert['status']} {name} {' '.join(who)}: {summary}")
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Do not log the requests themselves."""


http.server.ThreadingHTTPServer(("127.0.0.1", 9099), Receiver).serve_forever()
