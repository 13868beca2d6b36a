"""Values mean what they mean in other charts: prometheus-community's, and what helm creates."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.packaging.chart import (
    CHART,
    Object,
    find,
    find_pod,
    render,
    run_helm,
)

LEAST = ('existingSecret="sendgrid"', 'config.accounts=[{"name": "acme"}]')
ABOUT = yaml.safe_load((CHART / "Chart.yaml").read_text())
SELECTOR = {"app.kubernetes.io/name": "seq-exporter", "app.kubernetes.io/instance": "seq"}
#: The labels of each object, without any from values.
LABELS = SELECTOR | {
    "app.kubernetes.io/version": ABOUT["appVersion"],
    "app.kubernetes.io/part-of": "seq-exporter",
    "app.kubernetes.io/managed-by": "Helm",
    "helm.sh/chart": f"seq-exporter-{ABOUT['version']}",
}


def render_ci(name: str, *values: str) -> list[Object]:
    return render(CHART / "ci" / f"{name}-values.yaml", *values)


# Labels and annotations


def test_every_object_has_the_labels_once_with_their_templates_filled_in() -> None:
    objects = render_ci("subchart-of-kube-prometheus-stack")
    every = LABELS | {"release": "seq", "of": "seq"}
    monitor = find(objects, "ServiceMonitor")
    assert monitor["metadata"]["labels"] == every | {"seq-exporter": "mail"}
    assert monitor["metadata"]["annotations"] == {"chart": "seq-exporter"}
    others = [each for each in objects if each["kind"] not in ("ServiceMonitor", "Pod")]
    assert [each["metadata"]["labels"] for each in others] == [every] * len(others)
    assert find_pod(objects)["metadata"]["labels"] == every


def test_annotations_of_pods_are_left_to_others() -> None:
    template = '{{ with secret "sendgrid" }}'
    told = f"podAnnotations={json.dumps({'vault.hashicorp.com/agent-inject-template-a': template})}"
    annotations = find_pod(render(*LEAST, told))["metadata"]["annotations"]
    assert annotations["vault.hashicorp.com/agent-inject-template-a"] == template


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("serviceMonitor", "ServiceMonitor"),
        ("podMonitor", "PodMonitor"),
        ("scrapeConfig", "ScrapeConfig"),
        ("podMonitoring", "PodMonitoring"),
        ("prometheusRule", "PrometheusRule"),
    ],
)
def test_additional_labels_are_those_of_the_object(value: str, kind: str) -> None:
    """Prometheus selects objects by them: else it would never load the object, without a word."""
    set_labels = f'{value}={{"enabled": true, "additionalLabels": {{"release": "kps"}}, "labels": '
    metadata = find(render(*LEAST, set_labels + '{"release": "older", "a": "b"}}'), kind)
    assert metadata["metadata"]["labels"] == LABELS | {"release": "kps", "a": "b"}
    assert "kps" not in str(metadata["spec"])


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("labels", "Deployment"),
        ("service.labels", "Service"),
        ("ingress.labels", "Ingress"),
        ("httpRoute.labels", "HTTPRoute"),
        ("dashboards.labels", "ConfigMap"),
    ],
)
def test_labels_of_single_objects_may_contain_templates(value: str, kind: str) -> None:
    exposed = (
        'ingress={"enabled": true, "hosts": ["a"]}',
        'httpRoute={"enabled": true, "parentRefs": [{"name": "a"}]}',
        "dashboards.enabled=true",
    )
    told = f'{value}={{"a": "{{{{ .Release.Name }}}}"}}'
    objects = render(*LEAST, *exposed, told)
    labelled = [each["kind"] for each in objects if "a" in each["metadata"]["labels"]]
    assert set(labelled) == {kind}
    assert (
        find(objects, kind, "seq-seq-exporter-fleet-dashboard" if "dash" in value else "")[
            "metadata"
        ]["labels"]["a"]
        == "seq"
    )


def test_alerts_have_labels_annotations_and_neighbours_of_their_own() -> None:
    rules = find(render_ci("kube-prometheus-stack"), "PrometheusRule")
    assert rules["metadata"]["labels"] == LABELS | {"release": "kube-prometheus-stack"}
    *groups, own = rules["spec"]["groups"]
    alerts = {rule["alert"]: rule for group in groups for rule in group["rules"] if "alert" in rule}
    assert {alert["labels"]["team"] for alert in alerts.values()} == {"deliverability"}
    wikis = {name: alert["annotations"]["wiki"] for name, alert in alerts.items()}
    assert wikis.pop("SeqPollFailing") == "https://wiki.example.com/polls"
    assert set(wikis.values()) == {"https://wiki.example.com/{{ $labels.account }}"}
    assert own == {
        "name": "seq-exporter.own",
        "rules": [
            {
                "record": "account:sendgrid_seq_score:least",
                "expr": "min by (account) (sendgrid_seq_score)",
            },
            {
                "alert": "LeastScore",
                "expr": "account:sendgrid_seq_score:least < 2",
                "for": "1d",
                "labels": {"severity": "info"},
                "annotations": {"summary": "Somebody of {{ $labels.account }} has a poor score."},
            },
        ],
    }


# Scrapes

DROPPED = [{"action": "drop", "sourceLabels": ["__name__"], "regex": "python_.*"}]


def test_a_monitor_takes_what_other_charts_take() -> None:
    spec = find(render_ci("subchart-of-kube-prometheus-stack"), "ServiceMonitor")["spec"]
    assert spec == {
        "jobLabel": "app.kubernetes.io/name",
        "targetLabels": ["of"],
        "podTargetLabels": ["of"],
        "namespaceSelector": {"any": True},
        "selector": {"matchLabels": SELECTOR},
        "endpoints": [
            {
                "port": "http-metrics",
                "path": "/metrics",
                "scheme": "http",
                "interval": "2m",
                "scrapeTimeout": "30s",
                "honorLabels": True,
                "proxyUrl": "http://proxy:3128",
                "relabelings": [  # none of `job`
                    {
                        "action": "replace",
                        "replacement": "seq-seq-exporter",
                        "targetLabel": "instance",
                    },
                    {"action": "labeldrop", "regex": "pod|container|endpoint"},
                ],
            }
        ],
    }


@pytest.mark.parametrize("monitor", ["serviceMonitor", "podMonitor"])
@pytest.mark.parametrize(
    ("selector", "rendered"),
    [
        ("null", {"matchNames": ["mail"]}),
        ("[]", {"matchNames": ["mail"]}),
        ('["mail", "other"]', {"matchNames": ["mail", "other"]}),
        ('{"matchNames": ["mail"]}', {"matchNames": ["mail"]}),
        ('{"any": true}', {"any": True}),
    ],
)
def test_namespaces_are_a_list_or_what_the_operator_takes(
    monitor: str, selector: str, rendered: dict[str, Any]
) -> None:
    values = f'{monitor}={{"enabled": true, "namespaceSelector": {selector}}}'
    spec = find(render(*LEAST, values), monitor[0].upper() + monitor[1:])["spec"]
    assert spec["namespaceSelector"] == rendered


def test_a_scrape_config_names_the_service() -> None:
    found = find(render_ci("scrape-config"), "ScrapeConfig")
    assert found["metadata"]["namespace"] == "monitoring"
    assert found["spec"] == {
        "jobName": "seq-seq-exporter",  # by which the alerts select
        "staticConfigs": [
            {
                "targets": ["seq-seq-exporter.mail.svc:10737"],
                "labels": {"instance": "seq-seq-exporter"},
            }
        ],
        "metricsPath": "/metrics",
        "scheme": "HTTPS",
        "scrapeInterval": "2m",
        "scrapeTimeout": "30s",
        "honorLabels": True,
        "proxyUrl": "http://proxy:3128",
        "tlsConfig": {
            "ca": {"secret": {"name": "seq-exporter-tls", "key": "ca.crt"}},
            "serverName": "seq-exporter",
        },
        "basicAuth": {
            "username": {"name": "scraper", "key": "username"},
            "password": {"name": "scraper", "key": "password"},
        },
        "relabelings": [{"targetLabel": "cluster", "replacement": "one"}],
        "metricRelabelings": DROPPED,
        "sampleLimit": 1000000,
    }


def test_google_scrapes_the_pods() -> None:
    """No schema of PodMonitoring can be installed: here it is whole."""
    found = find(render_ci("google-cloud"), "PodMonitoring")
    assert found["apiVersion"] == "monitoring.googleapis.com/v1"
    assert found["metadata"] == {
        "name": "seq-seq-exporter",  # which Google makes the label `job`
        "namespace": "mail",
        "labels": LABELS | {"team": "mail"},
    }
    assert found["spec"] == {
        "selector": {"matchLabels": SELECTOR},
        "targetLabels": {"metadata": []},
        "limits": {"samples": 1000000},
        "endpoints": [
            {
                "port": "http-metrics",
                "path": "/metrics",
                "scheme": "https",
                "interval": "2m",
                "timeout": "30s",
                "tls": {
                    "ca": {"secret": {"name": "seq-exporter-tls", "key": "ca.crt"}},
                    "serverName": "seq-exporter",
                },
                "basicAuth": {
                    "username": "prometheus",
                    "password": {"secret": {"name": "scraper", "key": "password"}},
                },
                "metricRelabeling": DROPPED,
            }
        ],
    }


# Ways in


def backend(path: str, path_type: str) -> Object:
    service = {"name": "seq-seq-exporter", "port": {"name": "http-metrics"}}
    return {"path": path, "pathType": path_type, "backend": {"service": service}}


def test_an_ingress_is_written_as_helm_create_does_or_in_short() -> None:
    assert find(render_ci("as-helm-create-writes"), "Ingress")["spec"] == {
        "tls": [{"secretName": "seq-tls", "hosts": ["seq.example.com"]}],
        "rules": [
            {
                "host": "seq.example.com",
                "http": {"paths": [backend("/", "ImplementationSpecific")]},
            },
            {
                "host": "tools.example.com",
                "http": {"paths": [backend("/scores", "Prefix"), backend("/seq", "Prefix")]},
            },
            {"host": "plain.example.com", "http": {"paths": [backend("/", "Prefix")]}},
        ],
    }


SERVICE = [{"name": "seq-seq-exporter", "port": 10737}]
HEADERS = {"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": ["x"]}}
REDIRECT = {"type": "RequestRedirect", "requestRedirect": {"hostname": "a"}}
TO_HTTPS = {
    "type": "RequestRedirect",
    "requestRedirect": {"scheme": "https", "statusCode": 301},
}
OWN_RULE = {"backendRefs": [{"name": "a", "port": 1}]}


def test_a_route_is_written_as_helm_create_does() -> None:
    assert find(render_ci("as-helm-create-writes"), "HTTPRoute")["spec"] == {
        "parentRefs": [{"name": "gateway", "sectionName": "http"}],
        "hostnames": ["seq.example.com"],
        "rules": [
            {
                "matches": [
                    {
                        "path": {"type": "PathPrefix", "value": "/"},
                        "headers": [{"name": "team", "value": "mail"}],
                    }
                ],
                "filters": [
                    {
                        "type": "RequestHeaderModifier",
                        "requestHeaderModifier": {"remove": ["x-request-id"]},
                    }
                ],
                "backendRefs": SERVICE,
            },
            {  # a redirect must have no backend
                "filters": [
                    {
                        "type": "RequestRedirect",
                        "requestRedirect": {"hostname": "login.example.com"},
                    }
                ]
            },
            {"backendRefs": [{"name": "another", "port": 80}]},
        ],
    }


@pytest.mark.parametrize(
    ("values", "rules"),
    [
        ({}, [{"backendRefs": SERVICE}]),
        (
            {"matches": [{"method": "GET"}], "filters": [HEADERS]},
            [{"matches": [{"method": "GET"}], "filters": [HEADERS], "backendRefs": SERVICE}],
        ),
        ({"filters": [REDIRECT]}, [{"filters": [REDIRECT]}]),
        ({"httpsRedirect": True}, [{"filters": [TO_HTTPS]}]),
        ({"additionalRules": [OWN_RULE]}, [OWN_RULE, {"backendRefs": SERVICE}]),
    ],
)
def test_a_route_is_written_as_blackbox_exporter_does(values: Object, rules: list[Object]) -> None:
    route = {"enabled": True, "parentRefs": [{"name": "a"}]} | values
    objects = render(*LEAST, f"httpRoute={json.dumps(route)}")
    assert find(objects, "HTTPRoute")["spec"]["rules"] == rules


def test_filters_come_after_those_of_a_path() -> None:
    filters = f"httpRoute.filters={json.dumps([HEADERS])}"
    _, rule = find(render_ci("behind-a-path", filters), "HTTPRoute")["spec"]["rules"]
    assert [each["type"] for each in rule["filters"]] == ["URLRewrite", "RequestHeaderModifier"]


def test_a_service_takes_what_kubernetes_takes() -> None:
    assert find(render_ci("google-cloud"), "Service")["spec"] == {
        "type": "LoadBalancer",
        "clusterIP": "192.0.2.10",
        "loadBalancerIP": "192.0.2.20",
        "loadBalancerClass": "example.com/internal",
        "loadBalancerSourceRanges": ["192.0.2.0/24"],
        "selector": SELECTOR,
        "ports": [
            {
                "name": "http-metrics",
                "port": 10737,
                "targetPort": "http-metrics",
                "nodePort": 30737,
            }
        ],
    }


# Pods


@pytest.mark.parametrize(
    ("values", "limit"),
    [
        ({}, {"maxUnavailable": 1}),
        ({"maxUnavailable": "50%"}, {"maxUnavailable": "50%"}),
        ({"maxUnavailable": 0}, {"maxUnavailable": 0}),
        ({"minAvailable": 2}, {"minAvailable": 2}),
        ({"minAvailable": 0}, {"minAvailable": 0}),
    ],
)
def test_a_disruption_budget_has_one_limit(values: Object, limit: Object) -> None:
    budget = f"podDisruptionBudget={json.dumps({'enabled': True} | values)}"
    assert find(render(*LEAST, budget), "PodDisruptionBudget")["spec"] == limit | {
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
        "selector": {"matchLabels": SELECTOR},
    }


def test_resources_can_follow_the_use() -> None:
    """No schema of VerticalPodAutoscaler can be installed: here it is whole."""
    found = find(render_ci("google-cloud"), "VerticalPodAutoscaler")
    assert found["apiVersion"] == "autoscaling.k8s.io/v1"
    assert found["spec"] == {
        "targetRef": {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "name": "seq-seq-exporter",
        },
        "recommenders": [{"name": "own"}],
        "updatePolicy": {"updateMode": "Initial"},
        "resourcePolicy": {
            "containerPolicies": [
                {
                    "containerName": "seq-exporter",
                    "controlledResources": ["memory"],
                    "controlledValues": "RequestsOnly",
                    "minAllowed": {"memory": "64Mi"},
                    "maxAllowed": {"memory": "1Gi"},
                }
            ]
        },
    }


def test_the_pod_takes_what_kubernetes_takes() -> None:
    objects = render_ci("everything-else")
    assert find(objects, "Deployment")["metadata"]["labels"]["g"] == "h"
    spec = find_pod(objects)["spec"]
    assert spec["runtimeClassName"] == "gvisor"
    assert spec["imagePullSecrets"] == [
        {"name": "global"},
        {"name": "by-name"},
        {"name": "own"},
        {"name": "own-by-name"},
    ]
    container = spec["containers"][0]
    assert container["lifecycle"] == {"preStop": {"exec": {"command": ["sleep", "5"]}}}
    assert container["startupProbe"] == {
        "failureThreshold": 30,
        "httpGet": {"path": "/-/healthy", "port": "http-metrics", "scheme": "HTTP"},
    }
    assert container["ports"] == [{"name": "http-metrics", "containerPort": 8080}]
    assert "--web.listen-address=:8080" in container["args"]


def test_the_nodes_network_has_a_dns_policy_of_its_own() -> None:
    spec = find_pod(render(*LEAST, "hostNetwork=true"))["spec"]
    assert (spec["hostNetwork"], spec["dnsPolicy"]) == (True, "ClusterFirstWithHostNet")
    spec = find_pod(render(*LEAST, "hostNetwork=true", 'dnsPolicy="Default"'))["spec"]
    assert spec["dnsPolicy"] == "Default"


def test_probes_can_be_switched_off() -> None:
    off = ("livenessProbe=null", "readinessProbe=null")
    (container,) = find_pod(render(*LEAST, *off))["spec"]["containers"]
    assert [name for name in container if name.endswith("Probe")] == []


def list_what_stays(objects: list[Object]) -> Object:
    """Return the fields that Kubernetes refuses to change."""
    (workload,) = [each for each in objects if each["kind"] in ("Deployment", "StatefulSet")]
    names = ("selector", "serviceName", "podManagementPolicy", "volumeClaimTemplates")
    return {name: workload["spec"].get(name) for name in names}


@pytest.mark.parametrize("name", ["shards", "existing-secret"])
def test_an_upgrade_changes_only_what_can_be_changed(name: str, tmp_path: Path) -> None:
    newer = shutil.copytree(CHART, tmp_path / "newer")
    about = (newer / "Chart.yaml").read_text()
    (newer / "Chart.yaml").write_text(about.replace("ersion: 0.", "ersion: 7."))
    labels = [
        f'--set-json={each}={{"a": "b"}}'
        for each in ("commonLabels", "labels", "podLabels", "annotations", "podAnnotations")
    ]
    values = CHART / "ci" / f"{name}-values.yaml"
    flags = [f"--values={values}", *labels, "--set-json=releaseLabel=true"]
    done = run_helm("template", "seq", newer, *flags)
    after = [found for found in yaml.safe_load_all(done.stdout) if found]
    assert list_what_stays(after) == list_what_stays(render(values))
    assert find_pod(after)["metadata"] != find_pod(render(values))["metadata"]


@pytest.mark.parametrize(
    "name", ["existing-secret", "shards", "shown-to-people", "web-cert-manager"]
)
def test_an_upgrade_may_reuse_the_values_of_the_first_version(name: str, tmp_path: Path) -> None:
    """`helm upgrade --reuse-values` knows no default that is newer than the release."""
    reused = shutil.copytree(CHART, tmp_path / "reused")
    shutil.copy(Path(__file__).with_name("values-of-0.1.0.yaml"), reused / "values.yaml")
    values = CHART / "ci" / f"{name}-values.yaml"
    done = run_helm("template", "seq", reused, "--namespace=mail", f"--values={values}")
    assert (done.stderr, done.returncode) == ("", 0)
    assert [found for found in yaml.safe_load_all(done.stdout) if found] == render(values)


# What Helm prints

INGRESS = ("ingress.enabled=true",)
ROUTE = ("httpRoute.enabled=true", 'httpRoute.parentRefs=[{"name": "public"}]')


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (
            (),
            " run\n\n  kubectl --namespace mail port-forward service/seq-seq-exporter 10737:10737"
            "\n\nand open http://localhost:10737/.",
        ),
        (
            ('service={"type": "NodePort"}', 'web.tlsSecret="t"'),
            " open the address that this prints:\n\n"
            "  NODE=$(kubectl get nodes --output"
            " 'jsonpath={.items[0].status.addresses[0].address}')"
            "\n  PORT=$(kubectl --namespace mail get service seq-seq-exporter --output"
            " 'jsonpath={.spec.ports[0].nodePort}')\n"
            '  echo "https://$NODE:$PORT/"',
        ),
        (
            ('service={"type": "LoadBalancer", "port": 80}',),
            " wait for an EXTERNAL-IP:\n\n"
            "  kubectl --namespace mail get service seq-seq-exporter --watch\n\n"
            "and open http://EXTERNAL-IP:80/.",
        ),
        (
            (
                *INGRESS,
                'ingress.hosts=["a.example.com", {"host": "{{ .Release.Name }}.example.com",'
                ' "paths": ["/seq(/|$)(.*)", "/two/"]}]',
                'ingress.tls=[{"secretName": "s", "hosts": ["{{ .Release.Name }}.example.com"]}]',
            ),
            " open\n\n  http://a.example.com/\n  https://seq.example.com/seq/\n"
            "  https://seq.example.com/two/",
        ),
        (
            (*ROUTE, 'httpRoute.hostnames=["{{ .Release.Name }}.example.com"]'),
            " open\n\n  http://seq.example.com/, or https:// if the Gateway has a certificate",
        ),
        (
            (*ROUTE, 'httpRoute.path="/seq"'),
            " open\n\n  http://ADDRESS/seq/, with the address of the Gateway public",
        ),
    ],
)
def test_the_notes_lead_to_the_status_page(values: tuple[str, ...], told: str) -> None:
    assert read_notes(*values).startswith(
        "mail/seq-seq-exporter has started to poll SendGrid. To see whether polls succeed,"
        f"{told}\n\nTo test the release, run\n"
    )


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("scrapeConfig.enabled=true", "Nothing scrapes it yet."),
        ("podMonitoring.enabled=true", "Nothing scrapes it yet."),
        ("prometheusRule.enabled=true", "No alerts are installed."),
        (
            'podDisruptionBudget={"enabled": true, "minAvailable": 1}',
            "podDisruptionBudget creates nothing: set podDisruptionBudget.enabled=true.",
        ),
    ],
)
def test_the_notes_name_what_is_missing(value: str, sentence: str) -> None:
    assert sentence in read_notes("podDisruptionBudget.minAvailable=1")
    assert sentence not in read_notes(value)


def read_notes(*values: str) -> str:
    flags = (f"--set-json={each}" for each in (*LEAST, *values))
    done = run_helm("install", "seq", CHART, "--namespace=mail", "--dry-run=client", *flags)
    assert done.returncode == 0, done.stderr
    return done.stdout.partition("\nNOTES:\n")[2]
