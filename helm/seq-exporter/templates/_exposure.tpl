{{/*
Hosts of the Ingress: [{host: HOST, paths: [{path: /, pathType: Prefix}]}]. Values name them as `helm
create` does, or as plain text: then `path` and `pathType` of the Ingress apply.
*/}}
{{- define "seq-exporter.ingressHosts" -}}
{{- $default := pick .Values.ingress "path" "pathType" -}}
{{- $hosts := list -}}
{{- range .Values.ingress.hosts -}}
{{- $host := ternary (dict "host" .) . (kindIs "string" .) -}}
{{- $paths := list -}}
{{- range default (list dict) $host.paths -}}
{{- $paths = append $paths (merge (dict) (ternary (dict "path" .) . (kindIs "string" .)) $default) -}}
{{- end -}}
{{- $hosts = append $hosts (dict "host" (tpl $host.host $) "paths" $paths) -}}
{{- end -}}
{{- toYaml $hosts -}}
{{- end -}}

{{/* Rules of the HTTPRoute: those of the values, or else what `path`, `matches` and `filters` make. */}}
{{- define "seq-exporter.routeRules" -}}
{{- $route := .Values.httpRoute -}}
{{- $path := trimSuffix "/" $route.path -}}
{{- if $route.rules -}}
{{- toYaml $route.rules -}}
{{- else if $route.httpsRedirect -}}
- filters:
    - type: RequestRedirect
      requestRedirect: {scheme: https, statusCode: 301}
{{- else if $path -}}
# Links on the status page are relative to the folder, so its path must end with a slash.
- matches:
    - path: {type: Exact, value: {{ $path | quote }}}
  filters:
    - type: RequestRedirect
      requestRedirect:
        path: {type: ReplaceFullPath, replaceFullPath: {{ printf "%s/" $path | quote }}}
        statusCode: 302
- matches:
    - path: {type: PathPrefix, value: {{ $path | quote }}}
  filters:
    - type: URLRewrite
      urlRewrite:
        path: {type: ReplacePrefixMatch, replacePrefixMatch: /}
    {{- with $route.filters }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- else -}}
{{- $rule := dict -}}
{{- with $route.matches }}{{ $rule = merge (dict "matches" .) $rule }}{{ end -}}
{{- with $route.filters }}{{ $rule = merge (dict "filters" .) $rule }}{{ end -}}
{{- toYaml (list $rule) -}}
{{- end -}}
{{- end -}}

{{/*
One rule of the HTTPRoute. It leads to the Service, unless it names another backend, or redirects: then it
must have none.
*/}}
{{- define "seq-exporter.routeRule" -}}
{{- $backend := dict "name" (include "seq-exporter.fullname" .root) "port" .root.Values.service.port -}}
{{- $redirects := contains "type: RequestRedirect" (toYaml .rule.filters) -}}
{{- toYaml (ternary .rule (merge (dict) .rule (dict "backendRefs" (list $backend))) $redirects) -}}
{{- end -}}

{{/* Lines for a user: the addresses of the status page through the Ingress and the HTTPRoute. */}}
{{- define "seq-exporter.publicAddresses" -}}
{{- if .Values.ingress.enabled -}}
{{- $secure := list -}}
{{- range tpl (toYaml .Values.ingress.tls) . | fromYamlArray }}{{ $secure = concat $secure (default list .hosts) }}{{ end -}}
{{- range $host := include "seq-exporter.ingressHosts" . | fromYamlArray }}
{{- range .paths }}
  {{ ternary "https" "http" (has $host.host $secure) }}://{{ $host.host }}{{ regexReplaceAll "[(*].*$" .path "" | trimSuffix "/" }}/
{{- end }}
{{- end }}
{{- end }}
{{- with .Values.httpRoute }}
{{- if .enabled }}
{{- $path := trimSuffix "/" .path }}
{{- range tpl (toYaml .hostnames) $ | fromYamlArray }}
  http://{{ . }}{{ $path }}/, or https:// if the Gateway has a certificate
{{- else }}
  http://ADDRESS{{ $path }}/, with the address of the Gateway {{ (first .parentRefs).name }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}
