module synapse.tools/helm-controller

go 1.26.0

require github.com/k3s-io/helm-controller v0.17.7
