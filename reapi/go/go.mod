module hactor/reapi

go 1.19
