"""Print what Kubernetes and the Prometheus Operator would say against objects, if anything.

Runs in an environment of its own, where kubernetes-validate and the operator's models are:

    python kubernetes.py 1.28.0 1.37.0 < texts.json

texts.json is {name: YAML of objects}. The output is {name: problems, a line each}.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import kubernetes_validate
import yaml
from cloudcoil.models.prometheus_operator import v1, v1alpha1

Object = Mapping[str, Any]

OPERATOR = {"v1": v1, "v1alpha1": v1alpha1}
#: Groups of objects of which nobody has a schema to install: the tests compare them whole.
WITHOUT_SCHEMA = ("gateway.networking.k8s.io", "autoscaling.k8s.io", "monitoring.googleapis.com")


def describe_problems(text: str, versions: list[str]) -> str:
    """Return what is wrong with the objects in the text, a line each."""
    return "".join(
        f"{found['kind']} {found['metadata']['name']}: {problem}\n"
        for found in yaml.load_all(text, yaml.CSafeLoader)
        if found
        for problem in list_problems(found, versions)
    )


def list_problems(found: Object, versions: list[str]) -> Iterator[str]:
    """Yield what is wrong with an object."""
    group, _, version = found["apiVersion"].rpartition("/")
    if group == "monitoring.coreos.com":
        yield from _of_operator(found, version)
    elif group not in WITHOUT_SCHEMA:
        for version in versions:
            try:
                kubernetes_validate.validate(found, version, strict=True)
            except kubernetes_validate.ValidationError as err:
                yield f"{version}: {err}"


def _of_operator(found: Object, version: str) -> Iterator[str]:
    """Compare what the operator understands of an object with what was written."""
    try:
        read = getattr(OPERATOR[version], found["kind"]).model_validate(found)
    except ValueError as err:
        yield str(err)
        return
    understood = read.model_dump(by_alias=True, exclude_unset=True, mode="json")
    yield from _differences(found, understood, found["kind"])


def _differences(written: Any, understood: Any, place: str) -> Iterator[str]:
    if isinstance(written, Mapping) and isinstance(understood, Mapping):
        for key in written.keys() | understood.keys():
            if key in written and key in understood:
                yield from _differences(written[key], understood[key], f"{place}.{key}")
            else:
                yield f"{place}.{key}: unknown"
    elif isinstance(written, list) and isinstance(understood, list):
        for number, (one, other) in enumerate(zip(written, understood, strict=True)):
            yield from _differences(one, other, f"{place}[{number}]")
    elif written != understood:
        yield f"{place}: {written!r} is taken for {understood!r}"


if __name__ == "__main__":
    texts = json.load(sys.stdin)
    json.dump({name: describe_problems(texts[name], sys.argv[1:]) for name in texts}, sys.stdout)
