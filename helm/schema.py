"""The schema of values.yaml: with values.schema.json, Helm refuses a misspelt value.

Kubernetes itself checks its own objects (a probe, a security context).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from seq_exporter.config.durations import DURATION_PATTERN
from seq_exporter.config.file import ConfigFile

Schema = dict[str, Any]

#: Values of other charts, by path, and what the chart's own error messages say about each.
OTHER_CHARTS: dict[str, str] = yaml.safe_load(
    (Path(__file__).parent / "seq-exporter" / "files" / "other-charts.yaml").read_text()
)

TEXT: Schema = {"type": "string"}
SOME_TEXT: Schema = {"type": "string", "minLength": 1}
FLAG: Schema = {"type": "boolean"}
COUNT: Schema = {"type": "integer", "minimum": 0}
DURATION: Schema = {"type": "string", "pattern": DURATION_PATTERN}
PORT: Schema = {"type": "integer", "minimum": 1, "maximum": 65535}
#: 2, or 50%, or empty.
AMOUNT: Schema = {"type": ["integer", "string"], "pattern": "^([0-9]+%?)?$", "minimum": 0}
DIGEST: Schema = {"type": "string", "pattern": "^(sha256:[0-9a-f]{64})?$"}
PATH: Schema = {"type": "string", "pattern": "^/"}
TEXTS: Schema = {"type": "array", "items": TEXT}
MAP: Schema = {"type": "object", "additionalProperties": TEXT}
OBJECT: Schema = {"type": "object"}
OBJECTS: Schema = {"type": "array", "items": OBJECT}
OBJECTS_OR_TEXTS: Schema = {"type": "array", "items": {"type": ["object", "string"]}}


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


def admit(schema: Schema, path: list[str]) -> Schema:
    """Return the schema with any value allowed at the path: the chart itself refuses it.

    Helm's message about an unknown value does not say what to set instead.
    """
    name, *rest = path
    properties = schema.get("properties", {})
    inner = admit(properties.get(name, OBJECT), rest) if rest else {}
    return schema | {"properties": properties | {name: inner}}


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

_SELECTED = {"additionalLabels": MAP, "labels": MAP, "annotations": MAP}
_SCRAPE = {
    "enabled": FLAG,
    "namespace": TEXT,
    **_SELECTED,
    "interval": DURATION,
    "scrapeTimeout": DURATION,
    "honorLabels": FLAG,
    "proxyUrl": {"type": "string", "pattern": "^(https?://.+)?$"},
    "tlsConfig": OBJECT,
    "basicAuth": OBJECT,
    "relabelings": OBJECTS,
    "metricRelabelings": OBJECTS,
}
_LIMITS = {
    "sampleLimit": COUNT,
    "targetLimit": COUNT,
    "labelLimit": COUNT,
    "labelNameLengthLimit": COUNT,
    "labelValueLengthLimit": COUNT,
}
_MONITOR = _SCRAPE | {
    "jobLabel": TEXT,
    "podTargetLabels": TEXTS,
    "namespaceSelector": any_of(TEXTS, only(any=FLAG, matchNames=TEXTS), {"type": "null"}),
    "limits": only(**_LIMITS, bodySizeLimit=TEXT),
}
_GOOGLE_HAS_NOT = ("namespace", "honorLabels", "proxyUrl", "relabelings")
_POD_MONITORING = {
    name: schema for name, schema in _SCRAPE.items() if name not in _GOOGLE_HAS_NOT
} | {"limits": only(samples=COUNT, labels=COUNT, labelNameLength=COUNT, labelValueLength=COUNT)}

ALERT = only(
    enabled=FLAG, expr=TEXT, for_=DURATION, keep_firing_for=DURATION, labels=MAP, annotations=MAP
)
_RULE = {"expr": {"type": ["string", "number"]}, "labels": MAP}
RULE = any_of(
    only("record", "expr", record=SOME_TEXT, **_RULE),
    only(
        "alert",
        "expr",
        alert=SOME_TEXT,
        for_=DURATION,
        keep_firing_for=DURATION,
        annotations=MAP,
        **_RULE,
    ),
)

#: As `helm create` writes them, or as plain text.
PATH_TYPE = one_of("Prefix", "Exact", "ImplementationSpecific")
INGRESS_PATH = any_of(PATH, only("path", path=PATH, pathType=PATH_TYPE))
INGRESS_HOST = any_of(
    SOME_TEXT, only("host", host=SOME_TEXT, paths={"type": "array", "items": INGRESS_PATH})
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
    "imagePullSecrets": OBJECTS_OR_TEXTS,
    # A parent chart may add more keys.
    "global": {
        "type": "object",
        "properties": {"imageRegistry": TEXT, "imagePullSecrets": OBJECTS_OR_TEXTS},
    },
    "enabled": FLAG,
    "extraArgs": TEXTS,
    "extraEnv": OBJECTS,
    "extraEnvFrom": OBJECTS,
}
_WHO_SEES_IT = {
    "service": only(
        type=one_of("ClusterIP", "NodePort", "LoadBalancer"),
        port=PORT,
        nodePort={"type": "integer", "minimum": 0, "maximum": 65535},
        clusterIP=TEXT,
        loadBalancerIP=TEXT,
        loadBalancerSourceRanges=TEXTS,
        loadBalancerClass=TEXT,
        annotations=MAP,
        labels=MAP,
        ipFamilyPolicy=one_of("", "SingleStack", "PreferDualStack", "RequireDualStack"),
        ipFamilies={"type": "array", "items": one_of("IPv4", "IPv6")},
    ),
    "serviceMonitor": only(**_MONITOR, targetLabels=TEXTS),
    "podMonitor": only(**_MONITOR),
    "scrapeConfig": only(**_SCRAPE, limits=only(**_LIMITS)),
    "podMonitoring": only(**_POD_MONITORING),
    "prometheusRule": only(
        enabled=FLAG,
        namespace=TEXT,
        **_SELECTED,
        runbookUrl=TEXT,
        dashboardUrl=TEXT,
        statusUrl=TEXT,
        job=TEXT,
        additionalRuleLabels=MAP,
        additionalRuleAnnotations=MAP,
        alerts=map_of(ALERT),
        rules={"type": "array", "items": RULE},
    ),
    "dashboards": only(enabled=FLAG, namespace=TEXT, labels=MAP, annotations=MAP),
    "networkPolicy": only(enabled=FLAG, from_=OBJECTS, extraIngress=OBJECTS, extraEgress=OBJECTS),
    "ingress": only(
        enabled=FLAG,
        className=TEXT,
        annotations=MAP,
        labels=MAP,
        hosts={"type": "array", "items": INGRESS_HOST},
        path=PATH,
        pathType=PATH_TYPE,
        tls=OBJECTS,
    ),
    "httpRoute": only(
        enabled=FLAG,
        annotations=MAP,
        labels=MAP,
        parentRefs=OBJECTS,
        hostnames=TEXTS,
        path=PATH,
        matches=OBJECTS,
        filters=OBJECTS,
        httpsRedirect=FLAG,
        additionalRules=OBJECTS,
        rules=OBJECTS,
    ),
}
_HOW_IT_IS_RUN = {
    "nameOverride": TEXT,
    "fullnameOverride": TEXT,
    "namespaceOverride": TEXT,
    "commonLabels": MAP,
    "releaseLabel": FLAG,
    "serviceAccount": only(create=FLAG, name=TEXT, annotations=MAP),
    "automountServiceAccountToken": FLAG,
    "podDisruptionBudget": only(
        enabled=FLAG,
        maxUnavailable=AMOUNT,
        minAvailable=AMOUNT,
        unhealthyPodEvictionPolicy=one_of("IfHealthyBudget", "AlwaysAllow"),
    ),
    "verticalPodAutoscaler": only(
        enabled=FLAG,
        recommenders=OBJECTS,
        controlledResources={"type": "array", "items": one_of("cpu", "memory")},
        controlledValues=one_of("", "RequestsOnly", "RequestsAndLimits"),
        minAllowed=OBJECT,
        maxAllowed=OBJECT,
        updatePolicy=OBJECT,
    ),
    "startupProbe": OBJECT,
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
    "labels": MAP,
    "podAnnotations": MAP,
    "podLabels": MAP,
    "priorityClassName": TEXT,
    "runtimeClassName": TEXT,
    "containerPort": PORT,
    "hostNetwork": FLAG,
    "lifecycle": OBJECT,
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
    "extraManifests": OBJECTS_OR_TEXTS,
}

#: The values that the chart has.
OFFERED = only(**_WHAT_RUNS, **_WHO_SEES_IT, **_HOW_IT_IS_RUN)


def _admit_others(schema: Schema) -> Schema:
    for path in OTHER_CHARTS:
        schema = admit(schema, path.split("."))
    return schema


SCHEMA: Schema = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "title": "Values of the chart seq-exporter",
    **_admit_others(OFFERED),
}
