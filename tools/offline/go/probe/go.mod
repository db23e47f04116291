module synapse.tools/probe // v1.0.0

go 1.21
