"""The chart, rendered by the real Helm for every file of ci/, is what Kubernetes wants, and we."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.packaging.chart import (
    CHART,
    CI,
    Object,
    find,
    find_chart_tool,
    find_pod,
    render,
    render_text,
    run_helm,
)
from tests.processes import find_tool
from tests.support import ROOT

#: The oldest and the newest minor version of Kubernetes that the chart is for.
KUBERNETES = ("1.28.0", "1.37.0")
#: The least that the chart can be given.
LEAST = ('existingSecret="sendgrid"', 'config.accounts=[{"name": "acme"}]')
#: Checkov's checks that together are the restricted profile of the Pod Security Standards, and a
#: little more. https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
RESTRICTED = (
    "CKV_K8S_16",  # not privileged
    "CKV_K8S_17",  # not the host's processes,
    "CKV_K8S_18",  # IPC,
    "CKV_K8S_19",  # or network
    "CKV_K8S_20",  # no escalation
    "CKV_K8S_22",  # a read-only root file system
    "CKV_K8S_23",  # not root
    "CKV_K8S_25",  # no capability added,
    "CKV_K8S_28",  # all dropped,
    "CKV_K8S_37",
    "CKV_K8S_26",  # no port of the host
    "CKV_K8S_27",  # nor its engine's socket
    "CKV_K8S_29",  # a security context for pod and containers
    "CKV_K8S_30",
    "CKV_K8S_31",  # seccomp
    "CKV_K8S_38",  # no token of Kubernetes
    "CKV_K8S_40",  # a high user id
)


@pytest.mark.parametrize("values", CI, ids=lambda path: path.stem)
def test_helm_lints_it(values: Path) -> None:
    done = run_helm("lint", "--strict", CHART, f"--values={values}")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("values", CI, ids=lambda path: path.stem)
def test_the_oldest_helm_renders_the_same(values: Path) -> None:
    # It was built for an older Kubernetes than the chart is for, and sorts objects otherwise.
    flags = ("--namespace=mail", f"--kube-version={KUBERNETES[0]}", f"--values={values}")
    done = run_helm("template", "seq", CHART, *flags, name="helm-oldest")
    assert (done.stderr, done.returncode) == ("", 0)
    objects = [found for found in yaml.load_all(done.stdout, yaml.CSafeLoader) if found]
    assert sort_objects(objects) == sort_objects(render(values))


def sort_objects(objects: list[Object]) -> list[Object]:
    return sorted(objects, key=lambda each: (each["kind"], each["metadata"]["name"]))


def test_the_oldest_helm_tells_of_mistakes() -> None:
    flags = (f"--kube-version={KUBERNETES[0]}", "--set=existingSecret=a,replicas=2")
    done = run_helm("template", "seq", CHART, *flags, name="helm-oldest")
    told = [line.strip().partition(":")[0] for line in done.stderr.splitlines()]
    assert {"replicas", "config.accounts"} <= set(told)


#: One change each, and a problem that it causes.
CHANGES = [
    ("  replicas: 1", "  replicas: one", "Deployment seq-seq-exporter: 1.28.0: "),
    ("  replicas: 1", "  replica: 1", "Deployment seq-seq-exporter: 1.37.0: "),
    ("scrapeTimeout", "scrapeTimeOut", "ServiceMonitor.spec.endpoints[0].scrapeTimeOut: unknown"),
    ("        for: 3h", "        for: 3 hours", "PrometheusRule seq-seq-exporter: "),
]


@pytest.fixture(scope="module")
def problems() -> dict[str, str]:
    """Check the objects of each file of ci/ and after each change; one process: it starts slowly.

    `{"shards-values": "", "  replica: 1": "Deployment seq-seq-exporter: 1.37.0: ..."}`
    """
    texts = {values.stem: render_text(values) for values in CI}
    changed = texts["kube-prometheus-stack-values"]
    for old, new, _ in CHANGES:
        assert old in changed
        texts[new] = changed.replace(old, new, 1)
    command = [find_chart_tool("python"), str(Path(__file__).with_name("kubernetes.py"))]
    done = subprocess.run(
        [*command, *KUBERNETES],
        input=json.dumps(texts),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("values", CI, ids=lambda path: path.stem)
def test_kubernetes_and_the_operator_take_every_object(
    values: Path, problems: dict[str, str]
) -> None:
    assert problems[values.stem] == ""


@pytest.mark.parametrize(("old", "new", "problem"), CHANGES)
def test_they_would_not_take_others(
    old: str, new: str, problem: str, problems: dict[str, str]
) -> None:
    assert problem in problems[new], f"{old} became {new}"


#: Values that violate the restricted profile, and the checks that find it.
VIOLATIONS = [
    ("securityContext.readOnlyRootFilesystem=false", {"CKV_K8S_22"}),
    ("securityContext.capabilities=null", {"CKV_K8S_28", "CKV_K8S_37"}),
    ("podSecurityContext.seccompProfile=null", {"CKV_K8S_31"}),
    ("hostNetwork=true", {"CKV_K8S_19"}),
    ("automountServiceAccountToken=true", {"CKV_K8S_38"}),
    ('podSecurityContext={"runAsNonRoot": false, "runAsUser": 0}', {"CKV_K8S_23", "CKV_K8S_40"}),
]


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> list[Object]:
    """Return what each check of the restricted profile finds in each resource of each file.

    The files are `shards-values.yaml` and so on, and `0.yaml` for the first of `VIOLATIONS`. One
    process checks them all: it starts slowly.
    """
    folder = tmp_path_factory.mktemp("restricted")
    for values in CI:
        (folder / values.name).write_text(render_text(values))
    for number, (violating, _) in enumerate(VIOLATIONS):
        (folder / f"{number}.yaml").write_text(render_text(*LEAST, violating))
    done = subprocess.run(
        [
            *(find_chart_tool("checkov"), f"--directory={folder}", "--framework=kubernetes"),
            *("--output=json", "--compact", f"--check={','.join(RESTRICTED)}"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    report = json.loads(done.stdout)
    assert report["summary"]["parsing_errors"] == 0
    results = report["results"]
    return [*results["passed_checks"], *results["failed_checks"]]


def find_violations(checked: list[Object], file: str) -> set[tuple[str, str]]:
    """Return each violated check of a file with the resource that violates it."""
    of_file = [each for each in checked if each["file_path"] == f"/{file}"]
    assert "PASSED" in {each["check_result"]["result"] for each in of_file}
    return {
        (each["check_id"], each["resource"])
        for each in of_file
        if each["check_result"]["result"] != "PASSED"
    }


@pytest.mark.parametrize("values", CI, ids=lambda path: path.stem)
def test_the_restricted_profile_holds(values: Path, checked: list[Object]) -> None:
    assert find_violations(checked, values.name) == set()


@pytest.mark.parametrize("number", range(len(VIOLATIONS)))
def test_it_would_not_hold_for_others(number: int, checked: list[Object]) -> None:
    _, violated = VIOLATIONS[number]
    assert {check for check, _ in find_violations(checked, f"{number}.yaml")} == violated


def test_the_rules_are_those_of_the_project(tmp_path: Path) -> None:
    rendered = find(render(*LEAST, "prometheusRule.enabled=true"), "PrometheusRule")["spec"]
    shipped = yaml.safe_load(
        (ROOT / "prometheus" / "seq-exporter.rules.yaml")
        .read_text()
        .replace('job="seq-exporter"', 'job="seq-seq-exporter"')
    )
    assert rendered == shipped
    assert_promtool_takes(rendered, tmp_path)


def test_alerts_can_be_changed_one_by_one(tmp_path: Path) -> None:
    objects = render(CHART / "ci" / "kube-prometheus-stack-values.yaml")
    rendered = find(objects, "PrometheusRule")
    assert_promtool_takes(rendered["spec"], tmp_path)
    rules = [rule for group in rendered["spec"]["groups"] for rule in group["rules"]]
    alerts = {rule["alert"]: rule for rule in rules if "alert" in rule}
    assert "SeqMetricScorePoor" not in alerts
    failing = alerts["SeqPollFailing"]
    assert (failing["for"], failing["labels"]["severity"]) == ("3h", "critical")
    del alerts["LeastScore"]  # of the values
    del alerts["SeqMuteResolved"]  # it is for Alertmanager, and links to nothing
    for name, alert in alerts.items():
        found = alert["annotations"]
        assert found["runbook_url"] == f"https://wiki.example.com/runbooks/{name}.md"
        assert found["dashboard_url"].startswith("https://grafana.example.com/mail/d/")
        status = found.get("status_url", "https://seq.example.com/exporter/")
        assert status.startswith("https://seq.example.com/exporter/")


def test_links_lead_to_the_users_grafana_and_exporter(tmp_path: Path) -> None:
    chart = shutil.copytree(CHART, tmp_path / "chart")
    path = "/d/seq-subuser?var-account={{ urlquery $labels.account }}"
    alert = {
        "alert": "SeqScorePoor",
        "expr": "sendgrid_seq_score <= 2",
        "labels": {"severity": "warning"},
        "annotations": {
            "dashboard_url": f"https://grafana.seq-exporter.example{path}",
            "status_url": "https://status.seq-exporter.example/subuser?subuser=shop",
        },
    }
    rules = yaml.safe_dump({"groups": [{"name": "scores", "rules": [alert]}]})
    (chart / "files" / "seq-exporter.rules.yaml").write_text(rules)
    values = (
        *LEAST,
        "prometheusRule.enabled=true",
        'prometheusRule.dashboardUrl="https://example.com/grafana/"',
        'prometheusRule.statusUrl="https://example.com/seq/"',
    )
    done = run_helm("template", "seq", chart, *(f"--set-json={value}" for value in values))
    objects = list(yaml.safe_load_all(done.stdout))
    (group,) = find(objects, "PrometheusRule")["spec"]["groups"]
    (rendered,) = group["rules"]
    assert rendered["annotations"] == {
        "dashboard_url": f"https://example.com/grafana{path}",
        "status_url": "https://example.com/seq/subuser?subuser=shop",
    }


def assert_promtool_takes(rules: Object, folder: Path) -> None:
    (folder / "rules.yaml").write_text(yaml.safe_dump(rules))
    command = [find_tool("promtool"), "check", "rules", "--lint=all", "--lint-fatal", "rules.yaml"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["seq-fleet", "seq-subuser", "seq-exporter"])
def test_the_dashboards_are_those_of_the_project(name: str) -> None:
    objects = render(CHART / "ci" / "kube-prometheus-stack-values.yaml")
    made = find(objects, "ConfigMap", f"seq-seq-exporter-{name.removeprefix('seq-')}-dashboard")
    assert made["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert made["metadata"]["annotations"] == {"grafana_folder": "Mail"}
    shipped = (ROOT / "grafana" / f"{name}.json").read_text()
    assert json.loads(made["data"][f"{name}.json"]) == json.loads(shipped)


def test_a_series_is_the_same_after_a_restart() -> None:
    endpoint = {
        "port": "http-metrics",
        "path": "/metrics",
        "scheme": "http",
        "interval": "2m",
        "scrapeTimeout": "30s",
        "relabelings": [
            {"action": "replace", "replacement": "seq-seq-exporter", "targetLabel": "instance"},
            {"action": "replace", "replacement": "seq-seq-exporter", "targetLabel": "job"},
            {"action": "labeldrop", "regex": "pod|container|endpoint"},
        ],
    }
    of_service = find(render(*LEAST, "serviceMonitor.enabled=true"), "ServiceMonitor")
    assert of_service["spec"]["endpoints"] == [endpoint]
    of_pod = find(render(*LEAST, "podMonitor.enabled=true"), "PodMonitor")
    assert of_pod["spec"]["podMetricsEndpoints"] == [endpoint]
    of_shards = find(render(CHART / "ci" / "shards-values.yaml"), "PodMonitor")["spec"]
    by_pod = {
        "action": "replace",
        "sourceLabels": ["__meta_kubernetes_pod_name"],  # seq-seq-exporter-0, -1, -2
        "targetLabel": "instance",
    }
    assert of_shards["podMetricsEndpoints"][0]["relabelings"][0] == by_pod


def test_only_what_is_selected_is_scraped() -> None:
    objects = render(*LEAST, "serviceMonitor.enabled=true", "podDisruptionBudget.enabled=true")
    selector = {"app.kubernetes.io/name": "seq-exporter", "app.kubernetes.io/instance": "seq"}
    assert find(objects, "ServiceMonitor")["spec"]["selector"] == {"matchLabels": selector}
    assert find(objects, "Service")["spec"]["selector"] == selector
    assert find(objects, "Deployment")["spec"]["selector"] == {"matchLabels": selector}
    assert find_pod(objects)["metadata"]["labels"].items() >= selector.items()
    # Nor is the pod of `helm test`.
    assert not find(objects, "Pod")["metadata"]["labels"].items() >= selector.items()


def test_another_configuration_is_another_pod_and_another_key_is_not() -> None:
    def checksum(*values: str) -> str:
        return str(find_pod(render(*values))["metadata"]["annotations"]["checksum/config"])

    inline = ('apiKeys={"acme": "SG.one"}', LEAST[1])
    assert checksum(*inline) == checksum('apiKeys={"acme": "SG.two"}', LEAST[1])
    assert checksum(*inline) != checksum(*inline, 'config.poll={"interval": "30m"}')


def test_state_and_shards_make_it_a_stateful_set() -> None:
    spec = find(render(CHART / "ci" / "shards-values.yaml"), "StatefulSet")["spec"]
    assert spec["replicas"] == 3
    (claim,) = spec["volumeClaimTemplates"]
    assert (claim["apiVersion"], claim["kind"]) == ("v1", "PersistentVolumeClaim")
    assert claim["spec"]["resources"] == {"requests": {"storage": "1Gi"}}
    container = spec["template"]["spec"]["containers"][0]
    assert "--shard=$(POD_INDEX)/3" in container["args"]
    assert {"name": "state", "mountPath": "/var/lib/seq-exporter"} in container["volumeMounts"]


def test_a_route_leads_to_the_service() -> None:
    """No schema of the Gateway API can be installed: here it is whole."""
    route = find(render(CHART / "ci" / "shown-to-people-values.yaml"), "HTTPRoute")
    assert route["apiVersion"] == "gateway.networking.k8s.io/v1"
    assert route["spec"] == {
        "parentRefs": [{"name": "internal", "namespace": "gateways"}],
        "hostnames": ["seq.example.com"],
        "rules": [{"backendRefs": [{"name": "seq-seq-exporter", "port": 80}]}],
    }


@pytest.mark.parametrize("path", ["/seq", "/seq/"])
def test_a_route_removes_its_path(path: str) -> None:
    values = CHART / "ci" / "behind-a-path-values.yaml"
    route = find(render(values, f'httpRoute.path="{path}"'), "HTTPRoute")
    assert route["spec"]["rules"] == [
        {
            "matches": [{"path": {"type": "Exact", "value": "/seq"}}],
            "filters": [
                {
                    "type": "RequestRedirect",
                    "requestRedirect": {
                        "path": {"type": "ReplaceFullPath", "replaceFullPath": "/seq/"},
                        "statusCode": 302,
                    },
                }
            ],
        },
        {
            "matches": [{"path": {"type": "PathPrefix", "value": "/seq"}}],
            "filters": [
                {
                    "type": "URLRewrite",
                    "urlRewrite": {
                        "path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}
                    },
                }
            ],
            "backendRefs": [{"name": "seq-seq-exporter", "port": 10737}],
        },
    ]


@pytest.mark.parametrize(
    ("values", "path", "path_type"),
    [
        ("shown-to-people-values.yaml", "/", "Prefix"),
        ("behind-a-path-values.yaml", "/seq(/|$)(.*)", "ImplementationSpecific"),
    ],
)
def test_an_ingress_takes_a_path(values: str, path: str, path_type: str) -> None:
    ingress = find(render(CHART / "ci" / values), "Ingress")
    (rule,) = ingress["spec"]["rules"]
    assert rule["http"]["paths"] == [
        {
            "path": path,
            "pathType": path_type,
            "backend": {"service": {"name": "seq-seq-exporter", "port": {"name": "http-metrics"}}},
        }
    ]


def test_the_notes_say_what_is_next() -> None:
    values = f"--values={CHART / 'ci' / 'inline-key-values.yaml'}"
    done = run_helm("install", "seq", CHART, "--namespace=mail", "--dry-run=client", values)
    notes = done.stdout.partition("\nNOTES:\n")[2]
    assert "kubectl --namespace mail port-forward service/seq-seq-exporter 10737:10737" in notes
    assert "Nothing scrapes it yet" in notes
    assert "Helm keeps the API keys" in notes
    assert "SG.pretended" not in notes


PARENT = """\
apiVersion: v2
name: parent
version: 1.0.0
dependencies:
  - {name: seq-exporter, version: "*", condition: seq-exporter.enabled}
"""


@pytest.mark.parametrize(
    ("enabled", "deployments"), [({}, 1), ({"enabled": True}, 1), ({"enabled": False}, 0)]
)
def test_a_parent_chart_can_switch_it_off_and_has_globals(
    enabled: dict[str, bool], deployments: int, tmp_path: Path
) -> None:
    (tmp_path / "Chart.yaml").write_text(PARENT)
    shutil.copytree(CHART, tmp_path / "charts" / "seq-exporter")
    values = {
        "global": {
            "imageRegistry": "registry.example.com",
            "imagePullSecrets": ["by-name", {"name": "as-object"}],
            "domain": "example.com",
        },
        "seq-exporter": {
            "existingSecret": "sendgrid",
            "config": {"accounts": [{"name": "acme"}]},
            "imagePullSecrets": [{"name": "own"}],
            **enabled,
        },
    }
    (tmp_path / "values.yaml").write_text(yaml.safe_dump(values))
    done = run_helm("template", "seq", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    objects = [found for found in yaml.safe_load_all(done.stdout) if found]
    assert [each["kind"] for each in objects].count("Deployment") == deployments
    if deployments:
        for pod in (find_pod(objects), find(objects, "Pod")):
            assert pod["spec"]["imagePullSecrets"] == [
                {"name": "by-name"},
                {"name": "as-object"},
                {"name": "own"},
            ]
            (container,) = pod["spec"]["containers"]
            assert container["image"].startswith("registry.example.com/seq-exporter:")
    else:
        assert objects == []


def test_a_package_holds_what_it_needs(tmp_path: Path) -> None:
    done = run_helm("package", CHART, "--destination", tmp_path)
    assert done.returncode == 0, done.stderr
    (package,) = tmp_path.glob("seq-exporter-*.tgz")
    values = CHART / "ci" / "kube-prometheus-stack-values.yaml"
    rendered = run_helm("template", "seq", package, "--namespace=mail", f"--values={values}")
    assert rendered.stdout == render_text(values)
