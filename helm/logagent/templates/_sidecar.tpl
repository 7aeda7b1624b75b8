{{/*
Templates that add logagent as a sidecar to any pod. A chart that depends on this one sets `logagent.app.enabled: false` in its
values and includes the templates as below. Each include is given `.Subcharts.logagent`, because the templates read the values
of this chart:

  spec:
    terminationGracePeriodSeconds: {{ .Values.logagent.terminationGracePeriodSeconds }}
    securityContext: {{- include "logagent.podSecurityContext" .Subcharts.logagent | nindent 6 }}
    initContainers: {{- include "logagent.container" .Subcharts.logagent | nindent 6 }}
    volumes: {{- include "logagent.volumes" .Subcharts.logagent | nindent 6 }}

The application's container mounts the volume `logs` where it writes its files.
*/}}

{{- define "logagent.name" -}}
{{ printf "%s-logagent" .Release.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* The group lets the agent read the application's files, whichever user the application runs as. */}}
{{- define "logagent.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "logagent.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* The root file system is read-only, so the volume for the positions must be mounted where the agent writes them. */}}
{{- define "logagent.stateDir" -}}
{{ (.Values.config.state | default dict).dir | default "/var/lib/logagent" }}
{{- end }}

{{/* The values have no default for `paths`: it would stay in effect beside the `inputs` that a user gives. */}}
{{- define "logagent.config" -}}
{{- $config := deepCopy .Values.config }}
{{- if not (or $config.paths $config.inputs) }}
{{- $_ := set $config "paths" (list (printf "%s/*.log" (trimSuffix "/" .Values.logs.mountPath))) }}
{{- end }}
{{- toYaml $config }}
{{- end }}

{{/*
Fails if the kubelet would kill the agent before shutdown.timeout has passed. A value that is not a duration is left to the
agent, which refuses it.
*/}}
{{- define "logagent.checkTimeout" -}}
{{- $timeout := (.Values.config.shutdown | default dict).timeout }}
{{- if kindIs "invalid" $timeout }}{{ $timeout = "25s" }}{{ end }}
{{- if not (kindIs "string" $timeout) }}{{ $timeout = printf "%dms" (int64 $timeout) }}{{ end }}
{{- $units := dict "" 1 "ms" 1 "s" 1000 "m" 60000 "h" 3600000 }}
{{- $unit := $timeout | trim | lower | regexFind "[a-z]*$" }}
{{- $number := $timeout | trim | regexFind "^[0-9]+([.][0-9]+)?" }}
{{- $grace := .Values.terminationGracePeriodSeconds }}
{{- if and $number (hasKey $units $unit) (ge (mulf $number (get $units $unit)) (mulf $grace 1000)) }}
{{- fail (printf "config.shutdown.timeout = %s: give less than terminationGracePeriodSeconds (%v), within which the application has to end too" $timeout $grace) }}
{{- end }}
{{- end }}

{{/* A native sidecar: it starts before the application, is stopped after the application has ended, and no Job waits for it. */}}
{{- define "logagent.container" -}}
{{- include "logagent.checkTimeout" . -}}
- name: logagent
  image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  restartPolicy: Always
  env:
    - name: LOGAGENT_CONFIG
      value: /etc/logagent/logagent.yaml
    - name: POD_NAME
      valueFrom:
        fieldRef:
          fieldPath: metadata.name
    - name: POD_NAMESPACE
      valueFrom:
        fieldRef:
          fieldPath: metadata.namespace
    - name: NODE_NAME
      valueFrom:
        fieldRef:
          fieldPath: spec.nodeName
    - name: LOGAGENT_FIELDS
      value: {{ include "logagent.fields" . | quote }}
  securityContext:
    {{- include "logagent.securityContext" . | nindent 4 }}
  resources:
    {{- toYaml .Values.resources | nindent 4 }}
  volumeMounts:
    - name: logs
      mountPath: {{ .Values.logs.mountPath }}
      readOnly: true
    - name: logagent-state
      mountPath: {{ include "logagent.stateDir" . | quote }}
    - name: logagent-config
      mountPath: /etc/logagent
      readOnly: true
{{- end }}

{{/*
The fields of each record: those from the downward API, until the agent reads pod metadata itself, and those from the values.
The variable replaces the `fields` of the configuration file, so it includes them too.
*/}}
{{- define "logagent.fields" -}}
{{- $all := dict "k8s.namespace.name" "$(POD_NAMESPACE)" "k8s.pod.name" "$(POD_NAME)" "k8s.node.name" "$(NODE_NAME)" }}
{{- range $name, $value := .Values.config.fields }}{{ $_ := set $all $name $value }}{{ end }}
{{- range $name, $value := .Values.fields }}{{ $_ := set $all $name $value }}{{ end }}
{{- $all | toJson }}
{{- end }}

{{- define "logagent.volumes" -}}
- name: logs
  emptyDir:
    sizeLimit: {{ .Values.logs.sizeLimit }}
- name: logagent-state
  emptyDir:
    sizeLimit: {{ .Values.state.sizeLimit }}
- name: logagent-config
  configMap:
    name: {{ include "logagent.name" . }}
{{- end }}
