module synapse.tools/pause // v1.0.0

go 1.21
