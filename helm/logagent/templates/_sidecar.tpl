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

{{/* A native sidecar: started before the application, told to stop after it has ended, and a Job doesn't wait for it. */}}
{{- define "logagent.container" -}}
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
      mountPath: /var/lib/logagent
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
