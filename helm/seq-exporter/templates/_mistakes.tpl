{{/*
Report values that cannot work, all at once, each with what to change. values.schema.json has already
refused the mistakes that a schema can detect, for instance a misspelt value.
*/}}
{{- define "seq-exporter.refuseMistakes" -}}
{{- $mistakes := include "seq-exporter.nullMistakes" . | fromYamlArray -}}
{{- if not $mistakes -}}
{{- range list "otherCharts" "config" "key" "workload" "exposure" "web" "scrape" -}}
{{- $mistakes = concat $mistakes (include (printf "seq-exporter.%sMistakes" .) $ | fromYamlArray) -}}
{{- end -}}
{{- end -}}
{{- if $mistakes -}}
{{- fail (printf "\n\n  %s\n" (join "\n  " $mistakes)) -}}
{{- end -}}
{{- end -}}

{{/* Values that are null, and that all templates need. */}}
{{- define "seq-exporter.nullMistakes" -}}
{{- $m := list -}}
{{- range $name := list "config" "existingConfig" "apiKeys" "web" "log" "persistence" "image" "global" "serviceAccount" "service" "prometheusRule" "ingress" "httpRoute" "podDisruptionBudget" -}}
{{- if not (hasKey $.Values $name) -}}
{{- $m = append $m (printf "%s: null removes all defaults of the chart; remove it, or set single keys" $name) -}}
{{- end -}}
{{- end -}}
{{- toYaml $m -}}
{{- end -}}

{{/* Values as other charts call them: files/other-charts.yaml. */}}
{{- define "seq-exporter.otherChartsMistakes" -}}
{{- $m := list -}}
{{- range $path, $sentence := .Files.Get "files/other-charts.yaml" | fromYaml -}}
{{- $value := $.Values -}}
{{- range splitList "." $path -}}
{{- $value = ternary (get (default dict $value) .) nil (kindIs "map" $value) -}}
{{- end -}}
{{- if not (has $value (list nil "")) -}}
{{- $m = append $m (printf "%s: %s" $path $sentence) -}}
{{- end -}}
{{- end -}}
{{- toYaml $m -}}
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
{{- if and (hasKey $account "api_key") (not (regexMatch "^\\$\\{[A-Za-z_][A-Za-z0-9_]*\\}$" (default "" $account.api_key))) -}}
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
{{- range $name := list "commonLabels" "podLabels" -}}
{{- range $label := keys (include "seq-exporter.selectorLabels" $ | fromYaml) | sortAlpha -}}
{{- if hasKey (default dict (get $.Values $name)) $label -}}
{{- $m = append $m (printf "%s: the chart selects pods by the label %s, so it can't be changed; remove it" $name $label) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range .Values.extraArgs -}}
{{- if and (hasPrefix "--web.listen-address" .) (ne (include "seq-exporter.port" $) "10737") -}}
{{- $m = append $m "containerPort: extraArgs sets --web.listen-address too; remove that" -}}
{{- end -}}
{{- end -}}
{{- $budget := .Values.podDisruptionBudget -}}
{{- if and $budget.enabled (include "seq-exporter.isGiven" $budget.minAvailable) (include "seq-exporter.isGiven" $budget.maxUnavailable) -}}
{{- $m = append $m "podDisruptionBudget: minAvailable and maxUnavailable are both set; remove one" -}}
{{- end -}}
{{- $autoscaler := default dict .Values.verticalPodAutoscaler -}}
{{- if and $autoscaler.enabled (gt (len (default list $autoscaler.recommenders)) 1) -}}
{{- $m = append $m "verticalPodAutoscaler.recommenders: Kubernetes allows only one; remove the others" -}}
{{- end -}}
{{- toYaml $m -}}
{{- end -}}

{{- define "seq-exporter.exposureMistakes" -}}
{{- $m := list -}}
{{- $service := .Values.service -}}
{{- if and $service.nodePort (eq $service.type "ClusterIP") -}}
{{- $m = append $m "service.nodePort: a Service of type ClusterIP has none; set service.type to NodePort or LoadBalancer, or remove it" -}}
{{- end -}}
{{- range $key := list "loadBalancerIP" "loadBalancerSourceRanges" "loadBalancerClass" -}}
{{- if and (get $service $key) (ne $service.type "LoadBalancer") -}}
{{- $m = append $m (printf "service.%s: a Service of type %s has no load balancer; set service.type to LoadBalancer, or remove it" $key $service.type) -}}
{{- end -}}
{{- end -}}
{{- if and (eq (toString $service.clusterIP) "None") (ne $service.type "ClusterIP") -}}
{{- $m = append $m (printf "service.clusterIP: a Service of type %s needs an address; remove None, or set service.type to ClusterIP" $service.type) -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) -}}
{{- $m = append $m "ingress.hosts: the list is empty; add a host, for instance with --set 'ingress.hosts={seq.example.com}'" -}}
{{- end -}}
{{- $route := .Values.httpRoute -}}
{{- if $route.enabled -}}
{{- if not $route.parentRefs -}}
{{- $m = append $m "httpRoute.parentRefs: the list is empty; add a Gateway, for instance with --set 'httpRoute.parentRefs[0].name=public'" -}}
{{- end -}}
{{- $path := trimSuffix "/" $route.path -}}
{{- if and $path $route.matches -}}
{{- $m = append $m "httpRoute.matches: path is set too, and is a match; remove one" -}}
{{- end -}}
{{- if and $path (regexMatch "type: (URLRewrite|RequestRedirect)" (toYaml $route.filters)) -}}
{{- $m = append $m "httpRoute.filters: path is set too, and already rewrites the URL; remove one" -}}
{{- end -}}
{{- $one := or $path $route.matches $route.filters -}}
{{- if and $route.rules (or $one $route.httpsRedirect) -}}
{{- $m = append $m "httpRoute.rules: these replace path, matches, filters and httpsRedirect; remove those, or rules" -}}
{{- else if and $route.httpsRedirect $one -}}
{{- $m = append $m "httpRoute.httpsRedirect: this replaces path, matches and filters; remove those, or httpsRedirect" -}}
{{- end -}}
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
{{- toYaml $m -}}
{{- end -}}

{{- define "seq-exporter.scrapeMistakes" -}}
{{- $m := list -}}
{{- $namespace := include "seq-exporter.namespace" . -}}
{{- $first := "" -}}
{{- range $name := list "serviceMonitor" "podMonitor" "scrapeConfig" -}}
{{- if (default dict (get $.Values $name)).enabled -}}
{{- if $first -}}
{{- $m = append $m (printf "%s.enabled: with %s.enabled, everything would be scraped twice; disable one" $name $first) -}}
{{- end -}}
{{- $first = default $name $first -}}
{{- end -}}
{{- end -}}
{{- range $name := list "serviceMonitor" "podMonitor" "scrapeConfig" "podMonitoring" -}}
{{- $monitor := default dict (get $.Values $name) -}}
{{- $google := eq $name "podMonitoring" -}}
{{- if $monitor.enabled -}}
{{- if and (eq (include "seq-exporter.scheme" $) "HTTPS") (not $monitor.tlsConfig) -}}
{{- $m = append $m (printf "%s.tlsConfig: scrapes over HTTPS need a certificate authority; set {ca: {secret: {name: NAME, key: ca.crt}}, serverName: NAME}" $name) -}}
{{- end -}}
{{- if and (hasKey $.Values.web.config "basic_auth_users") (not $monitor.basicAuth) -}}
{{- $login := ternary "{username: NAME, password: {secret: {name: SECRET, key: KEY}}}" "{username: {name: SECRET, key: KEY}, password: {name: SECRET, key: KEY}}" $google -}}
{{- $m = append $m (printf "%s.basicAuth: web.config requires a password; set %s" $name $login) -}}
{{- end -}}
{{- $names := $monitor.namespaceSelector -}}
{{- if kindIs "map" $names }}{{ $names = ternary list $names.matchNames (default false $names.any) }}{{ end -}}
{{- if and $names (not (has $namespace $names)) -}}
{{- $m = append $m (printf "%s.namespaceSelector: the exporter's namespace %s is not in the list, so nothing would be scraped; add it, or remove namespaceSelector" $name $namespace) -}}
{{- end -}}
{{- if and $monitor.jobLabel $.Values.prometheusRule.enabled (not $.Values.prometheusRule.job) -}}
{{- $m = append $m (printf "prometheusRule.job: alerts select series by job, which %s.jobLabel changes; set prometheusRule.job to the value of the label %s" $name $monitor.jobLabel) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and (default dict .Values.scrapeConfig).enabled (gt (int .Values.shards) 1) -}}
{{- $m = append $m "scrapeConfig.enabled: a scrape of the Service reaches only one of several shards; use serviceMonitor or podMonitor" -}}
{{- end -}}
{{- toYaml $m -}}
{{- end -}}
