{{- define "seq-exporter.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "seq-exporter.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride -}}
{{- end -}}

{{- define "seq-exporter.serviceAccountName" -}}
{{- default (ternary (include "seq-exporter.fullname" .) "default" .Values.serviceAccount.create) .Values.serviceAccount.name -}}
{{- end -}}

{{/* Labels that select the pods: they must not change during the life of a release. */}}
{{- define "seq-exporter.selectorLabels" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/*
Labels of an object: the chart's, those of commonLabels, and `labels`. Values may contain templates. All are
one map, so no label occurs twice.
*/}}
{{- define "seq-exporter.labels" -}}
{{- $chart := dict
  "app.kubernetes.io/version" .root.Chart.AppVersion
  "app.kubernetes.io/part-of" .root.Chart.Name
  "app.kubernetes.io/managed-by" .root.Release.Service
  "helm.sh/chart" (printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_") -}}
{{- $selector := include "seq-exporter.selectorLabels" .root | fromYaml -}}
{{- $release := dict -}}
{{- if .root.Values.releaseLabel }}{{ $release = dict "release" .root.Release.Name }}{{ end -}}
{{- $labels := merge (dict) $selector (default dict .labels) (default dict .root.Values.commonLabels) $release $chart -}}
{{- tpl (toYaml $labels) .root -}}
{{- end -}}

{{/*
Metadata of an object. Optional: its `name` or a `suffix` to the usual name, `namespace`, `labels`,
`annotations`. Labels and annotations may contain templates.
*/}}
{{- define "seq-exporter.metadata" -}}
name: {{ default (include "seq-exporter.fullname" .root) .name }}{{ with .suffix }}-{{ . }}{{ end }}
namespace: {{ default (include "seq-exporter.namespace" .root) .namespace }}
labels:
  {{- include "seq-exporter.labels" . | nindent 2 }}
{{- with .annotations }}
annotations:
  {{- tpl (toYaml .) $.root | nindent 2 }}
{{- end }}
{{- end -}}

{{/* The same of an object that another program selects by its labels. */}}
{{- define "seq-exporter.selectedMetadata" -}}
{{- $of := .of -}}
{{- $labels := merge (dict) (default dict $of.additionalLabels) (default dict $of.labels) -}}
{{- include "seq-exporter.metadata" (dict "root" .root "namespace" $of.namespace "labels" $labels "annotations" $of.annotations) -}}
{{- end -}}

{{/* registry/repository@digest, or :tag */}}
{{- define "seq-exporter.image" -}}
{{- $image := .Values.image -}}
{{- with default $image.registry .Values.global.imageRegistry }}{{ . }}/{{ end -}}
{{- $image.repository -}}
{{- if $image.digest }}@{{ $image.digest }}{{ else }}:{{ default .Chart.AppVersion $image.tag }}{{ end -}}
{{- end -}}

{{/* The Secrets of this chart and of a parent chart, which may be names alone. */}}
{{- define "seq-exporter.imagePullSecrets" -}}
{{- range concat (default list .Values.global.imagePullSecrets) (default list .Values.imagePullSecrets) }}
{{ if kindIs "string" . }}{{ list (dict "name" .) | toYaml }}{{ else }}{{ list . | toYaml }}{{ end }}
{{- end -}}
{{- end -}}

{{/* Deployment or StatefulSet */}}
{{- define "seq-exporter.kind" -}}
{{- default (ternary "StatefulSet" "Deployment" (or (gt (int .Values.shards) 1) .Values.persistence.enabled)) .Values.kind -}}
{{- end -}}

{{/* Port that the exporter listens on. */}}
{{- define "seq-exporter.port" -}}
{{- default 10737 .Values.containerPort -}}
{{- end -}}

{{/* "true" if a number or text is given: 0 is, "" and nothing are not. */}}
{{- define "seq-exporter.isGiven" -}}
{{- if or . (eq (toString .) "0") }}true{{ end -}}
{{- end -}}

{{/* HTTP or HTTPS */}}
{{- define "seq-exporter.scheme" -}}
{{- $web := .Values.web -}}
{{- ternary "HTTPS" "HTTP" (or $web.https (not (empty $web.tlsSecret)) (hasKey $web.config "tls_server_config")) -}}
{{- end -}}

{{/* "true" if there is a --web.config.file */}}
{{- define "seq-exporter.hasWebConfig" -}}
{{- if or .Values.web.config .Values.web.existingSecret .Values.web.tlsSecret }}true{{ end -}}
{{- end -}}
