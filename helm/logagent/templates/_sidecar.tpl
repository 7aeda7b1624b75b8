{{/*
The pieces that make logagent a sidecar of any pod. In a chart that depends on this one, with `logagent.app.enabled: false`
in its values (what the pieces are made of are this chart's values, so they are given this chart):

  spec:
    terminationGracePeriodSeconds: {{ .Values.logagent.terminationGracePeriodSeconds }}
    securityContext: {{- include "logagent.podSecurityContext" .Subcharts.logagent | nindent 6 }}
    initContainers: {{- include "logagent.container" .Subcharts.logagent | nindent 6 }}
    volumes: {{- include "logagent.volumes" .Subcharts.logagent | nindent 6 }}

with the application's container mounting the volume `logs` where it writes.
*/}}

{{- define "logagent.name" -}}
{{ printf "%s-logagent" .Release.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* The group lets the agent read what the application writes, whoever that runs as. */}}
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

{{/* The root file system is read-only, so the volume for the positions has to be where the agent writes them. */}}
{{- define "logagent.stateDir" -}}
{{ (.Values.config.state | default dict).dir | default "/var/lib/logagent" }}
{{- end }}

{{/* No default of paths is in the values: it would stay beside the inputs that somebody gives. */}}
{{- define "logagent.config" -}}
{{- $config := deepCopy .Values.config }}
{{- if not (or $config.paths $config.inputs) }}
{{- $_ := set $config "paths" (list (printf "%s/*.log" (trimSuffix "/" .Values.logs.mountPath))) }}
{{- end }}
{{- toYaml $config }}
{{- end }}

{{/* Fails where the kubelet would kill the agent before it gives up by itself. What is no duration the agent complains of. */}}
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

{{/* A native sidecar: started before the application, told to stop after it has ended, and a Job doesn't wait for it. */}}
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
What the downward API knows, until the agent reads pod metadata itself, and what the values add. The variable takes the
place of the configuration file's fields, so those are in it too.
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
