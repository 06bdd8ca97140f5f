module limit

go 1.24
