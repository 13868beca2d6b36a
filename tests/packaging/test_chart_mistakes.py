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
        "config.accounts: there is no account; name one, for instance with"
        " --set 'config.accounts[0].name=acme'",
    ),
    "no key": (
        [ACME],
        'config.accounts[0]: account "acme" has no API key; name a Secret that holds it under'
        ' "acme" in existingSecret, or another with apiKeys.acme={secret: NAME, key: KEY}',
    ),
    "a key and a Secret": (
        [*LEAST, 'apiKeys={"acme": "SG.x"}'],
        "apiKeys.acme: a key itself, and existingSecret is set too; take one of the two away",
    ),
    "a key for nobody": (
        [*LEAST, 'apiKeys={"amce": {"secret": "s"}}'],
        "apiKeys.amce: no account has this name; the accounts are acme",
    ),
    "a key for all to read": (
        ['config.accounts=[{"name": "acme", "api_key": "SG.x"}]'],
        "config.accounts[0].api_key: a key would be there for all to read; put it into a Secret and"
        " name that in existingSecret, or write ${NAME} and set NAME in extraEnv",
    ),
    "two keys": (
        [
            'config.accounts=[{"name": "acme", "api_key": "${KEY}"}]',
            'apiKeys={"acme": {"secret": "s"}}',
        ],
        "config.accounts[0]: its key is in apiKeys.acme too; take one of the two away",
    ),
    "a name that no Secret can have": (
        [SECRET, 'config.accounts=[{"name": "Büro 1"}]'],
        'config.accounts[0]: a Secret can\'t hold a key named "Büro 1"; set apiKeys."Büro 1"='
        "{secret: sendgrid, key: KEY}",
    ),
    "an account twice": (
        [SECRET, 'config.accounts=[{"name": "acme"}, {"name": "acme"}]'],
        'config.accounts: "acme" is there twice; give each account a name of its own',
    ),
    "two configurations": (
        ['config.poll={"interval": "1h"}', 'existingConfig.configMap="c"'],
        "config: existingConfig has the whole configuration; take one of the two away",
    ),
    "two existing configurations": (
        ['existingConfig={"configMap": "c", "secret": "s"}'],
        "existingConfig: configMap and secret are both set; take one away",
    ),
    "a Secret for accounts unknown": (
        [SECRET, 'existingConfig.configMap="c"'],
        "existingSecret: with existingConfig, name each account: apiKeys.ACCOUNT={secret: sendgrid,"
        " key: ACCOUNT}, and in the file api_key_file: keys/ACCOUNT",
    ),
    "shards of a Deployment": (
        [*LEAST, "shards=3", 'kind="Deployment"'],
        "kind: the pods of a Deployment have no number, and can't be 3 shards; leave kind empty, or"
        " make it StatefulSet",
    ),
    "state of a Deployment": (
        [*LEAST, "persistence.enabled=true", 'kind="Deployment"'],
        "kind: a Deployment has no volume of its own to keep state on; leave kind empty, or make it"
        " StatefulSet",
    ),
    "one volume for shards": (
        [*LEAST, "shards=2", 'persistence={"enabled": true, "existingClaim": "c"}'],
        "persistence.existingClaim: shards can't share one volume; leave it empty, and each gets"
        " its own",
    ),
    "a claim for nothing": (
        [*LEAST, 'persistence.existingClaim="c"'],
        "persistence.existingClaim: set persistence.enabled too",
    ),
    "two places for state": (
        [*LEAST, "persistence.enabled=true", 'config.state_dir="/state"'],
        "config.state_dir: persistence sets it; take one of the two away",
    ),
    "an Ingress for no host": (
        [*LEAST, "ingress.enabled=true"],
        "ingress.hosts: there is none; name one, for instance with --set"
        " 'ingress.hosts={seq.example.com}'",
    ),
    "a route from nowhere": (
        [*LEAST, "httpRoute.enabled=true"],
        "httpRoute.parentRefs: there is none; name a Gateway, for instance with --set"
        " 'httpRoute.parentRefs[0].name=public'",
    ),
    "two web configurations": (
        [*LEAST, 'web.config={"rate_limit": {}}', 'web.existingSecret="w"'],
        "web: config and existingSecret are both set; take one away",
    ),
    "HTTPS of nothing": (
        [*LEAST, "web.https=true"],
        "web.https: it is for a file in web.existingSecret; with web.tlsSecret, HTTPS is spoken in"
        " any case",
    ),
    "two monitors": (
        [*LEAST, MONITOR, "podMonitor.enabled=true"],
        "podMonitor.enabled: with serviceMonitor.enabled, everything would be scraped twice; take"
        " one of the two away",
    ),
    "HTTPS that nobody trusts": (
        [*LEAST, MONITOR, 'web.tlsSecret="t"'],
        "serviceMonitor.tlsConfig: scrapes over HTTPS need to know whom to trust; set {ca: {secret:"
        " {name: NAME, key: ca.crt}}, serverName: NAME}",
    ),
    "a password that nobody knows": (
        [*LEAST, MONITOR, 'web.config={"basic_auth_users": {"a": "b"}}'],
        "serviceMonitor.basicAuth: web.config asks for a password; set {username: {name: SECRET,"
        " key: KEY}, password: {name: SECRET, key: KEY}}",
    ),
    "a rule that is not there": (
        [*LEAST, "prometheusRule.enabled=true", 'prometheusRule.alerts={"SeqScorePor": {}}'],
        "prometheusRule.alerts.SeqScorePor: there is no such alert; they are ",
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
    ],
)
def test_an_unknown_value_is_refused(value: str, told: str) -> None:
    done = run_helm("template", "seq", CHART, *(f"--set-json={each}" for each in (*LEAST, value)))
    assert done.returncode != 0
    assert told in done.stderr
