module synapse/bench

go 1.21
