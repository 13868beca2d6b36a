{{/*
Values that cannot work, all at once, each with what to change. What a schema can tell, a misspelt
value for instance, values.schema.json has told before.
*/}}
{{- define "seq-exporter.refuseMistakes" -}}
{{- $mistakes := concat
  (include "seq-exporter.configMistakes" . | fromYamlArray)
  (include "seq-exporter.keyMistakes" . | fromYamlArray)
  (include "seq-exporter.workloadMistakes" . | fromYamlArray)
  (include "seq-exporter.webMistakes" . | fromYamlArray) -}}
{{- if $mistakes -}}
{{- fail (printf "\n\n  %s\n" (join "\n  " $mistakes)) -}}
{{- end -}}
{{- end -}}

{{- define "seq-exporter.configMistakes" -}}
{{- $m := list -}}
{{- $existing := .Values.existingConfig -}}
{{- $accounts := .Values.config.accounts -}}
{{- $given := or $existing.configMap $existing.secret -}}
{{- if and $existing.configMap $existing.secret -}}
{{- $m = append $m "existingConfig: configMap and secret are both set; take one away" -}}
{{- end -}}
{{- if and $given (or $accounts .Values.config.poll) -}}
{{- $m = append $m "config: existingConfig has the whole configuration; take one of the two away" -}}
{{- end -}}
{{- if not (or $given $accounts) -}}
{{- $m = append $m "config.accounts: there is no account; name one, for instance with --set 'config.accounts[0].name=acme'" -}}
{{- end -}}
{{- if and $given .Values.existingSecret -}}
{{- $m = append $m (printf "existingSecret: with existingConfig, name each account: apiKeys.ACCOUNT={secret: %s, key: ACCOUNT}, and in the file api_key_file: keys/ACCOUNT" .Values.existingSecret) -}}
{{- end -}}
{{- $names := list -}}
{{- range $accounts -}}
{{- if has .name $names -}}
{{- $m = append $m (printf "config.accounts: %q is there twice; give each account a name of its own" .name) -}}
{{- end -}}
{{- $names = append $names .name -}}
{{- end -}}
{{- toYaml $m -}}
{{- end -}}

{{- define "seq-exporter.keyMistakes" -}}
{{- $m := list -}}
{{- $keys := .Values.apiKeys -}}
{{- $names := list -}}
{{- range $i, $account := .Values.config.accounts -}}
{{- $place := printf "config.accounts[%d]" $i -}}
{{- $name := $account.name -}}
{{- $names = append $names $name -}}
{{- $own := include "seq-exporter.hasOwnKey" $account -}}
{{- if and (hasKey $account "api_key") (not (regexMatch "^\\$\\{[A-Za-z_][A-Za-z0-9_]*\\}$" $account.api_key)) -}}
{{- $m = append $m (printf "%s.api_key: a key would be there for all to read; put it into a Secret and name that in existingSecret, or write ${NAME} and set NAME in extraEnv" $place) -}}
{{- end -}}
{{- if and $own (hasKey $keys $name) -}}
{{- $m = append $m (printf "%s: its key is in apiKeys.%s too; take one of the two away" $place $name) -}}
{{- end -}}
{{- if not (or $own (hasKey $keys $name) $.Values.existingSecret) -}}
{{- $m = append $m (printf "%s: account %q has no API key; name a Secret that holds it under %q in existingSecret, or another with apiKeys.%s={secret: NAME, key: KEY}" $place $name $name $name) -}}
{{- end -}}
{{- if and $.Values.existingSecret (not $own) (not (hasKey $keys $name)) (not (regexMatch "^[-._A-Za-z0-9]+$" $name)) -}}
{{- $m = append $m (printf "%s: a Secret can't hold a key named %q; set apiKeys.%q={secret: %s, key: KEY}" $place $name $name $.Values.existingSecret) -}}
{{- end -}}
{{- end -}}
{{- range $name, $key := $keys -}}
{{- if and $.Values.config.accounts (not (has $name $names)) -}}
{{- $m = append $m (printf "apiKeys.%s: no account has this name; the accounts are %s" $name (join ", " $names)) -}}
{{- end -}}
{{- if and $.Values.existingSecret (kindIs "string" $key) -}}
{{- $m = append $m (printf "apiKeys.%s: a key itself, and existingSecret is set too; take one of the two away" $name) -}}
{{- end -}}
{{- end -}}
{{- toYaml $m -}}
{{- end -}}

{{- define "seq-exporter.workloadMistakes" -}}
{{- $m := list -}}
{{- $shards := int .Values.shards -}}
{{- $persistence := .Values.persistence -}}
{{- if eq (include "seq-exporter.kind" .) "Deployment" -}}
{{- if gt $shards 1 -}}
{{- $m = append $m (printf "kind: the pods of a Deployment have no number, and can't be %d shards; leave kind empty, or make it StatefulSet" $shards) -}}
{{- end -}}
{{- if $persistence.enabled -}}
{{- $m = append $m "kind: a Deployment has no volume of its own to keep state on; leave kind empty, or make it StatefulSet" -}}
{{- end -}}
{{- end -}}
{{- if and (gt $shards 1) $persistence.existingClaim -}}
{{- $m = append $m "persistence.existingClaim: shards can't share one volume; leave it empty, and each gets its own" -}}
{{- end -}}
{{- if and $persistence.enabled .Values.config.state_dir -}}
{{- $m = append $m "config.state_dir: persistence sets it; take one of the two away" -}}
{{- end -}}
{{- if and $persistence.existingClaim (not $persistence.enabled) -}}
{{- $m = append $m "persistence.existingClaim: set persistence.enabled too" -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) -}}
{{- $m = append $m "ingress.hosts: there is none; name one, for instance with --set 'ingress.hosts={seq.example.com}'" -}}
{{- end -}}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) -}}
{{- $m = append $m "httpRoute.parentRefs: there is none; name a Gateway, for instance with --set 'httpRoute.parentRefs[0].name=public'" -}}
{{- end -}}
{{- toYaml $m -}}
{{- end -}}

{{- define "seq-exporter.webMistakes" -}}
{{- $m := list -}}
{{- $web := .Values.web -}}
{{- if and $web.config $web.existingSecret -}}
{{- $m = append $m "web: config and existingSecret are both set; take one away" -}}
{{- end -}}
{{- if and $web.https (not $web.existingSecret) -}}
{{- $m = append $m "web.https: it is for a file in web.existingSecret; with web.tlsSecret, HTTPS is spoken in any case" -}}
{{- end -}}
{{- if and .Values.serviceMonitor.enabled .Values.podMonitor.enabled -}}
{{- $m = append $m "podMonitor.enabled: with serviceMonitor.enabled, everything would be scraped twice; take one of the two away" -}}
{{- end -}}
{{- range $name := list "serviceMonitor" "podMonitor" -}}
{{- $monitor := get $.Values $name -}}
{{- if $monitor.enabled -}}
{{- if and (eq (include "seq-exporter.scheme" $) "HTTPS") (not $monitor.tlsConfig) -}}
{{- $m = append $m (printf "%s.tlsConfig: scrapes over HTTPS need to know whom to trust; set {ca: {secret: {name: NAME, key: ca.crt}}, serverName: NAME}" $name) -}}
{{- end -}}
{{- if and (hasKey $web.config "basic_auth_users") (not $monitor.basicAuth) -}}
{{- $m = append $m (printf "%s.basicAuth: web.config asks for a password; set {username: {name: SECRET, key: KEY}, password: {name: SECRET, key: KEY}}" $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toYaml $m -}}
{{- end -}}
