apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ .Release.Name }}
  {{- if .Values.serviceAccount.awsRoleName }}
  annotations:
    eks.amazonaws.com/role-arn: arn:aws:iam::{{ .Values.serviceAccount.awsRoleAccountId }}:role/{{ .Values.serviceAccount.awsRoleName }}
  {{- end }}
---
apiVersion: v1
kind: Secret
metadata:
  name: {{ .Release.Name }}
stringData:
  APONO_TOKEN: {{ required "apono.token is needed" .Values.apono.token | quote }}
---
{{- if .Values.serviceAccount.manageClusterRoles }}
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {{ .Release.Name }}
rules:
  - apiGroups: [rbac.authorization.k8s.io]
    resources: [clusterroles, clusterrolebindings, roles, rolebindings]
    verbs: [get, list, create, delete]
{{- end }}
---
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
    spec:
      serviceAccountName: {{ .Release.Name }}
      containers:
        - name: connector
          image: {{ .Values.image.registry }}/{{ .Values.image.name }}:{{ .Values.image.tag }}
          resources: {{ .Values.resources | toJson }}
          env:
            - {name: APONO_CONNECTOR_ID, value: {{ required "apono.connectorId is needed" .Values.apono.connectorId | quote }}}
            - {name: APONO_URL, value: {{ .Values.apono.url | quote }}}
            - name: APONO_TOKEN
              valueFrom:
                secretKeyRef: {name: {{ .Release.Name }}, key: APONO_TOKEN}
