{{/* The endpoint of a ServiceMonitor or PodMonitor, whose values are `monitor`. */}}
{{- define "seq-exporter.endpoint" -}}
{{- $root := .root -}}
port: http-metrics
path: /metrics
scheme: {{ include "seq-exporter.scheme" $root | lower }}
interval: {{ .monitor.interval }}
scrapeTimeout: {{ .monitor.scrapeTimeout }}
{{- with .monitor.tlsConfig }}
tlsConfig:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .monitor.basicAuth }}
basicAuth:
  {{- toYaml . | nindent 2 }}
{{- end }}
relabelings:
  # Without address and pod name, the series stay the same after each restart.
  {{- if eq (include "seq-exporter.kind" $root) "StatefulSet" }}
  - action: replace
    sourceLabels: [__meta_kubernetes_pod_name]
    targetLabel: instance
  {{- else }}
  - action: replace
    replacement: {{ include "seq-exporter.fullname" $root }}
    targetLabel: instance
  {{- end }}
  - action: replace
    replacement: {{ include "seq-exporter.fullname" $root }}
    targetLabel: job
  - action: labeldrop
    regex: pod|container|endpoint
  {{- with .monitor.relabelings }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .monitor.metricRelabelings }}
metricRelabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Metadata of an object that another program selects by its labels. */}}
{{- define "seq-exporter.sought" -}}
name: {{ include "seq-exporter.fullname" .root }}
namespace: {{ default (include "seq-exporter.namespace" .root) .of.namespace }}
labels:
  {{- include "seq-exporter.labels" .root | nindent 2 }}
  {{- with .of.labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}
