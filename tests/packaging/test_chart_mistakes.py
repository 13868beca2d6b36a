"""Values that cannot work fail when they are rendered, with a sentence that says what to change."""

from __future__ import annotations

import pytest

from tests.packaging.chart import CHART, refuse, run_helm

SECRET = 'existingSecret="sendgrid"'
ACME = 'config.accounts=[{"name": "acme"}]'
LEAST = (SECRET, ACME)
MONITOR = "serviceMonitor.enabled=true"

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


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("replicas=2", "at '': additional properties 'replicas' not allowed"),
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
    ],
)
def test_an_unknown_value_is_refused(value: str, told: str) -> None:
    done = run_helm("template", "seq", CHART, *(f"--set-json={each}" for each in (*LEAST, value)))
    assert done.returncode != 0
    assert told in done.stderr
