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

{{- define "seq-exporter.labels" -}}
{{ include "seq-exporter.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: {{ .Chart.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
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
{{- range concat (default list .Values.global.imagePullSecrets) .Values.imagePullSecrets }}
{{ if kindIs "string" . }}{{ list (dict "name" .) | toYaml }}{{ else }}{{ list . | toYaml }}{{ end }}
{{- end -}}
{{- end -}}

{{/* Deployment or StatefulSet */}}
{{- define "seq-exporter.kind" -}}
{{- default (ternary "StatefulSet" "Deployment" (or (gt (int .Values.shards) 1) .Values.persistence.enabled)) .Values.kind -}}
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
