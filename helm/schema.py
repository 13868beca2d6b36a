"""The schema of values.yaml: with values.schema.json, Helm refuses a misspelt value.

Kubernetes itself checks its own objects (a probe, a security context).
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from seq_exporter.config.durations import DURATION_PATTERN
from seq_exporter.config.file import ConfigFile

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
SOME_TEXT: Schema = {"type": "string", "minLength": 1}
FLAG: Schema = {"type": "boolean"}
COUNT: Schema = {"type": "integer", "minimum": 0}
DURATION: Schema = {"type": "string", "pattern": DURATION_PATTERN}
DIGEST: Schema = {"type": "string", "pattern": "^(sha256:[0-9a-f]{64})?$"}
PATH: Schema = {"type": "string", "pattern": "^/"}
TEXTS: Schema = {"type": "array", "items": TEXT}
MAP: Schema = {"type": "object", "additionalProperties": TEXT}
OBJECT: Schema = {"type": "object"}
OBJECTS: Schema = {"type": "array", "items": OBJECT}
SECRETS: Schema = {"type": "array", "items": {"type": ["object", "string"]}}
MANIFESTS: Schema = {"type": "array", "items": {"type": ["object", "string"]}}


def one_of(*values: str) -> Schema:
    """Return a schema that allows only these texts."""
    return {"enum": list(values)}


def any_of(*schemas: Schema) -> Schema:
    """Return a schema that allows what one of these allows."""
    return {"anyOf": list(schemas)}


def map_of(schema: Schema) -> Schema:
    """Return a schema of a map with any keys."""
    return {"type": "object", "additionalProperties": schema}


def only(*required: str, **properties: Schema) -> Schema:
    """Return a schema of a map with only these keys; a trailing `_` of a name is dropped."""
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {name.removesuffix("_"): schema for name, schema in properties.items()},
        **({"required": list(required)} if required else {}),
    }


# Names of classes, docstrings, and defaults as they are after parsing: 900.0 for 15m.
_LEFT_OUT = ("title", "description", "default")


def schema_of(section: type[BaseModel]) -> Schema:
    """Return the schema of a section of the configuration file, as the exporter checks it."""
    made = section.model_json_schema()
    sections = made.pop("$defs", {})

    def inline(schema: Any) -> Any:
        if isinstance(schema, list):
            return [inline(each) for each in schema]
        if not isinstance(schema, dict):
            return schema
        if "$ref" in schema:
            return inline(sections[schema["$ref"].removeprefix("#/$defs/")])
        kept = {key: inline(value) for key, value in schema.items() if key not in _LEFT_OUT}
        if "properties" in schema:  # whose keys are the user's, and may be called `default`
            kept["properties"] = {key: inline(each) for key, each in schema["properties"].items()}
        return kept

    inlined: Schema = inline(made)
    return inlined


_FILE = schema_of(ConfigFile)["properties"]
# The chart has an error message of its own for a list without accounts: it says what to set.
CONFIG = only(**_FILE | {"accounts": {"type": "array", "items": _FILE["accounts"]["items"]}})

#: The key itself, or the Secret that holds it.
API_KEY = any_of(SOME_TEXT, only("secret", secret=SOME_TEXT, key=TEXT))

MONITOR = only(
    enabled=FLAG,
    namespace=TEXT,
    labels=MAP,
    interval=DURATION,
    scrapeTimeout=DURATION,
    tlsConfig=OBJECT,
    basicAuth=OBJECT,
    relabelings=OBJECTS,
    metricRelabelings=OBJECTS,
    limits=only(
        sampleLimit=COUNT,
        targetLimit=COUNT,
        labelLimit=COUNT,
        labelNameLengthLimit=COUNT,
        labelValueLengthLimit=COUNT,
        bodySizeLimit=TEXT,
    ),
)
ALERT = only(
    enabled=FLAG, expr=TEXT, for_=DURATION, keep_firing_for=DURATION, labels=MAP, annotations=MAP
)

_WHAT_RUNS = {
    "config": CONFIG,
    "existingSecret": TEXT,
    "apiKeys": map_of(API_KEY),
    "configKind": one_of("ConfigMap", "Secret"),
    "existingConfig": only(configMap=TEXT, secret=TEXT, key=TEXT),
    "web": only(config=OBJECT, existingSecret=TEXT, tlsSecret=TEXT, https=FLAG),
    "log": only(level=one_of("debug", "info", "warn", "error"), format=one_of("logfmt", "json")),
    "kind": one_of("", "Deployment", "StatefulSet"),
    "shards": {"type": "integer", "minimum": 1},
    "shardBy": one_of("account", "subuser"),
    "persistence": only(
        enabled=FLAG,
        size=TEXT,
        storageClass=TEXT,
        accessModes=TEXTS,
        annotations=MAP,
        existingClaim=TEXT,
    ),
    "image": only(
        registry=TEXT,
        repository=SOME_TEXT,
        tag=TEXT,
        digest=DIGEST,
        pullPolicy=one_of("Always", "IfNotPresent", "Never"),
    ),
    "imagePullSecrets": OBJECTS,
    # A parent chart may add more keys, and many charts take secrets by name.
    "global": {
        "type": "object",
        "properties": {"imageRegistry": TEXT, "imagePullSecrets": SECRETS},
    },
    "enabled": FLAG,
    "extraArgs": TEXTS,
    "extraEnv": OBJECTS,
    "extraEnvFrom": OBJECTS,
}
_WHO_SEES_IT = {
    "service": only(
        type=one_of("ClusterIP", "NodePort", "LoadBalancer"),
        port={"type": "integer", "minimum": 1, "maximum": 65535},
        annotations=MAP,
        labels=MAP,
        ipFamilyPolicy=one_of("", "SingleStack", "PreferDualStack", "RequireDualStack"),
        ipFamilies={"type": "array", "items": one_of("IPv4", "IPv6")},
    ),
    "serviceMonitor": MONITOR,
    "podMonitor": MONITOR,
    "prometheusRule": only(
        enabled=FLAG,
        namespace=TEXT,
        labels=MAP,
        runbookUrl=TEXT,
        dashboardUrl=TEXT,
        job=TEXT,
        additionalLabels=MAP,
        alerts=map_of(ALERT),
    ),
    "dashboards": only(enabled=FLAG, namespace=TEXT, labels=MAP, annotations=MAP),
    "networkPolicy": only(enabled=FLAG, from_=OBJECTS, extraIngress=OBJECTS, extraEgress=OBJECTS),
    "ingress": only(
        enabled=FLAG,
        className=TEXT,
        annotations=MAP,
        hosts=TEXTS,
        path=PATH,
        pathType=one_of("Prefix", "Exact", "ImplementationSpecific"),
        tls=OBJECTS,
    ),
    "httpRoute": only(
        enabled=FLAG, annotations=MAP, parentRefs=OBJECTS, hostnames=TEXTS, path=PATH
    ),
}
_HOW_IT_IS_RUN = {
    "nameOverride": TEXT,
    "fullnameOverride": TEXT,
    "namespaceOverride": TEXT,
    "commonLabels": MAP,
    "serviceAccount": only(create=FLAG, name=TEXT, annotations=MAP),
    "podDisruptionBudget": only(
        enabled=FLAG,
        maxUnavailable={"type": ["integer", "string"]},
        unhealthyPodEvictionPolicy=one_of("IfHealthyBudget", "AlwaysAllow"),
    ),
    "livenessProbe": OBJECT,
    "readinessProbe": OBJECT,
    "podSecurityContext": OBJECT,
    "securityContext": OBJECT,
    "resources": OBJECT,
    "strategy": OBJECT,
    "updateStrategy": OBJECT,
    "revisionHistoryLimit": COUNT,
    "terminationGracePeriodSeconds": COUNT,
    "annotations": MAP,
    "podAnnotations": MAP,
    "podLabels": MAP,
    "priorityClassName": TEXT,
    "nodeSelector": MAP,
    "tolerations": OBJECTS,
    "affinity": OBJECT,
    "topologySpreadConstraints": OBJECTS,
    "hostAliases": OBJECTS,
    "dnsPolicy": one_of("", "ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"),
    "dnsConfig": OBJECT,
    "extraVolumes": OBJECTS,
    "extraVolumeMounts": OBJECTS,
    "extraInitContainers": OBJECTS,
    "extraContainers": OBJECTS,
    "extraManifests": MANIFESTS,
}

SCHEMA: Schema = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "title": "Values of the chart seq-exporter",
    **only(**_WHAT_RUNS, **_WHO_SEES_IT, **_HOW_IT_IS_RUN),
}
