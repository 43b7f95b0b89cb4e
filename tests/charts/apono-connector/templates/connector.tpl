{{- $account := .Values.serviceAccount }}
{{- $image := .Values.image }}
{{- if $account.create }}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ $account.name | default .Release.Name }}
  {{- if $account.awsRoleName }}
  annotations:
    eks.amazonaws.com/role-arn: arn:aws:iam::{{ $account.awsRoleAccountId }}:role/{{ $account.awsRoleName }}
  {{- end }}
---
{{- end }}
apiVersion: v1
kind: Secret
metadata:
  name: apono
stringData:
  token: {{ .Values.apono.token | quote }}
---
apiVersion: v1
kind: Secret
metadata:
  name: apono-connector-id
  annotations:
    helm.sh/resource-policy: keep
data:
  id: {{ .Values.apono.connectorId | b64enc | quote }}
---
{{- if $account.manageClusterRoles }}
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {{ .Release.Name }}
rules:
  - apiGroups: [rbac.authorization.k8s.io]
    resources: [clusterroles, clusterrolebindings, roles, rolebindings]
    verbs: [get, list, create, delete]
---
{{- end }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
spec:
  replicas: {{ .Values.replicaCount }}
  selector:
    matchLabels: {app: {{ .Release.Name }}}
  template:
    metadata:
      labels: {app: {{ .Release.Name }}}
      annotations:
        releaseTime: {{ now | unixEpoch | quote }}
        {{- with .Values.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      serviceAccountName: {{ $account.name | default .Release.Name }}
      containers:
        - name: connector
          image: {{ if hasKey $image "registry" }}{{ $image.registry }}/{{ $image.name }}{{ else }}{{ $image.repository }}{{ end }}:{{ $image.tag | default .Chart.AppVersion }}
          resources: {{ .Values.resources | toJson }}
          env:
            - {name: APONO_URL, value: {{ .Values.apono.url | quote }}}
            - name: APONO_TOKEN
              valueFrom:
                secretKeyRef: {name: apono, key: token}
            - name: APONO_CONNECTOR_ID
              valueFrom:
                secretKeyRef: {name: apono-connector-id, key: id}
        - name: git-sync
          image: {{ .Values.gitSyncImage | quote }}
