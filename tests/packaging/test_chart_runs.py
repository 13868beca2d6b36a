"""What the chart makes of its values is run: files of the pod's volumes, its flags, its test."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import requests
import trustme
import yaml

from tests.packaging.chart import CHART, CI, Object, find, find_pod, lay_out, make_command, render
from tests.processes import Start, free_port, start_simulator, wait_for
from tests.support import GIVE_UP_SECONDS

OWN = [path for path in CI if "existing-config" not in path.name]
#: What the Secrets hold that the files in ci/ refer to.
SECRETS = {
    "sendgrid": {"acme": "SG.a", "acme-eu": "SG.b", "bmce": "SG.c", "corp": "SG.d"},
    "bmce-sendgrid": {"api-key": "SG.e"},
}


@pytest.mark.parametrize("values", OWN, ids=lambda path: path.stem)
def test_the_exporter_takes_the_configuration(values: Path, tmp_path: Path) -> None:
    objects = render(values)
    lay_out(objects, SECRETS, "settings", tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "seq_exporter", "check", "--offline", "--config.file=config.yaml"],
        cwd=tmp_path,
        env={"CORP_KEY": "SG.f", "PYTHONPATH": str(CHART.parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    count = len(yaml.safe_load(values.read_text())["config"]["accounts"])
    said = f"config.yaml: no mistakes; {count} account{'s' if count > 1 else ''}\n"
    assert (done.stdout, done.stderr) == (said, "")


def test_keys_from_each_place_go_to_their_accounts(tmp_path: Path) -> None:
    lay_out(render(CHART / "ci" / "several-secrets-values.yaml"), SECRETS, "settings", tmp_path)
    accounts = yaml.safe_load((tmp_path / "config.yaml").read_text())["accounts"]
    keys = [
        (tmp_path / account["api_key_file"]).read_text()
        if "api_key_file" in account
        else account["api_key"]
        for account in accounts
    ]
    assert keys == ["SG.a", "SG.e", "${CORP_KEY}"]


def test_the_pod_serves_and_helm_test_says_so(
    start: Start, exporter: Start, tmp_path: Path
) -> None:
    """TLS by a certificate of cert-manager's, a password, and probes that need neither."""
    accounts = yaml.safe_load(start_simulator(exporter)[1].config)["accounts"]
    keys = {account["name"]: account.pop("api_key") for account in accounts}
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    certificate = authority.issue_cert("127.0.0.1")
    tls = {
        "tls.crt": certificate.cert_chain_pems[0].bytes().decode(),
        "tls.key": certificate.private_key_pem.bytes().decode(),
    }
    values = tmp_path / "values.yaml"
    values.write_text(yaml.safe_dump({"config": {"accounts": accounts}}))
    objects = render(CHART / "ci" / "web-cert-manager-values.yaml", values)
    secrets = {"sendgrid": keys, "seq-exporter-tls": tls}
    settings, web = tmp_path / "settings", tmp_path / "web"
    lay_out(objects, secrets, "settings", settings)
    lay_out(objects, secrets, "web", web)

    address = f"127.0.0.1:{free_port()}"
    places = {"/etc/seq-exporter": settings, "/etc/seq-exporter-web": web}
    served = start(*make_command(objects, places), f"--web.listen-address={address}")
    ended = run_helm_test(find(objects, "Pod"), f"https://{address}")
    said = "ready, and requires a password\n"
    assert (ended.stdout, ended.stderr, ended.returncode) == (said, "", 0)

    with requests.Session() as session:
        session.trust_env = False  # this machine may have a bundle of its own
        session.verify = str(tmp_path / "ca.pem")
        for name in ("livenessProbe", "readinessProbe"):
            probe = find_pod(objects)["spec"]["containers"][0][name]["httpGet"]
            url = f"{probe['scheme'].lower()}://{address}{probe['path']}"
            assert session.get(url, timeout=GIVE_UP_SECONDS).status_code == 200
        session.auth = ("prometheus", "pretended")
        page = session.get(f"https://{address}/metrics", timeout=GIVE_UP_SECONDS)
        assert "\nsendgrid_seq_score{" in page.text

    served.terminate()
    assert served.wait(GIVE_UP_SECONDS) == 0


def test_helm_test_counts_scores_and_tells_of_failed_polls(
    start: Start, exporter: Start, tmp_path: Path
) -> None:
    accounts = yaml.safe_load(start_simulator(exporter)[1].config)["accounts"]
    keys = {account["name"]: account.pop("api_key") for account in accounts}
    values = tmp_path / "values.yaml"
    values.write_text(
        yaml.safe_dump({"existingSecret": "sendgrid", "config": {"accounts": accounts}})
    )
    objects = render(values)

    def serve(name: str, keys: dict[str, str]) -> str:
        lay_out(objects, {"sendgrid": keys}, "settings", tmp_path / name)
        address = f"127.0.0.1:{free_port()}"
        command = make_command(objects, {"/etc/seq-exporter": tmp_path / name})
        wait_for(f"http://{address}/-/healthy", start(*command, f"--web.listen-address={address}"))
        return f"http://{address}"

    done = run_helm_test(find(objects, "Pod"), serve("right", keys))
    assert re.fullmatch(r"ready: scores of [1-9]\d* subusers\n", done.stdout), done
    assert done.returncode == 0

    wrong = keys | {"kettlewick": "SG.wrong"}
    failed = run_helm_test(find(objects, "Pod"), serve("wrong", wrong))
    assert failed.returncode == 1
    assert 'the last poll failed: [\'seq_exporter_account_up{account="kettlewick"}' in failed.stderr


def run_helm_test(pod: Object, address: str) -> subprocess.CompletedProcess[str]:
    """Run what the pod of `helm test` runs, against another address."""
    (container,) = pod["spec"]["containers"]
    _, flag = container["command"]
    script, url = container["args"]
    assert re.fullmatch(r"https?://seq-seq-exporter:10737", url)
    return subprocess.run(
        [sys.executable, flag, script, address], capture_output=True, text=True, check=False
    )
