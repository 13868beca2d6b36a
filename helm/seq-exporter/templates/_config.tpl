{{/*
Path of an account's API key in the folder of the configuration: keys/acme. If the account's name can't be
a file name, its digest replaces it.
*/}}
{{- define "seq-exporter.keyPath" -}}
keys/{{ ternary . (printf "%.16s" (sha256sum .)) (regexMatch "^[A-Za-z0-9][-._A-Za-z0-9]*$" .) }}
{{- end -}}

{{/* "true" if the configuration of the account contains its key. */}}
{{- define "seq-exporter.hasOwnKey" -}}
{{- if or (hasKey . "api_key") (hasKey . "api_key_file") }}true{{ end -}}
{{- end -}}

{{/* config.yaml, with the path of each account's key. */}}
{{- define "seq-exporter.config" -}}
{{- $accounts := list -}}
{{- range .Values.config.accounts -}}
{{- if include "seq-exporter.hasOwnKey" . -}}
{{- $accounts = append $accounts . -}}
{{- else -}}
{{- $accounts = append $accounts (merge (dict "api_key_file" (include "seq-exporter.keyPath" .name)) .) -}}
{{- end -}}
{{- end -}}
{{- $config := merge (dict "accounts" $accounts) .Values.config -}}
{{- range $key, $value := $config }}{{ if not $value }}{{ $config = omit $config $key }}{{ end }}{{ end -}}
{{- if .Values.persistence.enabled }}{{ $config = merge (dict "state_dir" "/var/lib/seq-exporter") $config }}{{ end -}}
{{- toYaml $config -}}
{{- end -}}

{{/* web-config.yaml, with the certificate of tlsSecret unless the values name another. */}}
{{- define "seq-exporter.webConfig" -}}
{{- $config := .Values.web.config -}}
{{- if .Values.web.tlsSecret -}}
{{- $files := dict "cert_file" "tls.crt" "key_file" "tls.key" -}}
{{- $config = merge (dict "tls_server_config" (merge (dict) (default dict $config.tls_server_config) $files)) $config -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}

{{/* API keys that are given as values, by account: {acme: SG....} */}}
{{- define "seq-exporter.inlineKeys" -}}
{{- $inline := dict -}}
{{- range $account, $key := .Values.apiKeys }}{{ if kindIs "string" $key }}{{ $_ := set $inline $account $key }}{{ end }}{{ end -}}
{{- toYaml $inline -}}
{{- end -}}

{{/*
The volume of /etc/seq-exporter: the configuration and the keys. It is one volume, so they change
together. No file is mounted by subPath, because Kubernetes does not update such files.
*/}}
{{- define "seq-exporter.settings" -}}
{{- $fullname := include "seq-exporter.fullname" . -}}
{{- $existing := .Values.existingConfig -}}
{{- $own := not (or $existing.configMap $existing.secret) -}}
{{- if or $existing.secret (and $own (eq .Values.configKind "Secret")) }}
- secret:
    name: {{ default (printf "%s-config" $fullname) $existing.secret }}
    items: [{key: {{ ternary "config.yaml" $existing.key $own | quote }}, path: config.yaml}]
{{- else }}
- configMap:
    name: {{ default (printf "%s-config" $fullname) $existing.configMap }}
    items: [{key: {{ ternary "config.yaml" $existing.key $own | quote }}, path: config.yaml}]
{{- end }}
{{- range $account, $key := .Values.apiKeys }}
- secret:
    {{- if kindIs "string" $key }}
    name: {{ $fullname }}-keys
    items: [{key: {{ base (include "seq-exporter.keyPath" $account) | quote }}, path: {{ include "seq-exporter.keyPath" $account | quote }}}]
    {{- else }}
    name: {{ $key.secret }}
    items: [{key: {{ default $account $key.key | quote }}, path: {{ include "seq-exporter.keyPath" $account | quote }}}]
    {{- end }}
{{- end }}
{{- range .Values.config.accounts }}
{{- if not (or (include "seq-exporter.hasOwnKey" .) (hasKey $.Values.apiKeys .name)) }}
- secret:
    name: {{ $.Values.existingSecret }}
    items: [{key: {{ .name | quote }}, path: {{ include "seq-exporter.keyPath" .name | quote }}}]
{{- end }}
{{- end }}
{{- end -}}
