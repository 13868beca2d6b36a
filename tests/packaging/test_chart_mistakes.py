"""Values that cannot work fail when they are rendered, with a sentence that says what to change."""

from __future__ import annotations

import re

import pytest
import yaml

from helm.values_table import read_values
from tests.packaging.chart import CHART, refuse, render, run_helm

SECRET = 'existingSecret="sendgrid"'
ACME = 'config.accounts=[{"name": "acme"}]'
LEAST = (SECRET, ACME)
MONITOR = "serviceMonitor.enabled=true"
ROUTE = 'httpRoute={"enabled": true, "parentRefs": [{"name": "a"}]}'

MISTAKES = {
    "no account": (
        [SECRET],
        "config.accounts: the list is empty; add an account, for instance with"
        " --set 'config.accounts[0].name=acme'",
    ),
    "no key": (
        [ACME],
        'config.accounts[0]: account "acme" has no API key; name a Secret that holds it under'
        ' "acme" in existingSecret, or another with apiKeys.acme={secret: NAME, key: KEY}',
    ),
    "a key and a Secret": (
        [*LEAST, 'apiKeys={"acme": "SG.x"}'],
        "apiKeys.acme: the key is given here, and existingSecret is set too; remove one",
    ),
    "a key for nobody": (
        [*LEAST, 'apiKeys={"amce": {"secret": "s"}}'],
        "apiKeys.amce: no account has this name; use one of: acme",
    ),
    "a key for all to read": (
        ['config.accounts=[{"name": "acme", "api_key": "SG.x"}]'],
        "config.accounts[0].api_key: this key would be readable by anyone who can read the"
        " configuration; put it into a Secret and name that in existingSecret, or write ${NAME} and"
        " set NAME in extraEnv",
    ),
    "two keys": (
        [
            'config.accounts=[{"name": "acme", "api_key": "${KEY}"}]',
            'apiKeys={"acme": {"secret": "s"}}',
        ],
        "config.accounts[0]: the account has a key here and in apiKeys.acme; remove one",
    ),
    "a name that no Secret can have": (
        [SECRET, 'config.accounts=[{"name": "Büro 1"}]'],
        'config.accounts[0]: a Secret can\'t hold a key named "Büro 1"; set apiKeys."Büro 1"='
        "{secret: sendgrid, key: KEY}",
    ),
    "an account twice": (
        [SECRET, 'config.accounts=[{"name": "acme"}, {"name": "acme"}]'],
        'config.accounts: the name "acme" occurs twice; give each account its own name',
    ),
    "two configurations": (
        ['config.poll={"interval": "1h"}', 'existingConfig.configMap="c"'],
        "config: existingConfig holds the whole configuration; remove config or existingConfig",
    ),
    "two existing configurations": (
        ['existingConfig={"configMap": "c", "secret": "s"}'],
        "existingConfig: configMap and secret are both set; remove one",
    ),
    "a Secret for accounts unknown": (
        [SECRET, 'existingConfig.configMap="c"'],
        "existingSecret: with existingConfig, name each account: apiKeys.ACCOUNT={secret: sendgrid,"
        " key: ACCOUNT}, and in the file api_key_file: keys/ACCOUNT",
    ),
    "shards of a Deployment": (
        [*LEAST, "shards=3", 'kind="Deployment"'],
        "kind: the pods of a Deployment have no number, so they can't be 3 shards; leave kind"
        " empty, or set it to StatefulSet",
    ),
    "state of a Deployment": (
        [*LEAST, "persistence.enabled=true", 'kind="Deployment"'],
        "kind: the pods of a Deployment have no volume of their own for state; leave kind empty, or"
        " set it to StatefulSet",
    ),
    "one volume for shards": (
        [*LEAST, "shards=2", 'persistence={"enabled": true, "existingClaim": "c"}'],
        "persistence.existingClaim: shards can't share one volume; leave this empty, so each shard"
        " gets its own",
    ),
    "a claim for nothing": (
        [*LEAST, 'persistence.existingClaim="c"'],
        "persistence.existingClaim: set persistence.enabled too",
    ),
    "two places for state": (
        [*LEAST, "persistence.enabled=true", 'config.state_dir="/state"'],
        "config.state_dir: persistence sets this too; remove one",
    ),
    "an Ingress for no host": (
        [*LEAST, "ingress.enabled=true"],
        "ingress.hosts: the list is empty; add a host, for instance with --set"
        " 'ingress.hosts={seq.example.com}'",
    ),
    "a route from nowhere": (
        [*LEAST, "httpRoute.enabled=true"],
        "httpRoute.parentRefs: the list is empty; add a Gateway, for instance with --set"
        " 'httpRoute.parentRefs[0].name=public'",
    ),
    "two matches of a route": (
        [*LEAST, ROUTE, 'httpRoute.path="/seq"', 'httpRoute.matches=[{"method": "GET"}]'],
        "httpRoute.matches: path is set too, and is a match; remove one",
    ),
    "a URL rewritten twice": (
        [*LEAST, ROUTE, 'httpRoute.path="/seq"', 'httpRoute.filters=[{"type": "URLRewrite"}]'],
        "httpRoute.filters: path is set too, and already rewrites the URL; remove one",
    ),
    "rules beside matches": (
        [*LEAST, ROUTE, "httpRoute.rules=[{}]", 'httpRoute.matches=[{"method": "GET"}]'],
        "httpRoute.rules: these replace path, matches, filters and httpsRedirect; remove those, or"
        " rules",
    ),
    "rules beside a redirect": (
        [*LEAST, ROUTE, "httpRoute.rules=[{}]", "httpRoute.httpsRedirect=true"],
        "httpRoute.rules: these replace path, matches, filters and httpsRedirect; remove those, or"
        " rules",
    ),
    "a redirect beside a path": (
        [*LEAST, ROUTE, "httpRoute.httpsRedirect=true", 'httpRoute.path="/seq"'],
        "httpRoute.httpsRedirect: this replaces path, matches and filters; remove those, or"
        " httpsRedirect",
    ),
    "a port of nodes for nobody": (
        [*LEAST, "service.nodePort=30737"],
        "service.nodePort: a Service of type ClusterIP has none; set service.type to NodePort or"
        " LoadBalancer, or remove it",
    ),
    "an address of no load balancer": (
        [*LEAST, 'service.loadBalancerIP="192.0.2.1"'],
        "service.loadBalancerIP: a Service of type ClusterIP has no load balancer; set service.type"
        " to LoadBalancer, or remove it",
    ),
    "clients of no load balancer": (
        [*LEAST, 'service.type="NodePort"', 'service.loadBalancerSourceRanges=["192.0.2.0/24"]'],
        "service.loadBalancerSourceRanges: a Service of type NodePort has no load balancer; set"
        " service.type to LoadBalancer, or remove it",
    ),
    "a class of no load balancer": (
        [*LEAST, 'service.loadBalancerClass="a"'],
        "service.loadBalancerClass: a Service of type ClusterIP has no load balancer; set"
        " service.type to LoadBalancer, or remove it",
    ),
    "a headless Service with a port of nodes": (
        [*LEAST, 'service.type="NodePort"', 'service.clusterIP="None"'],
        "service.clusterIP: a Service of type NodePort needs an address; remove None, or set"
        " service.type to ClusterIP",
    ),
    "a label by which pods are selected": (
        [*LEAST, 'podLabels={"app.kubernetes.io/name": "other"}'],
        "podLabels: the chart selects pods by the label app.kubernetes.io/name, so it can't be"
        " changed; remove it",
    ),
    "the same of all objects": (
        [*LEAST, 'commonLabels={"app.kubernetes.io/instance": "other"}'],
        "commonLabels: the chart selects pods by the label app.kubernetes.io/instance, so it can't"
        " be changed; remove it",
    ),
    "two ports": (
        [*LEAST, "containerPort=8080", 'extraArgs=["--web.listen-address=:8081"]'],
        "containerPort: extraArgs sets --web.listen-address too; remove that",
    ),
    "two limits of disruption": (
        [*LEAST, 'podDisruptionBudget={"enabled": true, "minAvailable": 1, "maxUnavailable": 1}'],
        "podDisruptionBudget: minAvailable and maxUnavailable are both set; remove one",
    ),
    "two recommenders": (
        [
            *LEAST,
            "verticalPodAutoscaler.enabled=true",
            'verticalPodAutoscaler.recommenders=[{"name": "a"}, {"name": "b"}]',
        ],
        "verticalPodAutoscaler.recommenders: Kubernetes allows only one; remove the others",
    ),
    "two web configurations": (
        [*LEAST, 'web.config={"rate_limit": {}}', 'web.existingSecret="w"'],
        "web: config and existingSecret are both set; remove one",
    ),
    "HTTPS of nothing": (
        [*LEAST, "web.https=true"],
        "web.https: this applies only to a file in web.existingSecret; remove it, and set"
        " web.tlsSecret to use HTTPS",
    ),
    "two monitors": (
        [*LEAST, MONITOR, "podMonitor.enabled=true"],
        "podMonitor.enabled: with serviceMonitor.enabled, everything would be scraped twice;"
        " disable one",
    ),
    "a monitor and a scrape config": (
        [*LEAST, MONITOR, "scrapeConfig.enabled=true"],
        "scrapeConfig.enabled: with serviceMonitor.enabled, everything would be scraped twice;"
        " disable one",
    ),
    "a scrape config of shards": (
        [*LEAST, "scrapeConfig.enabled=true", "shards=2"],
        "scrapeConfig.enabled: a scrape of the Service reaches only one of several shards; use"
        " serviceMonitor or podMonitor",
    ),
    "namespaces without the exporter": (
        [*LEAST, MONITOR, 'serviceMonitor.namespaceSelector=["monitoring"]'],
        "serviceMonitor.namespaceSelector: the exporter's namespace default is not in the list, so"
        " nothing would be scraped; add it, or remove namespaceSelector",
    ),
    "the same as the operator writes it": (
        [
            *LEAST,
            "podMonitor.enabled=true",
            'podMonitor.namespaceSelector={"matchNames": ["monitoring"]}',
        ],
        "podMonitor.namespaceSelector: the exporter's namespace default is not in the list, so"
        " nothing would be scraped; add it, or remove namespaceSelector",
    ),
    "alerts on another job": (
        [*LEAST, MONITOR, 'serviceMonitor.jobLabel="app"', "prometheusRule.enabled=true"],
        "prometheusRule.job: alerts select series by job, which serviceMonitor.jobLabel changes;"
        " set prometheusRule.job to the value of the label app",
    ),
    "HTTPS that Google does not trust": (
        [*LEAST, "podMonitoring.enabled=true", 'web.tlsSecret="t"'],
        "podMonitoring.tlsConfig: scrapes over HTTPS need a certificate authority; set {ca:"
        " {secret: {name: NAME, key: ca.crt}}, serverName: NAME}",
    ),
    "a password that Google does not know": (
        [*LEAST, "podMonitoring.enabled=true", 'web.config={"basic_auth_users": {"a": "b"}}'],
        "podMonitoring.basicAuth: web.config requires a password; set {username: NAME, password:"
        " {secret: {name: SECRET, key: KEY}}}",
    ),
    "HTTPS that nobody trusts": (
        [*LEAST, MONITOR, 'web.tlsSecret="t"'],
        "serviceMonitor.tlsConfig: scrapes over HTTPS need a certificate authority; set {ca:"
        " {secret: {name: NAME, key: ca.crt}}, serverName: NAME}",
    ),
    "a password that nobody knows": (
        [*LEAST, MONITOR, 'web.config={"basic_auth_users": {"a": "b"}}'],
        "serviceMonitor.basicAuth: web.config requires a password; set {username: {name: SECRET,"
        " key: KEY}, password: {name: SECRET, key: KEY}}",
    ),
    "a rule that is not there": (
        [*LEAST, "prometheusRule.enabled=true", 'prometheusRule.alerts={"SeqScorePor": {}}'],
        "prometheusRule.alerts.SeqScorePor: no alert has this name; use one of: ",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told(name: str) -> None:
    values, message = MISTAKES[name]
    (told,) = refuse(*values)
    assert told == message or (message.endswith(" ") and told.startswith(message))


def test_all_mistakes_are_told_at_once() -> None:
    told = refuse("shards=2", 'kind="Deployment"', ACME, MONITOR, 'web.tlsSecret="t"')
    assert [line.partition(":")[0] for line in told] == [
        "config.accounts[0]",
        "kind",
        "serviceMonitor.tlsConfig",
    ]


def test_a_wrong_type_of_any_value_is_refused() -> None:
    """No value is a number with a fraction."""
    paths = [".".join(value.path) for value in read_values(CHART / "values.yaml")]
    done = run_helm("template", "seq", CHART, *(f"--set-json={path}=0.5" for path in paths))
    assert done.returncode != 0
    refused = set(re.findall(r"- at '/(.*?)'", done.stderr))
    assert {path.replace(".", "/") for path in paths} - refused == set()


@pytest.mark.parametrize("name", yaml.safe_load((CHART / "values.yaml").read_text()))
def test_null_is_a_value_or_refused(name: str) -> None:
    flags = [f"--set-json={each}" for each in (*LEAST, f"{name}=null")]
    done = run_helm("template", "seq", CHART, *flags)
    told = [line[2:] for line in done.stderr.splitlines() if line.startswith("  ")]
    if name == "existingSecret":
        assert told == [MISTAKES["no key"][1]]
    elif done.returncode:
        said = "null removes all defaults of the chart; remove it, or set single keys"
        assert told == [f"{name}: {said}"]


#: Values as other charts call them: some in full, and each of files/other-charts.yaml, below.
OTHERS = {
    "replicas=2": (
        "replicas: two pods with the same keys would spend SendGrid's rate limit twice and publish"
        " each series twice; remove it, and set shards to divide the work"
    ),
    "replicaCount=1": (
        "replicaCount: two pods with the same keys would spend SendGrid's rate limit twice and"
        " publish each series twice; remove it, and set shards to divide the work"
    ),
    'image.sha="a"': "image.sha: set image.digest instead",
    'route={"main": {"enabled": true}}': (
        "route: set httpRoute instead, without route's level main"
    ),
    'prometheus={"monitor": {"enabled": true}}': (
        "prometheus: set serviceMonitor or scrapeConfig instead"
    ),
    "serviceMonitor.sampleLimit=1": (
        "serviceMonitor.sampleLimit: set serviceMonitor.limits.sampleLimit instead"
    ),
    'podMonitor.targetLabels=["a"]': (
        "podMonitor.targetLabels: a PodMonitor has only labels of pods; set"
        " podMonitor.podTargetLabels instead"
    ),
    "startupProbe.enabled=false": (
        "startupProbe.enabled: remove it; any other value of startupProbe creates the probe"
    ),
}


@pytest.mark.parametrize("value", OTHERS)
def test_a_name_of_other_charts_is_answered_with_the_one_to_use(value: str) -> None:
    assert refuse(*LEAST, value) == [OTHERS[value]]


def test_each_name_of_other_charts_is_answered() -> None:
    names = yaml.safe_load((CHART / "files" / "other-charts.yaml").read_text())
    values = [f"{name}=true" for name in names]
    assert refuse(*LEAST, *values) == [f"{name}: {names[name]}" for name in sorted(names)]


def test_a_name_of_other_charts_without_a_value_is_nothing() -> None:
    assert render(*LEAST, "replicas=null") == render(*LEAST)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("replicsa=2", "at '': additional properties 'replicsa' not allowed"),
        ("service.prt=1", "at '/service': additional properties 'prt' not allowed"),
        (
            'config.accounts=[{"name": "acme", "regoin": "eu"}]',
            "at '/config/accounts/0': additional properties 'regoin' not allowed",
        ),
        (
            'config.poll={"interval": "15"}',
            "at '/config/poll/interval': '15' does not match pattern",
        ),
        ('kind="DaemonSet"', "at '/kind': value must be one of '', 'Deployment', 'StatefulSet'"),
        ("shards=0", "at '/shards': minimum: got 0, want 1"),
        ('ingress.path="seq"', "at '/ingress/path': 'seq' does not match pattern '^/'"),
        ('httpRoute.path=""', "at '/httpRoute/path': '' does not match pattern '^/'"),
        ('ingress.hosts=[{"paths": ["/"]}]', "at '/ingress/hosts/0': missing property 'host'"),
        ("ingress.hosts=[3]", "at '/ingress/hosts/0': got number, want string"),
        (
            'ingress.hosts=[{"host": "a", "path": "/"}]',
            "at '/ingress/hosts/0': additional properties 'path' not allowed",
        ),
        (
            'ingress.hosts=[{"host": "a", "paths": ["seq"]}]',
            "at '/ingress/hosts/0/paths/0': 'seq' does not match pattern '^/'",
        ),
        (
            'ingress.hosts=[{"host": "a", "paths": [{"path": "/", "pathType": "Any"}]}]',
            "at '/ingress/hosts/0/paths/0/pathType': value must be one of",
        ),
        ('ingress.labels={"a": 1}', "at '/ingress/labels/a': got number, want string"),
        ('httpRoute.rules="a"', "at '/httpRoute/rules': got string, want array"),
        ('httpRoute.matches="a"', "at '/httpRoute/matches': got string, want array"),
        ('httpRoute.filters=["a"]', "at '/httpRoute/filters/0': got string, want object"),
        (
            'httpRoute.additionalRules="a"',
            "at '/httpRoute/additionalRules': got string, want array",
        ),
        ('httpRoute.httpsRedirect="yes"', "at '/httpRoute/httpsRedirect': got string"),
        ("httpRoute.labels=[]", "at '/httpRoute/labels': got array, want object"),
        ("imagePullSecrets=[1]", "at '/imagePullSecrets/0': got number, want string or object"),
        ('releaseLabel="kps"', "at '/releaseLabel': got string, want boolean"),
        (
            'automountServiceAccountToken="yes"',
            "at '/automountServiceAccountToken': got string, want boolean",
        ),
        ("service.nodePort=70000", "at '/service/nodePort': maximum: got 70,000, want 65,535"),
        ("service.clusterIP=1", "at '/service/clusterIP': got number, want string"),
        ("service.loadBalancerIP=1", "at '/service/loadBalancerIP': got number, want string"),
        ("service.loadBalancerClass=1", "at '/service/loadBalancerClass': got number"),
        (
            'service.loadBalancerSourceRanges="192.0.2.0/24"',
            "at '/service/loadBalancerSourceRanges': got string, want array",
        ),
        (
            'serviceMonitor.additionalLabels={"a": true}',
            "at '/serviceMonitor/additionalLabels/a': got boolean, want string",
        ),
        (
            'serviceMonitor.annotations="a"',
            "at '/serviceMonitor/annotations': got string, want object",
        ),
        ("serviceMonitor.jobLabel=1", "at '/serviceMonitor/jobLabel': got number, want string"),
        (
            'serviceMonitor.targetLabels="a"',
            "at '/serviceMonitor/targetLabels': got string, want array",
        ),
        (
            'serviceMonitor.podTargetLabels="a"',
            "at '/serviceMonitor/podTargetLabels': got string, want array",
        ),
        (
            'serviceMonitor.namespaceSelector="mail"',
            "at '/serviceMonitor/namespaceSelector': got string, want array",
        ),
        (
            'serviceMonitor.namespaceSelector={"matchName": ["mail"]}',
            "at '/serviceMonitor/namespaceSelector': additional properties 'matchName' not allowed",
        ),
        ("serviceMonitor.honorLabels=1", "at '/serviceMonitor/honorLabels': got number"),
        (
            'serviceMonitor.proxyUrl="proxy:3128"',
            "at '/serviceMonitor/proxyUrl': 'proxy:3128' does not match pattern",
        ),
        (
            'scrapeConfig.limits={"bodySizeLimit": "1MB"}',
            "at '/scrapeConfig/limits': additional properties 'bodySizeLimit' not allowed",
        ),
        ('scrapeConfig.interval="2"', "at '/scrapeConfig/interval': '2' does not match pattern"),
        (
            'podMonitoring.limits={"sampleLimit": 1}',
            "at '/podMonitoring/limits': additional properties 'sampleLimit' not allowed",
        ),
        (
            'podMonitoring.proxyUrl="http://proxy"',
            "at '/podMonitoring': additional properties 'proxyUrl' not allowed",
        ),
        (
            'prometheusRule.additionalLabels="a"',
            "at '/prometheusRule/additionalLabels': got string, want object",
        ),
        (
            'prometheusRule.additionalRuleLabels={"severity": 1}',
            "at '/prometheusRule/additionalRuleLabels/severity': got number, want string",
        ),
        (
            'prometheusRule.additionalRuleAnnotations=["a"]',
            "at '/prometheusRule/additionalRuleAnnotations': got array, want object",
        ),
        (
            'prometheusRule.rules=[{"expr": "up"}]',
            "at '/prometheusRule/rules/0': missing property 'alert'",
        ),
        (
            'prometheusRule.rules=[{"alert": "A"}]',
            "at '/prometheusRule/rules/0': missing property 'expr'",
        ),
        (
            'prometheusRule.rules=[{"alert": "A", "expr": "up", "for": "2 hours"}]',
            "at '/prometheusRule/rules/0/for': '2 hours' does not match pattern",
        ),
        (
            'podDisruptionBudget.minAvailable="half"',
            "at '/podDisruptionBudget/minAvailable': 'half' does not match pattern",
        ),
        (
            "podDisruptionBudget.maxUnavailable=-1",
            "at '/podDisruptionBudget/maxUnavailable': minimum: got -1, want 0",
        ),
        (
            'verticalPodAutoscaler.controlledResources=["disk"]',
            "at '/verticalPodAutoscaler/controlledResources/0': value must be one of 'cpu',",
        ),
        (
            'verticalPodAutoscaler.controlledValues="All"',
            "at '/verticalPodAutoscaler/controlledValues': value must be one of '',",
        ),
        (
            'verticalPodAutoscaler.maxAllowed="1Gi"',
            "at '/verticalPodAutoscaler/maxAllowed': got string, want object",
        ),
        ("containerPort=0", "at '/containerPort': minimum: got 0, want 1"),
        ('hostNetwork="yes"', "at '/hostNetwork': got string, want boolean"),
        ("runtimeClassName=1", "at '/runtimeClassName': got number, want string"),
        ("lifecycle=[]", "at '/lifecycle': got array, want object"),
        ("startupProbe=true", "at '/startupProbe': got boolean, want object"),
        ('labels={"a": 1}', "at '/labels/a': got number, want string"),
        # Templates in labels, annotations and host names: Helm names the file and the template.
        (
            'service.annotations={"a": "{{ .Values.x"}',
            """seq-exporter/templates/service.yaml" at <include""",
        ),
        ('ingress={"enabled": true, "hosts": ["{{ .Nothing.x }}"]}', "<.Nothing.x>: nil pointer"),
    ],
)
def test_an_unknown_value_is_refused(value: str, told: str) -> None:
    done = run_helm("template", "seq", CHART, *(f"--set-json={each}" for each in (*LEAST, value)))
    assert done.returncode != 0
    assert told in done.stderr
