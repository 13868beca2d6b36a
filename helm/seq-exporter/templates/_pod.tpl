{{/* The pod of the Deployment and of the StatefulSet. */}}
{{- define "seq-exporter.pod" -}}
{{- $fullname := include "seq-exporter.fullname" . -}}
{{- $given := or .Values.existingConfig.configMap .Values.existingConfig.secret -}}
metadata:
  labels:
    {{- include "seq-exporter.labels" (dict "root" . "labels" .Values.podLabels) | nindent 4 }}
  annotations:
    kubectl.kubernetes.io/default-container: seq-exporter
    {{- if not $given }}
    # A change of the configuration creates a new pod. Keys and certificates are re-read without one.
    checksum/config: {{ include "seq-exporter.config" . | sha256sum }}
    {{- end }}
    {{- with .Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "seq-exporter.serviceAccountName" . }}
  automountServiceAccountToken: {{ default false .Values.automountServiceAccountToken }}
  # Otherwise Kubernetes would add a variable for each Service, and SEQ_EXPORTER_... variables are flags.
  enableServiceLinks: false
  {{- with include "seq-exporter.imagePullSecrets" . | fromYamlArray }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    {{- toYaml .Values.podSecurityContext | nindent 4 }}
  terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
  {{- with .Values.extraInitContainers }}
  initContainers:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: seq-exporter
      image: {{ include "seq-exporter.image" . | quote }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args:
        - serve
        - --config.file=/etc/seq-exporter/config.yaml
        {{- if ne (include "seq-exporter.port" .) "10737" }}
        - --web.listen-address=:{{ include "seq-exporter.port" . }}
        {{- end }}
        {{- if $given }}
        - --config.auto-reload-interval=1m
        {{- end }}
        {{- if include "seq-exporter.hasWebConfig" . }}
        - --web.config.file=/etc/seq-exporter-web/web-config.yaml
        {{- end }}
        {{- if gt (int .Values.shards) 1 }}
        - --shard=$(POD_INDEX)/{{ .Values.shards }}
        - --shard-by={{ .Values.shardBy }}
        {{- end }}
        - --log.level={{ .Values.log.level }}
        - --log.format={{ .Values.log.format }}
        {{- with .Values.extraArgs }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- if or (gt (int .Values.shards) 1) .Values.extraEnv }}
      env:
        {{- if gt (int .Values.shards) 1 }}
        - name: POD_INDEX
          valueFrom:
            fieldRef:
              fieldPath: metadata.labels['apps.kubernetes.io/pod-index']
        {{- end }}
        {{- with .Values.extraEnv }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- end }}
      {{- with .Values.extraEnvFrom }}
      envFrom:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      ports:
        - name: http-metrics
          containerPort: {{ include "seq-exporter.port" . }}
      {{- range $name, $path := dict "startupProbe" "/-/healthy" "livenessProbe" "/-/healthy" "readinessProbe" "/-/ready" }}
      {{- with get $.Values $name }}
      {{ $name }}:
        {{- include "seq-exporter.probe" (dict "root" $ "probe" . "path" $path) | nindent 8 }}
      {{- end }}
      {{- end }}
      {{- with .Values.lifecycle }}
      lifecycle:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .Values.resources }}
      resources:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      securityContext:
        {{- toYaml .Values.securityContext | nindent 8 }}
      volumeMounts:
        - name: settings
          mountPath: /etc/seq-exporter
          readOnly: true
        {{- if include "seq-exporter.hasWebConfig" . }}
        - name: web
          mountPath: /etc/seq-exporter-web
          readOnly: true
        {{- end }}
        {{- if .Values.persistence.enabled }}
        - name: state
          mountPath: /var/lib/seq-exporter
        {{- end }}
        {{- with .Values.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    {{- with .Values.extraContainers }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  volumes:
    - name: settings
      projected:
        # Readable only by the group, which is fsGroup: the volume contains keys.
        defaultMode: 0440
        sources:
          {{- include "seq-exporter.settings" . | nindent 10 }}
    {{- if include "seq-exporter.hasWebConfig" . }}
    - name: web
      projected:
        defaultMode: 0440
        sources:
          - secret:
              name: {{ default (printf "%s-web" $fullname) .Values.web.existingSecret }}
          {{- with .Values.web.tlsSecret }}
          - secret:
              name: {{ . }}
          {{- end }}
    {{- end }}
    {{- with .Values.persistence.existingClaim }}
    - name: state
      persistentVolumeClaim:
        claimName: {{ . }}
    {{- end }}
    {{- with .Values.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .Values.topologySpreadConstraints }}
  topologySpreadConstraints:
    {{- range . }}
    - {{- toYaml (merge (dict) . (dict "labelSelector" (dict "matchLabels" (include "seq-exporter.selectorLabels" $ | fromYaml)))) | nindent 6 }}
    {{- end }}
  {{- end }}
  {{- if .Values.dnsPolicy }}
  dnsPolicy: {{ .Values.dnsPolicy }}
  {{- else if .Values.hostNetwork }}
  dnsPolicy: ClusterFirstWithHostNet
  {{- end }}
  {{- range $key := list "priorityClassName" "runtimeClassName" "nodeSelector" "tolerations" "affinity" "hostNetwork" "hostAliases" "dnsConfig" }}
  {{- with get $.Values $key }}
  {{ $key }}:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- end }}
{{- end -}}

{{/*
A probe of a path, unless the values set another handler. If every client needs a certificate, the kubelet,
which has none, can only check that the port is open.
*/}}
{{- define "seq-exporter.probe" -}}
{{- $tls := default dict .root.Values.web.config.tls_server_config -}}
{{- $handler := dict "httpGet" (dict "path" .path "port" "http-metrics" "scheme" (include "seq-exporter.scheme" .root)) -}}
{{- if has $tls.client_auth_type (list "RequireAnyClientCert" "RequireAndVerifyClientCert") -}}
{{- $handler = dict "tcpSocket" (dict "port" "http-metrics") -}}
{{- end -}}
{{- if or .probe.httpGet .probe.tcpSocket .probe.exec -}}
{{- $handler = dict -}}
{{- end -}}
{{- toYaml (merge (dict) .probe $handler) -}}
{{- end -}}
