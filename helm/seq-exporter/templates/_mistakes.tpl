{{/*
Report values that cannot work, all at once, each with what to change. values.schema.json has already
refused the mistakes that a schema can detect, for instance a misspelt value.
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
{{- $m = append $m "existingConfig: configMap and secret are both set; remove one" -}}
{{- end -}}
{{- if and $given (or $accounts .Values.config.poll) -}}
{{- $m = append $m "config: existingConfig holds the whole configuration; remove config or existingConfig" -}}
{{- end -}}
{{- if not (or $given $accounts) -}}
{{- $m = append $m "config.accounts: the list is empty; add an account, for instance with --set 'config.accounts[0].name=acme'" -}}
{{- end -}}
{{- if and $given .Values.existingSecret -}}
{{- $m = append $m (printf "existingSecret: with existingConfig, name each account: apiKeys.ACCOUNT={secret: %s, key: ACCOUNT}, and in the file api_key_file: keys/ACCOUNT" .Values.existingSecret) -}}
{{- end -}}
{{- $names := list -}}
{{- range $accounts -}}
{{- if has .name $names -}}
{{- $m = append $m (printf "config.accounts: the name %q occurs twice; give each account its own name" .name) -}}
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
{{- $m = append $m (printf "%s.api_key: this key would be readable by anyone who can read the configuration; put it into a Secret and name that in existingSecret, or write ${NAME} and set NAME in extraEnv" $place) -}}
{{- end -}}
{{- if and $own (hasKey $keys $name) -}}
{{- $m = append $m (printf "%s: the account has a key here and in apiKeys.%s; remove one" $place $name) -}}
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
{{- $m = append $m (printf "apiKeys.%s: no account has this name; use one of: %s" $name (join ", " $names)) -}}
{{- end -}}
{{- if and $.Values.existingSecret (kindIs "string" $key) -}}
{{- $m = append $m (printf "apiKeys.%s: the key is given here, and existingSecret is set too; remove one" $name) -}}
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
{{- $m = append $m (printf "kind: the pods of a Deployment have no number, so they can't be %d shards; leave kind empty, or set it to StatefulSet" $shards) -}}
{{- end -}}
{{- if $persistence.enabled -}}
{{- $m = append $m "kind: the pods of a Deployment have no volume of their own for state; leave kind empty, or set it to StatefulSet" -}}
{{- end -}}
{{- end -}}
{{- if and (gt $shards 1) $persistence.existingClaim -}}
{{- $m = append $m "persistence.existingClaim: shards can't share one volume; leave this empty, so each shard gets its own" -}}
{{- end -}}
{{- if and $persistence.enabled .Values.config.state_dir -}}
{{- $m = append $m "config.state_dir: persistence sets this too; remove one" -}}
{{- end -}}
{{- if and $persistence.existingClaim (not $persistence.enabled) -}}
{{- $m = append $m "persistence.existingClaim: set persistence.enabled too" -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) -}}
{{- $m = append $m "ingress.hosts: the list is empty; add a host, for instance with --set 'ingress.hosts={seq.example.com}'" -}}
{{- end -}}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) -}}
{{- $m = append $m "httpRoute.parentRefs: the list is empty; add a Gateway, for instance with --set 'httpRoute.parentRefs[0].name=public'" -}}
{{- end -}}
{{- toYaml $m -}}
{{- end -}}

{{- define "seq-exporter.webMistakes" -}}
{{- $m := list -}}
{{- $web := .Values.web -}}
{{- if and $web.config $web.existingSecret -}}
{{- $m = append $m "web: config and existingSecret are both set; remove one" -}}
{{- end -}}
{{- if and $web.https (not $web.existingSecret) -}}
{{- $m = append $m "web.https: this applies only to a file in web.existingSecret; remove it, and set web.tlsSecret to use HTTPS" -}}
{{- end -}}
{{- if and .Values.serviceMonitor.enabled .Values.podMonitor.enabled -}}
{{- $m = append $m "podMonitor.enabled: with serviceMonitor.enabled, everything would be scraped twice; disable one" -}}
{{- end -}}
{{- range $name := list "serviceMonitor" "podMonitor" -}}
{{- $monitor := get $.Values $name -}}
{{- if $monitor.enabled -}}
{{- if and (eq (include "seq-exporter.scheme" $) "HTTPS") (not $monitor.tlsConfig) -}}
{{- $m = append $m (printf "%s.tlsConfig: scrapes over HTTPS need a certificate authority; set {ca: {secret: {name: NAME, key: ca.crt}}, serverName: NAME}" $name) -}}
{{- end -}}
{{- if and (hasKey $web.config "basic_auth_users") (not $monitor.basicAuth) -}}
{{- $m = append $m (printf "%s.basicAuth: web.config requires a password; set {username: {name: SECRET, key: KEY}, password: {name: SECRET, key: KEY}}" $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toYaml $m -}}
{{- end -}}
