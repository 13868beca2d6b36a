{{/* What a ServiceMonitor or PodMonitor, whose values are `monitor`, selects, and the labels that targets get. */}}
{{- define "seq-exporter.targets" -}}
{{- $namespaces := default (list (include "seq-exporter.namespace" .root)) .monitor.namespaceSelector -}}
namespaceSelector:
  {{- toYaml (ternary $namespaces (dict "matchNames" $namespaces) (kindIs "map" $namespaces)) | nindent 2 }}
selector:
  matchLabels:
    {{- include "seq-exporter.selectorLabels" .root | nindent 4 }}
{{- range $key := list "jobLabel" "targetLabels" "podTargetLabels" }}
{{- with get $.monitor $key }}
{{ $key }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- with .monitor.limits }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The endpoint of a ServiceMonitor or PodMonitor, whose values are `monitor`. */}}
{{- define "seq-exporter.endpoint" -}}
{{- $root := .root -}}
port: http-metrics
path: /metrics
scheme: {{ include "seq-exporter.scheme" $root | lower }}
interval: {{ .monitor.interval }}
scrapeTimeout: {{ .monitor.scrapeTimeout }}
{{- include "seq-exporter.scrape" .monitor }}
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
  {{- if not .monitor.jobLabel }}
  - action: replace
    replacement: {{ include "seq-exporter.fullname" $root }}
    targetLabel: job
  {{- end }}
  - action: labeldrop
    regex: pod|container|endpoint
  {{- with .monitor.relabelings }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{/* Settings of a scrape that the operator calls the same in all its objects. */}}
{{- define "seq-exporter.scrape" -}}
{{- range $key := list "honorLabels" "proxyUrl" "tlsConfig" "basicAuth" "metricRelabelings" }}
{{- with get $ $key }}
{{ $key }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end -}}
